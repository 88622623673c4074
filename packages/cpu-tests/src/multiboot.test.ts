import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Pc } from '@hotsocket/machine-pc';
import { MULTIBOOT_GUEST } from './generated/multiboot-guest.js';

const FIRMWARE = fileURLToPath(new URL('../../../.cache/images/bios-256k.bin', import.meta.url));
const MiB = 1 << 20;

function guest(): Uint8Array {
  const image = new Uint8Array(MULTIBOOT_GUEST.length);
  for (const [at, base64] of MULTIBOOT_GUEST.parts)
    image.set(
      Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
      at,
    );
  return image;
}

/** A 32-bit ELF file with the guest as one segment at 1 MiB, linked 3 GiB higher, entered by its virtual address. */
function asElf(image: Uint8Array): Uint8Array {
  const file = new Uint8Array(0x100 + image.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(18, 3, true);
  view.setUint32(24, 0xc010_0000 + 0x20, true);
  view.setUint32(28, 52, true);
  view.setUint16(42, 32, true);
  view.setUint16(44, 1, true);
  for (const [n, field] of [1, 0x100, 0xc010_0000, 0x10_0000, image.length, image.length + 0x3000].entries())
    view.setUint32(52 + 4 * n, field, true);
  file.set(image, 0x100);
  // without the addresses the header only has magic, flags and checksum
  view.setUint32(0x104, 3, true);
  view.setUint32(0x108, -(0x1bad_b002 + 3), true);
  return file;
}

function run(kernel: Uint8Array): string[] {
  const pc = new Pc({
    cpus: 1,
    maxCpus: 1,
    topology: { cores: 1, threads: 1 },
    ramBytes: 64 * MiB,
    firmware: new Uint8Array(readFileSync(FIRMWARE)),
    kernel,
    initrd: new TextEncoder().encode('module text\0'),
    append: 'a=1 b',
    debugExit: { iobase: 0xf4, iosize: 4 },
  });
  let [output, ended] = ['', false];
  pc.board.e9Console.written = (byte) => {
    output += String.fromCharCode(byte);
  };
  pc.ended = () => {
    ended = true;
  };
  pc.noReboot = true;
  pc.cont();
  pc.runFor(400_000_000, () => ended);
  return output.trim().split('\n');
}

describe('Multiboot images', () => {
  const present = existsSync(FIRMWARE);
  if (!present) console.warn(`NOT RUN: ${FIRMWARE} is absent (node tools/images/fetch.mjs bios-256k.bin)`);
  const test = present ? it.each : it.skip.each;

  test([
    ['with addresses in the header', guest],
    ['in ELF', () => asElf(guest())],
  ] as [string, () => Uint8Array][])(
    '%s get the machine state and information that the specification names',
    (_name, image) => {
      const lines = run(image());
      expect(lines.slice(0, 6)).toEqual([
        'magic 2badb002 cr0 00000001 if 00000000',
        'flags 0000004d',
        'lower 0000027f',
        'upper 0000fbf8',
        'command line: kernel a=1 b',
        'modules 00000001 0000000c 00000000 module text',
      ]);
      expect(lines[6]).toBe('bss 00000000');
      expect(lines.filter((line) => line.startsWith('map 00100000'))).toEqual(['map 00100000 03efe000 00000001']);
      expect(lines.at(-1)).toBe('end');
    },
    60_000,
  );
});
