import { ImageError } from './image-error.js';
import * as spec from './spec.js';

/** A Linux kernel image whose header was checked. */
export interface BzImage {
  /** boot protocol, as in the header: 0x020f is 2.15 */
  readonly protocol: number;
  /** real-mode part, boot sector included; a view of the image */
  readonly setup: Uint8Array;
  /** protected-mode part: everything after the setup sectors; a view of the image */
  readonly kernel: Uint8Array;
  /** true when the protected-mode part is loaded at 1 MiB (bzImage), false at 64 KiB (zImage) */
  readonly loadedHigh: boolean;
  /** longest command line the kernel takes, bytes without the NUL */
  readonly cmdlineLimit: number;
  /** highest address an initrd byte may have */
  readonly initrdLimit: number;
  /** first and last + 1 byte of the memory the kernel claims while it starts, before it reads its memory map */
  readonly footprint: { readonly start: number; readonly end: number };
}

const hex = (value: number): string => `0x${value.toString(16)}`;
const place = ({ name, at }: spec.HeaderField): string => `${name} (at ${hex(at)})`;

/**
 * Reads and checks a kernel image in the bzImage (or zImage) format.
 *
 * @throws ImageError `empty`, `not-bzimage`, `truncated` or `bad-field`; the message names the field and its offset
 */
export function parseBzImage(image: Uint8Array): BzImage {
  if (image.length === 0) throw new ImageError('empty', 'kernel image is empty');
  const header = new Header(image);
  header.checkMagic();
  const setupBytes = setupSize(header);
  const kernel = image.subarray(setupBytes);
  const loadedHigh = (header.get(spec.LOADFLAGS) & spec.LOADED_HIGH) !== 0;
  checkSyssize(header, kernel.length);
  checkPayload(header, kernel.length);
  return {
    protocol: header.version,
    setup: image.subarray(0, setupBytes),
    kernel,
    loadedHigh,
    cmdlineLimit: header.get(spec.CMDLINE_SIZE, spec.DEFAULT_CMDLINE_SIZE),
    initrdLimit: header.get(spec.INITRD_ADDR_MAX, spec.DEFAULT_INITRD_ADDR_MAX),
    footprint: footprint(header, kernel.length, loadedHigh),
  };
}

/** The setup header: fields by name, with the default where the protocol is too old to have one. */
class Header {
  readonly image: Uint8Array;
  version = 0;

  constructor(image: Uint8Array) {
    this.image = image;
  }

  /** Checks the two magic numbers and the version, and then that the image holds every field of that version. */
  checkMagic(): void {
    this.#expect(spec.BOOT_FLAG, spec.BOOT_FLAG_MAGIC);
    this.#expect(spec.HEADER, spec.HEADER_MAGIC);
    this.version = this.get(spec.VERSION);
    if (this.version < 0x0200)
      throw new ImageError('bad-field', `kernel image: ${place(spec.VERSION)} is ${hex(this.version)}, below 2.00`);
    for (const field of spec.HEADER_FIELDS) if (this.has(field)) this.#needs(field);
  }

  has(field: spec.HeaderField): boolean {
    return this.version >= field.since;
  }

  get(field: spec.HeaderField, fallback = 0): number {
    if (!this.has(field)) return fallback;
    this.#needs(field);
    let value = 0;
    for (let byte = field.bytes - 1; byte >= 0; byte--) value = value * 256 + this.image[field.at + byte]!;
    return value;
  }

  #needs(field: spec.HeaderField): void {
    if (this.image.length >= field.at + field.bytes) return;
    const other = otherFile(this.image);
    if (other !== undefined) throw new ImageError('not-bzimage', `kernel image is ${other}, not a bzImage`);
    throw new ImageError('truncated', `kernel image ends at ${hex(this.image.length)}, before the end of ${place(field)}`);
  }

  #expect(field: spec.HeaderField, magic: number): void {
    const value = this.get(field);
    if (value === magic) return;
    const other = otherFile(this.image);
    const found = other === undefined ? `${place(field)} is ${hex(value)} instead of ${hex(magic)}` : `it is ${other}`;
    throw new ImageError('not-bzimage', `kernel image is no bzImage: ${found}`);
  }
}

const otherFile = (image: Uint8Array): string | undefined =>
  spec.OTHER_FILES.find(({ magic }) => magic.every((byte, index) => image[index] === byte))?.what;

function setupSize(header: Header): number {
  const sectors = header.get(spec.SETUP_SECTS) || spec.DEFAULT_SETUP_SECTS;
  const bytes = (sectors + 1) * spec.SECTOR_BYTES;
  const claim = `kernel image: ${place(spec.SETUP_SECTS)} is ${sectors}`;
  if (bytes > spec.SETUP_LIMIT)
    throw new ImageError('bad-field', `${claim}, so the setup code would not fit into ${hex(spec.SETUP_LIMIT)} bytes`);
  if (header.image.length <= bytes)
    throw new ImageError('truncated', `${claim}, but the image ends at ${hex(header.image.length)}, not after ${hex(bytes)}`);
  return bytes;
}

/** syssize counts the protected-mode code in 16-byte paragraphs; a signature may follow it, so there may be more. */
function checkSyssize(header: Header, kernelBytes: number): void {
  const paragraphs = header.get(spec.SYSSIZE);
  if (paragraphs <= Math.ceil(kernelBytes / 16)) return;
  const what = `${place(spec.SYSSIZE)} announces ${paragraphs * 16} bytes of protected-mode code`;
  throw new ImageError('truncated', `kernel image: ${what}, but ${kernelBytes} follow the setup sectors`);
}

function checkPayload(header: Header, kernelBytes: number): void {
  const offset = header.get(spec.PAYLOAD_OFFSET);
  const length = header.get(spec.PAYLOAD_LENGTH);
  if (offset + length <= kernelBytes) return;
  const what = `${place(spec.PAYLOAD_OFFSET)} and payload_length reach to ${hex(offset + length)}`;
  throw new ImageError('truncated', `kernel image: ${what}, but the protected-mode code has ${hex(kernelBytes)} bytes`);
}

/**
 * The memory a kernel uses before it knows the memory map: from where it unpacks itself, init_size bytes.
 * Boot protocol, "init_size": a relocatable kernel loaded below pref_address moves there.
 */
function footprint(header: Header, kernelBytes: number, loadedHigh: boolean): BzImage['footprint'] {
  const load = loadedHigh ? spec.ADDRESSES.modern.kernel : spec.ADDRESSES.low.kernel;
  const end = load + kernelBytes;
  if (!header.has(spec.INIT_SIZE)) return { start: load, end };
  const runsAt = Math.max(load, header.get(spec.PREF_ADDRESS));
  return { start: load, end: Math.max(end, runsAt + header.get(spec.INIT_SIZE)) };
}
