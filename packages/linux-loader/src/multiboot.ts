import type { BootModule, DirectBoot, DirectBootOptions, Part } from './direct-boot.js';
import { MULTIBOOT_SETUP } from './generated/multiboot-setup.js';
import { ImageError } from './image-error.js';
import { DEFAULT_RAM_RESERVE } from './spec.js';

/** Multiboot Specification 0.6.96, 3.1 and 3.3. */
const HEADER_MAGIC = 0x1bad_b002;
const HEADER_LIMIT = 8192;
const WANTS_VIDEO = 4;
const HAS_ADDRESSES = 0x1_0000;
/** Flags below bit 16 must be understood; these two are: pages for modules, memory information. */
const UNDERSTOOD = 3;
const INFO_MEMORY = 1;
const INFO_COMMAND_LINE = 4;
const INFO_MODULES = 8;
const INFO_MEMORY_MAP = 0x40;
const INFO_LOADER_NAME = 0x200;

/** ELF, "Object Files". */
const ELF_MAGIC = 0x464c_457f;
const ELF_CLASS_32 = 1;
const ELF_386 = 3;
const PT_LOAD = 1;
const PROGRAM_HEADER_BYTES = 32;

/** Fields of rom/multiboot.asm, and where it and the command line are loaded. */
const SETUP_ADDRESS = 0x9_0000;
const COMMAND_LINE_ADDRESS = 0x9_a000;
const COMMAND_LINE_LIMIT = 0x4000;
const ENTRY = 0x00;
const MODULE_COUNT = 0x04;
const MODULES_AT = 0x08;
const MODULE_LIST = 0x0c;
const INFORMATION = 0x10;
const MODULE_STRUCTURES = 0x400;
const MODULE_STRUCTURE_BYTES = 16;
const MOST_MODULES = 64;
/** Behind the memory map. */
const MODULE_NAMES = 0xe00;
const SETUP_BYTES = 0x4000;
const PAGE = 0x1000;

/** An image that a Multiboot loader can enter. */
export interface MultibootImage {
  /** Physical address of the first byte of `data`. */
  readonly address: number;
  /** Everything the image occupies in memory, its zeros included. */
  readonly data: Uint8Array;
  /** Physical address of the entry point. */
  readonly entry: number;
}

/** Offset of the Multiboot header, or undefined: it is aligned to 4 bytes within the first 8192. */
function headerOf(view: DataView): number | undefined {
  for (let at = 0; at + 12 <= Math.min(view.byteLength, HEADER_LIMIT); at += 4) {
    if (view.getUint32(at, true) !== HEADER_MAGIC) continue;
    if ((HEADER_MAGIC + view.getUint32(at + 4, true) + view.getUint32(at + 8, true)) % 2 ** 32 === 0) return at;
  }
  return undefined;
}

const viewOf = (image: Uint8Array): DataView => new DataView(image.buffer, image.byteOffset, image.length);

/** True for an image with a Multiboot 1 header whose checksum is right. */
export const isMultiboot = (image: Uint8Array): boolean => headerOf(viewOf(image)) !== undefined;

/**
 * Reads a Multiboot 1 image: a 32-bit ELF file, or any file whose header says where it goes. It must lie below `limit`.
 *
 * @throws ImageError `truncated`, `bad-field` or `no-room`
 */
export function parseMultiboot(image: Uint8Array, limit: number): MultibootImage {
  const view = viewOf(image);
  const header = headerOf(view);
  if (header === undefined) throw new ImageError('bad-field', 'kernel image has no Multiboot header');
  const flags = view.getUint32(header + 4, true);
  if (flags & WANTS_VIDEO) throw new ImageError('bad-field', 'Multiboot header (flags) asks for a video mode; there is no display');
  const unknown = flags & 0xffff & ~UNDERSTOOD;
  if (unknown !== 0) throw new ImageError('bad-field', `Multiboot header (flags) needs the unknown features 0x${unknown.toString(16)}`);
  return flags & HAS_ADDRESSES ? fromAddresses(image, view, header, limit) : fromElf(image, view, limit);
}

/** Zeros for what an image occupies; before they are made, they must be known to fit. */
function space(address: number, end: number, limit: number): Uint8Array {
  if (end > limit)
    throw new ImageError('no-room', `the kernel needs memory up to 0x${end.toString(16)}, there is memory up to 0x${limit.toString(16)}`);
  return new Uint8Array(end - address);
}

/** The "a.out kludge": addresses in the header. */
function fromAddresses(image: Uint8Array, view: DataView, header: number, limit: number): MultibootImage {
  if (header + 32 > image.length) throw new ImageError('truncated', 'kernel image ends inside its Multiboot header');
  const [headerAddress, load, loadEnd, bssEnd, entry] = [12, 16, 20, 24, 28].map((at) => view.getUint32(header + at, true)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const from = header - (headerAddress - load);
  const length = loadEnd === 0 ? image.length - from : loadEnd - load;
  if (from < 0 || length < 0 || from + length > image.length)
    throw new ImageError(
      'bad-field',
      `Multiboot header (load_addr, load_end_addr): ${length} bytes from offset ${from} are not in the image`,
    );
  const data = space(load, Math.max(load + length, bssEnd), limit);
  data.set(image.subarray(from, from + length));
  return { address: load, data, entry };
}

interface Segment {
  readonly offset: number;
  readonly virtual: number;
  readonly physical: number;
  readonly inFile: number;
  readonly inMemory: number;
}

function fromElf(image: Uint8Array, view: DataView, limit: number): MultibootImage {
  if (image.length < 52 || view.getUint32(0, true) !== ELF_MAGIC)
    throw new ImageError('bad-field', 'Multiboot image is no ELF file and its header has no addresses');
  if (image[4] !== ELF_CLASS_32 || view.getUint16(18, true) !== ELF_386)
    throw new ImageError('bad-field', 'Multiboot image is an ELF file, but not a 32-bit one for the 386 (e_ident, e_machine)');
  const segments = segmentsOf(view);
  if (segments.length === 0) throw new ImageError('bad-field', 'Multiboot image has nothing to load (e_phnum)');
  const address = Math.min(...segments.map(({ physical }) => physical));
  const end = Math.max(...segments.map(({ physical, inMemory }) => physical + inMemory));
  const data = space(address, end, limit);
  for (const { offset, physical, inFile } of segments) data.set(image.subarray(offset, offset + inFile), physical - address);
  return { address, data, entry: entryOf(view.getUint32(24, true), segments) };
}

function segmentsOf(view: DataView): Segment[] {
  const [at, size, count] = [view.getUint32(28, true), view.getUint16(42, true), view.getUint16(44, true)];
  if (size < PROGRAM_HEADER_BYTES) throw new ImageError('bad-field', `Multiboot image has program headers of ${size} bytes (e_phentsize)`);
  if (at + size * count > view.byteLength) throw new ImageError('truncated', 'Multiboot image ends inside its program headers (e_phoff)');
  const segments: Segment[] = [];
  for (let n = 0; n < count; n++) {
    const header = at + size * n;
    const field = (offset: number): number => view.getUint32(header + offset, true);
    if (field(0) !== PT_LOAD || field(20) === 0) continue;
    const segment = { offset: field(4), virtual: field(8), physical: field(12), inFile: field(16), inMemory: field(20) };
    if (segment.offset + segment.inFile > view.byteLength || segment.inFile > segment.inMemory)
      throw new ImageError('truncated', `Multiboot image ends inside segment ${n} (p_offset, p_filesz)`);
    segments.push(segment);
  }
  checkOverlap(segments);
  return segments;
}

/** What two segments put in one place depends on their order: no linker means that. */
function checkOverlap(segments: readonly Segment[]): void {
  const sorted = [...segments].sort((a, b) => a.physical - b.physical);
  const clash = sorted.find(({ physical, inMemory }, n) => physical + inMemory > (sorted[n + 1]?.physical ?? Number.POSITIVE_INFINITY));
  if (clash)
    throw new ImageError(
      'bad-field',
      `Multiboot image has segments that overlap above 0x${clash.physical.toString(16)} (p_paddr, p_memsz)`,
    );
}

/** Entry points may be virtual addresses of a segment that is loaded elsewhere. */
function entryOf(entry: number, segments: readonly Segment[]): number {
  const holder = segments.find(({ virtual, inMemory }) => entry >= virtual && entry < virtual + inMemory);
  return holder ? entry - holder.virtual + holder.physical : entry;
}

/**
 * Lays out a Multiboot image, its command line (behind the word `kernel`, which stands for the file) and its modules, in their order. An
 * initial RAM disk is a module named `initrd`. The parts are loaded by the same option ROM as Linux.
 *
 * @throws ImageError for an image that cannot be entered, and for one that does not fit
 */
export function multibootBoot(options: DirectBootOptions): DirectBoot {
  const { ramBytes, ramReserve = DEFAULT_RAM_RESERVE } = options;
  const image = parseMultiboot(options.kernel, ramBytes - ramReserve);
  const end = image.address + image.data.length;
  if (image.address < 0xa_0000 && end > SETUP_ADDRESS)
    throw new ImageError('no-room', `the kernel covers 0x${SETUP_ADDRESS.toString(16)}, where its boot information is`);
  const modules = placeModules(modulesOf(options), end, ramBytes - ramReserve);
  return {
    setup: { address: SETUP_ADDRESS, data: setupOf(image.entry, modules) },
    kernel: { address: image.address, data: image.data },
    initrd: modules.part,
    cmdline: { address: COMMAND_LINE_ADDRESS, data: commandLine(options.cmdline ?? '') },
  };
}

function modulesOf({ modules, initrd }: DirectBootOptions): readonly BootModule[] {
  const list = modules ?? (initrd === undefined || initrd.length === 0 ? [] : [{ name: 'initrd', data: initrd }]);
  if (list.length > MOST_MODULES) throw new ImageError('no-room', `initrd: ${list.length} modules, ${MOST_MODULES} are possible`);
  return list;
}

interface PlacedModules {
  /** All modules, each from a page boundary on. */
  readonly part: Part;
  readonly modules: readonly { readonly name: string; readonly start: number; readonly end: number }[];
}

/** As high as the memory allows; the option ROM loads them as one part. */
function placeModules(list: readonly BootModule[], kernelEnd: number, ramEnd: number): PlacedModules {
  const length = list.reduce((sum, { data }) => sum + pages(data.length), 0);
  if (length === 0) return { part: { address: 0, data: new Uint8Array() }, modules: [] };
  const address = Math.floor((ramEnd - length) / PAGE) * PAGE;
  if (address < kernelEnd) throw new ImageError('no-room', `initrd of ${length} bytes does not fit above the kernel`);
  const data = new Uint8Array(length);
  const modules: { name: string; start: number; end: number }[] = [];
  let at = 0;
  for (const module of list) {
    data.set(module.data, at);
    modules.push({ name: module.name, start: address + at, end: address + at + module.data.length });
    at += pages(module.data.length);
  }
  return { part: { address, data }, modules };
}

const pages = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;

function commandLine(text: string): Uint8Array {
  if (text.includes('\0')) throw new ImageError('bad-cmdline', `kernel command line holds a NUL at character ${text.indexOf('\0')}`);
  const bytes = new TextEncoder().encode(`kernel ${text}`.trimEnd());
  if (bytes.length >= COMMAND_LINE_LIMIT)
    throw new ImageError('bad-cmdline', `kernel command line has ${bytes.length} bytes, ${COMMAND_LINE_LIMIT - 1} are possible`);
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

function setupOf(entry: number, { part, modules }: PlacedModules): Uint8Array {
  const setup = new Uint8Array(SETUP_BYTES);
  for (const [at, base64] of MULTIBOOT_SETUP.parts)
    setup.set(
      Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
      at,
    );
  const view = viewOf(setup);
  const put = (at: number, value: number): void => view.setUint32(at, value, true);
  put(ENTRY, entry);
  put(MODULE_COUNT, modules.length);
  put(MODULES_AT, part.address);
  put(MODULE_LIST, MODULE_STRUCTURES);
  put(INFORMATION, INFO_MEMORY | INFO_COMMAND_LINE | INFO_MODULES | INFO_MEMORY_MAP | INFO_LOADER_NAME);
  put(INFORMATION + 16, COMMAND_LINE_ADDRESS);
  put(INFORMATION + 20, modules.length);
  put(INFORMATION + 24, SETUP_ADDRESS + MODULE_STRUCTURES);
  putModules(setup, modules);
  return setup;
}

/** Multiboot Specification 0.6.96, 3.3: first byte, end, string, reserved. */
function putModules(setup: Uint8Array, modules: PlacedModules['modules']): void {
  const view = viewOf(setup);
  let nameAt = MODULE_NAMES;
  for (const [n, { name, start, end }] of modules.entries()) {
    const text = new TextEncoder().encode(`${name}\0`);
    if (nameAt + text.length > setup.length)
      throw new ImageError('no-room', `initrd: the texts of the modules have more than ${setup.length - MODULE_NAMES} bytes`);
    const fields = [start, end, SETUP_ADDRESS + nameAt];
    for (const [field, value] of fields.entries()) view.setUint32(MODULE_STRUCTURES + MODULE_STRUCTURE_BYTES * n + 4 * field, value, true);
    setup.set(text, nameAt);
    nameAt += text.length;
  }
}
