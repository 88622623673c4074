import { DMA_PAGE_BYTES, type MemorySpace, type PageBacking } from '@hotsocket/address-space';

/** Guest physical addresses end here (52 bits). */
const ADDRESS_LIMIT = 2 ** 52;

/**
 * Transfers between guest RAM and bytes, page by page. Every function answers false at the first page that RAM does not
 * serve (for reading: RAM or ROM), so that a length of 4 GiB costs no more than the RAM there is. Device registers are
 * never touched: a transfer cannot start another.
 */
export class RamDma {
  readonly #mem: MemorySpace;

  constructor(mem: MemorySpace) {
    this.#mem = mem;
  }

  /** Copies bytes into RAM. */
  store(gpa: number, from: Uint8Array): boolean {
    return eachPage(gpa, from.length, (at, offset, length) => {
      if (!isRam(this.#backing(at, 'write'))) return false;
      this.#mem.writeBytes(at, from.subarray(offset, offset + length));
      return true;
    });
  }

  /** Fills RAM with zeros. */
  clear(gpa: number, length: number): boolean {
    return eachPage(gpa, length, (at, _offset, run) => isRam(this.#backing(at, 'write')) && this.#clearPage(at, run));
  }

  /** Copies RAM or ROM out. */
  load(gpa: number, into: Uint8Array): boolean {
    return eachPage(gpa, into.length, (at, offset, length) => {
      if (this.#backing(at, 'read').kind !== 'storage') return false;
      this.#mem.readBytes(at, into.subarray(offset, offset + length));
      return true;
    });
  }

  #clearPage(gpa: number, length: number): true {
    this.#mem.writeBytes(gpa, ZEROS.subarray(0, length));
    return true;
  }

  #backing(gpa: number, access: 'read' | 'write'): PageBacking {
    if (gpa >= ADDRESS_LIMIT) return { kind: 'none' };
    const page = gpa - (gpa % DMA_PAGE_BYTES);
    return access === 'read' ? this.#mem.pageForRead(page) : this.#mem.pageForWrite(page);
  }
}

const ZEROS = new Uint8Array(DMA_PAGE_BYTES);

const isRam = (backing: PageBacking): boolean => backing.kind === 'storage' && backing.region.kind === 'ram';

/** Calls `step(gpa, offset, length)` for each part of a page; stops and answers false when it does. */
function eachPage(gpa: number, length: number, step: (gpa: number, offset: number, length: number) => boolean): boolean {
  for (let offset = 0; offset < length; ) {
    const run = Math.min(length - offset, DMA_PAGE_BYTES - ((gpa + offset) % DMA_PAGE_BYTES));
    if (!step(gpa + offset, offset, run)) return false;
    offset += run;
  }
  return true;
}
