// SPDX-License-Identifier: Apache-2.0
// The serial line COM1: the report goes out, one-letter commands come in.
#pragma once

// Prints one line, "guest: " and the text. Formats: %s, %c, %u, %x, and %x with a width, padded with zeros (%08x).
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The same, for text and size as snprintf would.
void text(char *to, unsigned size, const char *format, ...) __attribute__((format(printf, 3, 4)));

// The next command letter, or 0 when there is none.
char console_read(void);
