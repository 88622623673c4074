import { type AccessSize, MapConflictError, type Mmio, type Region, type Storage } from './region.js';
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
  /** Moves the window to another address. */
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

  /** Maps a region. Throws MapConflictError when another window of the same priority overlaps. */
  map(gpa: number, region: Region, options: MapOptions = {}): Mapping {
    const window = new Window(this, gpa, region, options);
    this.#checkFree(window);
    this.#mappings.push(window);
    this.#mappings.sort((a, b) => b.priority - a.priority || a.gpa - b.gpa);
    this.changed(window.gpa, window.gpa + window.length);
    return window;
  }

  listen(listener: MemoryListener): void {
    this.#listeners.push(listener);
  }

  /** All windows, highest priority first, for `info mtree`. */
  mappings(): readonly Mapping[] {
    return this.#mappings;
  }

  /** What a read of the whole page at `gpa` (page aligned) reaches; pages that mix windows count as registers. */
  pageForRead(gpa: number): PageBacking {
    return this.#page(gpa, 'read');
  }

  /** The same for writes; ROM counts as storage. */
  pageForWrite(gpa: number): PageBacking {
    return this.#page(gpa, 'write');
  }

  /** Reads 1, 2 or 4 bytes; the result is unsigned. */
  read(gpa: number, size: AccessSize): number {
    const window = this.#find(gpa, 'read');
    if (!window) return size === 1 ? 0xff : this.#endsUnclaimed(gpa, size) ? ONES[size] : this.#readBytes(gpa, size);
    if (gpa + size > window.end || this.#hasHigher(window, gpa, size, 'read')) return this.#readBytes(gpa, size);
    return readWindow(window, gpa, size);
  }

  write(gpa: number, size: AccessSize, value: number): void {
    const window = this.#find(gpa, 'write');
    const whole = window && gpa + size <= window.end && !this.#hasHigher(window, gpa, size, 'write');
    if (whole) return this.#writeWindow(window, gpa, size, value);
    if (size === 1) return;
    for (let at = 0; at < size; at++) this.write(gpa + at, 1, (value >>> (8 * at)) & 0xff);
  }

  /** Copies guest memory out (DMA from memory to device). */
  readBytes(gpa: number, into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      const window = this.#find(gpa + at, 'read');
      const run = window?.region.kind !== 'mmio' && window ? this.#run(window, gpa + at, into.length - at) : 0;
      if (run === 0) into[at] = this.read(gpa + at, 1);
      else into.set((window?.region as Storage).bytes.subarray(gpa + at - window!.gpa + window!.offset).subarray(0, run), at);
      at += run || 1;
    }
  }

  /** Copies bytes into guest memory (DMA from device to memory). */
  writeBytes(gpa: number, from: Uint8Array): void {
    for (let at = 0; at < from.length; ) {
      const window = this.#find(gpa + at, 'write');
      const run = window?.region.kind === 'ram' ? this.#run(window, gpa + at, from.length - at) : 0;
      if (run === 0) this.write(gpa + at, 1, from[at] ?? 0);
      else this.#copyIn(window as Window, gpa + at, from.subarray(at, at + run));
      at += run || 1;
    }
  }

  /** Called by windows. */
  changed(start: number, end: number): void {
    for (const listener of this.#listeners) listener.mapChanged(start, end);
  }

  /** Called by windows. */
  removed(window: Window): void {
    const index = this.#mappings.indexOf(window);
    if (index >= 0) this.#mappings.splice(index, 1);
    this.changed(window.gpa, window.end);
  }

  #copyIn(window: Window, gpa: number, bytes: Uint8Array): void {
    (window.region as Storage).bytes.set(bytes, gpa - window.gpa + window.offset);
    for (const listener of this.#listeners) listener.dmaWritten(gpa, bytes.length);
  }

  #checkFree(window: Window): void {
    const other = this.#mappings.find((known) => known.priority === window.priority && known.gpa < window.end && window.gpa < known.end);
    if (other) throw new MapConflictError(`memory 0x${window.gpa.toString(16)}: both '${other.region.name}' and '${window.region.name}'`);
  }

  #find(gpa: number, access: keyof MappingAccess): Window | undefined {
    return this.#mappings.find((window) => window.access[access] && gpa >= window.gpa && gpa < window.end);
  }

  #hasHigher(window: Window, gpa: number, length: number, access: keyof MappingAccess): boolean {
    for (const other of this.#mappings) {
      if (other === window) return false;
      if (other.access[access] && other.gpa < gpa + length && gpa < other.end) return true;
    }
    return false;
  }

  #run(window: Window, gpa: number, wanted: number): number {
    let run = Math.min(wanted, window.end - gpa);
    for (const other of this.#mappings) {
      if (other === window) break;
      if (other.gpa >= gpa && other.gpa < gpa + run) run = other.gpa - gpa;
    }
    return run;
  }

  #endsUnclaimed(gpa: number, size: AccessSize): boolean {
    return !this.#mappings.some((window) => window.access.read && window.gpa < gpa + size && gpa < window.end);
  }

  #readBytes(gpa: number, size: AccessSize): number {
    let value = 0;
    for (let at = 0; at < size; at++) value |= this.read(gpa + at, 1) << (8 * at);
    return value >>> 0;
  }

  #writeWindow(window: Window, gpa: number, size: AccessSize, value: number): void {
    const { region } = window;
    const at = gpa - window.gpa + window.offset;
    if (region.kind === 'mmio') return writeRegion(region, at, size, value);
    if (region.kind === 'rom') return;
    for (let byte = 0; byte < size; byte++) region.bytes[at + byte] = value >>> (8 * byte);
    for (const listener of this.#listeners) listener.dmaWritten(gpa, size);
  }

  #page(gpa: number, access: keyof MappingAccess): PageBacking {
    const inPage = this.#mappings.filter((window) => window.access[access] && window.gpa < gpa + DMA_PAGE_BYTES && gpa < window.end);
    const top = inPage[0];
    if (!top) return { kind: 'none' };
    const whole = top.gpa <= gpa && top.end >= gpa + DMA_PAGE_BYTES;
    if (!whole || top.region.kind === 'mmio') return { kind: 'mmio' };
    return { kind: 'storage', region: top.region, offset: gpa - top.gpa + top.offset };
  }
}

function readWindow(window: Window, gpa: number, size: AccessSize): number {
  const { region } = window;
  const at = gpa - window.gpa + window.offset;
  if (region.kind === 'mmio') return readRegion(region as Mmio, at, size);
  let value = 0;
  for (let byte = 0; byte < size; byte++) value |= (region.bytes[at + byte] ?? 0xff) << (8 * byte);
  return value >>> 0;
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
