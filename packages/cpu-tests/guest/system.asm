; System calls of 32-bit code, traps of the x87 and SSE, I/O permission, stack sizes, a double fault with a task of its own, the rules for
; entering IA-32e mode (SDM volume 1, chapter 19; volume 2, SYSENTER, SYSEXIT, MOV to control registers; volume 3, chapters 2, 5, 7, 9).
%include "common.inc"
PML4 equ 0x10000
main:
  mov eax, protected
  jmp to_protected
%include "protected.inc"
bits 32
MSR_CS  equ 0x174
MSR_ESP equ 0x175
MSR_EIP equ 0x176
MSR_EFER equ 0xc000_0080
MSR_STAR equ 0xc000_0081
%macro write_msr 2
  mov ecx, %1
  mov eax, %2
  xor edx, edx
  wrmsr
%endmacro
%macro at3 1+
  jmp %%skip
%%code:
  %1
  int3
%%skip:
  user %%code
%endmacro
; SYSEXIT to privilege 3, where INT3 comes back
%macro sysexit_to 2
  mov dword [resume], %%after
  mov dword [resume_sp], esp
  mov dword [fault_at], %%at
  mov edx, %1
  mov ecx, %2
%%at:
  sysexit
%%after:
%endmacro
entered:                ; by SYSENTER or SYSCALL
  pushfd
  cld
  say ' entered'
  mov eax, cs
  show eax
  mov eax, ss
  show eax
  show esp
  show [esp]
  mov eax, DATA0
  mov ds, eax
  mov es, eax
  mov ss, eax
  mov esp, [resume_sp]
  jmp [resume]
at_three:
  int3

protected:
  write_msr MSR_ESP, 0x5f00
  write_msr MSR_EIP, entered
  case 'sysenter: cs msr 0, at 0, at 3; flags'
  try sysenter
  write_msr MSR_CS, CODE0
  try sysenter
  mov dword [user_flags], 0x3ed7 & ~0x100
  at3 sysenter
  mov dword [user_flags], 2
  case 'sysexit: to 3, at 3, cs msr 0'
  mov byte [print_frame], 1
  sysexit_to at_three, 0x5e00
  mov byte [print_frame], 0
  at3 sysexit
  write_msr MSR_CS, 0
  sysexit_to at_three, 0x5e00
  case 'sysenter, cs msr 3'
  write_msr MSR_CS, 3
  try sysenter
  case 'syscall in 32-bit code: sce off, on; sysret at 3'
  try syscall
  write_msr MSR_EFER, 1
  mov ecx, MSR_STAR
  mov eax, entered
  mov edx, (CODE3 - 3 - 16) << 16 | CODE0
  wrmsr
  mov dword [user_flags], 0x0ed7 & ~0x100
  at3 syscall
  mov dword [user_flags], 2
  at3 sysret
  write_msr MSR_EFER, 0
  case 'rsm: outside of system management mode'
  try rsm

  case 'x87 and mmx: em, ts, both, mp without ts'
%macro with_cr0 1+      ; bits, then one instruction
  mov eax, cr0
  or eax, %1
  mov cr0, eax
%endmacro
%macro no_cr0 1
  mov eax, cr0
  and eax, ~(%1)
  mov cr0, eax
%endmacro
%macro fpu_tries 0
  try fldz
  try fwait
  try movd mm0, eax
  try movaps xmm0, xmm1
  try fxsave [0x5000]
  try emms
  try fnop
  try sfence
  try movnti [scratch], eax
  try prefetcht0 [scratch]
  try pause
%endmacro
  mov eax, cr4
  or eax, 0x600
  mov cr4, eax
  fninit
  say ' em'
  with_cr0 4
  fpu_tries
  say ' ts'
  no_cr0 4
  with_cr0 8
  fpu_tries
  say ' ts mp'
  with_cr0 2
  fpu_tries
  say ' em ts'
  with_cr0 4
  fpu_tries
  no_cr0 14
  say ' mp'
  with_cr0 2
  fpu_tries
  case 'sse without osfxsr; simd exception without osxmmexcpt, with it'
  fninit
  mov eax, cr4
  and eax, ~0x600
  mov cr4, eax
  try movaps xmm0, xmm1
  try movd mm0, eax
  emms
  try movd xmm0, eax
  try ldmxcsr [zero_divide_unmasked]
  try fxrstor [0x5000]
  try crc32 eax, eax
  mov eax, cr4
  or eax, 0x200
  mov cr4, eax
  ldmxcsr [zero_divide_unmasked]
  movss xmm0, [one]
  xorps xmm1, xmm1
  try divss xmm0, xmm1
  mov eax, cr4
  or eax, 0x400
  mov cr4, eax
  movss xmm0, [one]
  try divss xmm0, xmm1
  stmxcsr [scratch]
  show [scratch]
  case 'x87 exception: ne set comes at the next waiting instruction'
  with_cr0 0x20
  fninit
  fldcw [zero_divide_control]
  fld1
  fldz
  try fdivp st1, st0
  try fnstsw ax
  show eax
  try fnop
  try fwait
  fnclex
  try fwait
  fninit
  case 'ldmxcsr reserved bits, fxrstor reserved bits'
  try ldmxcsr [reserved_mxcsr]
  fxsave [0x5000]
  or dword [0x5000 + 24], 0x10000
  try fxrstor [0x5000]

  case 'rdtsc with tsd, rdpmc without pce at 3'
  at3 nop
  mov eax, cr4
  or eax, 4
  mov cr4, eax
  at3 rdtsc
  at3 rdtscp
  try lfence
  mov eax, cr4
  and eax, ~4
  mov cr4, eax
  at3 rdpmc

  case 'i/o permission at 3: byte, word across bytes of the map, end of the map, limit, no map'
%macro port_at3 2+      ; DX, instruction
  mov edx, %1
  at3 %2
%endmacro
  mov word [tss_map + 2], 0xfe7f  ; ports 17h and 18h
  port_at3 0x17, in al, dx
  port_at3 0x17, in ax, dx
  port_at3 0x17, in eax, dx
  port_at3 0x16, in al, dx
  port_at3 0x18, in al, dx
  port_at3 0x18, in ax, dx
  mov byte [tss_map + 0x1f], 0x7f ; port ffh, and ffh behind the map
  port_at3 0xff, in al, dx
  port_at3 0xff, in ax, dx
  mov byte [tss_map + 0x20], 0
  port_at3 0xff, in ax, dx
  port_at3 0x100, in al, dx
  port_at3 0x108, in al, dx
  mov byte [tss_map + 0x20], 0xff
  port_at3 0xffff, in al, dx
  mov word [tss + 0x66], TSS_BYTES - 2
  mov word [tss_map + 0x1f], 0
  port_at3 0, in al, dx
  port_at3 8, in al, dx
  mov word [tss + 0x66], TSS_BYTES
  port_at3 0, in al, dx
  mov word [tss + 0x66], tss_map - tss
  mov word [tss_map + 0x1f], 0xffff
  mov dword [user_flags], 0x3002
  port_at3 0x20, in al, dx
  at3 cli
  mov dword [user_flags], 0x2002
  at3 cli
  mov dword [user_flags], 2

  case '16-bit stack in 32-bit code: push, pop, call, enter, leave, pusha, wrap'
; Runs an instruction at privilege 3 with SS in SLOT; prints where it ended and with which SP.
%macro on_stack 2+      ; ESP and EBP, instruction
  jmp %%skip
%%code:
  mov ebp, esp
%%at:
  %2
  int3
%%skip:
  mov dword [resume], %%after
  mov dword [resume_sp], esp
  mov dword [fault_at], %%at
  push dword SLOT | 3
  push dword %1
  push dword 2
  push dword CODE3
  push dword %%code
  iretd
%%after:
%endmacro
%macro in_small 2+
  on_stack 0x1234_0000 + (%1), %2
%endmacro
  slot SLOT, 0, 0xffff, 0xf3, 0x00
  mov byte [print_frame], 1
  in_small 0x5000, push eax
  in_small 0x5000, pop eax
  in_small 0x5000, push ax
  in_small 0x5000, enter 8, 0
  in_small 0x5000, leave
  in_small 0x5000, pushad
  in_small 0, push eax
  in_small 2, push eax
  in_small 1, push ax
  in_small 0xfffe, pop eax
  in_small 0xfffc, pop eax
  in_small 6, pushad
  in_small 2, call at_three
  case '32-bit stack in an expand-down segment: limit 4fff'
  slot SLOT, 0, 0x4fff, 0xf7, 0x40
  mov dword [0x5000], 0x1111
  on_stack 0x5004, push eax
  on_stack 0x5003, push eax
  on_stack 0x5000, push eax
  on_stack 0x5000, pop eax
  on_stack 0x4fff, pop eax
  on_stack 0x4ffc, mov eax, [ebp + 4]
  on_stack 0x4ffc, mov eax, [ebp]
  on_stack 0x5008, enter 8, 0
  on_stack 0x5008, enter 4, 0
  mov byte [print_frame], 0
  case 'interrupt to a 16-bit inner stack'
  slot SLOT, 0, 0xffff, 0x93, 0x00
  mov word [tss + 8], SLOT
  mov dword [tss + 4], 0x1234_5800
  mov byte [print_frame], 1
  at3 nop
  mov byte [print_frame], 0
  show dword [saved_sp]
  mov word [tss + 8], DATA0
  mov dword [tss + 4], STACK0

  case 'double fault through a task gate'
  call double_fault_task
  mov byte [IDT + 8 * 13 + 5], 0x0e
  mov dword [resume], .doubled
  mov [resume_sp], esp
  mov dword [fault_at], .doubling
.doubling:
  mov ds, [bad_selector]
  say ' ok'
.doubled:
  say ' back'
  str eax
  show eax
  case 'the same at 3, for a page fault whose gate is bad'
  call double_fault_task
  mov word [IDT + 8 * 13 + 2], 0
  mov dword [fault_at], .at_three
  mov dword [resume], .doubled_again
  mov [resume_sp], esp
  jmp .go
.at_three:
  hlt
.go:
  push dword DATA3
  push dword STACK3
  push dword 2
  push dword CODE3
  push dword .at_three
  iretd
.doubled_again:
  say ' back'
  call reset_idt

  case 'ia-32e mode: lma is read-only'
  write_msr MSR_EFER, 0x500
  rdmsr
  show eax
  mov edi, PML4
  xor eax, eax
  mov ecx, 0xc00
  rep stosd
  mov dword [PML4], PML4 + 0x1007
  mov dword [PML4 + 0x1000], PML4 + 0x2007
  mov dword [PML4 + 0x2000], 0x87
  mov eax, PML4
  mov cr3, eax
%macro try_paging 0
  mov eax, cr0
  or eax, 0x8000_0000
  try mov cr0, eax
%endmacro
  case 'entering ia-32e mode: without pae, with a 16-bit tss in tr, from a code segment with l'
  try_paging
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov byte [gdt + TSS16B + 5], 0x81
  mov ax, TSS16B
  ltr ax
  try_paging
  mov eax, cr0
  and eax, 0x7fff_ffff
  mov cr0, eax
  mov byte [gdt + TSSMAIN + 5], 0x89
  mov ax, TSSMAIN
  ltr ax
  mov dword [resume], .short_segment
  mov [resume_sp], esp
  mov dword [fault_at], .enters
  mov ebx, cr0
  or ebx, 0x8000_0000
  jmp CODE64:.long_segment
bits 16                 ; L means nothing yet, and D is clear
.long_segment:
  mov eax, ebx
.enters:
  mov cr0, eax
  jmp dword CODE0:.short_segment
bits 32
.short_segment:
  mov eax, cr0
  and eax, 0x7fff_ffff
  mov cr0, eax
  case 'compatibility mode and back: efer'
  try_paging
  mov ecx, MSR_EFER
  rdmsr
  show eax
  mov eax, cr0
  and eax, 0x7fff_ffff
  try mov cr0, eax
  mov ecx, MSR_EFER
  rdmsr
  show eax
  end

; IDT[8] becomes a task gate to the second TSS, whose handler prints and lets the first task go on at [resume].
double_fault_task:
  mov edi, tss32b
  mov ecx, 26
  xor eax, eax
  rep stosd
  mov dword [tss32b + 0x20], double_fault
  mov dword [tss32b + 0x24], 2
  mov dword [tss32b + 0x38], 0x6600
  mov word [tss32b + 0x4c], CODE0
  mov word [tss32b + 0x48], DATA0
  mov word [tss32b + 0x50], DATA0
  mov word [tss32b + 0x54], DATA0
  mov dword [tss32b + 0x64], 0x680000
  mov byte [gdt + TSS32B + 5], 0x89
  mov word [IDT + 8 * 8], 0
  mov word [IDT + 8 * 8 + 2], TSS32B
  mov dword [IDT + 8 * 8 + 4], 0x8500
  ret
double_fault:
  pop eax
  say ' double'
  show eax
  str eax
  show eax
  pushfd
  pop eax
  show eax
  clts
  mov eax, [tss + 0x20]
  sub eax, [fault_at]
  show eax
  movzx eax, word [tss + 0x4c]
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
align 4
zero_divide_unmasked: dd 0x1d80
reserved_mxcsr: dd 0x10000
one: dd 0x3f800000
zero_divide_control: dw 0x37b
bad_selector: dw 0x1000
rom_end
