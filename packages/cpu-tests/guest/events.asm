; Real-address mode, interrupt shadows, NMI, single step, breakpoints, A20, 16-bit protected mode (SDM volume 3, chapters 6, 17, 20).
%include "common.inc"
%macro real_vector 1
  mov word [4 * (%1)], real_handler_%1
  mov word [4 * (%1) + 2], 0
%endmacro
%macro real_handler 1
real_handler_%1:
  push ax
  mov al, '#'
  out LINE, al
  mov al, '0' + (%1) / 10
  out LINE, al
  mov al, '0' + (%1) % 10
  out LINE, al
  pop ax
  jmp real_common
%endmacro
%macro try16 1+
  mov word [resume], %%after
  mov word [resume_sp], sp
  mov word [fault_at], %%at
  say ' '
%%at:
  %1
  say 'ok'
%%after:
%endmacro
main:
%assign n 0
%rep 18
  real_vector n
%assign n n + 1
%endrep
  jmp real_tests
%assign n 0
%rep 18
  real_handler n
%assign n n + 1
%endrep
real_common:            ; IP CS FLAGS
  xor ax, ax
  mov ds, ax
  mov bp, sp
  mov ax, [ss:bp]
  mov ss, [cs:real_zero]
  mov sp, [resume_sp]
  sub ax, [fault_at]
  jz .at
  say '+'
  call hex16
.at:
  mov es, [cs:real_zero]
  sti
  cli
  jmp [resume]
real_zero: dw 0
real_tests:
  case 'real mode, limits of segments: word at ffff, dword at fffd, 32-bit offset, stack, jump'
  mov bx, 0xffff
  try16 mov ax, [bx]
  try16 mov al, [bx]
  mov bx, 0xfffd
  try16 mov eax, [bx]
  mov ebx, 0x10000
  try16 mov al, [ebx]
  mov bp, 0xffff
  try16 mov ax, [bp]
  case 'real mode, push with sp 1, 2; pop with sp ffff; pusha with sp 7'
%macro with_sp 2+
  mov word [resume], %%after
  mov word [resume_sp], sp
  mov word [fault_at], %%at
  say ' '
  mov cx, sp
  mov dx, 0x5000
  mov ss, dx
  mov sp, %1
%%at:
  %2
  mov ax, sp
  xor dx, dx
  mov ss, dx
  mov sp, cx
  call hex16
%%after:
%endmacro
  with_sp 2, push ax
  with_sp 0, push ax
  with_sp 0xfffe, pop ax
  with_sp 0, pusha
  with_sp 0, push eax
  case 'real mode, divide, bound, into, invalid, int3, int1'
  xor cx, cx
  try16 div cx
  mov word [scratch], 1
  mov word [scratch + 2], 2
  mov ax, 3
  try16 bound ax, [scratch]
  mov al, 0x7f
  add al, 1
  try16 into
  try16 ud2
  try16 int3
  try16 db 0xf1
  try16 lldt ax
  try16 str ax
  try16 lar ax, ax
  try16 arpl ax, ax
  try16 sysenter
  case 'real mode, long instruction, lock, mov cs'
  try16 db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
  try16 db 0xf0, 0x90
  try16 db 0x8e, 0xc8
  case 'real mode, pushf, popf: iopl and nt stay; 32-bit too'
  push word 0x7202
  popf
  pushf
  pop ax
  cli
  show ax
  o32 push dword 0x3f7a02
  o32 popf
  o32 pushf
  pop eax
  cli
  call hexd16
  push word 2
  popf
  case 'real mode, idt limit'
  lidt [.short]
  mov word [resume], .after_short
  lidt [.full]
  jmp .after_short
.short: dw 0x3ff
  dd 0
.full: dw 0x3ff
  dd 0
.after_short:
  case 'real mode, smsw, lmsw, cr0 through it'
  smsw ax
  show ax
  mov eax, cr0
  call hexd16
  case 'real mode, sgdt'
  lgdt [.full]
  sgdt [scratch]
  show word [scratch]
  case 'a20: closed, open'
  mov ax, 0xffff
  mov es, ax
  mov byte [0x600], 0x11
  mov byte [es:0x610], 0x22
  mov al, [0x600]
  call hex16
  in al, 0x92
  and al, ~2
  out 0x92, al
  mov byte [es:0x610], 0x33
  mov al, [0x600]
  call hex16
  in al, 0x92
  or al, 2
  out 0x92, al
  mov al, [es:0x610]
  call hex16
  xor ax, ax
  mov es, ax
  case 'unreal: limits and bases stay after pe'
  cli
  lgdt [gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp .pe
.pe:
  mov ax, DATA0
  mov fs, ax
  mov eax, cr0
  and al, ~1
  mov cr0, eax
  jmp 0:.real
.real:
  mov ebx, 0x20000
  mov dword [fs:ebx], 0x12345678
  mov eax, [fs:ebx]
  call hexd16
  xor ax, ax
  mov fs, ax
  try16 mov al, [fs:ebx]

  mov eax, protected
  jmp to_protected
%include "protected.inc"
bits 32
APIC equ 0xfee0_0000
; Interrupts of our own through the local APIC's command register.
%macro self 1           ; low half of the command
  mov dword [APIC + 0x310], 0
  mov dword [APIC + 0x300], %1
%endmacro
%macro eoi 0
  mov dword [APIC + 0xb0], 0
%endmacro
irq_50:                 ; tells after which instruction it came
  push eax
  mov eax, [esp + 4]
  sub eax, [fault_at]
  say ' irq+'
  call hexb32
  eoi
  pop eax
  iretd
nmi_handler:
  push eax
  mov eax, [esp + 4]
  sub eax, [fault_at]
  say ' nmi+'
  call hexb32
  inc dword [nmis]
  cmp dword [nmis], 1
  jne .end
  cmp byte [nested], 0
  je .end
  self 0x4400           ; a second one, held until IRET
  nop
  nop
  say ' held'
  cmp byte [nested], 2
  jne .end
  mov dword [fault_at], .here
.here:
  xor eax, eax
  div eax
.end:
  pop eax
  iretd
nmis: dd 0
nested: db 0
debug_handler:          ; EIP from the start of the test, DR6
  push eax
  push ebx
  mov eax, [esp + 8]
  sub eax, [fault_at]
  say ' db+'
  call hexb32
  mov eax, dr6
  say '/'
  push ecx
  mov ecx, 4
  shl eax, 16
  call hexn32
  pop ecx
  mov eax, 0
  mov dr6, eax
  test byte [esp + 17], 1
  jz .no_rf
  or dword [esp + 16], 0
.no_rf:
  cmp byte [set_rf], 0
  je .end
  or dword [esp + 16], 0x10000
.end:
  pop ebx
  pop eax
  iretd
set_rf: db 0
skip_fault:             ; a divide error: go on 2 bytes later
  add dword [esp], 2
  iretd
protected:
  mov dword [APIC + 0xf0], 0x1ff
  mov dword [APIC + 0x80], 0
  idt_gate 0x50, CODE0, irq_50, 0x8e
  idt_gate 2, CODE0, nmi_handler, 0x8e
  idt_gate 1, CODE0, debug_handler, 0x8e
%macro at 0
%%here:
  mov dword [fault_at], %%next
%%next:
%endmacro
  case 'sti holds off one instruction'
  cli
  self 0x4050
  mov dword [fault_at], .sti
.sti:
  sti
  inc eax
  inc eax
  cli
  case 'sti when already set'
  sti
  mov dword [fault_at], .sti2
  cli
  self 0x4050
.sti2:
  sti
  sti
  inc eax
  cli
  case 'sti, cli: nothing comes'
  self 0x4050
  mov dword [fault_at], .sti3
.sti3:
  sti
  cli
  nop
  say ' none'
  sti
  nop
  cli
  case 'mov ss, pop ss, lss hold off, lds does not'
  mov ecx, ss
  self 0x4050
  mov dword [fault_at], .ss1
.ss1:
  sti
  mov ss, ecx
  mov ss, ecx
  inc eax
  inc eax
  cli
  push ss
  self 0x4050
  mov dword [fault_at], .ss2
  sti
.ss2:
  pop ss
  inc eax
  inc eax
  cli
  case 'popf sets if: comes at once'
  self 0x4050
  push dword 0x202
  mov dword [fault_at], .popf
.popf:
  popfd
  inc eax
  cli
  case 'iret sets if: comes at once'
  self 0x4050
  push dword 0x202
  push cs
  push dword .iret_to
  mov dword [fault_at], .iret_to
  iretd
.iret_to:
  inc eax
  cli
  case 'sti, hlt: wakes after hlt'
  self 0x4050
  mov dword [fault_at], .hlt
.hlt:
  sti
  hlt
  cli
  case 'nmi: comes with if clear; a second waits for iret'
  mov dword [nmis], 0
  mov byte [nested], 1
  mov dword [fault_at], .nmi1
.nmi1:
  self 0x4400
  nop
  nop
  show dword [nmis]
  case 'nmi: iret of an exception inside ends the block'
  idt_gate 0, CODE0, skip_fault, 0x8e
  mov dword [nmis], 0
  mov byte [nested], 2
  mov dword [fault_at], .nmi2
.nmi2:
  self 0x4400
  nop
  nop
  show dword [nmis]
  mov byte [nested], 0
  case 'tf: after each instruction, not after mov ss, pop ss'
  mov ecx, ss
  push dword 0x102
  mov dword [fault_at], .tf1
  popfd
.tf1:
  nop
  mov ss, ecx
  nop
  push ss
  pop ss
  nop
  pushfd
  and dword [esp], ~0x100
  popfd
  nop
  case 'tf: int n, iret, rep, hlt-less sti'
  mov dword [IDT + 8 * 0x51], (CODE0 << 16) | offset(plain_iret)
  mov dword [IDT + 8 * 0x51 + 4], 0x8e00
  mov edi, 0x20000
  mov ecx, 3
  cld
  push dword 0x102
  mov dword [fault_at], .tf2
  popfd
.tf2:
  int 0x51
  nop
  rep stosb
  nop
  pushfd
  and dword [esp], ~0x100
  popfd
  nop
  case 'tf and a fault: the fault comes, no trap'
  xor eax, eax
  push dword 0x102
  mov dword [fault_at], .tf3
  popfd
.tf3:
  div eax
  nop
  pushfd
  and dword [esp], ~0x100
  popfd
  case 'tf over syscall-like far jump, call, ret'
  push dword 0x102
  mov dword [fault_at], .tf4
  popfd
.tf4:
  jmp CODE0:.tf5
.tf5:
  call .tf6
  jmp .tf7
.tf6:
  ret
.tf7:
  pushfd
  and dword [esp], ~0x100
  popfd
  nop
  case 'icebp'
  try db 0xf1
  case 'code breakpoint: fault before, rf lets it pass'
  mov byte [set_rf], 1
  mov eax, .code_bp
  mov dr0, eax
  mov eax, 0x402
  mov dr7, eax
  mov dword [fault_at], .code_bp
  nop
.code_bp:
  nop
  nop
  mov byte [set_rf], 0
  mov eax, 0x400
  mov dr7, eax
%macro watch 2          ; address, DR7
  mov eax, %1
  mov dr0, eax
  mov eax, %2
  mov dr7, eax
%endmacro
  case 'data breakpoints: write of 1, 2, 4; read; beside it; rep; straddling'
  watch scratch, 0x10402
  mov dword [fault_at], .data1
.data1:
  mov al, [scratch]
  mov [scratch], al
  nop
  watch scratch, 0x30402
  mov dword [fault_at], .data2
.data2:
  mov al, [scratch]
  mov [scratch + 1], al
  nop
  watch scratch, 0xd0402
  mov dword [fault_at], .data3
.data3:
  mov [scratch + 3], al
  mov [scratch + 4], al
  mov [scratch - 2], eax
  nop
  mov edi, scratch - 2
  mov ecx, 6
  mov dword [fault_at], .data4
.data4:
  rep stosb
  nop
  mov eax, 0x400
  mov dr7, eax
  case 'data breakpoint and mov ss: comes after the next instruction'
  watch scratch, 0xf0402
  mov word [scratch], DATA0
  mov dword [fault_at], .data5
.data5:
  mov ss, [scratch]
  nop
  nop
  mov eax, 0x400
  mov dr7, eax
  case 'i/o breakpoint: cr4.de'
  mov eax, cr4
  or al, 8
  mov cr4, eax
  watch 0x80, 0x20402
  mov dword [fault_at], .io1
.io1:
  in al, 0x80
  out 0x80, al
  in al, 0x81
  nop
  mov eax, 0x400
  mov dr7, eax
  try mov eax, dr4
  mov eax, cr4
  and al, ~8
  mov cr4, eax
  mov eax, dr5
  show eax
  case 'gd: any access faults, and gd is clear in the handler'
  mov eax, 0x2400
  mov dr7, eax
  mov dword [fault_at], .gd
.gd:
  mov ecx, dr0
  mov eax, dr7
  show eax
  case 'dr6 and dr7: fixed bits'
  mov eax, -1
  mov dr6, eax
  mov ecx, dr6
  show ecx
  xor eax, eax
  mov dr6, eax
  mov ecx, dr6
  show ecx
  mov eax, 0xffff_d8ff & ~0xff
  mov dr7, eax
  mov ecx, dr7
  show ecx
  xor eax, eax
  mov dr7, eax
  mov ecx, dr7
  show ecx
  call reset_idt
  case 'double fault: frame'
  mov byte [IDT + 8 * 13 + 5], 0x0e
  mov eax, 0x100
  try mov ds, eax
  call reset_idt
  case '16-bit protected mode: sp wraps, iret, far call, 32-bit operands'
  jmp CODE16:.sixteen
bits 16
.sixteen:
  mov ax, DATA16
  mov ss, ax
  mov ds, ax
  mov ecx, esp
  mov esp, 0x12340002
  push ax
  push ax
  mov ebx, esp
  mov esp, ecx
  o32 call dword CODE0:show_ebx
  pushf
  push cs
  push .iret16
  iret
.iret16:
  o32 pushf
  o32 push cs
  o32 push dword .iret32
  o32 iret
.iret32:
  call CODE16:.far16
  mov ebx, 0x8765_4321
  push ebx
  pop bx
  pop dx
  shl edx, 16
  mov dx, bx
  mov ebx, edx
  o32 call dword CODE0:show_ebx
  mov eax, 0x12345678
  o32 push fs
  o32 pop ebx
  and ebx, 0xffff
  o32 call dword CODE0:show_ebx
  o32 jmp dword CODE0:.thirty_two
.far16:
  retf
bits 32
show_ebx:
  movzx esp, sp
  push eax
  show ebx
  pop eax
  o32 retf
.thirty_two:
protected.thirty_two:
  mov ax, DATA0
  mov ss, ax
  mov ds, ax
  mov esp, STACK
  case 'triple fault next'
  end
plain_iret:
  iretd
rom_end
