import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LINUXBOOT_BOOTORDER, linuxbootRom } from './index.js';

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
const word = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

describe('linuxbootRom', () => {
  it('has the header of an option ROM: signature, size in sectors and a zero sum', () => {
    const rom = linuxbootRom();
    expect([word(rom, 0), rom[2]! * 512, sum(rom)]).toEqual([0xaa55, rom.length, 0]);
  });

  it('has a Plug and Play header with a bootstrap entry vector inside the ROM', () => {
    const rom = linuxbootRom();
    const pnp = word(rom, 0x1a);
    const header = rom.subarray(pnp, pnp + rom[pnp + 5]! * 16);
    expect(new TextDecoder().decode(header.subarray(0, 4))).toBe('$PnP');
    expect([header.length, sum(header), word(header, 0x16)]).toEqual([32, 0, 0]);
    expect(word(header, 0x1a)).toBeGreaterThan(pnp);
    expect(word(header, 0x1a)).toBeLessThan(rom.length);
  });

  it('is named first in the boot order by the file that carries it', () => {
    expect(LINUXBOOT_BOOTORDER).toBe('/rom@genroms/linuxboot_dma.bin');
  });

  it('is what its source assembles to', () => {
    const script = fileURLToPath(new URL('../../../tools/images/assemble.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check', 'LINUXBOOT_ROM'], { encoding: 'utf8' });
    if (status === 3) console.warn('NOT CHECKED against rom/linuxboot.asm: NASM is not installed');
    expect({ status: status === 3 ? 0 : status, stderr: status === 3 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  });
});
