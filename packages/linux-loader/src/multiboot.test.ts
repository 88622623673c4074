import { directBoot, isMultiboot, parseMultiboot } from './index.js';

const MAGIC = 0x1bad_b002;
const RAM = 64 << 20;

/** An image whose header, at offset 4, has these flags and addresses. */
function kludge(flags: number, [header, load, loadEnd, bssEnd, entry]: [number, number, number, number, number]): Uint8Array {
  const image = new Uint8Array(0x100).fill(0x90);
  const view = new DataView(image.buffer);
  for (const [n, field] of [MAGIC, flags, -(MAGIC + flags), header, load, loadEnd, bssEnd, entry].entries())
    view.setUint32(4 + 4 * n, field, true);
  return image;
}

const ADDRESSES: [number, number, number, number, number] = [0x10_0004, 0x10_0000, 0, 0x10_0200, 0x10_0040];

describe('parseMultiboot', () => {
  it('loads what the header says, zeros for bss', () => {
    const { address, data, entry } = parseMultiboot(kludge(0x1_0003, ADDRESSES));
    expect([address, data.length, entry, data[0xff], data[0x100]]).toEqual([0x10_0000, 0x200, 0x10_0040, 0x90, 0]);
  });

  it('loads a part of the file when the header ends it', () => {
    const { data } = parseMultiboot(kludge(0x1_0000, [0x10_0000, 0xf_fffc, 0x10_003c, 0, 0x10_0000]));
    expect([data.length, data[0]]).toEqual([0x40, 0x90]);
  });

  it.each([
    ['video', kludge(0x1_0004, ADDRESSES), /asks for a video mode/],
    ['unknown features', kludge(0x1_0018, ADDRESSES), /unknown features 0x18/],
    ['a range outside the file', kludge(0x1_0000, [0x10_0004, 0x10_0000, 0x10_0101, 0, 0]), /257 bytes from offset 0 are not in the image/],
    ['a header before its load address', kludge(0x1_0000, [0x20_0000, 0x10_0000, 0, 0, 0]), /are not in the image/],
    ['neither ELF nor addresses', kludge(3, ADDRESSES), /no ELF file/],
  ])('refuses %s', (_what, image, message) => {
    expect(() => parseMultiboot(image)).toThrow(message);
  });

  it('finds no header with a wrong sum, beyond 8192 bytes, or at odd places', () => {
    const wrong = kludge(0x1_0003, ADDRESSES);
    wrong[12]! ^= 1;
    const far = new Uint8Array(9000);
    far.set(kludge(0x1_0003, ADDRESSES), 8192);
    const odd = new Uint8Array(0x200);
    odd.set(kludge(0x1_0003, ADDRESSES), 2);
    expect([wrong, far, odd].map(isMultiboot)).toEqual([false, false, false]);
  });
});

describe('directBoot of a Multiboot image', () => {
  it('places module and command line, and points the boot information at them', () => {
    const boot = directBoot({ kernel: kludge(0x1_0003, ADDRESSES), initrd: new Uint8Array(5000), cmdline: 'x', ramBytes: RAM });
    const info = new DataView(boot.setup.data.buffer, boot.setup.data.byteOffset + 0x10);
    expect(boot.initrd.address % 0x1000).toBe(0);
    expect(boot.initrd.address + 5000).toBeLessThanOrEqual(RAM - 0x2_8000);
    expect([info.getUint32(0, true), info.getUint32(16, true), info.getUint32(20, true)]).toEqual([0x24d, boot.cmdline.address, 1]);
    expect(new TextDecoder().decode(boot.cmdline.data)).toBe('kernel x\0');
  });

  it.each([
    [
      'reaches over the boot information',
      { kernel: kludge(0x1_0000, [0x8_0004, 0x8_0000, 0, 0x9_1000, 0]), ramBytes: RAM },
      /boot information/,
    ],
    ['is larger than memory', { kernel: kludge(0x1_0000, [0x10_0004, 0x10_0000, 0, 0x400_0000, 0]), ramBytes: RAM }, /machine has/],
    [
      'leaves no room for the module',
      { kernel: kludge(0x1_0000, ADDRESSES), initrd: new Uint8Array(RAM), ramBytes: RAM },
      /does not fit above/,
    ],
    ['has a NUL in its command line', { kernel: kludge(0x1_0000, ADDRESSES), cmdline: 'a\0b', ramBytes: RAM }, /NUL at character 1/],
    [
      'has too long a command line',
      { kernel: kludge(0x1_0000, ADDRESSES), cmdline: 'a'.repeat(20_000), ramBytes: RAM },
      /16383 are possible/,
    ],
  ])('refuses one that %s', (_what, options, message) => {
    expect(() => directBoot(options)).toThrow(message);
  });
});
