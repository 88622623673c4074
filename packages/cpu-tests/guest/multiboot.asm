; A Multiboot kernel that prints what its loader told it to port E9h, and ends by the debug exit device (Multiboot Specification 0.6.96).
bits 32
LINE equ 0xe9
EXIT equ 0xf4
org 0x10_0000
header:
  dd 0x1bad_b002, 0x1_0003, -(0x1bad_b002 + 0x1_0003)
  dd header, header, end_of_data, end_of_bss, entry
entry:
  mov esp, stack
  mov ebp, ebx
  call say
  db 'magic', 0
  call hex
  mov eax, cr0
  and eax, 0x8000_0001
  call say
  db ' cr0', 0
  call hex
  pushfd
  pop eax
  and eax, 0x200
  call say
  db ' if', 0
  call hex
  call say
  db 10, 'flags', 0
  mov eax, [ebp]
  and eax, 0x4d
  call hex
  call say
  db 10, 'lower', 0
  mov eax, [ebp + 4]
  call hex
  call say
  db 10, 'upper', 0
  mov eax, [ebp + 8]
  call hex
  call say
  db 10, 'command line: ', 0
  mov esi, [ebp + 16]
  call print
  call say
  db 10, 'modules', 0
  mov eax, [ebp + 20]
  call hex
  cmp dword [ebp + 20], 0
  je .no_modules
  mov edi, [ebp + 24]
  mov eax, [edi + 4]
  sub eax, [edi]
  call hex
  mov eax, [edi]
  and eax, 0xfff
  call hex
  call say
  db ' ', 0
  mov esi, [edi]
  call print
.no_modules:
  call say
  db 10, 'bss', 0
  mov eax, [end_of_data]
  call hex
  mov edi, [ebp + 48]
  mov ebx, edi
  add ebx, [ebp + 44]
.map:
  call say
  db 10, 'map', 0
  mov eax, [edi + 4]
  call hex
  mov eax, [edi + 12]
  call hex
  mov eax, [edi + 20]
  call hex
  add edi, [edi]
  add edi, 4
  cmp edi, ebx
  jb .map
  call say
  db 10, 'end', 10, 0
  mov eax, 0x10
  mov dx, EXIT
  out dx, eax
.stay:
  hlt
  jmp .stay
say:                    ; the text after the call
  xchg esi, [esp]
  push eax
  call print
  pop eax
  xchg esi, [esp]
  ret
print:
  lodsb
  test al, al
  jz .end
  out LINE, al
  jmp print
.end:
  ret
hex:                    ; ' ' and EAX
  pushad
  mov edx, eax
  mov al, ' '
  out LINE, al
  mov ecx, 8
.digit:
  rol edx, 4
  mov al, dl
  and al, 15
  cmp al, 10
  jb .small
  add al, 'a' - 10 - '0'
.small:
  add al, '0'
  out LINE, al
  loop .digit
  popad
  ret
align 4
end_of_data:
end_of_bss equ end_of_data + 0x2000
stack equ end_of_bss - 16
