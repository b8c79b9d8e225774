// SPDX-License-Identifier: Apache-2.0
// From the reset vector to C, and the entry points of the interrupts.
// A PC starts in real mode at 0xfffffff0, which is the last 16 bytes of this ROM (Intel SDM vol. 3, "First Instruction Executed").

	.section .reset, "ax"
	.code16
	.globl reset
reset:	jmp real_mode

	.section .text16, "ax"
real_mode:
	cli
	lgdtl %cs:gdt_pointer		// CS is the only segment whose base reaches the ROM
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $CODE, $protected_mode

	.text
	.code32
protected_mode:
	mov $DATA, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %fs
	mov %ax, %gs
	mov %ax, %ss
	mov $bss_start, %edi		// RAM is not cleared by a warm reset
	mov $bss_end, %ecx
	sub %edi, %ecx
	xor %eax, %eax
	cld
	rep stosb
	mov $stack_top, %esp
	call main
1:	hlt
	jmp 1b

	.globl device_entry, tick_entry, spurious_entry, exception_entries
device_entry:
	pusha
	cld
	call irq_device
	popa
	iret

tick_entry:
	pusha
	cld
	call irq_tick
	popa
	iret

spurious_entry:				// needs no end-of-interrupt (Intel SDM vol. 3, "Spurious Interrupt")
	iret

// The 32 processor exceptions: each entry is 8 bytes long and leaves its number for irq_exception().
	.balign 8
exception_entries:
	.set number, 0
	.rept 32
	.balign 8
	push $number
	jmp 1f
	.set number, number + 1
	.endr
1:	call irq_exception		// does not return

	.section .rodata
	.set CODE, 8
	.set DATA, 16
	.balign 8
gdt:	.quad 0
	.quad 0x00cf9b000000ffff	// flat 4 GiB code
	.quad 0x00cf93000000ffff	// flat 4 GiB data
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.bss
	.balign 16
	.skip 16384
stack_top:

	.section .note.GNU-stack, "", @progbits
