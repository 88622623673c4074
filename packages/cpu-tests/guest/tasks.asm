; Task switches through every kind of gate, and virtual-8086 mode (SDM volume 3, chapters 7 and 20).
%include "common.inc"
main:
  mov eax, protected
  jmp to_protected
%include "protected.inc"
bits 32
; Fills a 32-bit TSS: address, EIP, EFLAGS, ESP, CS, data selector.
%macro fill_tss32 6
  mov edi, %1
  mov ecx, 26
  xor eax, eax
  rep stosd
  mov dword [%1 + 4], 0x6600
  mov dword [%1 + 8], DATA0
  mov dword [%1 + 0x20], %2
  mov dword [%1 + 0x24], %3
  mov dword [%1 + 0x28], 0x1111
  mov dword [%1 + 0x2c], 0x2222
  mov dword [%1 + 0x38], %4
  mov dword [%1 + 0x3c], 0x3333
  mov dword [%1 + 0x48], %6
  mov dword [%1 + 0x4c], %5
  mov dword [%1 + 0x50], %6
  mov dword [%1 + 0x54], %6
  mov dword [%1 + 0x60], LDTSEL
  mov dword [%1 + 0x64], 0x680000
%endmacro
%macro fill_tss16 6
  mov edi, %1
  mov ecx, 11
  xor eax, eax
  rep stosd
  mov word [%1 + 2], 0x6600
  mov word [%1 + 4], DATA0
  mov word [%1 + 0x0e], %2
  mov word [%1 + 0x10], %3
  mov word [%1 + 0x12], 0x1111
  mov word [%1 + 0x14], 0x2222
  mov word [%1 + 0x1a], %4
  mov word [%1 + 0x1c], 0x3333
  mov word [%1 + 0x22], %6
  mov word [%1 + 0x24], %5
  mov word [%1 + 0x26], %6
  mov word [%1 + 0x28], %6
  mov word [%1 + 0x2a], LDTSEL
%endmacro
; What a task sees and what it finds of the others.
show_task:
  pushfd
  push eax
  str eax
  say ' tr'
  show eax
  pop eax
  say ' ax'
  show eax
  say ' cx'
  show ecx
  say ' bp'
  show ebp
  say ' fl'
  show [esp]
  say ' ldt'
  sldt eax
  show eax
  mov eax, cr0
  say ' cr0'
  show eax
  clts
  say ' busy'
  mov al, [gdt + TSSMAIN + 5]
  call hexb32
  mov al, [gdt + TSS32B + 5]
  call hexb32
  mov al, [gdt + TSS16B + 5]
  call hexb32
  say ' link'
  mov ax, [tss]
  call hexb32
  mov ax, [tss32b]
  call hexb32
  mov ax, [tss16b]
  call hexb32
  popfd
  ret
; Everything back, whatever a test did.
restore:
  mov byte [gdt + TSSMAIN + 5], 0x89
  mov byte [gdt + TSS32B + 5], 0x89
  mov byte [gdt + TSS16B + 5], 0x81
  mov word [gdt + TSS32B], 0x67
  mov word [gdt + TSS16B], 0x2b
  mov word [gdt + TSSMAIN], TSS_BYTES - 1
  mov byte [gdt + TASKG + 5], 0xe5
  mov word [gdt + TASKG + 2], TSS32B
  mov word [tss], 0
  push eax
  mov ax, TSSMAIN
  ltr ax
  xor eax, eax
  lldt ax
  push dword 2
  popfd
  pop eax
  ret
in_task:
  call show_task
  mov [scratch], esp
  iretd
  say ' again'
  call show_task
  iretd
to_main:
  call show_task
  jmp TSSMAIN:0
just_iret:
  iretd
error_task:             ; a handler with an error code on its stack
  pop eax
  say ' error'
  show eax
  call show_task
  mov eax, [tss + 0x20]
  sub eax, [fault_at]
  say ' at'
  show eax
  mov eax, [resume]
  mov [tss + 0x20], eax
  mov eax, [resume_sp]
  mov [tss + 0x38], eax
  mov dword [tss + 0x24], 2
  mov dword [tss + 0x4c], CODE0
  mov dword [tss + 0x48], DATA0
  mov dword [tss + 0x50], DATA0
  mov dword [tss + 0x54], DATA0
  iretd
  jmp error_task

protected:
  call restore
  case 'call tss32'
  fill_tss32 tss32b, in_task, 0x202, 0x5800, CODE0, DATA0
  mov eax, 0xaaaa
  mov ecx, 0xcccc
  mov ebp, 0xbbbb
  call TSS32B:0
  say ' back'
  call show_task
  case 'call again'
  call TSS32B:0
  say ' back'
  call show_task
  case 'saved state'
  show [tss + 0x24]
  show [tss + 0x28]
  show [tss + 0x38]
  show [tss + 0x3c]
  show [tss + 0x48]
  show [tss + 0x4c]
  show [tss + 0x60]
  show [tss32b + 0x20]
  show [tss32b + 0x24]
  call restore
  case 'jmp tss32'
  fill_tss32 tss32b, to_main, 0x2, 0x5800, CODE0, DATA0
  jmp TSS32B:0
  say ' back'
  call show_task
  call restore
  case 'call task gate'
  fill_tss32 tss32b, in_task, 0x2, 0x5800, CODE0, DATA0
  call TASKG:0
  say ' back'
  call show_task
  call restore
  case 'jmp task gate'
  fill_tss32 tss32b, to_main, 0x2, 0x5800, CODE0, DATA0
  jmp TASKG:0
  say ' back'
  call show_task
  call restore
  case 'int through task gate'
  fill_tss32 tss32b, in_task, 0x2, 0x5800, CODE0, DATA0
  mov dword [IDT + 8 * 0x50], TSS32B << 16
  mov dword [IDT + 8 * 0x50 + 4], 0x8500
  int 0x50
  say ' back'
  call show_task
  call restore
  case 'exception through task gate'
  fill_tss32 tss32b, error_task, 0x2, 0x5800, CODE0, DATA0
  mov dword [IDT + 8 * 13], TSS32B << 16
  mov dword [IDT + 8 * 13 + 4], 0x8500
  mov eax, 0x100
  try mov ds, eax
  say ' back'
  call show_task
  call restore
  case 'exception through task gate at 3'
  fill_tss32 tss32b, error_task, 0x2, 0x5800, CODE0, DATA0
  user user_gp
  say ' back'
  call reset_idt
  call restore
  case 'call tss16 from 32'
  fill_tss16 tss16b, task16, 0x2, 0x5800, CODE16, DATA16
  mov eax, 0x1234aaaa
  mov ebp, 0x5678bbbb
  call TSS16B:0
  say ' back'
  call show_task
  call restore
  case 'jmp tss16, which jumps to tss32'
  fill_tss16 tss16b, task16_jmp, 0x2, 0x5800, CODE16, DATA16
  fill_tss32 tss32b, to_main, 0x2, 0x5800, CODE0, DATA0
  jmp TSS16B:0
  say ' back'
  call show_task
  show [tss16b + 0x0c]
  show [tss16b + 0x10]
  show [tss16b + 0x20]
  call restore
  case 'task to privilege 3 and back by its int'
  fill_tss32 tss32b, user_task, 0x3002, 0x5800, CODE3, DATA3
  mov dword [tss32b + 0x50], DATA3
  mov dword [resume], .in_three
  mov [resume_sp], esp
  mov dword [fault_at], user_task
  jmp TSS32B:0
.in_three:
  str eax
  show eax
  call restore
  case 'errors: busy, absent, limit, ldt selector, not a tss'
%macro far_task 1
  try call %1:0
  try jmp %1:0
%endmacro
  mov byte [gdt + TSS32B + 5], 0x8b
  far_task TSS32B
  mov byte [gdt + TSS32B + 5], 0x09
  far_task TSS32B
  mov byte [gdt + TSS32B + 5], 0x89
  mov word [gdt + TSS32B], 0x66
  far_task TSS32B
  mov word [gdt + TSS16B], 0x2a
  far_task TSS16B
  call restore
  mov byte [gdt + TASKG + 5], 0x65
  far_task TASKG
  mov byte [gdt + TASKG + 5], 0xe5
  mov word [gdt + TASKG + 2], 0
  far_task TASKG
  mov word [gdt + TASKG + 2], 0x2c
  far_task TASKG
  mov word [gdt + TASKG + 2], DATA0
  far_task TASKG
  mov word [gdt + TASKG + 2], TSS32B
  mov byte [gdt + TSS32B + 5], 0x8b
  far_task TASKG
  mov byte [gdt + TSS32B + 5], 0x09
  far_task TASKG
  far_task TSS32B | 3
  far_task TASKG | 3
  case 'dpl of tss and gate at 3'
  call restore
  user user_tss
  mov byte [gdt + TASKG + 5], 0x85
  user user_taskg
  case 'iret with nt: link null, not busy, beyond'
  call restore
%macro iret_nt 1
  mov word [tss], %1
  push dword 0x4002
  popfd
  try iretd
  push dword 2
  popfd
%endmacro
  iret_nt 0
  iret_nt TSS32B
  iret_nt 0x100
  iret_nt DATA0
  iret_nt 0x0c
  case 'faults in the new task: cs, ss, ds, ldt, eip'
; The handlers are tasks, because the broken one may have no stack for them.
%macro catch_by_task 1  ; vector
  mov dword [IDT + 8 * (%1)], SLOT2 << 16
  mov dword [IDT + 8 * (%1) + 4], 0x8500
%endmacro
%macro broken 3         ; field, value, name
  call restore
  fill_tss32 tss32c, catch_task, 0x2, 0x5400, CODE0, DATA0
  mov dword [tss32c + 0x60], 0
  slot SLOT2, offset(tss32c), 0x67, 0x89, 0
  catch_by_task 10
  catch_by_task 11
  catch_by_task 12
  catch_by_task 13
  fill_tss32 tss32b, to_main, 0x2, 0x5800, CODE0, DATA0
  mov dword [tss32b + %1], %2
  mov dword [resume], %%after
  mov dword [resume_sp], esp
  mov dword [fault_at], to_main
  say ' ', %3
  jmp TSS32B:0
%%after:
%endmacro
  broken 0x4c, 0, 'cs0'
  broken 0x4c, DATA0, 'csdata'
  broken 0x4c, CODE0 | 3, 'csrpl'
  broken 0x4c, 0x100, 'csbeyond'
  slot SLOT, 0, 0xffff, 0x1b, 0xcf
  broken 0x4c, SLOT, 'csabsent'
  broken 0x50, 0, 'ss0'
  broken 0x50, DATA3, 'ssdpl'
  broken 0x50, CODE0, 'sscode'
  slot SLOT, 0, 0xffff, 0x13, 0xcf
  broken 0x50, SLOT, 'ssabsent'
  broken 0x54, 0x100, 'dsbeyond'
  broken 0x54, SLOT, 'dsabsent'
  broken 0x54, TSS32B, 'dssystem'
  broken 0x48, 0x100, 'esbeyond'
  broken 0x60, DATA0, 'ldtdata'
  broken 0x60, 0x100, 'ldtbeyond'
  broken 0x60, 0x0c, 'ldtti'
  mov byte [gdt + LDTSEL + 5], 0x02
  broken 0x60, LDTSEL, 'ldtabsent'
  mov byte [gdt + LDTSEL + 5], 0x82
  slot SLOT, 0, 0xfff, 0x9b, 0x40
  broken 0x4c, SLOT, 'eiplimit'
  call reset_idt
  case 'debug trap of a task'
  call restore
  fill_tss32 tss32b, to_main, 0x2, 0x5800, CODE0, DATA0
  mov word [tss32b + 0x64], 1
  xor eax, eax
  mov dr6, eax
  mov dword [resume], .debug
  mov dword [resume_sp], esp
  mov dword [fault_at], to_main
  jmp TSS32B:0
.debug:
  mov eax, dr6
  show eax
  case 'debug registers over a switch'
  call restore
  mov eax, 0x555
  mov dr7, eax
  fill_tss32 tss32b, to_main, 0x2, 0x5800, CODE0, DATA0
  jmp TSS32B:0
  mov eax, dr7
  show eax
  mov eax, 0x400
  mov dr7, eax
  case 'cr3 of a task'
  call restore
  call paging_on
  fill_tss32 tss32b, cr3_task, 0x2, 0x5800, CODE0, DATA0
  mov dword [tss32b + 0x1c], 0x12000
  mov dword [tss + 0x1c], 0x10000
  jmp TSS32B:0
  mov eax, cr3
  show eax
  mov eax, cr0
  and eax, 0x7fff_ffff
  mov cr0, eax
  jmp v86

cr3_task:
  mov eax, cr3
  show eax
  jmp TSSMAIN:0
paging_on:
  mov edi, 0x10000
  mov ecx, 0x1000
  xor eax, eax
  rep stosd
  mov dword [0x10000], 0x11007
  mov dword [0x12000], 0x11007
  mov edi, 0x11000
  mov eax, 7
.next:
  stosd
  add eax, 0x1000
  cmp edi, 0x12000
  jb .next
  mov eax, 0x10000
  mov cr3, eax
  mov eax, cr0
  or eax, 0x8000_0000
  mov cr0, eax
  ret
catch_task:
  pop eax
  say ' error'
  show eax
  mov ax, [tss32c]
  call hexb32
  mov esp, [resume_sp]
  jmp [resume]
tss32c: times 0x68 db 0
user_task:
  pushfd
  pop eax
  mov ecx, ds
  int3
user_gp:
  hlt
user_tss:
  call TSS32B:0
user_taskg:
  call TASKG:0
bits 16
task16:
  mov [scratch + 8], esp
  movzx esp, sp
  mov [scratch], eax
  mov [scratch + 4], ebp
  call show16
  iret
show16:
  str ax
  mov dx, 0x10
  o32 call dword CODE0:show16_far
  ret
task16_jmp:
  o32 jmp dword TSS32B:0
bits 32
show16_far:
  say ' tr'
  show eax
  say ' scratch'
  show [scratch]
  show [scratch + 4]
  show [scratch + 8]
  pushfd
  pop eax
  show eax
  retf

; ---------------------------------------------------------------- virtual-8086 mode
; Runs 16-bit code at a label as a V86 task with IOPL %2; prints the frame of the fault that ends it.
%macro in_v86 2
  mov dword [resume], %%after
  mov dword [resume_sp], esp
  mov dword [fault_at], %1
  push dword 0x4444
  push dword 0x3333
  push dword 0x2222
  push dword 0x1111
  push dword 0
  push dword 0x5000
  push dword 0x20002 | (%2) << 12
  push dword 0
  push dword %1
  iretd
%%after:
%endmacro
%macro v86_each 2+      ; IOPL, instruction
  jmp %%skip
bits 16
%%code:
  %2
  int3
bits 32
%%skip:
  in_v86 %%code, %1
%endmacro
%macro v86_code 1       ; IOPL; v86_end follows the code
%push
%assign %$iopl %1
  jmp %$skip
bits 16
%$code:
%endmacro
%macro v86_end 0
  int3
bits 32
%$skip:
  in_v86 %$code, %$iopl
%pop
%endmacro
v86:
  call restore
  mov byte [print_frame], 1
  case 'segments of a frame'
  v86_each 3, nop
  case 'segment loads'
  v86_code 3
  mov ax, 0xb800
  mov ds, ax
  mov es, ax
  push ax
  pop gs
  v86_end
  mov byte [print_frame], 0
  case 'sensitive with iopl 3: cli sti pushf popf int iret in hlt'
  v86_each 3, cli
  v86_each 3, sti
  v86_each 3, pushf
  v86_code 3
  push word 0x7202
  popf
  v86_end
  v86_each 3, int 0x60
  mov byte [IDT + 8 * 0x60 + 5], 0xee
  v86_each 3, int 0x60
  v86_each 3, in al, 0x80
  v86_each 3, hlt
  case 'sensitive with iopl 0'
  v86_each 0, cli
  v86_each 0, sti
  v86_each 0, pushf
  v86_each 0, popf
  v86_each 0, int 0x60
  v86_each 0, iret
  v86_each 0, in al, 0x80
  v86_each 0, o32 pushf
  v86_each 0, o32 popf
  v86_each 0, int3
  v86_each 0, into
  v86_each 0, db 0xf1
  case 'i/o by bitmap in iopl 3 and 0'
  mov byte [tss_map + 0x10], 0xfe
  v86_each 3, in al, 0x80
  v86_each 0, in al, 0x80
  v86_each 0, in ax, 0x80
  v86_each 0, in al, 0x81
  v86_code 0
  mov dx, 0x8000
  in al, dx
  v86_end
  mov byte [tss_map + 0x10], 0xff
  case 'not in v86: lldt ltr lar verr arpl sldt; lgdt, mov cr0, smsw, lmsw, clts'
  v86_each 3, lldt ax
  v86_each 3, ltr ax
  v86_each 3, lar ax, ax
  v86_each 3, verr ax
  v86_each 3, arpl ax, ax
  v86_each 3, sldt ax
  v86_each 3, str ax
  v86_each 3, lgdt [0]
  v86_each 3, mov eax, cr0
  v86_each 3, smsw ax
  v86_each 3, lmsw ax
  v86_each 3, clts
  v86_each 3, mov eax, dr7
  v86_each 3, rdmsr
  v86_each 3, sysenter
  case 'limits'
  v86_code 3
  mov bx, 0xffff
  mov ax, [bx]
  v86_end
  v86_code 3
  mov ebx, 0x10000
  mov al, [ebx]
  v86_end
  v86_code 3
  mov sp, 1
  push ax
  v86_end
  v86_code 3
  mov sp, 0
  push ax
  mov cx, sp
  v86_end
  v86_code 3
  mov bp, 0xffff
  mov ax, [bp]
  v86_end
  case 'far jump in v86'
  v86_each 3, jmp 0x0:v86_far
  mov byte [print_frame], 1
  case 'int in v86 through a gate to conforming, to dpl 3'
  mov word [IDT + 8 * 0x60 + 2], CONF
  v86_each 3, int 0x60
  mov word [IDT + 8 * 0x60 + 2], CODE3
  v86_each 3, int 0x60
  call reset_idt
  mov byte [print_frame], 0
  case 'popfd of a v86 task at iopl 3: vm, rf, vip, vif, iopl'
  v86_code 3
  o32 push dword 0x1b3ed7
  o32 popf
  o32 pushf
  pop eax
  v86_end
  show [saved_eax]
  case 'vme, pvi: announced, accepted'
  mov eax, 1
  cpuid
  shr edx, 1
  and edx, 1
  show edx
  mov eax, cr4
  or al, 1
  try mov cr4, eax
  mov eax, cr4
  or al, 2
  try mov cr4, eax
  end
bits 16
v86_far:
  int3
rom_end
