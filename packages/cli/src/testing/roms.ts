const ROM_BYTES = 0x1_0000;
const RESET_VECTOR = 0xfff0;

/** Firmware of 64 KiB: `code` at its start, and a jump there at the reset vector (JMP rel16 across the end of the segment). */
function rom(code: readonly number[]): Uint8Array {
  const image = new Uint8Array(ROM_BYTES).fill(0xf4);
  image.set(code);
  image.set([0xe9, 0x0d, 0x00], RESET_VECTOR);
  return image;
}

/** Firmware that does one thing; tests write it to a file. */
export const ROMS: Readonly<Record<'exit67' | 'reset' | 'tripleFault' | 'echo' | 'halt' | 'log', Uint8Array>> = {
  /** mov al, 21h; out f4h, al; hlt */
  exit67: rom([0xb0, 0x21, 0xe6, 0xf4, 0xf4]),
  /** mov al, feh; out 64h, al; hlt */
  reset: rom([0xb0, 0xfe, 0xe6, 0x64, 0xf4]),
  /** lidt cs:[20h] (limit 0); ud2 */
  tripleFault: rom([0x2e, 0x0f, 0x01, 0x1e, 0x20, 0x00, 0x0f, 0x0b, ...new Uint8Array(0x20)]),
  /** mov dx, 3fdh; l: in al, dx; test al, 1; jz l; mov dx, 3f8h; in al, dx; out dx, al; jmp start */
  echo: rom([0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, 0xba, 0xf8, 0x03, 0xec, 0xee, 0xeb, 0xf1]),
  /** cli; hlt; jmp to hlt */
  halt: rom([0xfa, 0xf4, 0xeb, 0xfd]),
  /** mov al, 'A'; out e9h, al; mov dx, 402h; mov al, 'B'; out dx, al; mov al, 0; out f4h, al; hlt */
  log: rom([0xb0, 0x41, 0xe6, 0xe9, 0xba, 0x02, 0x04, 0xb0, 0x42, 0xee, 0xb0, 0x00, 0xe6, 0xf4, 0xf4]),
};
