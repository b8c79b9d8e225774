// SPDX-License-Identifier: Apache-2.0
#include "console.h"
#include "io.h"
#include <stdarg.h>

// National Semiconductor 16550, registers as offsets from COM1.
#define COM1 0x3f8
#define DATA COM1
#define LINE_STATUS (COM1 + 5)
#define DATA_READY 0x01u
#define TRANSMITTER_EMPTY 0x20u

static void put(char c)
{
	// Bounded: with nobody reading at the other end the line may be lost, but the tests go on.
	for (unsigned i = 0; i < 10000 && !(in8(LINE_STATUS) & TRANSMITTER_EMPTY); i++)
		;
	out8(DATA, (uint8_t)c);
}

struct output {
	char *at, *end; // without memory: the serial line
};

static void emit(struct output *out, char c)
{
	if (!out->at)
		put(c);
	else if (out->at < out->end)
		*out->at++ = c;
}

static void emit_number(struct output *out, uint32_t value, unsigned base, unsigned width)
{
	char digits[10];
	unsigned count = 0;
	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value || count < width);
	while (count)
		emit(out, digits[--count]);
}

static void format_to(struct output *out, const char *format, va_list args)
{
	for (; *format; format++) {
		if (*format != '%') {
			emit(out, *format);
			continue;
		}
		unsigned width = 0;
		while (*++format >= '0' && *format <= '9')
			width = width * 10 + (unsigned)(*format - '0');
		if (*format == 's') {
			for (const char *s = va_arg(args, const char *); *s; s++)
				emit(out, *s);
		} else if (*format == 'c') {
			emit(out, (char)va_arg(args, int));
		} else {
			emit_number(out, va_arg(args, uint32_t), *format == 'x' ? 16 : 10, width);
		}
	}
}

void say(const char *format, ...)
{
	struct output line = {0};
	va_list args;
	va_start(args, format);
	for (const char *s = "guest: "; *s; s++)
		put(*s);
	format_to(&line, format, args);
	put('\n');
	va_end(args);
}

void text(char *to, unsigned size, const char *format, ...)
{
	struct output out = {to, to + size - 1};
	va_list args;
	va_start(args, format);
	format_to(&out, format, args);
	*out.at = 0;
	va_end(args);
}

char console_read(void)
{
	uint8_t status = in8(LINE_STATUS);
	return status != ABSENT8 && status & DATA_READY ? (char)in8(DATA) : 0;
}
