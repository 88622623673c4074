import type { MemorySpace } from '@hotsocket/address-space';
import type { CoreMemory } from './core-memory.js';
import { PAGE_BYTES, PHYSICAL_PAGES } from './layout.js';

/** Nothing answers at this page. */
export const PAGE_NONE = 0;
/** Registers answer: every access is a call. */
export const PAGE_MMIO = 1;
/** `write` only: ROM, writes are dropped. */
export const PAGE_DROP = 2;

/**
 * For each physical page below 4 GiB, where reads and writes go: an address in the core's memory (page aligned, so above
 * the PAGE_* numbers), or one of those. Kept right by the memory space's changes.
 */
export class PageMap {
  readonly read: Uint32Array = new Uint32Array(PHYSICAL_PAGES);
  readonly write: Uint32Array = new Uint32Array(PHYSICAL_PAGES);
  readonly #memory: CoreMemory;
  readonly #space: MemorySpace;

  constructor(memory: CoreMemory, space: MemorySpace) {
    this.#memory = memory;
    this.#space = space;
    for (const mapping of space.mappings()) this.refresh(mapping.gpa, mapping.gpa + mapping.length);
  }

  /** Looks up the pages of `start` to `end` (exclusive) again. */
  refresh(start: number, end: number): void {
    const last = Math.min(Math.ceil(end / PAGE_BYTES), PHYSICAL_PAGES);
    for (let page = Math.floor(start / PAGE_BYTES); page < last; page++) this.#refreshPage(page);
  }

  #refreshPage(page: number): void {
    const gpa = page * PAGE_BYTES;
    const read = this.#space.pageForRead(gpa);
    const write = this.#space.pageForWrite(gpa);
    this.read[page] = read.kind === 'storage' ? this.#host(read.region.bytes, read.offset) : read.kind === 'mmio' ? PAGE_MMIO : PAGE_NONE;
    if (write.kind !== 'storage') this.write[page] = write.kind === 'mmio' ? PAGE_MMIO : PAGE_NONE;
    else this.write[page] = write.region.kind === 'rom' ? PAGE_DROP : this.#host(write.region.bytes, write.offset);
  }

  /** Storage outside the core's memory, or not aligned in it, is served by calls. */
  #host(bytes: Uint8Array, offset: number): number {
    const host = bytes.byteOffset + offset;
    return bytes.buffer === this.#memory.memory.buffer && host % PAGE_BYTES === 0 ? host : PAGE_MMIO;
  }
}
