; Option ROM that boots the Linux kernel described by the fw_cfg device.
;
; A Plug and Play ROM with a bootstrap entry vector (BEV): firmware lists it among the boot devices and calls the vector
; when its turn has come. The vector copies setup code, initrd, kernel and command line to the addresses that fw_cfg
; names and enters the setup code as the boot protocol asks. It uses the DMA interface of fw_cfg when the device offers
; it, otherwise byte input into flat segments left over from protected mode.
;
; Plug and Play BIOS Specification 1.0A, chapter 3 (option ROM header, expansion header, BEV).
; BIOS Boot Specification 1.01, chapter 3. Linux, Documentation/arch/x86/boot.rst, "Running the Kernel".
; tools/images/assemble.mjs fills in the two checksums.

bits 16
cpu 386
org 0

FW_CFG_SELECT   equ 0x510
FW_CFG_DATA     equ 0x511
FW_CFG_DMA_HIGH equ 0x514
FW_CFG_DMA_LOW  equ 0x518

KEY_ID             equ 0x01
KEY_KERNEL_ADDRESS equ 0x07
KEY_KERNEL_SIZE    equ 0x08
KEY_INITRD_ADDRESS equ 0x0a
KEY_INITRD_SIZE    equ 0x0b
KEY_KERNEL_DATA    equ 0x11
KEY_INITRD_DATA    equ 0x12
KEY_CMD_ADDRESS    equ 0x13
KEY_CMD_SIZE       equ 0x14
KEY_CMD_DATA       equ 0x15
KEY_SETUP_ADDRESS  equ 0x16
KEY_SETUP_SIZE     equ 0x17
KEY_SETUP_DATA     equ 0x18

ID_DMA      equ 0x02
DMA_ERROR   equ 0x01
DMA_READ    equ 0x02
DMA_SELECT  equ 0x08

RAMDISK_IMAGE equ 0x218         ; field of the setup header

; ---- option ROM header, 1Ah bytes -------------------------------------------------------------------------------
rom:
        dw 0xaa55
        db (rom_end - rom) / 512
        jmp near init
rom_checksum:
        db 0
        times 0x18 - ($ - rom) db 0
        dw 0                    ; no PCI data structure
        dw pnp                  ; expansion header

; ---- Plug and Play expansion header ------------------------------------------------------------------------------
        align 16, db 0
pnp:
        db '$PnP'
        db 0x01                 ; revision
        db (pnp_end - pnp) / 16
        dw 0                    ; no further header
        db 0
pnp_checksum:
        db 0
        dd 0                    ; device identifier: none
        dw manufacturer
        dw product
        db 0x00, 0x00, 0x00     ; device type: unclassified
        db 0x64                 ; may be shadowed, read cacheable, is an initial program load device
        dw 0                    ; boot connection vector: none, this is no disk
        dw 0                    ; disconnect vector
        dw boot                 ; bootstrap entry vector
        dw 0
        dw 0                    ; static resource information
pnp_end:

manufacturer db 'Hotsocket', 0
product      db 'Linux kernel', 0
no_kernel    db 'linuxboot: fw_cfg holds no kernel', 13, 10, 0
dma_failed   db 'linuxboot: fw_cfg DMA error', 13, 10, 0

; ---- initialisation: nothing to set up, the expansion header says it all ---------------------------------------------
init:
        retf

; ---- bootstrap entry vector -----------------------------------------------------------------------------------------
; State below BP, in the firmware's stack:
%define use_dma     bp - 1      ; byte: the device has DMA
%define setup_at    bp - 8      ; dwords from here on
%define cmd_at      bp - 12
%define initrd_at   bp - 16
%define initrd_size bp - 20
%define descriptor  bp - 36     ; DMA descriptor: control, length, address (64 bits), all big-endian
FRAME equ 36

boot:
        mov bp, sp
        sub sp, FRAME
        cld
        push cs
        pop ds

        mov ax, KEY_ID
        call read_word
        and al, ID_DMA
        mov [use_dma], al

        mov ax, KEY_SETUP_SIZE
        call read_word
        mov si, no_kernel
        test eax, eax
        jz fail

        mov ax, KEY_INITRD_SIZE
        call read_word
        mov [initrd_size], eax
        mov ax, KEY_INITRD_ADDRESS
        call read_word
        mov [initrd_at], eax
        call keep_initrd_in_memory
        ; from here on no interrupt handler may run: it could load ES and end its 4 GiB limit
        cli
        call flat_es

        mov ax, KEY_SETUP_ADDRESS
        call read_word
        mov [setup_at], eax
        mov edi, eax
        mov eax, (KEY_SETUP_DATA << 16) | KEY_SETUP_SIZE
        call load

        mov edi, [initrd_at]
        mov eax, (KEY_INITRD_DATA << 16) | KEY_INITRD_SIZE
        call load

        mov ax, KEY_KERNEL_ADDRESS
        call read_word
        mov edi, eax
        mov eax, (KEY_KERNEL_DATA << 16) | KEY_KERNEL_SIZE
        call load

        mov ax, KEY_CMD_ADDRESS
        call read_word
        mov [cmd_at], eax
        mov edi, eax
        mov eax, (KEY_CMD_DATA << 16) | KEY_CMD_SIZE
        call load

        ; the initrd may lie elsewhere than the header says
        mov ebx, [setup_at]
        mov eax, [initrd_at]
        mov [es:ebx + RAMDISK_IMAGE], eax

; Enters the setup code: DS = ES = FS = GS = SS = its segment, CS = that + 20h, IP = 0, stack below the command line.
        mov eax, [cmd_at]
        sub eax, ebx
        sub eax, 16
        cmp eax, 0xfff0
        jbe .stack_fits
        mov eax, 0xfff0
.stack_fits:
        and al, 0xfc
        shr ebx, 4
        mov ds, bx
        mov es, bx
        mov fs, bx
        mov gs, bx
        mov ss, bx
        movzx esp, ax
        add bx, 0x20
        push bx
        push word 0
        retf

; Says why, then lets the firmware try its next boot device (BIOS Boot Specification: INT 18h).
fail:
        push cs
        pop ds
.next:
        lodsb
        test al, al
        jz .end
        mov ah, 0x0e
        mov bx, 0x0007
        int 0x10
        jmp .next
.end:
        mov sp, bp
        sti
        int 0x18
        retf

; Firmware may keep more of the top of memory than the loader expected: moves the initrd below what INT 15h E801h counts.
keep_initrd_in_memory:
        xor cx, cx
        xor dx, dx
        mov ax, 0xe801
        int 0x15
        jc .done
        test cx, cx
        jnz .have_cx
        test dx, dx
        jnz .have_cx
        mov cx, ax              ; some firmware answers in AX and BX alone
        mov dx, bx
.have_cx:
        movzx eax, dx           ; 64 KiB blocks above 16 MiB
        shl eax, 16
        add eax, 0x1000000
        test dx, dx
        jnz .have_top
        movzx eax, cx           ; KiB between 1 and 16 MiB
        shl eax, 10
        add eax, 0x100000
.have_top:
        mov ecx, [initrd_at]
        add ecx, [initrd_size]
        cmp ecx, eax
        jbe .done
        sub eax, [initrd_size]
        and ax, 0xf000
        mov [initrd_at], eax
.done:
        push cs
        pop ds
        ret

; Leaves ES at base 0 with a limit of 4 GiB: loads it in protected mode, returns to real mode and never loads it again.
flat_es:
        push ebx
        xor ebx, ebx
        mov bx, cs
        shl ebx, 4
        add ebx, gdt
        push ebx                ; GDTR image: 16-bit limit, 32-bit base
        push word gdt_end - gdt - 1
        mov bx, sp
        lgdt [ss:bx]
        add sp, 6
        mov ebx, cr0
        or bl, 1
        mov cr0, ebx
        jmp short .protected
.protected:
        push word 8
        pop es
        and bl, 0xfe
        mov cr0, ebx
        jmp short .real
.real:
        pop ebx
        ret

        align 8, db 0
gdt:
        dq 0
        dq 0x00cf92000000ffff   ; data, base 0, 4 GiB
gdt_end:

; Reads the dword of item AX into EAX.
read_word:
        push dx
        mov dx, FW_CFG_SELECT
        out dx, ax
        mov dx, FW_CFG_DATA
        in al, dx
        mov ah, al
        in al, dx
        xchg al, ah
        ror eax, 16
        in al, dx
        mov ah, al
        in al, dx
        xchg al, ah
        ror eax, 16
        pop dx
        ret

; Copies an item to physical address EDI. EAX: key of its bytes in the upper half, key of its size in the lower.
load:
        mov ebx, eax
        call read_word
        mov ecx, eax
        jecxz .done
        shr ebx, 16
        cmp byte [use_dma], 0
        jne .dma
        mov ax, bx
        mov dx, FW_CFG_SELECT
        out dx, ax
        mov dx, FW_CFG_DATA
        a32 rep insb            ; [ES:EDI]
.done:
        ret

.dma:
        mov eax, ebx
        shl eax, 16
        or al, DMA_SELECT | DMA_READ
        call big_endian
        mov [descriptor], eax
        mov eax, ecx
        call big_endian
        mov [descriptor + 4], eax
        mov dword [descriptor + 8], 0
        mov eax, edi
        call big_endian
        mov [descriptor + 12], eax
        xor eax, eax
        mov dx, FW_CFG_DMA_HIGH
        out dx, eax
        mov ax, ss
        shl eax, 4
        movzx ecx, bp
        lea eax, [eax + ecx - FRAME]
        call big_endian
        mov dx, FW_CFG_DMA_LOW
        out dx, eax
.wait:
        mov eax, [descriptor]
        call big_endian
        test al, DMA_ERROR
        jnz .failed
        test eax, eax
        jnz .wait
        ret
.failed:
        mov si, dma_failed
        jmp fail

; Swaps the bytes of EAX; BSWAP would want a 486.
big_endian:
        xchg al, ah
        ror eax, 16
        xchg al, ah
        ret

        times (512 - ($ - rom) % 512) % 512 db 0
rom_end:
