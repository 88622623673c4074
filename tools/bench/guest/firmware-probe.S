/*
 * A bzImage of setup code only. Its first instructions, in real mode, put a line out on COM1: the firmware and the loader are done.
 * Header: Linux's Documentation/arch/x86/boot.rst, protocol 2.03.
 */
#define COM1 0x3f8

        .code16
        .org 0x1f1
        .byte 1                 /* setup_sects */
        .word 0                 /* root_flags */
        .long 1                 /* syssize, 16-byte units */
        .word 0, 0, 0
        .word 0xaa55            /* boot_flag */
        .byte 0xeb, setup - 0x202 /* jmp setup */
        .ascii "HdrS"
        .word 0x203             /* version */
        .long 0                 /* realmode_swtch */
        .word 0, 0              /* start_sys_seg, kernel_version */
        .byte 0                 /* type_of_loader */
        .byte 1                 /* loadflags: LOADED_HIGH */
        .word 0                 /* setup_move_size */
        .long 0x100000          /* code32_start */
        .long 0, 0              /* ramdisk_image, ramdisk_size */
        .long 0                 /* bootsect_kludge */
        .word 0                 /* heap_end_ptr */
        .byte 0, 0
        .long 0                 /* cmd_line_ptr */
        .long 0x37ffffff        /* initrd_addr_max */
setup:
        mov $COM1, %dx
        mov $line - 0x200, %si
put:
        lodsb %cs:(%si), %al
        test %al, %al
        jz halt
        out %al, %dx
        jmp put
halt:
        cli
        hlt
        jmp halt
line:   .asciz "\r\n@firmware-done\r\n"

        .org 0x400
        .fill 16, 1, 0xf4       /* the protected mode part: never run */
