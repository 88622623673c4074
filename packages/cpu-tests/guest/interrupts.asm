; Firmware for two CPUs, which send each other NMIs and wait in loops without PAUSE. It ends by the debug exit device with status 21h.
;
; Memory: 500h the second CPU runs, 504h NMIs that it took, 508h its loops, 50ch NMIs that the first CPU took, 510h what went wrong.

bits 16
cpu 686
org 0

APIC    equ 0xfee0_0000
ROUNDS  equ 1000

start:
        cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7000
        mov word [2 * 4], nmi
        mov word [2 * 4 + 2], 0xf000
        lgdt [cs:gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov bx, 8
        mov es, bx
        and al, 0xfe
        mov cr0, eax
        mov edi, APIC
        mov dword [es:edi + 0xf0], 0x1ff
        mov ecx, 0x1b
        rdmsr
        test ah, 1
        jz second

        mov dword [es:edi + 0x310], 0x0100_0000
        mov dword [es:edi + 0x300], 0x4500
        mov dword [es:edi + 0x300], 0x46ff
.starts:
        cmp byte [0x500], 0
        je .starts

; Rounds of one NMI: sent, and waited for until it is taken.
        xor esi, esi
.round:
        mov ecx, [0x504]
        mov dword [es:edi + 0x300], 0x4400
.taken:
        cmp [0x504], ecx
        je .taken
        inc esi
        cmp esi, ROUNDS
        jb .round

; The second CPU sends an NMI in the same moment as the first one sends itself one: both are taken.
        mov byte [0x500], 2
        mov dword [es:edi + 0x310], 0
        mov dword [es:edi + 0x300], 0x4400
.answered:
        cmp byte [0x500], 3
        jne .answered
        mov al, [0x50c]
        add al, '0'
        out 0xe9, al
        mov al, 0x10
        out 0xf4, al
        hlt

second:
        mov sp, 0x6000
        mov byte [0x500], 1
.count:
        inc dword [0x508]
        cmp byte [0x500], 2
        jne .count
        mov dword [es:edi + 0x310], 0
        mov dword [es:edi + 0x300], 0x4400
        mov byte [0x500], 3
.rest:
        jmp .rest

nmi:
        push eax
        push ecx
        push edx
        mov ecx, 0x1b
        rdmsr
        test ah, 1
        jnz .first
        inc dword [0x504]
        jmp .done
.first:
        inc dword [0x50c]
.done:
        pop edx
        pop ecx
        pop eax
        iret

        align 8, db 0
gdt:    dq 0
        dq 0x00cf_9200_0000_ffff
gdtr:   dw 15
        dd 0xf_0000 + gdt

        times 0xf000 - ($ - $$) db 0
        jmp 0xf000:start
        times 0xfff0 - ($ - $$) db 0
        jmp 0xf000:start
        times 0x1_0000 - ($ - $$) db 0
