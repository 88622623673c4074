import fc from 'fast-check';
import {
  type DirectBoot,
  type DirectBootOptions,
  directBoot,
  directBootItems,
  ImageError,
  type ImageErrorCode,
  parseBzImage,
} from './index.js';
import { HEADER_FIELDS } from './spec.js';

/** A kernel image of protocol 2.15 with four setup sectors, by default; `put` overwrites bytes by offset. */
function kernelImage({
  kernelBytes = 8192,
  put = {},
}: {
  kernelBytes?: number;
  put?: Readonly<Record<number, readonly number[]>>;
}): Uint8Array {
  const image = new Uint8Array(5 * 512 + kernelBytes);
  const view = new DataView(image.buffer);
  view.setUint8(0x1f1, 4);
  view.setUint32(0x1f4, Math.ceil(kernelBytes / 16), true);
  view.setUint16(0x1fe, 0xaa55, true);
  image.set([0x48, 0x64, 0x72, 0x53], 0x202);
  view.setUint16(0x206, 0x020f, true);
  view.setUint8(0x211, 1);
  view.setUint32(0x22c, 0x7fff_ffff, true);
  view.setUint8(0x234, 1);
  view.setUint32(0x238, 2047, true);
  view.setUint32(0x248, 0x100, true);
  view.setUint32(0x258, 0x100_0000, true);
  view.setUint32(0x260, 0x10_0000, true);
  for (const [at, bytes] of Object.entries(put)) image.set(bytes, Number(at));
  return image;
}

const refusal = (image: Uint8Array): { code: ImageErrorCode; message: string } => {
  try {
    parseBzImage(image);
  } catch (error) {
    if (error instanceof ImageError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('the image was accepted');
};

describe('parseBzImage', () => {
  it('splits the image after the setup sectors', () => {
    const image = kernelImage({ kernelBytes: 4096 });
    const { setup, kernel, protocol, loadedHigh } = parseBzImage(image);
    expect({ setup: setup.length, kernel: kernel.length, protocol, loadedHigh }).toEqual({
      setup: 0xa00,
      kernel: 4096,
      protocol: 0x020f,
      loadedHigh: true,
    });
  });

  it('takes setup_sects 0 as 4', () => {
    expect(parseBzImage(kernelImage({ put: { 497: [0] } })).setup.length).toBe(5 * 512);
  });

  it('reads limits and footprint of a relocatable kernel that moves to pref_address', () => {
    const { cmdlineLimit, initrdLimit, footprint } = parseBzImage(kernelImage({}));
    expect({ cmdlineLimit, initrdLimit, footprint }).toEqual({
      cmdlineLimit: 2047,
      initrdLimit: 0x7fff_ffff,
      footprint: { start: 0x10_0000, end: 0x100_0000 + 0x10_0000 },
    });
  });

  it('gives an old protocol the limits that its header cannot hold', () => {
    const { cmdlineLimit, initrdLimit, footprint } = parseBzImage(kernelImage({ put: { 518: [0x02, 0x02] }, kernelBytes: 100 }));
    expect({ cmdlineLimit, initrdLimit, footprint }).toEqual({
      cmdlineLimit: 255,
      initrdLimit: 0x37ff_ffff,
      footprint: { start: 0x10_0000, end: 0x10_0064 },
    });
  });

  it('takes a signature after the code that syssize counts', () => {
    expect(parseBzImage(kernelImage({ kernelBytes: 4096, put: { 500: [0xc0, 0, 0, 0] } })).kernel.length).toBe(4096);
  });

  it('refuses an empty image', () => {
    expect(refusal(new Uint8Array())).toEqual({ code: 'empty', message: 'kernel image is empty' });
  });

  it.each(HEADER_FIELDS.map(({ name, at, bytes }) => [name, at, at + bytes - 1] as const))(
    'names %s at its offset when the image ends inside it',
    (name, at, length) => {
      const image = kernelImage({}).subarray(0, length);
      const { code, message } = refusal(image);
      // boot_flag and header are read first, so an image that ends before them is short of these
      const first = length < 0x200 ? 'boot_flag (at 0x1fe)' : length < 0x206 ? 'header (at 0x202)' : `${name} (at 0x${at.toString(16)})`;
      expect({ code, message }).toEqual({
        code: 'truncated',
        message: `kernel image ends at 0x${length.toString(16)}, before the end of ${first}`,
      });
    },
  );

  it.each([
    ['an ELF file', [0x7f, 0x45, 0x4c, 0x46]],
    ['a gzip file', [0x1f, 0x8b]],
    ['an xz file', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
    ['a cpio archive', [0x30, 0x37, 0x30, 0x37, 0x30]],
  ])('recognises %s', (what, magic) => {
    const image = new Uint8Array(2048);
    image.set(magic);
    expect(refusal(image)).toEqual({ code: 'not-bzimage', message: `kernel image is no bzImage: it is ${what}` });
  });

  it.each([
    ['boot_flag', { 510: [0] }, 'not-bzimage', 'kernel image is no bzImage: boot_flag (at 0x1fe) is 0xaa00 instead of 0xaa55'],
    ['header', { 514: [0] }, 'not-bzimage', 'kernel image is no bzImage: header (at 0x202) is 0x53726400 instead of 0x53726448'],
    ['version', { 518: [0xff, 1] }, 'bad-field', 'kernel image: version (at 0x206) is 0x1ff, below 2.00'],
    [
      'setup_sects over a segment',
      { 497: [255] },
      'bad-field',
      'kernel image: setup_sects (at 0x1f1) is 255, so the setup code would not fit into 0x8000 bytes',
    ],
    [
      'setup_sects over the image',
      { 497: [60] },
      'truncated',
      'kernel image: setup_sects (at 0x1f1) is 60, but the image ends at 0x2a00, not after 0x7a00',
    ],
    [
      'syssize',
      { 500: [0xff, 0xff, 0xff, 0xff] },
      'truncated',
      'kernel image: syssize (at 0x1f4) announces 68719476720 bytes of protected-mode code, but 8192 follow the setup sectors',
    ],
    [
      'payload_length',
      { 588: [0xff, 0xff, 0xff, 0xff] },
      'truncated',
      'kernel image: payload_offset (at 0x248) and payload_length reach to 0x1000000ff, but the protected-mode code has 0x2000 bytes',
    ],
  ] as const)('refuses a lie in %s', (_, put, code, message) => {
    expect(refusal(kernelImage({ put }))).toEqual({ code, message });
  });

  it('throws nothing but ImageError, whatever the header says', () => {
    const header = fc.uint8Array({ minLength: 0x90, maxLength: 0x90 });
    fc.assert(
      fc.property(header, fc.nat(0x3000), (bytes, length) => {
        const image = kernelImage({});
        image.set(bytes.subarray(0, 8), 0x1f1);
        image.set(bytes.subarray(8), 0x206);
        try {
          parseBzImage(image.subarray(0, length));
        } catch (error) {
          expect(error).toBeInstanceOf(ImageError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

const MiB = 2 ** 20;
const boot = (options: Partial<DirectBootOptions>): DirectBoot => directBoot({ kernel: kernelImage({}), ramBytes: 64 * MiB, ...options });
const field = (data: Uint8Array, at: number, bytes: number): number =>
  data.slice(at, at + bytes).reduceRight((value, byte) => value * 256 + byte, 0);
const bootRefusal = (options: Partial<DirectBootOptions>): [ImageErrorCode, string] => {
  try {
    boot(options);
  } catch (error) {
    if (error instanceof ImageError) return [error.code, error.message];
    throw error;
  }
  throw new Error('accepted');
};

describe('directBoot', () => {
  it('puts the parts of a modern kernel at their addresses, the initrd below the firmware tables', () => {
    const parts = boot({ initrd: new Uint8Array(5000).fill(7), cmdline: 'quiet' });
    expect(Object.entries(parts).map(([name, { address, data }]) => [name, address, data.length])).toEqual([
      ['setup', 0x1_0000, 0xa00],
      ['kernel', 0x10_0000, 8192],
      ['initrd', 64 * MiB - 0x2_8000 - 0x2000, 5000],
      ['cmdline', 0x2_0000, 6],
    ]);
    expect([...parts.cmdline.data]).toEqual([...Buffer.from('quiet\0')]);
  });

  it('fills in the header of a copy of the setup code', () => {
    const kernel = kernelImage({});
    const { setup, initrd } = boot({ kernel, initrd: new Uint8Array(100) });
    expect({
      type_of_loader: field(setup.data, 0x210, 1),
      loadflags: field(setup.data, 0x211, 1),
      ramdisk_image: field(setup.data, 0x218, 4),
      ramdisk_size: field(setup.data, 0x21c, 4),
      heap_end_ptr: field(setup.data, 0x224, 2),
      cmd_line_ptr: field(setup.data, 0x228, 4),
    }).toEqual({
      type_of_loader: 0xb0,
      loadflags: 0x81,
      ramdisk_image: initrd.address,
      ramdisk_size: 100,
      heap_end_ptr: 0xfe00,
      cmd_line_ptr: 0x2_0000,
    });
    expect(kernel).toEqual(kernelImage({}));
  });

  it('has no initrd, at address 0, when none is given', () => {
    const { initrd, setup } = boot({});
    expect([initrd.address, initrd.data.length, field(setup.data, 0x218, 4), field(setup.data, 0x21c, 4)]).toEqual([0, 0, 0, 0]);
  });

  it('keeps the initrd below initrd_addr_max', () => {
    const kernel = kernelImage({ put: { 556: [0xff, 0xff, 0xff, 0x01] } });
    expect(boot({ kernel, initrd: new Uint8Array(4096) }).initrd.address).toBe(0x01ff_f000);
  });

  it('passes the command line of a 2.01 kernel by the 16-bit offset below 9A000h', () => {
    const { setup, cmdline } = boot({ kernel: kernelImage({ put: { 518: [0x01, 0x02] } }), cmdline: 'root=/dev/ram' });
    expect([setup.address, cmdline.address]).toEqual([0x9_0000, 0x9_9ff0]);
    expect([field(setup.data, 0x20, 2), field(setup.data, 0x22, 2), field(setup.data, 0x224, 2)]).toEqual([0xa33f, 0x9ff0, 0x9df0]);
  });

  it('loads a zImage at 64 KiB', () => {
    const { setup, kernel } = boot({ kernel: kernelImage({ put: { 529: [0], 518: [0x03, 0x02] } }) });
    expect([setup.address, kernel.address]).toEqual([0x9_0000, 0x1_0000]);
  });

  it.each([
    ['vga=ask', 0xfffd],
    ['quiet vga=0x317', 0x317],
    ['vga=791 vga=normal', 0xffff],
    ['vga=nonsense', 0x1234],
    ['novga=3', 0x1234],
  ])('takes the video mode from %j', (cmdline, mode) => {
    const { setup } = boot({ kernel: kernelImage({ put: { 506: [0x34, 0x12] } }), cmdline });
    expect(field(setup.data, 0x1fa, 2)).toBe(mode);
  });

  it.each<[string, Partial<DirectBootOptions>, ImageErrorCode, string]>([
    [
      'a machine smaller than init_size',
      { ramBytes: 16 * MiB },
      'no-room',
      'the kernel needs memory up to 17 MiB to start (init_size at 0x260), the machine has 16 MiB',
    ],
    [
      'a lying init_size',
      { kernel: kernelImage({ put: { 608: [0xff, 0xff, 0xff, 0xff] } }) },
      'no-room',
      'the kernel needs memory up to 4112 MiB to start (init_size at 0x260), the machine has 64 MiB',
    ],
    [
      'an initrd larger than memory',
      { initrd: new Uint8Array(50 * MiB) },
      'no-room',
      'initrd of 50 MiB does not fit: 47 MiB are free between kernel and the end of memory',
    ],
    [
      'a command line over cmdline_size',
      { cmdline: 'x'.repeat(2048) },
      'bad-cmdline',
      'kernel command line has 2048 bytes, this kernel takes 2047 (cmdline_size at 0x238)',
    ],
    ['a command line with a NUL', { cmdline: 'ab\0c' }, 'bad-cmdline', 'kernel command line holds a NUL at character 2'],
    [
      'a zImage that reaches its own setup code',
      { kernel: kernelImage({ put: { 529: [0], 518: [0x03, 0x02] }, kernelBytes: 0x8_0001 }) },
      'bad-field',
      'kernel image: loadflags (at 0x211) says low, but 524289 bytes do not fit below 0x90000',
    ],
  ])('refuses %s', (_, options, code, message) => {
    expect(bootRefusal(options)).toEqual([code, message]);
  });
});

describe('directBootItems', () => {
  it('carries address, size and bytes of each part under its fw_cfg keys', () => {
    const items = directBootItems(boot({ initrd: Uint8Array.of(1, 2, 3), cmdline: 'a' }));
    const short = items.filter(({ data }) => data.length <= 4).map(({ key, data }) => [key, ...data]);
    expect(short).toEqual([
      [0x16, 0, 0, 1, 0],
      [0x17, 0, 0x0a, 0, 0],
      [0x13, 0, 0, 2, 0],
      [0x14, 2, 0, 0, 0],
      [0x15, 0x61, 0],
      [0x0a, 0, 0x70, 0xfd, 3],
      [0x0b, 3, 0, 0, 0],
      [0x12, 1, 2, 3],
      [0x07, 0, 0, 0x10, 0],
      [0x08, 0, 0x20, 0, 0],
    ]);
    expect(items.filter(({ data }) => data.length > 4).map(({ key, data }) => [key, data.length])).toEqual([
      [0x18, 0xa00],
      [0x11, 8192],
    ]);
  });
});
