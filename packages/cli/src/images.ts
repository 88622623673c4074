import { readFileSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { demoGuestRom } from '@hotsocket/demo-guest';
import { splitCommas } from './options/key-values.js';
import { systemText, UsageError } from './usage-error.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const FIRMWARE_UNIT = 64 * KiB;
const LARGEST_FIRMWARE = 16 * MiB;
/** Firmware of a machine that names none: SeaBIOS as Debian and QEMU install it. */
const DEFAULT_FIRMWARE = 'bios-256k.bin';

/** Firmware that comes with the program: a small kernel that takes hot-added CPUs into use. */
export const DEMO_GUEST = 'builtin:demo-guest';

/** The repository, if the program lies in one: two folders above its package. */
export const REPOSITORY: string = join(dirname(fileURLToPath(import.meta.url)), '../../..');
/** Where firmware lies when `-L` does not say: the cache of fetched images, then the directories of distributions. */
const FIRMWARE_DIRS: readonly string[] = [
  process.env.HOTSOCKET_IMAGES ?? join(REPOSITORY, '.cache/images'),
  '/usr/share/seabios',
  '/usr/share/qemu',
  '/usr/local/share/qemu',
];

/** Reads a file that the user named. `label` is the option, for messages; `most` bytes are read at most. */
export function readImage(label: string, path: string, most: number): Uint8Array {
  const { size } = regularFile(label, path);
  if (size === 0) throw new UsageError(`${label} ${path}: the file is empty`);
  if (size > most) throw new UsageError(`${label} ${path}: ${size} bytes are more than the ${most} that can be used`);
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new UsageError(`${label} ${path}: could not read the file: ${systemText(error)}`);
  }
}

function regularFile(label: string, path: string): Stats {
  const stats = statOf(label, path);
  if (stats.isDirectory()) throw new UsageError(`${label} ${path}: Is a directory`);
  if (!stats.isFile()) throw new UsageError(`${label} ${path}: is not a regular file`);
  return stats;
}

function statOf(label: string, path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw new UsageError(`${label} ${path}: could not open the file: ${systemText(error)}`);
  }
}

/** Reads firmware and checks its size. Without a name it looks for SeaBIOS. */
export function readFirmware(name: string | undefined, dirs: readonly string[]): Uint8Array {
  if (name === DEMO_GUEST) return demoGuestRom();
  const path = name === undefined ? defaultFirmware(dirs) : (found(name, dirs) ?? name);
  const label = name === undefined ? 'firmware' : '-bios';
  const { size } = regularFile(label, path);
  if (size === 0 || size % FIRMWARE_UNIT !== 0 || size > LARGEST_FIRMWARE)
    throw new UsageError(`${label} ${path}: the file has ${size} bytes; firmware has a multiple of 64 KiB, at most 16 MiB`);
  return readImage(label, path, LARGEST_FIRMWARE);
}

function defaultFirmware(dirs: readonly string[]): string {
  const path = found(DEFAULT_FIRMWARE, [...dirs, ...FIRMWARE_DIRS]);
  if (path !== undefined) return path;
  throw new UsageError(`no firmware: ${DEFAULT_FIRMWARE} was not found; name a file with -bios, or its directory with -L`);
}

/** A name with a slash, or of a file that is there, is a path; others are looked up in the directories. */
function found(name: string, dirs: readonly string[]): string | undefined {
  const candidates = name.includes('/') ? [name] : [name, ...dirs.map((dir) => join(dir, name))];
  return candidates.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
}

/** A file of `-initrd` for a Multiboot kernel: the image gets the whole text, file name and arguments. */
export interface ModuleFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** Reads the modules of a Multiboot kernel: `file arguments,file arguments`; a module may hold anything. */
export function readModules(text: string, ramBytes: number): ModuleFile[] {
  return splitCommas(text).map((name) => ({ name, data: readImage('-initrd', name.split(' ')[0]!, ramBytes) }));
}

/** Reads an initial RAM disk and refuses what no kernel can unpack: it would boot into nothing. */
export function readInitrd(path: string, ramBytes: number): Uint8Array {
  const initrd = readImage('-initrd', path, ramBytes);
  const problem = initrdProblem(initrd);
  if (problem !== undefined) throw new UsageError(`-initrd ${path}: ${problem}`);
  return initrd;
}

/** What is wrong with an initial RAM disk; undefined when it seems whole. */
export function initrdProblem(initrd: Uint8Array): string | undefined {
  const format = FORMATS.find(({ at, magic }) => magic.every((byte, index) => initrd[at + index] === byte));
  if (format === undefined) return 'is no RAM disk: neither a cpio archive, nor compressed, nor a file system';
  return format.check?.(initrd);
}

interface Format {
  readonly at: number;
  readonly magic: readonly number[];
  check?(initrd: Uint8Array): string | undefined;
}

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));

/** What kernels unpack: cpio (newc, with checksums), compressions of `CONFIG_RD_*`, and file systems of an old-style RAM disk. */
const FORMATS: readonly Format[] = [
  { at: 0, magic: ascii('070701'), check: cpioProblem },
  { at: 0, magic: ascii('070702'), check: cpioProblem },
  { at: 0, magic: [0x1f, 0x8b], check: gzipProblem },
  { at: 0, magic: [0xfd, ...ascii('7zXZ'), 0], check: xzProblem },
  { at: 0, magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { at: 0, magic: ascii('BZh') },
  { at: 0, magic: [0x5d, 0, 0] },
  { at: 0, magic: [0x89, ...ascii('LZO')] },
  { at: 0, magic: [0x02, 0x21, 0x4c, 0x18] },
  { at: 0, magic: [0x04, 0x22, 0x4d, 0x18] },
  { at: 0, magic: ascii('hsqs') },
  { at: 0, magic: ascii('-rom1fs-') },
  { at: 0, magic: [0x45, 0x3d, 0xcd, 0x28] },
  { at: 0x438, magic: [0x53, 0xef] },
];

const CPIO_HEADER_BYTES = 110;
const CPIO_LAST = 'TRAILER!!!';

/** Walks the headers of the first archive. */
function cpioProblem(initrd: Uint8Array): string | undefined {
  for (let at = 0; at + CPIO_HEADER_BYTES <= initrd.length; ) {
    const header = Buffer.from(initrd.buffer, initrd.byteOffset + at, CPIO_HEADER_BYTES).toString('latin1');
    const [, fileSize, nameSize] = /^07070[12].{48}([0-9a-fA-F]{8}).{32}([0-9a-fA-F]{8})/s.exec(header) ?? [];
    if (fileSize === undefined || nameSize === undefined) return `the cpio archive has no header at 0x${at.toString(16)}`;
    const name = at + CPIO_HEADER_BYTES;
    if (Buffer.from(initrd.subarray(name, name + CPIO_LAST.length)).toString('latin1') === CPIO_LAST) return undefined;
    at = align4(align4(name + Number.parseInt(nameSize, 16)) + Number.parseInt(fileSize, 16));
  }
  return 'the cpio archive is cut off';
}

const align4 = (value: number): number => Math.ceil(value / 4) * 4;

function gzipProblem(initrd: Uint8Array): string | undefined {
  try {
    gunzipSync(initrd);
    return undefined;
  } catch (error) {
    return `the gzip archive is damaged: ${(error as Error).message}`;
  }
}

/** The footer of a stream ends in YZ; streams may be padded with zeros. */
function xzProblem(initrd: Uint8Array): string | undefined {
  let end = initrd.length;
  while (initrd[end - 1] === 0) end--;
  return initrd[end - 2] === 0x59 && initrd[end - 1] === 0x5a ? undefined : 'the xz archive is cut off';
}
