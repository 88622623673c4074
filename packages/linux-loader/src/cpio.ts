/** Permissions of an archive entry, the low 12 bits of `st_mode`. */
type Permissions = number;

/** One entry of a cpio archive. Paths are relative, without a leading slash; parents come before what they hold. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: Permissions }
  | { readonly kind: 'file'; readonly path: string; readonly mode: Permissions; readonly data: Uint8Array }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | { readonly kind: 'character-device'; readonly path: string; readonly mode: Permissions; readonly device: DeviceNumber }
  | { readonly kind: 'block-device'; readonly path: string; readonly mode: Permissions; readonly device: DeviceNumber };

/** Major and minor number of a device node. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** A list of entries that makes no archive: the message names the path and the reason. */
export class CpioError extends Error {
  override readonly name = 'CpioError';
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`cpio entry '${path}': ${reason}`);
    this.path = path;
  }
}

/** File type bits of `st_mode`. */
const FILE_TYPE = {
  directory: 0o040000,
  'character-device': 0o020000,
  'block-device': 0o060000,
  file: 0o100000,
  symlink: 0o120000,
} as const;

const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';
const HEADER_BYTES = 110;
/** Boot loaders may put several archives in a row; the padding of the first keeps the next one aligned. */
const ARCHIVE_ALIGNMENT = 512;
/** PATH_MAX of Linux, counting the NUL: longer names are dropped by the unpacker without a word. */
const NAME_LIMIT = 4096;

const encoder = new TextEncoder();
const align = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/**
 * An archive in the "new ASCII" (newc) format, which Linux unpacks as its initramfs.
 *
 * The result depends on the entries alone: inode numbers count up from 1, owner is root, all times are zero.
 * Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
 *
 * @throws CpioError for an empty, absolute, repeated or over-long path, and for one whose directory does not come before it
 */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  checkPaths(entries);
  const records = [...entries.map((entry, index) => record(index + 1, entry)), trailer()];
  const length = records.reduce((sum, { length }) => sum + length, 0);
  const archive = new Uint8Array(align(length, ARCHIVE_ALIGNMENT));
  let offset = 0;
  for (const bytes of records) {
    archive.set(bytes, offset);
    offset += bytes.length;
  }
  return archive;
}

function checkPaths(entries: readonly CpioEntry[]): void {
  const seen = new Map<string, CpioEntry['kind']>();
  for (const { path, kind } of entries) {
    const problem = pathProblem(path) ?? parentProblem(path, seen) ?? (seen.has(path) ? 'is there twice' : undefined);
    if (problem !== undefined) throw new CpioError(path, problem);
    seen.set(path, kind);
  }
}

function pathProblem(path: string): string | undefined {
  if (path.split('/').some((name) => name === '' || name === '.' || name === '..')) return 'is no plain relative path';
  if (path.includes('\0')) return 'holds a NUL';
  if (path === TRAILER) return 'is the name that ends an archive';
  return encoder.encode(path).length >= NAME_LIMIT ? `is longer than ${NAME_LIMIT - 1} bytes` : undefined;
}

function parentProblem(path: string, seen: ReadonlyMap<string, CpioEntry['kind']>): string | undefined {
  const slash = path.lastIndexOf('/');
  if (slash < 0 || seen.get(path.slice(0, slash)) === 'directory') return undefined;
  return `comes without its directory '${path.slice(0, slash)}' before it`;
}

function record(inode: number, entry: CpioEntry): Uint8Array {
  const permissions = entry.kind === 'symlink' ? 0o777 : entry.mode & 0o7777;
  const device = entry.kind === 'character-device' || entry.kind === 'block-device' ? entry.device : { major: 0, minor: 0 };
  return bytesOf(entry.path, contentOf(entry), { inode, mode: FILE_TYPE[entry.kind] | permissions, links: linksOf(entry), device });
}

const linksOf = ({ kind }: CpioEntry): number => (kind === 'directory' ? 2 : 1);

function contentOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === 'file') return entry.data;
  return entry.kind === 'symlink' ? encoder.encode(entry.target) : new Uint8Array();
}

const trailer = (): Uint8Array => bytesOf(TRAILER, new Uint8Array(), { inode: 0, mode: 0, links: 1, device: { major: 0, minor: 0 } });

interface Inode {
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly device: DeviceNumber;
}

/** Header, name with its NUL, content; name and content each padded to a multiple of four bytes from the header's start. */
function bytesOf(path: string, content: Uint8Array, { inode, mode, links, device }: Inode): Uint8Array {
  const name = encoder.encode(`${path}\0`);
  // owner, group and time are zero, and so are the numbers of the device the archive was made on; the check word is unused here
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, device.major, device.minor, name.length, 0];
  const header = MAGIC + fields.map((field) => field.toString(16).padStart(8, '0')).join('');
  const contentAt = align(HEADER_BYTES + name.length, 4);
  const bytes = new Uint8Array(contentAt + align(content.length, 4));
  bytes.set(encoder.encode(header));
  bytes.set(name, HEADER_BYTES);
  bytes.set(content, contentAt);
  return bytes;
}
