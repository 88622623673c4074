import { directBoot, ImageError, isMultiboot, parseMultiboot } from './index.js';

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

/** Fields of a program header: offset, address, bytes in the file, bytes in memory. */
type Header = readonly [offset: number, physical: number, inFile: number, inMemory: number];

/** A 32-bit ELF file of 0x200 bytes with a Multiboot header at 0x100; `put` overwrites 16-bit fields of the ELF header. */
function elf(segments: readonly Header[], put: Readonly<Record<number, number>> = {}): Uint8Array {
  const image = new Uint8Array(0x200).fill(0x90);
  const view = new DataView(image.buffer);
  image.fill(0, 0, 52);
  image.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(18, 3, true);
  view.setUint32(24, 0x10_0000, true);
  view.setUint32(28, 52, true);
  view.setUint16(42, 32, true);
  view.setUint16(44, segments.length, true);
  for (const [at, value] of Object.entries(put)) view.setUint16(Number(at), value, true);
  for (const [n, [offset, physical, inFile, inMemory]] of segments.entries())
    for (const [place, field] of [1, offset, physical, physical, inFile, inMemory].entries())
      view.setUint32(52 + 32 * n + 4 * place, field, true);
  for (const [n, field] of [MAGIC, 3, -(MAGIC + 3)].entries()) view.setUint32(0x100 + 4 * n, field, true);
  return image;
}

describe('parseMultiboot of an ELF file', () => {
  it('loads its segments, in any order, and zeros behind what is in the file', () => {
    const { address, data, entry } = parseMultiboot(
      elf([
        [0x180, 0x10_1000, 0x10, 0x20],
        [0x100, 0x10_0000, 0x80, 0x80],
      ]),
      RAM,
    );
    expect([address, data.length, entry, data[0x1000], data[0x1010]]).toEqual([0x10_0000, 0x1020, 0x10_0000, 0x90, 0]);
  });

  it.each([
    ['nothing to load', elf([]), /nothing to load \(e_phnum\)/],
    ['a segment behind the end of the file', elf([[0x1f0, 0x10_0000, 0x11, 0x11]]), /ends inside segment 0 \(p_offset, p_filesz\)/],
    ['an offset of 4 GiB', elf([[0xffff_ffff, 0x10_0000, 0xffff_ffff, 0xffff_ffff]]), /ends inside segment 0/],
    ['more bytes in the file than in memory', elf([[0, 0x10_0000, 0x20, 0x10]]), /ends inside segment 0/],
    ['a segment of 4 GiB', elf([[0, 0x10_0000, 0x10, 0xffff_ffff]]), /needs memory up to 0x1000fffff, there is memory up to 0x4000000/],
    ['a segment at the end of the address space', elf([[0, 0xffff_f000, 0x10, 0x10]]), /needs memory up to 0xfffff010/],
    [
      'segments that overlap',
      elf([
        [0, 0x10_0800, 0x10, 0x10],
        [0, 0x10_0000, 0x10, 0x1000],
      ]),
      /segments that overlap above 0x100000/,
    ],
    ['program headers behind the end of the file', elf([[0, 0x10_0000, 1, 1]], { 44: 0xffff }), /ends inside its program headers/],
    ['program headers without a size', elf([[0, 0x10_0000, 1, 1]], { 42: 0 }), /program headers of 0 bytes \(e_phentsize\)/],
    ['code for another machine', elf([[0, 0x10_0000, 1, 1]], { 18: 62 }), /not a 32-bit one for the 386/],
  ])('refuses %s', (_what, image, message) => {
    expect(() => parseMultiboot(image, RAM)).toThrow(message);
  });

  it('refuses or loads whatever numbers stand in it, and takes no more memory than the machine has', () => {
    let state = 1;
    const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
    let loaded = 0;
    for (let round = 0; round < 3000; round++) {
      const image = elf([[0x100, 0x10_0000, 0x80, 0x80]]);
      for (let changes = 1 + (next() >>> 30); changes > 0; changes--) image[(next() >>> 8) % 84] = next() >>> 24;
      try {
        loaded += Number(parseMultiboot(image, RAM).data.length <= RAM);
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError);
      }
    }
    expect(loaded).toBeGreaterThan(100);
  });
});

describe('parseMultiboot', () => {
  it('loads what the header says, zeros for bss', () => {
    const { address, data, entry } = parseMultiboot(kludge(0x1_0003, ADDRESSES), RAM);
    expect([address, data.length, entry, data[0xff], data[0x100]]).toEqual([0x10_0000, 0x200, 0x10_0040, 0x90, 0]);
  });

  it('loads a part of the file when the header ends it', () => {
    const { data } = parseMultiboot(kludge(0x1_0000, [0x10_0000, 0xf_fffc, 0x10_003c, 0, 0x10_0000]), RAM);
    expect([data.length, data[0]]).toEqual([0x40, 0x90]);
  });

  it.each([
    ['video', kludge(0x1_0004, ADDRESSES), /asks for a video mode/],
    ['unknown features', kludge(0x1_0018, ADDRESSES), /unknown features 0x18/],
    ['a range outside the file', kludge(0x1_0000, [0x10_0004, 0x10_0000, 0x10_0101, 0, 0]), /257 bytes from offset 0 are not in the image/],
    ['a header before its load address', kludge(0x1_0000, [0x20_0000, 0x10_0000, 0, 0, 0]), /are not in the image/],
    ['neither ELF nor addresses', kludge(3, ADDRESSES), /no ELF file/],
  ])('refuses %s', (_what, image, message) => {
    expect(() => parseMultiboot(image, RAM)).toThrow(message);
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

  it('hands over modules in their order, each with its text and from a page on', () => {
    const modules = [
      { name: 'vmlinuz console=hvc0', data: Uint8Array.of(1, 2, 3) },
      { name: 'initrd', data: new Uint8Array(0x1001).fill(7) },
    ];
    const { setup, initrd } = directBoot({ kernel: kludge(0x1_0003, ADDRESSES), modules, ramBytes: RAM });
    const view = new DataView(setup.data.buffer, setup.data.byteOffset);
    expect([view.getUint32(4, true), view.getUint32(0x10 + 20, true)]).toEqual([2, 2]);
    const list = view.getUint32(0x10 + 24, true) - setup.address;
    const read = (n: number): unknown[] => {
      const [start, end, text] = [0, 4, 8].map((field) => view.getUint32(list + 16 * n + field, true)) as [number, number, number];
      const bytes = initrd.data.subarray(start - initrd.address, end - initrd.address);
      const name = new TextDecoder().decode(setup.data.subarray(text - setup.address)).split('\0')[0];
      return [start % 0x1000, [...bytes.subarray(0, 4)], bytes.length, name];
    };
    expect(read(0)).toEqual([0, [1, 2, 3], 3, 'vmlinuz console=hvc0']);
    expect(read(1)).toEqual([0, [7, 7, 7, 7], 0x1001, 'initrd']);
  });

  it.each([
    [
      'has more modules than there is room for',
      {
        kernel: kludge(0x1_0000, ADDRESSES),
        modules: new Array<{ name: string; data: Uint8Array }>(65).fill({ name: '', data: new Uint8Array(1) }),
        ramBytes: RAM,
      },
      /65 modules, 64 are possible/,
    ],
    [
      'has modules with too long texts',
      { kernel: kludge(0x1_0000, ADDRESSES), modules: [{ name: 'a'.repeat(20_000), data: new Uint8Array(1) }], ramBytes: RAM },
      /texts of the modules/,
    ],
    [
      'reaches over the boot information',
      { kernel: kludge(0x1_0000, [0x8_0004, 0x8_0000, 0, 0x9_1000, 0]), ramBytes: RAM },
      /boot information/,
    ],
    [
      'is larger than memory',
      { kernel: kludge(0x1_0000, [0x10_0004, 0x10_0000, 0, 0x400_0000, 0]), ramBytes: RAM },
      /needs memory up to 0x4000000, there is memory up to/,
    ],
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
