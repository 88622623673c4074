import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { cpioArchive } from '@hotsocket/linux-loader';
import { initrdProblem } from './images.js';
import { run } from './run.js';
import { ROMS } from './testing/roms.js';

const scratch = mkdtempSync(join(tmpdir(), 'hotsocket-images-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const put = (name: string, bytes: Uint8Array): string => {
  const path = join(scratch, name);
  writeFileSync(path, bytes);
  return path;
};
/** Bytes that look like nothing, the same at every run. */
const noise = (length: number): Uint8Array => {
  let state = 42;
  return Uint8Array.from({ length }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
};

const archive = cpioArchive([{ kind: 'file', path: 'init', mode: 0o100755, data: new TextEncoder().encode('#!/bin/sh\n') }]);

/** The smallest thing with the header of a bzImage of protocol 2.15: one setup sector, four paragraphs of code. */
function kernel(change: (view: DataView) => void = () => {}): Uint8Array {
  const image = new Uint8Array(1024 + 64);
  const view = new DataView(image.buffer);
  view.setUint8(0x1f1, 1);
  view.setUint32(0x1f4, 4, true);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint32(0x202, 0x53726448, true);
  view.setUint16(0x206, 0x020f, true);
  view.setUint8(0x211, 1);
  view.setUint32(0x22c, 0x7fff_ffff, true);
  view.setUint32(0x238, 255, true);
  view.setUint32(0x260, 0x10_0000, true);
  change(view);
  return image;
}

async function refusal(...args: string[]): Promise<{ status: number; stderr: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const status = await run([...args, '-display', 'none', '-S', '-pidfile', '/nonexistent/pid'], { stdin, stdout, stderr });
  return { status, stderr: String(stderr.read() ?? '') };
}

const ROM = put('halt.rom', ROMS.halt);
const KERNEL = put('kernel', kernel());
const INITRD = put('initrd', archive);
const DIRECTORY = join(scratch, 'directory');
mkdirSync(DIRECTORY);
const HUGE = put('huge', new Uint8Array(1));
truncateSync(HUGE, 2 ** 40);

describe('files of the command line', () => {
  it('good ones pass, so that what stops this machine is its PID file', async () => {
    const { stderr } = await refusal('-bios', ROM, '-kernel', KERNEL, '-initrd', INITRD, '-append', 'a b');
    expect(stderr).toBe('hotsocket: -pidfile /nonexistent/pid: cannot create PID file: No such file or directory\n');
  });

  it.each([
    ['of 0 bytes', put('b0', new Uint8Array()), /the file has 0 bytes; firmware has a multiple of 64 KiB/],
    ['of 1 byte', put('b1', new Uint8Array(1)), /the file has 1 bytes; firmware has a multiple of 64 KiB/],
    ['of 65537 bytes', put('b65537', new Uint8Array(65537)), /the file has 65537 bytes; firmware has a multiple of 64 KiB/],
    [
      'above 16 MiB',
      put('b17m', new Uint8Array(0x101_0000)),
      /the file has 16842752 bytes; firmware has a multiple of 64 KiB, at most 16 MiB/,
    ],
    ['of a terabyte', HUGE, /the file has 1099511627776 bytes; firmware/],
    ['that is a directory', DIRECTORY, /Is a directory/],
    ['that is a device', '/dev/null', /is not a regular file/],
    ['that is missing', join(scratch, 'none'), /No such file or directory/],
  ])('-bios %s', async (_what, path, message) => {
    expectRefusal(await refusal('-bios', path), '-bios', path, message);
  });

  it.each([
    ['of 0 bytes', put('k0', new Uint8Array()), /the file is empty/],
    ['of noise', put('k.rand', noise(100_000)), /kernel image is no bzImage: boot_flag/],
    ['of a terabyte', HUGE, /1099511627776 bytes are more than/],
    ['that is a directory', DIRECTORY, /Is a directory/],
    ['that is a device', '/dev/zero', /is not a regular file/],
    ['that is missing', join(scratch, 'none'), /No such file or directory/],
    ['that is an ELF file', put('k.elf', Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, ...new Uint8Array(2000)])), /ELF/],
    [
      'with setup_sects 255',
      put(
        'k255',
        kernel((view) => view.setUint8(0x1f1, 255)),
      ),
      /setup_sects/,
    ],
    [
      'with setup_sects 0',
      put(
        'k0s',
        kernel((view) => view.setUint8(0x1f1, 0)),
      ),
      /setup_sects/,
    ],
    [
      'with a syssize beyond its end',
      put(
        'kss',
        kernel((view) => view.setUint32(0x1f4, 0xffff_ffff, true)),
      ),
      /syssize/,
    ],
    [
      'with an init_size of 4 GiB',
      put(
        'kis',
        kernel((view) => view.setUint32(0x260, 0xffff_ffff, true)),
      ),
      /init_size/,
    ],
    ...[1, 0x1f1, 0x1ff, 0x202, 0x205, 0x210, 0x22c, 0x263, 0x300, 1024].map(
      (length) =>
        [`cut off at 0x${length.toString(16)}`, put(`k${length}`, kernel().slice(0, length)), /kernel image/] as [string, string, RegExp],
    ),
  ])('-kernel %s', async (_what, path, message) => {
    expectRefusal(await refusal('-bios', ROM, '-kernel', path), '-kernel', path, message);
  });

  it.each([
    ['of 0 bytes', put('i0', new Uint8Array()), /the file is empty/],
    ['of noise', put('i.rand', noise(5000)), /is no RAM disk/],
    ['that is a directory', DIRECTORY, /Is a directory/],
    ['that is missing', join(scratch, 'none'), /No such file or directory/],
    ['larger than memory', put('ibig', new Uint8Array(5 << 20)), /5242880 bytes are more than the 4194304/],
    ['that does not fit beside the kernel', put('imid', gzipSync(noise(3_500_000), { level: 0 })), /initrd of 4 MiB does not fit/],
    ['that is a cut gzip archive', put('i.gz', gzipSync(archive).slice(0, 60)), /gzip archive is damaged/],
    ['that is a cut cpio archive', put('i.cpio', archive.slice(0, 130)), /cpio archive is cut off/],
  ])('-initrd %s', async (_what, path, message) => {
    expectRefusal(await refusal('-m', '4', '-bios', ROM, '-kernel', KERNEL, '-initrd', path), '-initrd', path, message);
  });

  it('a command line that is too long names -append', async () => {
    const { stderr } = await refusal('-bios', ROM, '-kernel', KERNEL, '-append', 'x'.repeat(300));
    expect(stderr).toMatch(/^hotsocket: -append: kernel command line has 300 bytes, this kernel takes 255/);
  });

  it('-L is where -bios and the default firmware are looked up', async () => {
    put('bios-256k.bin', new Uint8Array(3));
    const named = await refusal('-L', scratch, '-bios', 'b65537');
    const standard = await refusal('-L', '/nonexistent', '-L', scratch);
    expect([named.stderr, standard.stderr]).toEqual([
      expect.stringContaining(`-bios ${join(scratch, 'b65537')}: the file has 65537 bytes`),
      expect.stringContaining(`firmware ${join(scratch, 'bios-256k.bin')}: the file has 3 bytes`),
    ]);
  });
});

/** One line that begins with the option and the file, and status 1. */
function expectRefusal({ status, stderr }: { status: number; stderr: string }, option: string, path: string, message: RegExp): void {
  expect(status).toBe(1);
  expect(stderr.split('\n')).toHaveLength(2);
  expect(stderr).toMatch(message);
  expect(stderr.startsWith(`hotsocket: ${option} ${path}: `)).toBe(true);
}

describe('initrdProblem', () => {
  it('finds every place where a cpio archive is cut', () => {
    const trailer = Buffer.from(archive).indexOf('TRAILER!!!') + 'TRAILER!!!'.length;
    for (let length = 6; length < trailer; length++) expect(initrdProblem(archive.slice(0, length))).toBeDefined();
    expect(initrdProblem(archive.slice(0, trailer))).toBeUndefined();
  });

  it('finds every place where a gzip archive is cut', () => {
    const packed = gzipSync(archive);
    for (let length = 2; length < packed.length; length++) expect(initrdProblem(packed.slice(0, length))).toMatch(/gzip/);
    expect(initrdProblem(packed)).toBeUndefined();
  });

  it('takes several archives in a row, and padding behind them', () => {
    expect(initrdProblem(Buffer.concat([archive, gzipSync(archive), new Uint8Array(512)]))).toBeUndefined();
  });

  it.each([
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd, 0, 0]],
    ['lz4', [0x02, 0x21, 0x4c, 0x18, 0, 0]],
    ['bzip2', [0x42, 0x5a, 0x68, 0x39]],
    ['squashfs', [0x68, 0x73, 0x71, 0x73]],
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 0x59, 0x5a, 0, 0]],
  ])('knows %s', (_name, bytes) => {
    expect(initrdProblem(Uint8Array.from(bytes))).toBeUndefined();
  });

  it('misses the end of an xz archive', () => {
    expect(initrdProblem(Uint8Array.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2]))).toBe('the xz archive is cut off');
  });
});
