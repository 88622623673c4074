; Setup code that enters a Multiboot image. The option ROM of linuxboot.asm loads it like the setup code of Linux, with the image as the kernel,
; the modules as the initial RAM disk and the command line, and jumps to its byte 200h with all data segments at its first byte.
;
; Multiboot Specification 0.6.96, 3.2 (machine state) and 3.3 (boot information). ACPI specification, 15 (INT 15h, E820h).

bits 16
cpu 386
org 0

SETUP   equ 0x9_0000            ; where it is loaded
MAGIC   equ 0x2bad_b002
MAP     equ 0x800               ; memory map: entries of 24 bytes
ENTRIES equ 60

; ---- filled in by the loader
entry:          dd 0            ; 00: entry point, physical
module_count:   dd 0            ; 04
modules_at:     dd 0            ; 08: where the loader placed the modules; the ROM may have moved them
module_list:    dd 0            ; 0c: offset of the module structures
        times 0x10 - ($ - $$) db 0
information:                    ; 10: boot information
flags:          dd 0
mem_lower:      dd 0
mem_upper:      dd 0
boot_device:    dd 0
command_line:   dd 0
mods_count:     dd 0
mods_addr:      dd 0
symbols:        dd 0, 0, 0, 0
mmap_length:    dd 0
mmap_addr:      dd SETUP + MAP
drives:         dd 0, 0
config_table:   dd 0
loader_name:    dd SETUP + name
apm_table:      dd 0
        times 0x80 - ($ - $$) db 0
name    db 'Hotsocket', 0
        align 8, db 0
gdt:    dq 0
        dq 0x00cf_9a00_0000_ffff
        dq 0x00cf_9200_0000_ffff
gdtr:   dw 23
        dd SETUP + gdt
        times 0x200 - ($ - $$) db 0

; ---- entered here, at CS:0 with CS = DS + 20h
        jmp near go
        times 0x218 - ($ - $$) db 0
loaded_at:      dd 0            ; the ROM writes where the modules are
go:
        cli
        cld
        call memory_map
        int 0x12
        and eax, 0xffff
        mov [mem_lower], eax
        call move_modules
        in al, 0x92
        or al, 2
        out 0x92, al
        lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 8:SETUP + enter

; Asks firmware for its map; the memory from 1 MiB on counts as upper memory.
memory_map:
        xor ebx, ebx
        mov di, MAP + 4
.next:
        mov eax, 0xe820
        mov ecx, 20
        mov edx, 0x534d_4150    ; 'SMAP'
        int 0x15
        jc .end
        cmp eax, 0x534d_4150
        jne .end
        mov dword [di - 4], 20
        cmp dword [di], 0x10_0000
        jne .kept
        cmp dword [di + 4], 0
        jne .kept
        mov eax, [di + 8]
        shr eax, 10
        mov [mem_upper], eax
.kept:
        add di, 24
        cmp di, MAP + 4 + 24 * ENTRIES
        jae .end
        test ebx, ebx
        jnz .next
.end:
        sub di, MAP + 4
        movzx edi, di
        mov [mmap_length], edi
        ret

move_modules:
        mov eax, [loaded_at]
        sub eax, [modules_at]
        mov ecx, [module_count]
        mov bx, [module_list]
        jecxz .end
.next:
        add [bx], eax
        add [bx + 4], eax
        add bx, 16
        loop .next
.end:
        ret

bits 32
enter:
        mov eax, 0x10
        mov ds, eax
        mov es, eax
        mov fs, eax
        mov gs, eax
        mov ss, eax
        mov eax, MAGIC
        mov ebx, SETUP + information
        jmp [SETUP + entry]

        times 0x400 - ($ - $$) db 0
