; 32-bit and PAE paging: rights of every combination, accessed and dirty bits, large pages, reserved bits, WP, NX, SMEP
; (SDM volume 3, chapter 4).
%include "common.inc"
main:
  mov eax, protected
  jmp to_protected
%include "protected.inc"
bits 32
PD   equ 0x10000
PT   equ 0x11000
PDPT equ 0x12000
PD2  equ 0x13000
PT2  equ 0x14000
PROBE equ 0x40_0000     ; the page under test, over PD entry 1
FRAME equ 0x20000       ; where it leads
; Clears the tables and maps the first 4 MiB on themselves.
tables32:
  pushad
  mov edi, PD
  mov ecx, 0x1400
  xor eax, eax
  rep stosd
  mov edi, PT
  mov eax, 7
.next:
  stosd
  add eax, 0x1000
  cmp edi, PT + 0x1000
  jb .next
  mov dword [PD], PT + 7
  mov dword [PD + 4], PT2 + 7
  mov dword [PT2], FRAME + 7
  mov byte [FRAME], 0xc3
  popad
  ret
flush:
  push eax
  mov eax, cr3
  mov cr3, eax
  pop eax
  ret
; Accesses by the supervisor, then at privilege 3: read, write, fetch.
sweep:
  say ' r'
  try mov al, [PROBE]
  say ' w'
  try mov byte [PROBE], 0xc3
  say ' x'
  mov eax, PROBE
  try call eax
  mov dword [fault_at], user_r
  say ' ur'
  user user_r
  say ' uw'
  user user_w
  say ' ux'
  user user_x
  ret
user_r:
  mov ax, DATA3
  mov ds, ax
  mov al, [PROBE]
  int3
user_w:
  mov ax, DATA3
  mov ds, ax
  mov byte [PROBE], 0xc3
  int3
user_x:
  mov eax, PROBE
  call eax
  int3
%macro rights32 2       ; PDE bits, PTE bits
%defstr %%pde %1
%defstr %%pte %2
  say 10, 'pde ', %%pde, ' pte ', %%pte, ':'
  mov dword [PD + 4], PT2 + %1
  mov dword [PT2], FRAME + %2
  call flush
  call sweep
  mov eax, [PD + 4]
  call hexb32
  mov eax, [PT2]
  call hexb32
%endmacro
protected:
  call tables32
  mov eax, PD
  mov cr3, eax
  mov eax, cr0
  or eax, 0x8000_0000
  mov cr0, eax
%macro all_rights 0
%assign p 0
%rep 4
%assign q 0
%rep 4
  rights32 %[p * 2 + 1], %[q * 2 + 1]
%assign q q + 1
%endrep
%assign p p + 1
%endrep
%endmacro
  case 'wp clear'
  all_rights
  rights32 6, 7
  rights32 7, 6
  case 'wp set'
  mov eax, cr0
  or eax, 0x1_0000
  mov cr0, eax
  all_rights
  case 'a, d: read, then write'
  mov dword [PD + 4], PT2 + 7
  mov dword [PT2], FRAME + 7
  call flush
  mov al, [PROBE]
  show dword [PT2]
  mov [PROBE], al
  show dword [PT2]
  show dword [PD + 4]
  case 'a, d are not set by a fault'
  mov dword [PD + 4], PT2 + 3
  mov dword [PT2], FRAME + 1
  call flush
  try mov [PROBE], al
  show dword [PT2]
  show dword [PD + 4]
  case 'no flush: the old translation stays for invlpg'
  mov dword [PT2], FRAME + 7
  call flush
  mov al, [PROBE]
  mov dword [PT2], 0
  invlpg [PROBE]
  try mov al, [PROBE]
  mov dword [PT2], FRAME + 7
  try mov al, [PROBE]
  case 'two pages: fault in the second'
  mov dword [PT2 + 4], 0
  mov eax, 0x12345678
  mov [FRAME + 0xffc], eax
  try mov [PROBE + 0xffe], eax
  show dword [FRAME + 0xffc]
  try mov eax, [PROBE + 0xffd]
  mov dword [PT2 + 4], FRAME + 0x1000 + 5
  call flush
  try mov [PROBE + 0xffe], eax
  show dword [FRAME + 0xffc]
  case 'rmw faults as a write'
  mov dword [PT2], FRAME + 5
  call flush
  try add [PROBE], eax
  try lock cmpxchg [PROBE], eax
  mov dword [PT2], 0
  call flush
  try add [PROBE], eax
  try bts dword [PROBE], 1
  try bt dword [PROBE], 1
  case 'pse off: bit 7 of a pde is ignored'
  mov dword [PT2], FRAME + 7
  mov dword [PD + 4], PT2 + 0x87
  call flush
  try mov al, [PROBE]
  case 'pse on: 4 mib'
  mov eax, cr4
  or al, 0x10
  mov cr4, eax
  mov dword [PD + 4], 0x87
  call flush
  mov eax, [FRAME + 0x100]
  not eax
  mov [PROBE + FRAME + 0x100], eax
  sub eax, [FRAME + 0x100]
  show eax
  show dword [PD + 4]
  mov dword [PD + 4], 0x200085
  call flush
  try mov al, [PROBE]
  mov dword [PD + 4], 0x85
  call flush
  try mov [PROBE], al
  mov dword [PD + 4], 0x83
  call flush
  user user_r
  user user_x
  case 'pge: a global page outlives cr3'
  mov eax, cr4
  or al, 0x80
  mov cr4, eax
  mov dword [PD + 4], PT2 + 7
  mov dword [PT2], FRAME + 0x107
  call flush
  mov al, [PROBE]
  invlpg [PROBE]
  mov dword [PT2], 0
  try mov al, [PROBE]

  case 'a20 closed: identity, mapped to the odd megabyte; open again'
  mov dword [0x500], 0x1111
  mov dword [0x10_0500], 0x2222
  mov dword [PT2], 0x10_0007
  call flush
  invlpg [PROBE]
  in al, 0x92
  and al, 0xfc
  out 0x92, al
  show [0x10_0500]
  show [PROBE + 0x500]
  mov dword [PROBE + 0x504], 0x3333
  in al, 0x92
  or al, 2
  out 0x92, al
  show [PROBE + 0x500]
  show [0x504]

; ---------------------------------------------------------------- PAE
%macro entry 3          ; table entry, low, high
  mov dword [%1], %2
  mov dword [%1 + 4], %3
%endmacro
  mov eax, cr0
  and eax, 0x7fff_ffff
  mov cr0, eax
  mov edi, PD
  mov ecx, 0x1400
  xor eax, eax
  rep stosd
  entry PDPT, PD + 1, 0
  entry PD, PT + 7, 0
  entry PD + 16, PT2 + 7, 0
  entry PT2, FRAME + 7, 0
  mov edi, PT
  mov eax, 7
.fill:
  stosd
  add eax, 0x1000
  mov dword [edi], 0
  add edi, 4
  cmp edi, PT + 0x1000
  jb .fill
  mov eax, cr4
  or al, 0x20
  mov cr4, eax
  mov eax, PDPT
  mov cr3, eax
  mov ecx, 0xc000_0080
  rdmsr
  and ah, ~8
  wrmsr
  mov eax, cr0
  or eax, 0x8001_0000
  mov cr0, eax
  case 'pae'
  call sweep
%macro pae 3            ; what, pde low bits, pte high and low
  say 10, %1, ':'
  %2
  %3
  call flush
  call sweep
  mov eax, [PD + 16]
  call hexb32
  mov eax, [PT2]
  call hexb32
%endmacro
  pae 'nx without nxe', {entry PD + 16, PT2 + 7, 0}, {entry PT2, FRAME + 7, 0x8000_0000}
  pae 'nx of the pde without nxe', {entry PD + 16, PT2 + 7, 0x8000_0000}, {entry PT2, FRAME + 7, 0}
  pae 'address bit 62', {entry PD + 16, PT2 + 7, 0}, {entry PT2, FRAME + 7, 0x4000_0000}
  pae 'address bit 51', {entry PD + 16, PT2 + 7, 0}, {entry PT2, FRAME + 7, 0x8_0000}
  pae 'address bit 51 of the pde', {entry PD + 16, PT2 + 7, 0x8_0000}, {entry PT2, FRAME + 7, 0}
  pae 'absent and reserved', {entry PD + 16, PT2 + 7, 0}, {entry PT2, FRAME + 6, 0x8_0000}
  mov ecx, 0xc000_0080
  rdmsr
  or ah, 8
  wrmsr
  pae 'nx', {entry PD + 16, PT2 + 7, 0}, {entry PT2, FRAME + 7, 0x8000_0000}
  pae 'nx of the pde', {entry PD + 16, PT2 + 7, 0x8000_0000}, {entry PT2, FRAME + 7, 0}
  pae 'nx and absent', {entry PD + 16, PT2 + 7, 0}, {entry PT2, FRAME + 6, 0x8000_0000}
  pae 'read-only', {entry PD + 16, PT2 + 7, 0}, {entry PT2, FRAME + 5, 0}
  pae 'supervisor', {entry PD + 16, PT2 + 3, 0}, {entry PT2, FRAME + 7, 0}
  pae '2 mib', {entry PD + 16, 0x87, 0}, {entry PT2, 0, 0}
  pae '2 mib, reserved bit 13', {entry PD + 16, 0x2087, 0}, {entry PT2, 0, 0}
  pae '2 mib, pat', {entry PD + 16, 0x1087, 0}, {entry PT2, 0, 0}
  pae '2 mib nx', {entry PD + 16, 0x87, 0x8000_0000}, {entry PT2, 0, 0}
  case 'smep: user page, supervisor page, clear again'
  mov edi, PT
.supervisor:
  and byte [edi], ~4
  add edi, 8
  cmp edi, PT + 0x1000
  jb .supervisor
  mov eax, cr4
  or eax, 0x10_0000
  mov cr4, eax
  entry PD + 16, PT2 + 7, 0
  entry PT2, FRAME + 7, 0
  call flush
  mov al, [PROBE]
  mov ecx, PROBE
  try call ecx
  entry PT2, FRAME + 3, 0
  call flush
  try call ecx
  entry PT2, FRAME + 6, 0
  call flush
  try call ecx
  entry PT2, FRAME + 7, 0
  mov eax, cr4
  and eax, ~0x10_0000
  mov cr4, eax
  try call ecx
  case 'pdptes: reserved bits, absent, loaded with cr3'
  mov ebx, cr3
  mov dword [PDPT + 8], PD + 3
  try mov cr3, ebx
  mov dword [PDPT + 8], PD + 0x21
  try mov cr3, ebx
  mov dword [PDPT + 8], PD + 6
  try mov cr3, ebx
  entry PDPT + 8, PD + 1, 0x8000_0000
  try mov cr3, ebx
  entry PDPT + 8, PD + 1, 0x8_0000
  try mov cr3, ebx
  entry PDPT + 8, 0, 0
  mov cr3, ebx
  try mov al, [0x4000_0000]
  entry PDPT + 8, PD + 1, 0
  try mov al, [0x4000_0000]
  mov cr3, ebx
  try mov al, [0x4000_0000]
  show dword [PDPT + 8]
  case 'cr0 and cr4: pg without pe, nw without cd, reserved bits of cr4'
  mov eax, cr0
  and al, ~1
  try mov cr0, eax
  mov eax, cr0
  or eax, 0x2000_0000
  and eax, ~0x4000_0000
  try mov cr0, eax
  mov eax, cr4
  or eax, 0x8000_0000
  try mov cr4, eax
  mov eax, cr4
  or eax, 0x8000
  try mov cr4, eax
  mov eax, cr4
  or eax, 0x2_0000
  try mov cr4, eax
  end
rom_end
