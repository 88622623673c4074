import {
  DECODED,
  type Decoded,
  Decoded as DecodedInstruction,
  type Decoder,
  MAX_LENGTH,
  ROWS,
  TOO_LONG,
  TRUNCATED,
} from '@hotsocket/x86-isa';
import type { CoreMemory } from './core-memory.js';
import {
  CODE_PAGES,
  CURRENT_TABLE,
  DESCRIPTOR_BYTES,
  DESCRIPTOR_LINES,
  DESCRIPTOR_VERSION,
  DESCRIPTORS,
  HANDLER_BREAKPOINT,
  HANDLER_CONTINUE,
  HANDLER_CROSSING,
  HANDLER_INVALID,
  HANDLER_LINK,
  HANDLER_STALE,
  HANDLER_STEPPED,
  HANDLER_TOO_LONG,
  HOTNESS,
  MAX_DESCRIPTORS,
  MAX_RECORDS,
  MAX_TABLES,
  MODE_CODE16,
  MODE_CODE32,
  MODE_KEYS,
  NO_RECORDS,
  PAGE_BYTES,
  PHYSICAL_PAGES,
  REC_DISPLACEMENT,
  REC_HANDLER,
  REC_IMMEDIATE,
  REC_LENGTH,
  REC_PAGE_OFFSET,
  RECORD_BYTES,
  RECORDS,
  SCRATCH_RECORDS,
  TABLE_BYTES,
  TABLES,
} from './layout.js';
import type { RecordBuilder } from './record-builder.js';

/** Reads instruction bytes; kept apart from the translation of addresses, which may fault. */
export interface CodeSource {
  /** Where the bytes of a physical page stand in the core's memory; 0 where they are not plain memory. */
  codeAddress(page: number): number;
  /** Copies up to `count` bytes at an offset of physical page `page` into `into`. */
  readCode(page: number, offset: number, count: number, into: Uint8Array, at: number): void;
  /** Physical page of the linear page after the one that is being decoded, or -1 when it cannot be fetched now. */
  nextPage(): number;
  /** The page holds code from now on: writes to it must come to `written`. */
  protect(page: number): void;
}

const LINE_SHIFT = 6;
/** Instructions decoded ahead of need at most. */
const MAX_RUN = 64;
/** A page that has changed so often is decoded in short runs: most of what is decoded ahead would be lost. */
const CHANGES_OF_VOLATILE = 16;
const VOLATILE_RUN = 4;

/**
 * Decoded instructions by physical page. A page's records die together when a line of it that holds code is written; until
 * the next look-up its old records stay where they are, marked stale, so that the instruction which wrote can finish.
 */
export class CodeCache {
  readonly #memory: CoreMemory;
  readonly #builder: RecordBuilder;
  readonly #decoder: Decoder;
  readonly #decoded: Decoded = new DecodedInstruction();
  readonly #bytes: Uint8Array = new Uint8Array(MAX_LENGTH + 1);
  /** Record ranges by descriptor, and pages whose last instruction reaches into the page. */
  readonly #ranges: number[][] = [];
  readonly #crossers: Set<number>[] = [];
  readonly #pages: number[] = [];
  /** How often the code of each descriptor's page has changed. */
  readonly #changes: number[] = [];
  #source: CodeSource | undefined;
  #marked: ReadonlySet<number> = new Set();
  #tables = 0;
  #records = 0;
  /** Number of the descriptor that a table belongs to. */
  readonly #owners: Uint16Array = new Uint16Array(MAX_TABLES);
  /** Hears of each run of instructions that was decoded: from the instruction to execute, in the mode it was decoded in, so many bytes. */
  onDecoded: ((modeKey: number, bytes: number) => void) | undefined;
  /** Counts whole-cache evictions, for statistics and tests. */
  generation = 0;
  invalidations = 0;

  constructor(memory: CoreMemory, builder: RecordBuilder, decoder: Decoder) {
    this.#memory = memory;
    this.#builder = builder;
    this.#decoder = decoder;
  }

  attach(source: CodeSource): void {
    this.#source = source;
  }

  // ---------------------------------------------------------------- invalidation

  /** True when some line of the physical page holds decoded code. */
  hasCode(page: number): boolean {
    const descriptor = page < PHYSICAL_PAGES ? this.#memory.i32[(CODE_PAGES >> 2) + page]! : 0;
    if (descriptor === 0) return false;
    const lines = (descriptor + DESCRIPTOR_LINES) >> 2;
    return (this.#memory.i32[lines]! | this.#memory.i32[lines + 1]!) !== 0;
  }

  /** Bytes of physical memory change: drops the decoded code they are part of. At most to the end of the page. */
  written(gpa: number, bytes: number): void {
    const page = Math.floor(gpa / PAGE_BYTES);
    if (!this.hasCode(page)) return;
    const first = (gpa & (PAGE_BYTES - 1)) >> LINE_SHIFT;
    const last = Math.min(((gpa & (PAGE_BYTES - 1)) + bytes - 1) >> LINE_SHIFT, 63);
    for (let line = first; line <= last; line++) {
      if (this.#lineHasCode(page, line)) return this.invalidatePage(page);
    }
  }

  /** A device or the map changed a range. */
  writtenRange(gpa: number, bytes: number): void {
    const last = Math.floor((gpa + bytes - 1) / PAGE_BYTES);
    for (let page = Math.floor(gpa / PAGE_BYTES); page <= last; page++) {
      const start = Math.max(gpa, page * PAGE_BYTES);
      this.written(start, Math.min(gpa + bytes, (page + 1) * PAGE_BYTES) - start);
    }
  }

  /** Changes when the records of a page's table are dropped. */
  versionOf(table: number): number {
    return this.#memory.i32[(this.descriptorOf(table) + DESCRIPTOR_VERSION) >> 2]!;
  }

  /** Address of the descriptor of a table's page. */
  descriptorOf(table: number): number {
    return DESCRIPTORS + this.#owners[(table - TABLES) / TABLE_BYTES]! * DESCRIPTOR_BYTES;
  }

  /** The record table of a physical page, 0 where nothing of it is decoded. */
  tableOf(page: number, modeKey: number): number {
    const { i32 } = this.#memory;
    const descriptor = page >= 0 && page < PHYSICAL_PAGES ? i32[(CODE_PAGES >> 2) + page]! : 0;
    return descriptor === 0 ? 0 : i32[(descriptor >> 2) + modeKey]!;
  }

  /** Drops a page's records, and those of instructions that cross into it. */
  invalidatePage(page: number): void {
    const { i32 } = this.#memory;
    const descriptor = page < PHYSICAL_PAGES ? i32[(CODE_PAGES >> 2) + page]! : 0;
    if (descriptor === 0) return;
    this.invalidations++;
    const number = (descriptor - DESCRIPTORS) / DESCRIPTOR_BYTES;
    this.#changes[number] = (this.#changes[number] ?? 0) + 1;
    const tables = this.#tablesOf(descriptor);
    this.#makeStale(number, tables);
    i32[(descriptor + DESCRIPTOR_VERSION) >> 2]!++;
    i32[(descriptor + DESCRIPTOR_LINES) >> 2] = 0;
    i32[(descriptor + DESCRIPTOR_LINES + 4) >> 2] = 0;
    const crossers = [...this.#crossers[number]!];
    this.#crossers[number]!.clear();
    for (const other of crossers) this.invalidatePage(other);
  }

  /** Record tables of a page, one for each mode in which it was decoded. */
  #tablesOf(descriptor: number): number[] {
    const tables: number[] = [];
    for (let key = 0; key < MODE_KEYS; key++) {
      const table = this.#memory.i32[(descriptor >> 2) + key]!;
      if (table !== 0) tables.push(table);
    }
    return tables;
  }

  /** Marks the page's records stale and takes them, and entries of regions before them, out of the tables. */
  #makeStale(number: number, tables: readonly number[]): void {
    const { u16, i32 } = this.#memory;
    const ranges = this.#ranges[number]!;
    for (let n = 0; n < ranges.length; n += 2) {
      for (let record = ranges[n]!; record < ranges[n + 1]!; record += RECORD_BYTES) {
        u16[(record + REC_HANDLER) >> 1] = HANDLER_STALE;
        const offset = u16[(record + REC_PAGE_OFFSET) >> 1]!;
        if (offset < PAGE_BYTES) for (const table of tables) i32[(table >> 2) + offset] = 0;
      }
    }
    ranges.length = 0;
  }

  #lineHasCode(page: number, line: number): boolean {
    const descriptor = this.#memory.i32[(CODE_PAGES >> 2) + page]!;
    return (this.#memory.i32[(descriptor + DESCRIPTOR_LINES + (line >> 5) * 4) >> 2]! & (1 << (line & 31))) !== 0;
  }

  /** Forgets everything; no record may be executing. */
  evictAll(): void {
    const { i32 } = this.#memory;
    for (const page of this.#pages) i32[(CODE_PAGES >> 2) + page] = 0;
    i32.fill(0, TABLES >> 2, (TABLES + this.#tables * TABLE_BYTES) >> 2);
    i32.fill(0, HOTNESS >> 2, (HOTNESS >> 2) + this.#records);
    i32.fill(0, DESCRIPTORS >> 2, (DESCRIPTORS + this.#pages.length * DESCRIPTOR_BYTES) >> 2);
    i32[CURRENT_TABLE >> 2] = NO_RECORDS;
    this.#pages.length = 0;
    this.#ranges.length = 0;
    this.#crossers.length = 0;
    this.#changes.length = 0;
    this.#tables = 0;
    this.#records = 0;
    this.generation++;
  }

  /** Puts the entry of a translated region, at one of its blocks, before `record`, for all who come by a jump. */
  enterRegion(table: number, record: number, handler: number, block: number): void {
    const { i32, u16 } = this.#memory;
    const offset = u16[(record + REC_PAGE_OFFSET) >> 1]!;
    const entry = this.#allocate();
    this.#pseudo(entry, handler, offset, record);
    i32[(entry + REC_DISPLACEMENT) >> 2] = block;
    i32[(table >> 2) + offset] = entry;
  }

  /** A copy of a page's record that goes on behind it through a new look-up: it may find a region there. */
  detour(table: number, record: number): number {
    const { u8, u16 } = this.#memory;
    const copy = this.#allocate();
    u8.copyWithin(copy, record, record + RECORD_BYTES);
    const next = u16[(record + REC_PAGE_OFFSET) >> 1]! + u8[record + REC_LENGTH]!;
    this.#pseudo(this.#allocate(), HANDLER_CONTINUE, next, next);
    this.#ranges[this.#owners[(table - TABLES) / TABLE_BYTES]!]!.push(copy, copy + 2 * RECORD_BYTES);
    return copy;
  }

  // ---------------------------------------------------------------- decoding

  /** The record of the instruction at an offset of a physical page, decoding what is missing. Sets CURRENT_TABLE. */
  find(page: number, offset: number, modeKey: number): number {
    if (this.isFull) this.evictAll();
    const table = this.#table(page, modeKey);
    this.#memory.i32[CURRENT_TABLE >> 2] = table;
    const known = this.#memory.i32[(table >> 2) + offset]!;
    return known !== 0 ? known : this.#decodeRun(page, offset, modeKey, table);
  }

  /** Decodes one instruction outside the cache; after it comes HANDLER_STEPPED, before it HANDLER_BREAKPOINT if its offset is marked. */
  single(page: number, offset: number, modeKey: number, heedsMarks = false): number {
    this.#memory.i32[CURRENT_TABLE >> 2] = NO_RECORDS;
    const status = this.#decode(page, offset, modeKey, true);
    const marked = heedsMarks && this.#marked.has(offset);
    const record = marked ? SCRATCH_RECORDS + RECORD_BYTES : SCRATCH_RECORDS;
    if (marked) this.#pseudo(SCRATCH_RECORDS, HANDLER_BREAKPOINT, offset, 0);
    this.#writeRecord(record, status, offset, modeKey);
    this.#pseudo(record + RECORD_BYTES, HANDLER_STEPPED, offset + this.#decoded.length, 0);
    return SCRATCH_RECORDS;
  }

  /** Instructions at these page offsets get HANDLER_BREAKPOINT before them. Forgets everything; no record may be executing. */
  markOffsets(offsets: Iterable<number>): void {
    this.#marked = new Set(offsets);
    this.evictAll();
  }

  /** Room for another run of instructions may be missing. */
  get isFull(): boolean {
    return this.#tables >= MAX_TABLES - 1 || this.#pages.length >= MAX_DESCRIPTORS - 2 || this.#records >= MAX_RECORDS - 4 * MAX_RUN;
  }

  #descriptor(page: number): number {
    const { i32 } = this.#memory;
    const known = i32[(CODE_PAGES >> 2) + page]!;
    if (known !== 0) return known;
    const descriptor = DESCRIPTORS + this.#pages.length * DESCRIPTOR_BYTES;
    this.#pages.push(page);
    this.#ranges.push([]);
    this.#crossers.push(new Set());
    i32[(CODE_PAGES >> 2) + page] = descriptor;
    return descriptor;
  }

  #table(page: number, modeKey: number): number {
    const { i32 } = this.#memory;
    const descriptor = this.#descriptor(page);
    const slot = (descriptor >> 2) + modeKey;
    if (i32[slot] === 0) {
      this.#owners[this.#tables] = (descriptor - DESCRIPTORS) / DESCRIPTOR_BYTES;
      i32[slot] = TABLES + this.#tables++ * TABLE_BYTES;
    }
    return i32[slot]!;
  }

  #allocate(): number {
    return RECORDS + this.#records++ * RECORD_BYTES;
  }

  #decodeRun(page: number, start: number, modeKey: number, table: number): number {
    const first = RECORDS + this.#records * RECORD_BYTES;
    const number = (this.#descriptor(page) - DESCRIPTORS) / DESCRIPTOR_BYTES;
    const longest = (this.#changes[number] ?? 0) > CHANGES_OF_VOLATILE ? VOLATILE_RUN : MAX_RUN;
    let offset = start;
    for (let count = 0; ; count++) {
      if (offset >= PAGE_BYTES || count === longest) {
        this.#pseudo(this.#allocate(), HANDLER_CONTINUE, offset, offset);
        break;
      }
      const known = this.#memory.i32[(table >> 2) + offset]!;
      if (known !== 0) {
        this.#pseudo(this.#allocate(), HANDLER_LINK, offset, known);
        break;
      }
      const more = this.#decodeInto(page, offset, modeKey, table, offset === start);
      offset += this.#decoded.length;
      if (!more) break;
    }
    this.#ranges[number]!.push(first, RECORDS + this.#records * RECORD_BYTES);
    this.onDecoded?.(modeKey, offset - start);
    return this.#memory.i32[(table >> 2) + start]!;
  }

  /** Decodes one instruction of a run; false when the run ends with it. */
  #decodeInto(page: number, offset: number, modeKey: number, table: number, isFirst: boolean): boolean {
    const status = this.#decode(page, offset, modeKey, isFirst);
    if (status < 0) {
      this.#pseudo(this.#allocate(), HANDLER_CONTINUE, offset, offset);
      this.#decoded.length = 0;
      return false;
    }
    const crosses = offset + this.#decoded.length > PAGE_BYTES;
    this.#memory.i32[(table >> 2) + offset] = RECORDS + this.#records * RECORD_BYTES;
    if (this.#marked.has(offset)) this.#pseudo(this.#allocate(), HANDLER_BREAKPOINT, offset, 0);
    if (crosses) this.#pseudo(this.#allocate(), HANDLER_CROSSING, offset, this.#crossedPage);
    this.#writeRecord(this.#allocate(), status, offset, modeKey);
    this.#mark(page, offset, Math.min(this.#decoded.length, PAGE_BYTES - offset));
    if (crosses) this.#markCrossed(page, offset + this.#decoded.length - PAGE_BYTES);
    return status === DECODED && ENDS_RUN[this.#decoded.row.id] === 0;
  }

  #crossedPage = 0;

  /**
   * Decodes at an offset of a page. -1: the bytes needed are in a page that cannot be read ahead of need; the caller tries again
   * when it is the instruction to execute.
   */
  #decode(page: number, offset: number, modeKey: number, needed: boolean): number {
    const source = this.#source!;
    const inPage = Math.min(MAX_LENGTH, PAGE_BYTES - offset);
    const mode = (modeKey & 3) === MODE_CODE16 ? 16 : (modeKey & 3) === MODE_CODE32 ? 32 : 64;
    const host = source.codeAddress(page);
    if (host === 0) source.readCode(page, offset, inPage, this.#bytes, 0);
    const bytes = host === 0 ? this.#bytes : this.#memory.u8;
    const start = host === 0 ? 0 : host + offset;
    const status = this.#decoder.decode(bytes, start, start + inPage, mode, this.#decoded);
    if (status !== TRUNCATED || inPage === MAX_LENGTH) return status;
    if (!needed) return -1;
    this.#crossedPage = source.nextPage();
    source.readCode(page, offset, inPage, this.#bytes, 0);
    source.readCode(this.#crossedPage, 0, MAX_LENGTH - inPage, this.#bytes, inPage);
    return this.#decoder.decode(this.#bytes, 0, MAX_LENGTH, mode, this.#decoded);
  }

  #writeRecord(record: number, status: number, offset: number, modeKey: number): void {
    if (status === DECODED) return this.#builder.write(record, this.#decoded, offset, modeKey);
    this.#pseudo(record, status === TOO_LONG || status === TRUNCATED ? HANDLER_TOO_LONG : HANDLER_INVALID, offset, 0);
    this.#memory.u8[record + REC_LENGTH] = Math.max(1, this.#decoded.length);
  }

  #pseudo(record: number, handler: number, offset: number, immediate: number): void {
    const { u8, u16, i32 } = this.#memory;
    u8.fill(0, record, record + RECORD_BYTES);
    u16[(record + REC_HANDLER) >> 1] = handler;
    u16[(record + REC_PAGE_OFFSET) >> 1] = offset;
    i32[(record + REC_IMMEDIATE) >> 2] = immediate;
  }

  #mark(page: number, offset: number, bytes: number): void {
    const lines = (this.#descriptor(page) + DESCRIPTOR_LINES) >> 2;
    const hadCode = this.hasCode(page);
    const last = (offset + Math.max(bytes, 1) - 1) >> LINE_SHIFT;
    for (let line = offset >> LINE_SHIFT; line <= last; line++) this.#memory.i32[lines + (line >> 5)]! |= 1 << (line & 31);
    if (!hadCode) this.#source!.protect(page);
  }

  #markCrossed(page: number, bytes: number): void {
    const other = this.#descriptor(this.#crossedPage);
    this.#crossers[(other - DESCRIPTORS) / DESCRIPTOR_BYTES]!.add(page);
    this.#mark(this.#crossedPage, 0, bytes);
  }
}

const CONTROL = ['jump', 'call', 'ret', 'interrupt', 'far'];
const ENDS = new Set(['HLT', 'MWAIT', 'UD2']);

/** By row: nothing after it is reached by falling through. */
const ENDS_RUN: Uint8Array = Uint8Array.from(ROWS, (row) =>
  Number(CONTROL.some((attribute) => row.attributes.has(attribute)) || ENDS.has(row.mnemonic)),
);
