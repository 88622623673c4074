; Segments in protected mode: types, limits, checks of loads and far transfers, gates, returns (SDM volume 3, chapters 3, 5, 6).
%include "common.inc"
main:
  mov eax, protected
  jmp to_protected
%include "protected.inc"
bits 32
protected:
  mov ax, LDTSEL
  lldt ax

; Each type of descriptor in the hands of each instruction that takes a selector. BH: access byte.
%macro of_type 2+
  say ' ', %1
  %2
%endmacro
%macro matrix 2         ; name, first access byte
  mov byte [type_now], %2
%%next:
  say 10, 'type '
  mov al, [type_now]
  call hexb32
  say ':'
  call all_uses
  inc byte [type_now]
  test byte [type_now], 0x1f
  jnz %%next
%endmacro
  matrix 'present', 0x80
  matrix 'absent', 0x00
  matrix 'dpl3', 0xe0
  jmp loads

type_now: db 0
fresh:
  mov dword [gdt + SLOT], 0x0000_0fff
  mov dword [gdt + SLOT + 4], 0x0040_0001   ; base 0x10000
  push eax
  mov al, [type_now]
  mov [gdt + SLOT + 5], al
  pop eax
  ret
all_uses:
  call fresh
  xor ecx, ecx
  lar ecx, [selector]
  setz al
  say ' lar'
  call hexb32
  show ecx
  xor ecx, ecx
  mov edx, SLOT
  lsl ecx, edx
  setz al
  say ' lsl'
  call hexb32
  show ecx
  verr dx
  setz al
  say ' verr'
  call hexb32
  verw dx
  setz al
  say ' verw'
  call hexb32
  say ' ds'
  mov edx, SLOT
  try mov ds, edx
  mov ax, DATA0
  mov ds, ax
  mov al, [gdt + SLOT + 5]
  call hexb32
  call fresh
  say ' ss'
  try_ss mov ss, edx
  mov ax, DATA0
  mov ss, ax
  mov al, [gdt + SLOT + 5]
  call hexb32
  call fresh
  say ' lldt'
  try lldt dx
  mov ax, LDTSEL
  lldt ax
  call fresh
  say ' ltr'
  try ltr dx
  mov al, [gdt + SLOT + 5]
  call hexb32
  mov byte [gdt + TSSMAIN + 5], 0x89
  mov ax, TSSMAIN
  ltr ax
  ret
selector: dw SLOT

; ---------------------------------------------------------------- loads and their checks
%macro load_into 2      ; register, value
  mov eax, %2
  try_ss mov %1, eax
  mov ax, DATA0
  mov ds, ax
  mov es, ax
  mov ss, ax
%endmacro
loads:
  case 'null ds'
  load_into ds, 0
  case 'null ds rpl3'
  load_into ds, 3
  case 'read through null'
  mov ax, 0
  mov fs, ax
  try mov eax, [fs:0x7000]
  case 'null ss'
  load_into ss, 0
  case 'null ss rpl3'
  load_into ss, 3
  case 'beyond gdt'
  load_into ds, 0x100
  case 'last byte beyond gdt'
  sub word [gdtr], 1
  lgdt [gdtr]
  load_into ds, 0xf8
  add word [gdtr], 1
  lgdt [gdtr]
  case 'ldt'
  load_into ds, 0x0c
  case 'null in ldt'
  load_into ds, 0x04
  case 'beyond ldt'
  load_into ds, 0x24
  case 'ldt null'
  xor eax, eax
  lldt ax
  load_into ds, 0x0c
  sldt eax
  show eax
  mov ax, LDTSEL
  lldt ax
  case 'rpl 3 data dpl 0'
  load_into ds, DATA0 | 3
  case 'rpl 3 conforming'
  load_into ds, CONF | 3
  case 'ss rpl 3'
  load_into ss, DATA0 | 3
  case 'ss dpl 3'
  load_into ss, DATA3
  case 'ss dpl 3 rpl 0'
  load_into ss, DATA3 & ~3
  case 'les'
  mov dword [scratch], 0x1234
  mov word [scratch + 4], DATA0 | 3
  try les eax, [scratch]
  case 'lss'
  try_ss lss eax, [scratch]
  case 'mov cs'
  mov eax, CODE0
  try db 0x8e, 0xc8
  case 'lldt ldt selector'
  mov eax, 0x0c
  try lldt ax
  case 'ltr null'
  xor eax, eax
  try ltr ax
  mov byte [gdt + TSSMAIN + 5], 0x89
  mov ax, TSSMAIN
  ltr ax
  case 'str sldt smsw'
  str eax
  show eax
  sldt eax
  show eax
  mov eax, -1
  smsw eax
  show eax
  mov eax, -1
  str ax
  show eax

; ---------------------------------------------------------------- limits
%macro with_fs 4        ; base, limit, access, flags
  slot SLOT, %1, %2, %3, %4
  mov eax, SLOT
  mov fs, eax
%endmacro
  case 'limit fff: dword at ffc, ffd; byte at fff, 1000; word at fff'
  with_fs 0x10000, 0xfff, 0x93, 0x40
  try mov eax, [fs:0xffc]
  try mov eax, [fs:0xffd]
  try mov al, [fs:0xfff]
  try mov al, [fs:0x1000]
  try mov ax, [fs:0xfff]
  try mov [fs:0xffd], eax
  try add [fs:0xffe], eax
  try movups xmm0, [fs:0xff0]
  mov eax, cr4
  or eax, 0x600
  mov cr4, eax
  fninit
  try movups xmm0, [fs:0xff0]
  try movups xmm0, [fs:0xff1]
  try fld tword [fs:0xff6]
  try fld tword [fs:0xff7]
  try fnstenv [fs:0xfe4]
  try fnstenv [fs:0xfe5]
  fninit
  case 'limit 0 and wrap'
  with_fs 0x10000, 0, 0x93, 0x40
  try mov al, [fs:0]
  try mov ax, [fs:0]
  try mov al, [fs:0xffff_ffff]
  with_fs 0x10000, 0xffff, 0x93, 0xcf
  try mov al, [fs:0xffff_ffff]
  try mov ax, [fs:0xffff_ffff]
  try mov eax, [fs:0xffff_fffd]
  case 'down big: fff, 1000, dword at ffd, ffe, fffffffc'
  with_fs 0x10000, 0xfff, 0x97, 0x40
  try mov al, [fs:0xfff]
  try mov al, [fs:0x1000]
  try mov eax, [fs:0xffd]
  try mov eax, [fs:0x1000]
  try mov eax, [fs:0xffff_fffc]
  try mov eax, [fs:0xffff_fffd]
  case 'down small: fff, 1000, ffff, word at ffff, 10000'
  with_fs 0x10000, 0xfff, 0x97, 0x00
  try mov al, [fs:0xfff]
  try mov al, [fs:0x1000]
  try mov al, [fs:0xffff]
  try mov ax, [fs:0xffff]
  try mov al, [fs:0x10000]
  case 'down with limit ffffffff'
  with_fs 0x10000, 0xffff, 0x97, 0xcf
  try mov al, [fs:0x1000]
  try mov al, [fs:0xffff_ffff]
  case 'write to read-only, code; read execute-only'
  with_fs 0x10000, 0xffff, 0x91, 0xcf
  try mov al, [fs:0]
  try mov [fs:0], al
  try xchg [fs:0], al
  try cmp [fs:0], al
  with_fs 0x10000, 0xffff, 0x9b, 0xcf
  try mov al, [fs:0]
  try mov [fs:0], al
  case 'accessed bit'
  slot SLOT, 0x10000, 0xfff, 0x92, 0x40
  mov eax, SLOT
  mov fs, eax
  mov eax, [gdt + SLOT + 4]
  show eax
  case 'cached descriptor'
  slot SLOT, 0x10000, 0xfff, 0x00, 0x40
  try mov al, [fs:0]
  mov eax, SLOT
  try mov fs, eax
  try mov al, [fs:0]
  xor eax, eax
  mov fs, eax

  case 'stack limit'
  sub esp, 0x100
  mov ebx, esp
  mov edi, SLOT
  slot SLOT, 0, STACK - 9, 0x93, 0x40
  mov ss, edi
  try mov eax, [ss:STACK - 12]
  try mov eax, [ss:STACK - 11]
  try mov eax, [ss:STACK]
  mov ss, edi
  mov ebp, STACK - 8
  try mov eax, [ebp]
  mov ss, edi
  try mov eax, [ebp - 4]
  mov ss, edi
  try mov eax, [esp + 0x100]
  mov ecx, DATA0
  mov ss, ecx
  add esp, 0x100
  mov ebx, esp
  case 'stack limits of push, pop, call, enter, pushad, leave, pop beyond'
%macro on_stack 3+      ; selector, ESP, instruction at privilege 3
  jmp %%skip
%%code:
  mov eax, (%1) | 3
  mov ss, eax
  mov esp, %2
  mov ebp, 0x7777
  %3
  int3
%%skip:
  user %%code
%endmacro
  slot SLOT, 0, 0xff, 0xf3, 0x40
  slot SLOT2, 0, 0xff, 0xf7, 0x40
  on_stack SLOT2, 0x104, push eax
  on_stack SLOT2, 0x103, push eax
  on_stack SLOT, 0xfc, pop eax
  on_stack SLOT, 0xfd, pop eax
  on_stack SLOT2, 0x102, call user_int3
  on_stack SLOT2, 0x108, enter 0x20, 0
  on_stack SLOT2, 0x120, pushad
  on_stack SLOT2, 0x11f, pushad
  on_stack SLOT, 0x80, leave
  on_stack SLOT, 0xfe, ret
  on_stack SLOT, 0xf9, retf
  on_stack SLOT, 0xf5, iretd
  on_stack SLOT2, 0x104, push word [esp]
; ---------------------------------------------------------------- code segments
%macro far_to 2         ; selector, offset: jmp and call, said as results
  say ' jmp'
  try jmp dword %1:%2
  say ' call'
  try call dword %1:%2
%endmacro
  jmp code_segments
there:                  ; a far target that says where it is and ends
  nop
there_at:
  say ' there cs'
  mov eax, cs
  show eax
  mov ss, [cs:.flat]
  mov esp, [ss:resume_sp]
  jmp dword CODE0:.back
.flat: dd DATA0
.back:
  mov ax, DATA0
  mov ds, ax
  jmp [resume]
code_segments:
  call code_tests
  jmp gates

code_tests:
  case 'code limit: jump to it and beyond'
  slot SLOT, 0, 0x7fff, 0x9b, 0x40
  far_to SLOT, there
  slot SLOT, 0, offset(there_at) - 1, 0x9b, 0x40
  far_to SLOT, there_at
  slot SLOT, 0, offset(there), 0x9b, 0x40
  mov dword [fault_at], there_at
  mov dword [resume], .ran_over
  mov [resume_sp], esp
  jmp dword SLOT:there
.ran_over:
  case 'far to each type, jmp and call'
  mov byte [type_now], 0x80
.each:
  say 10, 'far type '
  mov al, [type_now]
  call hexb32
  call fresh
  mov byte [gdt + SLOT + 2], 0
  mov byte [gdt + SLOT + 3], 0
  mov byte [gdt + SLOT + 4], 0
  mov byte [gdt + SLOT + 6], 0xcf
  mov al, [type_now]
  and al, 0x1f
  cmp al, 1
  je .skip
  cmp al, 5
  je .skip
  cmp al, 9
  je .skip
  cmp al, 4
  je .skip
  cmp al, 12
  je .skip
  far_to SLOT, there
  mov al, [gdt + SLOT + 5]
  call hexb32
.skip:
  inc byte [type_now]
  test byte [type_now], 0x1f
  jnz .each
  case 'far null, rpl, dpl'
  far_to 0, there
  far_to 3, there
  far_to CODE0 | 3, there
  far_to CODE3, there
  far_to CODE3 & ~3, there
  far_to CONF | 3, there
  far_to 0x100, there
  case 'far absent code'
  slot SLOT, 0, 0xffff, 0x1b, 0xcf
  far_to SLOT, there
  ret

; ---------------------------------------------------------------- call gates
; Parameters on the present stack; the target shows its stack and returns.
gate_target:
  say ' in cs'
  mov eax, cs
  show eax
  mov eax, ss
  show eax
  show esp
  show [esp]
  show [esp + 4]
  show [esp + 8]
  show [esp + 12]
  show [esp + 16]
  show [esp + 20]
  retf 8
gates:
  case 'gate same privilege'
  gate_slot SLOT, CODE0, gate_target, 0x8c, 2
  mov edi, esp
  push dword 0
  push dword 0
  push dword 0x2222
  push dword 0x1111
  call SLOT:0
  sub edi, esp
  show edi
  add esp, edi
  case 'gate checks: dpl, rpl, absent, null, data, jmp'
  gate_slot SLOT, CODE0, gate_target, 0x8c, 0
  try call dword (SLOT | 3):0
  gate_slot SLOT, CODE0, gate_target, 0x0c, 0
  try call dword SLOT:0
  gate_slot SLOT, 0, gate_target, 0x8c, 0
  try call dword SLOT:0
  gate_slot SLOT, DATA0, gate_target, 0x8c, 0
  try call dword SLOT:0
  gate_slot SLOT, CODE3, gate_target, 0x8c, 0
  try call dword SLOT:0
  gate_slot SLOT, 0x100, gate_target, 0x8c, 0
  try call dword SLOT:0
  gate_slot SLOT, CODE0, there, 0x8c, 0
  try jmp dword SLOT:0
  gate_slot SLOT, TSSMAIN, there, 0x8c, 0
  try jmp dword SLOT:0
  gate_slot SLOT, CODE0 | 3, there, 0x8c, 0
  try jmp dword SLOT:0
  case 'gate from privilege 3'
  gate_slot SLOT, CODE0, gate_target, 0xec, 2
  user user_gate
  case 'gate16 from privilege 3'
  gate_slot SLOT, CODE0, gate_target, 0xe4, 3
  user user_gate16
  case 'gate dpl 0 from privilege 3'
  gate_slot SLOT, CODE0, gate_target, 0x8c, 2
  user user_gate_only
  case 'jmp through gate inward'
  gate_slot SLOT, CODE0, gate_target, 0xec, 2
  user user_gate_jmp
  case 'jmp through gate to conforming'
  gate_slot SLOT, CONF, user_int3, 0xec, 2
  user user_gate_jmp
  case 'call through gate to conforming'
  gate_slot SLOT, CONF, user_int3, 0xec, 2
  user user_gate_only
  case 'far jmp, call to conforming from 3'
  user user_conforming
  user user_conforming_call
  case 'far jmp to nonconforming inner'
  user user_inner
  case 'gate to privilege 1: good ss1; null, rpl 0, data 3, absent, code, read-only, beyond gdt, no room'
  slot SLOT3, 0, 0xffff, 0xbb, 0xcf
  gate_slot SLOT, SLOT3 | 1, user_int3, 0xec, 2
  mov dword [tss + 12], 0x6400
%macro with_ss1 1
  mov word [tss + 16], %1
  user user_gate_only
%endmacro
  slot SLOT2, 0, 0xffff, 0xb3, 0xcf
  with_ss1 SLOT2 | 1
  with_ss1 0
  with_ss1 SLOT2
  with_ss1 DATA3
  slot SLOT2, 0, 0xffff, 0x33, 0xcf
  with_ss1 SLOT2 | 1
  slot SLOT2, 0, 0xffff, 0xbb, 0xcf
  with_ss1 SLOT2 | 1
  slot SLOT2, 0, 0xffff, 0xb1, 0xcf
  with_ss1 SLOT2 | 1
  with_ss1 0x101
  slot SLOT2, 0, 0x63f0, 0xb7, 0x40
  with_ss1 SLOT2 | 1
  case 'the same by an interrupt'
  idt_gate 0x40, SLOT3 | 1, user_int3, 0xee
%macro int_ss1 1
  mov word [tss + 16], %1
  user user_int40
%endmacro
  int_ss1 SLOT2 | 1
  int_ss1 0
  int_ss1 DATA3
  call reset_idt
  jmp returns

user_gate:
  push dword 0x2222
  push dword 0x1111
  mov esi, esp
  call (SLOT | 3):0
  sub esi, esp
  mov eax, ss
  int3
user_gate16:
  push word 0x3333
  push word 0x2222
  push word 0x1111
  call (SLOT | 3):0
  int3
user_gate_only:
  call (SLOT | 3):0
  int3
user_gate_jmp:
  jmp (SLOT | 3):0
user_int3:
  int3
user_conforming:
  jmp CONF:user_int3
user_conforming_call:
  call CONF:user_int3
user_inner:
  jmp (CODE0 | 3):user_int3

; ---------------------------------------------------------------- far returns, IRET
%macro retf_to 2        ; selector, offset
  push dword DATA3
  push dword STACK3
  push dword %1
  push dword %2
  try retf
  add esp, 16
%endmacro
returns:
  mov byte [print_frame], 1
  case 'retf to 3: segments of privilege 0 become null'
  mov ax, DATA0
  mov fs, ax
  mov ax, DATA3
  mov gs, ax
  mov ax, CONF
  mov es, ax
  retf_to CODE3, user_segments
  xor eax, eax
  mov fs, eax
  mov gs, eax
  case 'retf to 3 with ss wrong'
%macro retf_ss 1
  push dword %1
  push dword STACK3
  push dword CODE3
  push dword user_int3
  try retf
  add esp, 16
%endmacro
  mov byte [print_frame], 0
  retf_ss 0
  retf_ss DATA0
  retf_ss DATA3 & ~3
  retf_ss CODE3
  slot SLOT, 0, 0xffff, 0x73, 0xcf
  retf_ss SLOT | 3
  retf_ss 0x103
  slot SLOT, 0, 0xffff, 0xf1, 0xcf
  retf_ss SLOT | 3
  case 'retf with cs wrong'
  retf_to 0, user_int3
  retf_to DATA0, user_int3
  retf_to CODE3 & ~3, user_int3
  retf_to CODE0 | 3, user_int3
  retf_to CONF | 3, user_int3
  slot SLOT, 0, 0xffff, 0x7b, 0xcf
  retf_to SLOT | 3, user_int3
  slot SLOT, 0, offset(there), 0xfb, 0x40
  retf_to SLOT | 3, there + 1
  retf_to 0x103, there
  case 'retf inward from 3'
  user user_retf
  case 'iret inward from 3'
  user user_iret
  case 'iret from 3 keeps iopl, if, vm'
  mov byte [print_frame], 1
  user user_iret_flags
  mov byte [print_frame], 0
  case 'iretd flags'
  push dword 0x0025_7ed5 | 0x40000
  push cs
  push dword .iret_flags
  iretd
.iret_flags:
  pushfd
  pop eax
  push dword 2
  popfd
  show eax
  case 'retf n past the end of the stack'
  slot SLOT, 0, STACK - 1, 0x93, 0x40
  mov ebx, esp
  mov dword [resume], .retf_end
  mov [resume_sp], ebx
  mov dword [fault_at], .retf
  mov eax, SLOT
  mov ss, eax
  mov esp, STACK - 4
.retf:
  retf
.retf_end:
  jmp interrupts

user_segments:
  mov eax, ds
  mov ecx, es
  mov edx, fs
  mov ebx, gs
  shl eax, 16
  mov ax, cx
  shl edx, 16
  mov dx, bx
  mov esp, eax
  cmp edx, DATA3
  jne .bad
  int3
.bad:
  ud2
user_retf:
  push dword CODE0
  push dword user_int3
  retf
user_iret:
  pushfd
  push dword CODE0
  push dword user_int3
  iretd
user_iret_flags:
  push dword 0x27fd7
  push cs
  push dword user_int3
  iretd

; ---------------------------------------------------------------- interrupts
interrupts:
  case 'gate of the idt: each type'
  mov byte [type_now], 0x80
.each:
  say 10, 'idt type '
  mov al, [type_now]
  call hexb32
  cmp al, 0x85
  je .skip
  idt_gate 0x40, CODE0, stub_40, 0
  mov al, [type_now]
  mov [IDT + 8 * 0x40 + 5], al
  try int 0x40
.skip:
  inc byte [type_now]
  test byte [type_now], 0x1f
  jnz .each
  mov byte [print_frame], 0
  case 'int n: dpl, absent, limit, null cs, data cs, absent cs, outer cs'
  call reset_idt
  user user_int40
  mov byte [IDT + 8 * 0x40 + 5], 0x0e
  try int 0x40
  mov byte [IDT + 8 * 0x40 + 5], 0x8e
  mov word [idtr], 8 * 0x40 + 6
  lidt [idtr]
  try int 0x40
  mov word [idtr], 0x7ff
  lidt [idtr]
  idt_gate 0x40, 0, stub_40, 0x8e
  try int 0x40
  idt_gate 0x40, DATA0, stub_40, 0x8e
  try int 0x40
  slot SLOT, 0, 0xffff, 0x1b, 0xcf
  idt_gate 0x40, SLOT, stub_40, 0x8e
  try int 0x40
  idt_gate 0x40, CODE3, stub_40, 0x8e
  try int 0x40
  idt_gate 0x40, 0x100, stub_40, 0x8e
  try int 0x40
  idt_gate 0x40, 0x24, stub_40, 0x8e
  try int 0x40
  case 'the same for an exception'
  idt_gate 6, 0, stub_40, 0x8e
  try ud2
  slot SLOT, 0, 0xffff, 0x1b, 0xcf
  idt_gate 6, SLOT, stub_40, 0x8e
  try ud2
  call reset_idt
  mov byte [IDT + 8 * 6 + 5], 0x0e
  try ud2
  mov byte [IDT + 8 * 6 + 5], 0x8c
  try ud2
  call reset_idt
  case 'contributory twice, page fault in it'
  mov byte [IDT + 8 * 13 + 5], 0x0e
  try mov eax, [cs:0]
  mov eax, 0x100
  try mov ds, eax
  mov byte [IDT + 8 * 0 + 5], 0x0e
  xor ecx, ecx
  mov byte [IDT + 8 * 13 + 5], 0x8e
  try div ecx
  mov byte [IDT + 8 * 11 + 5], 0x0e
  try div ecx
  call reset_idt
  case 'interrupt and trap gates: if, tf, nt, rf'
  mov byte [IDT + 8 * 0x40 + 5], 0xef
  idt_gate 0x40, CODE0, flags_seen, 0x8f
  idt_gate 0x41, CODE0, flags_seen, 0x8e
  push dword 0x4202
  popfd
  int 0x40
  push dword 0x4202
  popfd
  int 0x41
  push dword 2
  popfd
  case 'to conforming from 3: stays at 3'
  mov byte [print_frame], 1
  idt_gate 0x40, CONF, user_int3, 0xee
  user user_int40
  mov byte [print_frame], 0
  case 'into, bound, int1, ud1'
  call reset_idt
  push dword 0x802
  popfd
  try into
  push dword 2
  popfd
  try into
  mov dword [scratch], 1
  mov dword [scratch + 4], 5
  mov eax, 6
  try bound eax, [scratch]
  mov eax, 5
  try bound eax, [scratch]
  mov eax, -1
  try bound eax, [scratch]
  try db 0xf1
  try db 0x0f, 0xb9, 0xc0
  user user_int3_dpl
  case 'privileged at 3'
%macro at3 1+
  jmp %%skip
%%code:
  mov edi, DATA3
  mov ds, edi
  mov es, edi
  mov dword [fault_at], %%at
%%at:
  %1
  int3
%%skip:
  user %%code
%endmacro
  at3 hlt
  at3 cli
  at3 sti
  at3 lgdt [gdtr]
  at3 lidt [gdtr]
  at3 ltr ax
  at3 lldt ax
  at3 lmsw ax
  at3 clts
  at3 mov eax, cr0
  at3 mov cr3, eax
  at3 mov eax, dr7
  at3 mov dr0, eax
  at3 invlpg [0]
  at3 wbinvd
  at3 invd
  at3 rdmsr
  at3 wrmsr
  at3 in al, 0x80
  at3 out dx, al
  at3 sgdt [scratch]
  at3 smsw ax
  at3 str ax
  at3 rdpmc
  at3 rsm
  at3 db 0x0f, 0x01, 0xf8
  at3 sysexit
  at3 db 0x0f, 0x07
  case 'undefined'
  try ud2
  try db 0xf0, 0x90
  try db 0xf0, 0x01, 0xc8
  try db 0xc4, 0xc0
  try db 0x0f, 0x20, 0xc8
  try db 0x0f, 0x22, 0xe8
  try db 0x8e, 0xf0
  try db 0x0f, 0x01, 0xd0
  try db 0x0f, 0xff, 0xc0
  try db 0x8f, 0xc8
  try db 0xff, 0xff
  try db 0xff, 0xd8
  try db 0x62, 0xc0
  try db 0xc5, 0xc0
  try db 0x8d, 0xc0
  try db 0x0f, 0xa6, 0xc0
  try db 0x0f, 0x24, 0xc0
  case 'too long'
  try db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
  try db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
  case 'alignment check'
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
  push dword 0x40002
  popfd
  try mov eax, [scratch + 1]
  mov dword [user_flags], 0x40002
  at3 mov eax, [scratch + 1]
  at3 mov ax, [scratch + 1]
  at3 mov ax, [scratch + 2]
  at3 mov al, [scratch + 1]
  at3 fld tword [scratch + 4]
  at3 fld qword [scratch + 4]
  at3 movups xmm0, [scratch + 1]
  at3 movaps xmm0, [scratch + 8]
  at3 lodsd
  at3 sgdt [scratch + 1]
  at3 push dword [scratch + 1]
  end

user_int40:
  int 0x40
  int3
user_int3_dpl:
  int3
stub_40 equ stubs + 0x40 * STUB_BYTES
flags_seen:
  pushfd
  pop eax
  show eax
  mov eax, [esp + 8]
  show eax
  and dword [esp + 8], ~0x4000
  iretd
rom_end
