; IA-32e mode: 4-level paging, canonical addresses, system calls, model-specific registers, mode changes (SDM volume 3, chapters 2, 4, 5, 9).
%include "common.inc"
PML4 equ 0x10000
PDPT equ 0x11000
PD   equ 0x12000
PT   equ 0x13000
PT2  equ 0x14000
PROBE equ 0x40_0000
FRAME equ 0x20000
CODE64 equ 0x08
DATA0  equ 0x10
CODE32 equ 0x18
COMPAT3 equ 0x23        ; SYSRET to compatibility code, then SS, then 64-bit code
DATA3  equ 0x2b
CODE3  equ 0x33
TSSSEL equ 0x38
SLOT   equ 0x48
SLOT2  equ 0x58
main:
  cli
  mov di, PML4 >> 4
  mov es, di
  xor di, di
  xor eax, eax
  mov cx, 0x4000
  rep stosd
  xor ax, ax
  mov es, ax
  lgdt [gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword CODE32:protected
bits 32
protected:
  mov ax, DATA0
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov dword [PML4], PDPT + 7
  mov dword [PDPT], PD + 7
  mov dword [PD], PT + 7
  mov dword [PD + 16], PT2 + 7
  mov dword [PT2], FRAME + 7
  mov byte [FRAME], 0xc3
  mov edi, PT
  mov eax, 7
.next:
  stosd
  add eax, 0x1000
  add edi, 4
  cmp edi, PT + 0x1000
  jb .next
  mov eax, 0x6a0
  mov cr4, eax
  mov eax, PML4
  mov cr3, eax
  mov ecx, 0xc000_0080
  rdmsr
  or eax, 0x901
  wrmsr
  mov eax, cr0
  or eax, 0x8001_0000
  mov cr0, eax
  jmp CODE64:long_mode
align 16
gdt:
  dq 0
  dq 0x00af9b000000ffff
  dq 0x00cf93000000ffff
  dq 0x00cf9b000000ffff
  dq 0x00cffb000000ffff
  dq 0x00cff3000000ffff
  dq 0x00affb000000ffff
  dw 0x67, tss, 0x8900, 0, 0, 0, 0, 0
  times 0x80 - ($ - gdt) db 0
gdtr:
  dw 0x7f
  dq gdt
idtr:
  dw 0xfff
  dq IDT
align 8
  dd 0
tss:
  dd 0
  dq STACK0
  times 0x68 - 12 db 0
bits 64
STUB_BYTES equ 16
align 16
stubs:
%assign vector 0
%rep 256
%if vector = 8 || (vector >= 10 && vector <= 14) || vector = 17
  nop
  nop
%else
  push byte -1
%endif
  push dword vector
  jmp near fault_common
  times STUB_BYTES - ($ - stubs - vector * STUB_BYTES) nop
%assign vector vector + 1
%endrep
fault_common:
  cld
  mov [saved_rax], rax
  mov [saved_rcx], rcx
  mov [saved_r11], r11
  mov [saved_sp], rsp
  say ' #'
  mov al, [rsp]
  call hexb64
  cmp qword [rsp + 8], -1
  je .no_error
  say '('
  mov rax, [rsp + 8]
  shl rax, 48
  mov ecx, 4
  call hexn64
  say ')'
.no_error:
  cmp byte [rsp], 14
  jne .not_page
  say '@'
  mov rax, cr2
  mov ecx, 16
  call hexn64
.not_page:
  mov rax, [rsp + 16]
  sub rax, [fault_at]
  jz .at
  say '+'
  cmp rax, 0xff
  jbe .near
  say '?'
  mov rax, [rsp + 16]
  mov ecx, 16
  call hexn64
  jmp .at
.near:
  call hexb64
.at:
  cmp byte [print_frame], 0
  je .no_frame
  say ' cs'
  show qword [rsp + 24]
  say ' fl'
  show qword [rsp + 32]
  say ' sp'
  show qword [rsp + 48]
  show qword [rsp + 40]
.no_frame:
  xor eax, eax
  mov ds, eax
  mov es, eax
  mov ss, eax
  mov rsp, [resume_sp]
  push 2
  popfq
  mov rax, [saved_rax]
  mov rcx, [saved_rcx]
  jmp [resume]
saved_rax: dq 0
saved_rcx: dq 0
saved_r11: dq 0
saved_sp: dq 0
print_frame: db 0
user_flags: dq 2
%macro try 1+
  mov qword [resume], %%after
  mov [resume_sp], rsp
  mov qword [fault_at], %%at
%%at:
  %1
  say ' ok'
%%after:
%endmacro
%macro far_jump 1       ; through an m16:32
  db 0xff, 0x2c, 0x25
  dd %1
%endmacro
%macro far_call 1
  db 0xff, 0x1c, 0x25
  dd %1
%endmacro
%define far_jump_at_rdx db 0xff, 0x2a
%macro user 1
  mov qword [resume], %%after
  mov [resume_sp], rsp
  mov qword [fault_at], %1
  push qword DATA3
  push qword STACK3
  push qword [user_flags]
  push qword CODE3
  push qword %1
  iretq
%%after:
%endmacro
%macro at3 1+
  jmp %%skip
%%code:
  %1
  int3
%%skip:
  user %%code
%endmacro
%macro slot 3           ; selector, low, high
  mov dword [gdt + (%1)], %2
  mov dword [gdt + (%1) + 4], %3
%endmacro
reset_idt:
  mov esi, stubs
  mov edi, IDT
  mov ecx, 256
.gate:
  mov [rdi], si
  mov word [rdi + 2], CODE64
  mov qword [rdi + 4], 0x8e00
  mov dword [rdi + 12], 0
  add esi, STUB_BYTES
  add edi, 16
  loop .gate
  mov byte [IDT + 16 * 3 + 5], 0xee
  mov byte [IDT + 16 * 4 + 5], 0xee
  ret
long_mode:
  mov esp, STACK
  call reset_idt
  lidt [idtr]
  mov ax, TSSSEL
  ltr ax
  case 'canonical: load, store, stack, jump, call, ret, fetch at the edge'
  mov rax, 0x8000_0000_0000
  try mov ecx, [rax]
  try mov [rax - 4], ecx
  try mov [rax - 1], ecx
  mov rbp, rax
  try mov ecx, [rbp]
  try db 0x3e, 0x8b, 0x4d, 0
  mov rbx, rsp
  mov rdx, 0xffff_7fff_ffff_fff8
  try mov ecx, [rdx]
  try jmp rax
  try call rax
  mov [scratch], rax
  try jmp [scratch]
  push rax
  try ret
  pop rax
  try lea rcx, [rax]
  try invlpg [rax]
  try prefetcht0 [rax]
  try clflush [rax]
  try mov cl, [rax - 1]
  jmp .stack_code
.push_there:
  mov rsp, rax
  push rax
.pop_there:
  mov rsp, rax
  pop rcx
.call_there:
  mov rsp, rax
  call .push_there
.stack_code:
  user .push_there
  user .pop_there
  user .call_there
  case 'canonical by instruction: strings, tables, far pointers, state, bit strings, segments with a base'
  mov rax, 0x8000_0000_0000
  mov rsi, rax
  mov edi, scratch
  try lodsb
  try movsb
  mov rdi, rax
  mov esi, scratch
  try stosb
  try movsb
  try cmpsb
  try scasb
  mov rdx, rax
  try lgdt [rdx]
  try lidt [rdx]
  try sgdt [rdx]
  try far_jump_at_rdx
  try fxsave [rdx]
  try fxrstor [rdx]
  try movups xmm0, [rdx - 8]
  try fld tword [rdx - 4]
  try fnsave [rdx]
  try cmpxchg8b [rdx]
  mov rbx, rdx
  try xlatb
  xor ebx, ebx
  mov rcx, 0x4000_0000_0000
  try bt [rcx * 2 - 8], rbx
  mov rbx, 0x2000_0000_0000_0000
  try bt [scratch], rbx
  try ldmxcsr [rdx]
  try verr [rdx]
  try lar ecx, [rdx]
  try str [rdx]
  try push qword [rdx]
  try pop qword [rdx]
  try movnti [rdx], ecx
  mov rbp, rdx
  try push qword [rbp]
  try inc byte [rbp]
  try movups xmm0, [rbp]
  try fld tword [rbp]
  try lgdt [rbp]
  try db 0x36, 0x8a, 0x0a
  mov ecx, 0xc000_0100
  mov eax, 0xffff_f000
  mov edx, 0x7fff
  wrmsr
  try mov cl, [fs:0xfff]
  try mov cl, [fs:0x1000]
  try mov cl, [fs:-0x1000]
  try mov ecx, [fs:0xffe]
  xor eax, eax
  xor edx, edx
  mov ecx, 0xc000_0100
  wrmsr
  case 'iretq: rip, rsp not canonical; ss null at 0, at 3; compatibility'
  mov rdx, rsp
%macro iret_with 3      ; rip, cs, rsp, ss = rbx
  mov rax, rsp
  push rbx
  mov rcx, %3
  push rcx
  push 2
  push %2
  mov rcx, %1
  push rcx
  try iretq
  mov rsp, rdx
%endmacro
  xor ebx, ebx
  iret_with 0x8000_0000_0000, CODE64, STACK
  iret_with .landed, CODE64, 0x1234_5678_9abc_def0
.landed:
  mov rcx, rsp
  mov rsp, rdx
  show rcx
  mov ebx, ss
  show rbx
  xor ebx, ebx
  iret_with user_int3, CODE3, STACK3
  mov ebx, DATA3
  iret_with user_int3, CODE64, STACK3
  iret_with user_int3, 0, STACK3
  iret_with user_int3, DATA0, STACK3
  slot SLOT, 0x0000ffff, 0x00effb00
  iret_with user_int3, SLOT | 3, STACK3
  iret_with user_int3, CODE3, 0x8000_0000_0000
  slot SLOT, 0, 0
  case 'far transfers: L and D, call gate, null gate, 16-bit gate, direct tss'
  slot SLOT, 0x0000ffff, 0x00ef9b00
  jmp .far
.pointer: dd .far
  dw SLOT
.far:
%macro far_at 1
  mov word [.pointer + 4], %1
  try far_jump .pointer
%endmacro
  mov dword [.pointer], .far_landed
  far_at 0
  far_at SLOT
  far_at DATA0
  far_at CODE3
  far_at TSSSEL
  far_at 0x80
.far_landed:
  case 'call gate of 16 bytes'
  mov dword [gdt + SLOT], (CODE64 << 16) | (offset(gate_target) & 0xffff)
  mov dword [gdt + SLOT + 4], 0x0000ec00
  mov qword [gdt + SLOT + 8], 0
  mov word [.pointer + 4], SLOT
  try far_call .pointer
  mov dword [gdt + SLOT + 12], 0x100
  try far_call .pointer
  mov dword [gdt + SLOT + 12], 0
  mov dword [gdt + SLOT + 8], 0x8000
  try far_call .pointer
  mov dword [gdt + SLOT + 8], 0
  mov dword [gdt + SLOT], (CODE32 << 16) | (offset(gate_target) & 0xffff)
  try far_call .pointer
  mov dword [gdt + SLOT + 4], 0x0000e400
  try far_call .pointer
  mov dword [gdt + SLOT], (CODE64 << 16) | (offset(gate_target) & 0xffff)
  mov dword [gdt + SLOT + 4], 0x0000ec00
  mov byte [print_frame], 0
  mov word [gate_pointer + 4], SLOT
  at3 far_call gate_pointer
  slot SLOT, 0, 0
  mov qword [gdt + SLOT + 8], 0
  case 'idt: task gate, 286 gate, outside, noncanonical, ist'
  mov byte [IDT + 16 * 0x40 + 5], 0x85
  try int 0x40
  mov byte [IDT + 16 * 0x40 + 5], 0x86
  try int 0x40
  mov byte [IDT + 16 * 0x40 + 5], 0x8e
  mov dword [IDT + 16 * 0x40 + 8], 0x8000
  try int 0x40
  mov dword [IDT + 16 * 0x40 + 8], 0
  mov word [idtr], 16 * 0x40 + 14
  lidt [idtr]
  try int 0x40
  mov word [idtr], 0xfff
  lidt [idtr]
  mov word [IDT + 16 * 0x40 + 2], CODE32
  try int 0x40
  mov word [IDT + 16 * 0x40 + 2], CODE64
  mov qword [tss + 36], 0x6300
  mov byte [IDT + 16 * 0x40 + 4], 1
  mov byte [print_frame], 1
  sub rsp, 3
  try int 0x40
  add rsp, 3
  show qword [saved_sp]
  mov rax, 0x8000_0000_0000
  mov [tss + 36], rax
  mov byte [print_frame], 0
  try int 0x40
  call reset_idt
  case 'syscall, sysret'
  mov ecx, 0xc000_0081
  mov eax, 0
  mov edx, (0x20 | 3) << 16 | CODE64
  wrmsr
  mov ecx, 0xc000_0082
  mov eax, syscall_entry
  xor edx, edx
  wrmsr
  mov ecx, 0xc000_0084
  mov eax, 0x4700
  wrmsr
  mov qword [user_flags], 0x3ed7 & ~0x100
  mov byte [print_frame], 1
  at3 syscall
  show qword [saved_rcx]
  show qword [saved_r11]
  mov qword [user_flags], 2
  mov byte [after_syscall], 1
  at3 syscall
  show qword [saved_rcx]
  show qword [saved_r11]
  case 'sysretl'
  mov byte [after_syscall], 2
  at3 syscall
  mov byte [print_frame], 0
  case 'sysret: rcx not canonical, at 3, sce off'
  mov rcx, 0x8000_0000_0000
  mov r11d, 2
  try o64 sysret
  at3 o64 sysret
  mov ecx, 0xc000_0080
  rdmsr
  and al, ~1
  wrmsr
  at3 syscall
  try o64 sysret
  rdmsr
  or al, 1
  wrmsr
  case 'msr faults: lstar, fs base, kernel gs noncanonical; efer; unknown; apic base; mtrr type; pat'
%macro write_msr 3
  mov ecx, %1
  mov eax, %2
  mov edx, %3
  try wrmsr
%endmacro
  write_msr 0xc000_0082, 0, 0x8000
  write_msr 0xc000_0083, 0, 0x8000
  write_msr 0xc000_0100, 0, 0x8000
  write_msr 0xc000_0101, 0, 0x8000
  write_msr 0xc000_0102, 0, 0x8000
  write_msr 0xc000_0102, 0, 0xffff_8000
  write_msr 0x176, 0, 0x8000
  write_msr 0xc000_0080, 0xd02, 0
  write_msr 0xc000_0080, 0x801, 0
  write_msr 0xc000_0080, 0xd01, 1
  write_msr 0x277, 0x0007_0402, 0
  write_msr 0x277, 0x0007_0406, 0x0007_0406
  write_msr 0x1b, 0xfee0_0901, 0
  write_msr 0x2ff, 0xc02, 0
  write_msr 0x200, 2, 0
  mov ecx, 0x1234_5678
  try rdmsr
  mov ecx, 0xc000_0080
  rdmsr
  show rax
  case 'debug registers: upper halves, dr4'
  mov rax, 0x1_0000_0000
  try mov dr7, rax
  try mov dr6, rax
  mov rax, 0x1234_5678_9abc_def0
  mov dr0, rax
  mov rax, dr0
  show rax
  xor eax, eax
  mov dr0, rax
  case 'lldt, ltr: upper base, type of the second half'
  slot SLOT, 0x0000_ffff, 0x00008200
  mov dword [gdt + SLOT + 8], 0
  mov dword [gdt + SLOT + 12], 0
  mov eax, SLOT
  try lldt ax
  mov dword [gdt + SLOT + 12], 0x100
  try lldt ax
  mov dword [gdt + SLOT + 12], 0
  mov dword [gdt + SLOT + 8], 0x8000
  try lldt ax
  xor eax, eax
  lldt ax
  lar ecx, eax
  mov eax, 0x78
  slot 0x78, 0x0000_ffff, 0x00008200
  try lldt ax
  case 'segments: null ss at 0, es limit ignored, fs base by load, mov ss null at 3'
  xor eax, eax
  try mov ss, eax
  mov eax, 3
  try mov ss, eax
  slot SLOT, 0x0000_000f, 0x0000f300
  mov eax, SLOT
  mov es, eax
  try db 0x26, 0x8b, 0x0c, 0x25, 0, 0x80, 0, 0

  at3 mov ss, [zero]
  slot SLOT, 0x1230_000f, 0x45009345
  mov ecx, 0xc000_0100
  mov eax, SLOT
  mov fs, eax
  rdmsr
  shl rdx, 32
  or rax, rdx
  show rax
  xor eax, eax
  mov fs, eax
  rdmsr
  show rax
  case 'not in 64-bit mode'
  try db 0x06
  try db 0x0e
  try db 0x27
  try db 0x37
  try db 0x60
  try db 0x62, 0
  try db 0x82, 0xc0, 0
  try db 0x9a
  try db 0xc4, 0
  try db 0xc5, 0
  try db 0xce
  try db 0xd4, 10
  try db 0xea
  try db 0xd6
  try sysenter
  case 'page rights: 4 kib, 2 mib, 1 gib; nx; reserved'
%macro entry 3
  mov dword [%1], %2
  mov dword [%1 + 4], %3
%endmacro
%macro probe 1
  mov rax, cr3
  mov cr3, rax
  say ' r'
  try mov al, [rbx]
  say ' w'
  try mov byte [rbx], 0xc3
  say ' x'
  try call rbx
  say ' u'
  at3 mov byte [ebx], 0xc3
  mov al, [%1]
  call hexb64
%endmacro
  mov ebx, PROBE
%macro leaf 4           ; text, entry, low, high
  say 10, %1, ':'
  entry %2, %3, %4
  probe %2
%endmacro
  leaf 'pte 7', PT2, FRAME + 7, 0
  leaf 'pte 5', PT2, FRAME + 5, 0
  leaf 'pte 3', PT2, FRAME + 3, 0
  leaf 'pte 1', PT2, FRAME + 1, 0
  leaf 'pte nx', PT2, FRAME + 7, 0x8000_0000
  leaf 'pte bit 51', PT2, FRAME + 7, 0x8_0000
  leaf 'pte ignored bits', PT2, FRAME + 0xe07, 0x7ff0_0000
  leaf 'pde 2 mib', PD + 16, 0x87, 0
  leaf 'pde 2 mib bit 13', PD + 16, 0x2087, 0
  leaf 'pde 2 mib nx', PD + 16, 0x87, 0x8000_0000
  entry PD + 16, PT2 + 7, 0
  entry PT2, FRAME + 7, 0
  mov ebx, 0x4000_0000 + PROBE
  leaf 'pdpte 1 gib', PDPT + 8, 0x87, 0
  leaf 'pdpte 1 gib bit 13', PDPT + 8, 0x2087, 0
  leaf 'pdpte bit 51', PDPT + 8, PD + 7, 0x8_0000
  leaf 'pdpte nx', PDPT + 8, PD + 7, 0x8000_0000
  leaf 'pdpte 5', PDPT + 8, PD + 5, 0
  leaf 'pdpte absent', PDPT + 8, PD + 6, 0
  mov rbx, 0x80_0000_0000 + PROBE
  entry PML4 + 8, PDPT + 7, 0
  say 10, 'pml4e ps:'
  entry PML4 + 8, PDPT + 0x87, 0
  try mov al, [rbx]
  say 10, 'pml4e nx:'
  entry PML4 + 8, PDPT + 7, 0x8000_0000
  mov rax, cr3
  mov cr3, rax
  try mov al, [rbx]
  try call rbx
  case 'cmpxchg16b, movaps: alignment; fxsave; xsave without osxsave'
  mov ebx, scratch
  try cmpxchg16b [rbx]
  try cmpxchg16b [rbx + 8]
  try movaps xmm0, [rbx + 8]
  try fxsave [rbx + 8]
  try xgetbv
  try db 0xf3, 0x0f, 0xc7, 0xf0
  case 'control registers: reserved halves, cr3 reserved, cr8, cr4 reserved'
  mov rax, cr4
  bts rax, 32
  try mov cr4, rax
  mov rax, cr0
  bts rax, 32
  try mov cr0, rax
  mov rax, cr3
  bts rax, 63
  try mov cr3, rax
  mov rax, cr3
  bts rax, 52
  try mov cr3, rax
  mov eax, 0x10
  try mov cr8, rax
  mov eax, 15
  mov cr8, rax
  mov rax, cr8
  show rax
  xor eax, eax
  mov cr8, rax
  mov rax, cr3
  or al, 1
  mov rbx, cr3
  mov cr3, rax
  mov rax, cr4
  bts rax, 17
  try mov cr4, rax
  mov cr3, rbx
  mov rax, cr4
  bts rax, 17
  try mov cr4, rax
  mov rbx, cr3
  mov rax, rbx
  or al, 2
  mov cr3, rax
  mov rax, cr3
  show rax
  mov cr3, rbx
  mov rax, cr4
  btr rax, 17
  mov cr4, rax
  case 'mode changes: pae off, pg off in 64-bit code'
  mov rax, cr4
  btr eax, 5
  try mov cr4, rax
  mov rax, cr0
  btr eax, 31
  try mov cr0, rax
  case 'lgdt, lidt: base not canonical'
  mov word [scratch], 0x7f
  mov dword [scratch + 2], 0
  mov dword [scratch + 6], 0x8000
  try lgdt [scratch]
  try lidt [scratch]
  end
gate_target:
  say ' gate'
  show rsp
  mov eax, ss
  show rax
  show qword [rsp]
  show qword [rsp + 8]
  show qword [rsp + 16]
  show qword [rsp + 24]
  db 0x48, 0xcb
gate_pointer: dd 0
  dw (SLOT | 3)
zero: dw 0
after_syscall: db 0
syscall_entry:
  mov [saved_rcx], rcx
  mov [saved_r11], r11
  mov rsp, STACK0
  pushfq
  say ' entry'
  show qword [rsp]
  mov eax, cs
  show rax
  mov eax, ss
  show rax
  mov rcx, [saved_rcx]
  mov r11, [saved_r11]
  cmp byte [after_syscall], 1
  jb .first
  je .second
  mov ecx, user_int3
  sysret
.second:
  or r11, 0x1_5000      ; RF, and what SYSRET keeps
.first:
  o64 sysret
user_int3:
  int3
rom_end
