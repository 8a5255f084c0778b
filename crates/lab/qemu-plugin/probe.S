/* A program that executes a known number of instructions, at an address where no
 * other lies: 1 + 2 * 1,000,000, then 3 + 1 for the repeated one, then 3. The
 * repeated one meets a page that is not there yet, and so is counted twice. */
    .globl _start
_start:
    mov $1000000, %ecx
again:
    dec %ecx
    jnz again
    lea room(%rip), %rdi
    mov $50, %ecx
    mov $1, %eax
    rep stosb
    mov $60, %eax
    xor %edi, %edi
    syscall

    .bss
room:
    .skip 50
    .section .note.GNU-stack, "", @progbits
