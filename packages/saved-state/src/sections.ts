import { SavedStateError } from './saved-state.js';

/** A named piece of a file. A reader refuses a file with an unknown one, unless it is optional. */
export interface Section {
  readonly name: string;
  readonly data: Uint8Array;
  readonly optional?: boolean;
}

/** Opens every file: it tells text from binary, and transfers that touch line ends. */
const MAGIC = Uint8Array.of(0x89, 0x48, 0x4f, 0x54, 0x53, 0x4b, 0x0d, 0x0a);
export const FILE_VERSION = 1;
/** Name (16 bytes of ASCII), flags, length, CRC-32 of the data, CRC-32 of these 28 bytes. */
const HEADER_BYTES = 32;
const NAME_BYTES = 16;
const OPTIONAL = 1;
const LAST = 'end';

/** Sections as one file, with a length and a checksum for each. */
export function writeSections(sections: readonly Section[]): Uint8Array {
  const all = [...sections, { name: LAST, data: new Uint8Array() }];
  const file = new Uint8Array(all.reduce((sum, { data }) => sum + HEADER_BYTES + data.length, MAGIC.length + 4));
  file.set(MAGIC);
  new DataView(file.buffer).setUint32(MAGIC.length, FILE_VERSION, true);
  let at = MAGIC.length + 4;
  for (const section of all) {
    file.set(headerOf(section), at);
    file.set(section.data, at + HEADER_BYTES);
    at += HEADER_BYTES + section.data.length;
  }
  return file;
}

/**
 * Reads a file back. Throws SavedStateError for one that is cut, changed, of another version or of another program, or that has a section
 * which is not in `known` and not optional.
 */
export function readSections(file: Uint8Array, known: readonly string[]): ReadonlyMap<string, Uint8Array> {
  checkStart(file);
  const sections = new Map<string, Uint8Array>();
  for (let at = MAGIC.length + 4; ; ) {
    const { name, length, optional, crc } = readHeader(file, at);
    const data = file.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    if (data.length !== length) throw new SavedStateError(`the file ends inside its section '${name}'`);
    if (crc32(data) !== crc) throw new SavedStateError(`section '${name}' of the file is damaged`);
    at += HEADER_BYTES + length;
    if (name === LAST) return complete(sections, file.length - at);
    if (sections.has(name)) throw new SavedStateError(`the file has two sections '${name}'`);
    if (!known.includes(name) && !optional) throw new SavedStateError(`the file has a section '${name}', which this version does not know`);
    sections.set(name, data);
  }
}

function complete(sections: ReadonlyMap<string, Uint8Array>, rest: number): ReadonlyMap<string, Uint8Array> {
  if (rest > 0) throw new SavedStateError(`${rest} bytes follow the end of the file`);
  return sections;
}

function checkStart(file: Uint8Array): void {
  if (file.length < MAGIC.length + 4 || MAGIC.some((byte, at) => file[at] !== byte))
    throw new SavedStateError('this is no file of saved state');
  const version = viewOf(file).getUint32(MAGIC.length, true);
  if (version !== FILE_VERSION) throw new SavedStateError(`the file has version ${version}, this program reads version ${FILE_VERSION}`);
}

function headerOf({ name, data, optional = false }: Section): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES));
  const view = viewOf(header);
  view.setUint32(16, optional ? OPTIONAL : 0, true);
  view.setUint32(20, data.length, true);
  view.setUint32(24, crc32(data), true);
  view.setUint32(28, crc32(header.subarray(0, 28)), true);
  return header;
}

function readHeader(file: Uint8Array, at: number): { name: string; length: number; optional: boolean; crc: number } {
  const header = file.subarray(at, at + HEADER_BYTES);
  if (header.length < HEADER_BYTES) throw new SavedStateError('the file ends before its last section');
  const view = viewOf(header);
  if (crc32(header.subarray(0, 28)) !== view.getUint32(28, true)) throw new SavedStateError(`the file is damaged at byte ${at}`);
  const name = new TextDecoder().decode(header.subarray(0, NAME_BYTES)).replace(/\0+$/, '');
  return { name, optional: (view.getUint32(16, true) & OPTIONAL) !== 0, length: view.getUint32(20, true), crc: view.getUint32(24, true) };
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Remainders of one byte, polynomial of IEEE 802.3 with its bits reversed. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
  return value;
});

/** CRC-32 as in gzip and PNG. */
export function crc32(bytes: Uint8Array): number {
  let value = 0xffff_ffff;
  for (const byte of bytes) value = (value >>> 8) ^ REMAINDERS[(value ^ byte) & 0xff]!;
  return ~value >>> 0;
}
