; Demo guest: a 64 KiB ROM with a small 32-bit kernel that starts every CPU it finds and every CPU added later.
;
; There is no other firmware. The reset vector enters flat protected mode and copies the kernel to RAM; the kernel takes
; the ACPI tables from fw_cfg (etc/table-loader), enables ACPI, and waits for the general purpose event of CPU hot-plug.
;
; ROM: kernel at offset 0, reset code at FE00h, reset vector at FFF0h.

cpu 586

ROM_BASE      equ 0xffff0000    ; where a 64 KiB ROM ends at 4 GiB
KERNEL_BASE   equ 0x00100000
STACKS        equ 0x00200000    ; 4 KiB for each of 256 APIC ids
STACK_BYTES   equ 4096
HEAP          equ 0x00300000    ; ACPI tables
KERNEL_BYTES  equ 0xfe00        ; everything below the reset code
MEMORY_NEEDED equ 8             ; MiB
TRAMPOLINE    equ 0x8000        ; real-mode entry of the other CPUs, vector 08h

CODE_SELECTOR equ 0x08
DATA_SELECTOR equ 0x10

section .text       start=0 vstart=KERNEL_BASE
section .rodata     follows=.text vfollows=.text align=16 valign=16
section .data       follows=.rodata vfollows=.rodata align=16 valign=16
section .trampoline follows=.data vstart=TRAMPOLINE align=16
section .bss        nobits start=0x110000
section .boot       start=KERNEL_BYTES vstart=KERNEL_BYTES

section .bss
bss_start:

; print `format`, argument ...   %d decimal, %x hexadecimal, %b two hexadecimal digits, %s string; keeps all registers.
%macro print 1-*
        %rep %0 - 1
                %rotate -1
        push dword %1
        %endrep
        %rotate -1
        [section .rodata]
%%text: db %1, 0
        __SECT__
        push dword %%text
        call printf
        lea esp, [esp + 4 * %0]
%endmacro

; ---- kernel entry: everything below STACKS is free, interrupts are off -----------------------------------------------
section .text
bits 32
kernel:
        mov edi, bss_start
        mov ecx, (bss_end - bss_start + 3) / 4
        xor eax, eax
        rep stosd

        mov esp, STACKS + STACK_BYTES   ; until the APIC id is known
        call initial_apic_id
        mov [boot_apic_id], eax
        inc eax
        shl eax, 12
        lea esp, [STACKS + eax]

        lgdt [gdt_register]
        jmp CODE_SELECTOR:.segments
.segments:
        call load_data_segments
        call console_init
        print `\nHotsocket demo guest: one kernel, any number of CPUs\n`
        call report_memory
        call interrupts_init
        call fw_cfg_find
        call power_management_init      ; a machine may make its FADT from the address that is set
        call acpi_load
        call acpi_report
        mov eax, [pm1_event]
        cmp eax, [decoded]
        je .decoded
        call power_management_init      ; the tables want it elsewhere
.decoded:
        call apic_init
        call timer_calibrate
        call acpi_enable
        mov byte [scan_wanted], 1       ; CPUs that were there from the start
        print `ready: waiting for CPUs; keys: s status, p progress, i interrupt all, r reset, q power off\n`

; ---- main loop of the boot processor ---------------------------------------------------------------------------------
main:
        cli
        cmp byte [power_wanted], 0
        jne power_off
        cmp byte [scan_wanted], 0
        jne .scan
        mov al, [keys_read]
        cmp al, [keys_written]
        jne .key
        sti                             ; HLT is reached before an interrupt can be
        hlt
        jmp main
.scan:
        mov byte [scan_wanted], 0
        sti
        call scan_bitmap
        jmp main
.key:
        movzx ebx, byte [keys_read]
        and ebx, KEYS - 1
        mov al, [keys + ebx]
        inc byte [keys_read]
        sti
        call run_command
        jmp main

; ---- commands --------------------------------------------------------------------------------------------------------
run_command:
        cmp al, 's'
        je report_status
        cmp al, 'p'
        je toggle_progress
        cmp al, 'i'
        je interrupt_all
        cmp al, 'r'
        je reset_machine
        cmp al, 'q'
        je power_off
        ret

toggle_progress:
        xor byte [progress], 1
        movzx eax, byte [progress]
        print `progress lines: %d\n`, eax
        ret

report_status:
        xor ebx, ebx                    ; CPU number
.next:
        cmp ebx, [cpu_count]
        je .sum
        mov esi, [apic_of_cpu + ebx * 4]
        print `  CPU %d: apic id %d, work %d\n`, ebx, esi, dword [work + esi * 4]
        inc ebx
        jmp .next
.sum:
        print `  %d CPUs online, shared counter %d\n`, dword [cpu_count], dword [shared_counter]
        ret

report_memory:
        mov al, 0x34                    ; 64 KiB blocks above 16 MiB
        call cmos_word
        test eax, eax
        jz .small
        shr eax, 4
        add eax, 16
        jmp .have
.small:
        mov al, 0x30                    ; KiB above 1 MiB
        call cmos_word
        shr eax, 10
        inc eax
.have:
        print `memory: %d MiB below 4 GiB\n`, eax
        cmp eax, MEMORY_NEEDED
        jae .enough
        print `too little: %d MiB are needed\n`, MEMORY_NEEDED
        jmp halt_for_ever
.enough:
        ret

; Word at CMOS index AL and the next one, in EAX.
cmos_word:
        mov ah, al
        inc al
        out 0x70, al
        in al, 0x71
        xchg al, ah
        out 0x70, al
        in al, 0x71
        movzx eax, ax
        ret

; The initial APIC id, in EAX: CPUID leaf 1, EBX[31:24].
initial_apic_id:
        push ebx
        push ecx
        push edx
        mov eax, 1
        cpuid
        mov eax, ebx
        shr eax, 24
        pop edx
        pop ecx
        pop ebx
        ret

load_data_segments:
        mov ax, DATA_SELECTOR
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        ret

halt_for_ever:
        cli
        hlt
        jmp halt_for_ever

%include "console.inc"
%include "fw-cfg.inc"
%include "acpi.inc"
%include "interrupts.inc"
%include "smp.inc"

section .data
gdt:
        dq 0
        dq 0x00cf9a000000ffff   ; code, base 0, 4 GiB
        dq 0x00cf92000000ffff   ; data, base 0, 4 GiB
gdt_end:
gdt_register:
        dw gdt_end - gdt - 1
        dd gdt
progress db 1

section .bss
        alignb 4
boot_apic_id   resd 1
scan_wanted    resb 1
power_wanted   resb 1
KEYS           equ 16
keys_read      resb 1
keys_written   resb 1
keys           resb KEYS

; ---- reset: CS base FFFF0000h, so offsets are those of the ROM ------------------------------------------------------------
section .boot
bits 16
reset:
        cli
        cld
        o32 lgdt [cs:rom_gdt_register]
        mov eax, cr0
        and eax, 0x9fffffff             ; caches on
        or al, 1
        mov cr0, eax
        jmp dword CODE_SELECTOR:ROM_BASE + protected

bits 32
protected:
        mov ax, DATA_SELECTOR
        mov ds, ax
        mov es, ax
        mov ss, ax
        in al, 0x92                     ; A20 on, no reset
        or al, 0x02
        and al, 0xfe
        out 0x92, al
        mov esi, ROM_BASE
        mov edi, KERNEL_BASE
        mov ecx, KERNEL_BYTES / 4
        rep movsd
        mov eax, KERNEL_BASE
        jmp eax

        align 8, db 0
rom_gdt:
        dq 0
        dq 0x00cf9a000000ffff
        dq 0x00cf92000000ffff
rom_gdt_end:
rom_gdt_register:
        dw rom_gdt_end - rom_gdt - 1
        dd ROM_BASE + rom_gdt

        times 0x1f0 - ($ - $$) db 0
reset_vector:
bits 16
        jmp near reset
        times 0x200 - ($ - $$) db 0

section .bss
bss_end:
