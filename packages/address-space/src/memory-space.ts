import { type FlatRange, FlatView, SPACE_BYTES } from './flat-view.js';
import { type AccessSize, MapConflictError, type Region, type Storage } from './region.js';
import { readRegion, writeRegion } from './split-access.js';

/** Size of the pages in which the space is compiled. */
export const DMA_PAGE_BYTES = 4096;
const ONES: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

/** Which accesses a mapping answers; the others fall through to what lies under it. */
export interface MappingAccess {
  readonly read: boolean;
  readonly write: boolean;
}

/** Where in the region a window starts, how long it is, and its priority over what it overlaps (default 0). */
export interface MapOptions {
  readonly offset?: number;
  readonly length?: number;
  readonly priority?: number;
  readonly access?: MappingAccess;
}

/** One window of a region in the space. */
export interface Mapping {
  readonly gpa: number;
  readonly length: number;
  readonly region: Region;
  readonly offset: number;
  readonly priority: number;
  readonly access: MappingAccess;
  /** Lets reads or writes through to what lies under it, or stops doing so (PAM, SMRAM). */
  setAccess(access: MappingAccess): void;
  /** Moves the window to another address, which a guest may choose: of overlapping windows of one priority the first one mapped wins. */
  move(gpa: number): void;
  remove(): void;
}

/** What serves a page: bytes (with the offset of the page in them), a register window, several windows, or nothing. */
export type PageBacking =
  | { readonly kind: 'storage'; readonly region: Storage; readonly offset: number }
  | { readonly kind: 'mmio' }
  | { readonly kind: 'none' };

/** Hears changes synchronously; the CPUs keep their page map and decoded code right with it. */
export interface MemoryListener {
  /** Addresses `start` to `end` (exclusive) may be served differently from now on. */
  mapChanged(start: number, end: number): void;
  /** A device wrote RAM at `gpa`. */
  dmaWritten(gpa: number, length: number): void;
}

/** Guest physical memory: windows with priorities, below 2^52. Unclaimed addresses read as ones and drop writes. */
export class MemorySpace {
  readonly #mappings: Window[] = [];
  readonly #listeners: MemoryListener[] = [];
  #readable: FlatView<Window> | undefined;
  #writable: FlatView<Window> | undefined;

  /**
   * Maps a region. Throws MapConflictError when another window of the same priority overlaps, RangeError when the window leaves
   * its region or the space.
   */
  map(gpa: number, region: Region, options: MapOptions = {}): Mapping {
    const window = new Window(this, gpa, region, options);
    checkWindow(window);
    this.#checkFree(window);
    this.#mappings.push(window);
    this.#mappings.sort((a, b) => b.priority - a.priority);
    this.changed(window.gpa, window.gpa + window.length);
    return window;
  }

  listen(listener: MemoryListener): void {
    this.#listeners.push(listener);
  }

  /** All windows, highest priority first, by address within a priority, for `info mtree`. */
  mappings(): readonly Mapping[] {
    return this.#mappings.toSorted((a, b) => b.priority - a.priority || a.gpa - b.gpa);
  }

  /** What a read of the whole page at `gpa` (page aligned) reaches; pages that mix windows count as registers. */
  pageForRead(gpa: number): PageBacking {
    return pageOf(this.#reads().at(gpa), gpa);
  }

  /** The same for writes; ROM counts as storage. */
  pageForWrite(gpa: number): PageBacking {
    return pageOf(this.#writes().at(gpa), gpa);
  }

  /** Reads 1, 2 or 4 bytes; the result is unsigned. */
  read(gpa: number, size: AccessSize): number {
    const { window, end } = this.#reads().at(gpa);
    if (size > 1 && gpa + size > end) return this.#readBytes(gpa, size);
    return window === undefined ? ONES[size] : readWindow(window, gpa, size);
  }

  write(gpa: number, size: AccessSize, value: number): void {
    const { window, end } = this.#writes().at(gpa);
    if (size > 1 && gpa + size > end) this.#writeBytes(gpa, size, value);
    else if (window !== undefined) this.#writeWindow(window, gpa, size, value);
  }

  /** Copies guest memory out (DMA from memory to device). */
  readBytes(gpa: number, into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      const { window, end } = this.#reads().at(gpa + at);
      const run = Math.min(end - gpa - at, into.length - at);
      const bytes = window && window.region.kind !== 'mmio' ? window.bytesAt(window.region, gpa + at, run) : undefined;
      if (bytes) into.set(bytes, at);
      else into[at] = this.read(gpa + at, 1);
      at += bytes ? run : 1;
    }
  }

  /** Copies bytes into guest memory (DMA from device to memory). */
  writeBytes(gpa: number, from: Uint8Array): void {
    for (let at = 0; at < from.length; ) {
      const { window, end } = this.#writes().at(gpa + at);
      const run = Math.min(end - gpa - at, from.length - at);
      const bytes = window?.region.kind === 'ram' ? window.bytesAt(window.region, gpa + at, run) : undefined;
      if (bytes) this.#copyIn(bytes, gpa + at, from.subarray(at, at + run));
      else this.write(gpa + at, 1, from[at] ?? 0);
      at += bytes ? run : 1;
    }
  }

  /** Called by windows. */
  changed(start: number, end: number): void {
    this.#readable = undefined;
    this.#writable = undefined;
    for (const listener of this.#listeners) listener.mapChanged(start, end);
  }

  /** Called by windows. */
  removed(window: Window): void {
    const index = this.#mappings.indexOf(window);
    if (index < 0) return;
    this.#mappings.splice(index, 1);
    this.changed(window.gpa, window.end);
  }

  #reads(): FlatView<Window> {
    this.#readable ??= new FlatView(this.#mappings.filter(({ access }) => access.read));
    return this.#readable;
  }

  #writes(): FlatView<Window> {
    this.#writable ??= new FlatView(this.#mappings.filter(({ access }) => access.write));
    return this.#writable;
  }

  #copyIn(to: Uint8Array, gpa: number, bytes: Uint8Array): void {
    to.set(bytes);
    for (const listener of this.#listeners) listener.dmaWritten(gpa, bytes.length);
  }

  #checkFree(window: Window): void {
    const other = this.#mappings.find((known) => known.priority === window.priority && known.gpa < window.end && window.gpa < known.end);
    if (other) throw new MapConflictError(`memory 0x${window.gpa.toString(16)}: both '${other.region.name}' and '${window.region.name}'`);
  }

  #readBytes(gpa: number, size: AccessSize): number {
    let value = 0;
    for (let at = 0; at < size; at++) value |= this.read(gpa + at, 1) << (8 * at);
    return value >>> 0;
  }

  #writeBytes(gpa: number, size: AccessSize, value: number): void {
    for (let at = 0; at < size; at++) this.write(gpa + at, 1, (value >>> (8 * at)) & 0xff);
  }

  #writeWindow(window: Window, gpa: number, size: AccessSize, value: number): void {
    const { region } = window;
    const at = gpa - window.gpa + window.offset;
    if (region.kind === 'mmio') return writeRegion(region, at, size, value);
    if (region.kind === 'rom') return;
    for (let byte = 0; byte < size; byte++) region.bytes[at + byte] = value >>> (8 * byte);
    for (const listener of this.#listeners) listener.dmaWritten(gpa, size);
  }
}

function pageOf({ window, end }: FlatRange<Window>, gpa: number): PageBacking {
  if (end < gpa + DMA_PAGE_BYTES) return { kind: 'mmio' };
  if (window === undefined) return { kind: 'none' };
  const { region } = window;
  return region.kind === 'mmio' ? { kind: 'mmio' } : { kind: 'storage', region, offset: gpa - window.gpa + window.offset };
}

function readWindow(window: Window, gpa: number, size: AccessSize): number {
  const { region } = window;
  const at = gpa - window.gpa + window.offset;
  if (region.kind === 'mmio') return readRegion(region, at, size);
  let value = 0;
  for (let byte = 0; byte < size; byte++) value |= (region.bytes[at + byte] ?? 0xff) << (8 * byte);
  return value >>> 0;
}

function checkWindow({ gpa, end, offset, length, region }: Window): void {
  const inside = offset >= 0 && length > 0 && offset + length <= region.length && gpa >= 0 && end <= SPACE_BYTES;
  const whole = [gpa, offset, length].every(Number.isInteger);
  if (!inside || !whole) throw new RangeError(`${region.name}: no window of ${length} bytes from ${offset} at 0x${gpa.toString(16)}`);
}

class Window implements Mapping {
  gpa: number;
  readonly length: number;
  readonly region: Region;
  readonly offset: number;
  readonly priority: number;
  access: MappingAccess;
  readonly #space: MemorySpace;

  constructor(space: MemorySpace, gpa: number, region: Region, options: MapOptions) {
    this.gpa = gpa;
    this.region = region;
    this.offset = options.offset ?? 0;
    this.length = options.length ?? region.length - this.offset;
    this.priority = options.priority ?? 0;
    this.access = options.access ?? { read: true, write: true };
    this.#space = space;
  }

  get end(): number {
    return this.gpa + this.length;
  }

  /** The `length` bytes of its storage that stand at `gpa`. */
  bytesAt(region: Storage, gpa: number, length: number): Uint8Array {
    const at = gpa - this.gpa + this.offset;
    return region.bytes.subarray(at, at + length);
  }

  setAccess(access: MappingAccess): void {
    if (access.read === this.access.read && access.write === this.access.write) return;
    this.access = access;
    this.#space.changed(this.gpa, this.end);
  }

  move(gpa: number): void {
    if (gpa === this.gpa) return;
    const before = this.gpa;
    this.gpa = gpa;
    this.#space.changed(before, before + this.length);
    this.#space.changed(gpa, this.end);
  }

  remove(): void {
    this.#space.removed(this);
  }
}
