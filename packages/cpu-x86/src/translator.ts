import { ModuleBuilder } from '@hotsocket/wasm-builder';
import type { CodeCache } from './code-cache.js';
import type { CoreMemory } from './core-memory.js';
import type { CrossedPage } from './emit/hot-emitter.js';
import { ModuleLibrary } from './emit/module-library.js';
import type { HandlerTable } from './handler-table.js';
import {
  CR3,
  CURRENT_TABLE,
  FIRST_HANDLER,
  FIRST_REGION,
  MAX_REGIONS,
  MODE_FLAT,
  MODE_KEY,
  PAGE_BYTES,
  PAGE_RIP,
  REC_HANDLER,
  REC_PAGE_OFFSET,
} from './layout.js';
import type { Mmu } from './mmu.js';
import { Region, type RegionCode } from './region.js';

/** Regions in one module: instantiating a module costs as much as emitting several regions. */
const REGIONS_PER_MODULE = 24;
/** Requests that make a batch, and slices that fewer wait at most. */
const ENOUGH = 16;
const LONGEST_WAIT = 64;

interface Candidate {
  readonly record: number;
  readonly table: number;
  readonly modeKey: number;
  readonly generation: number;
  /** Linear address of the page, and the page tables that said so. */
  readonly linear: number;
  readonly tables: number;
}

/** Blocks of a page that are translated: function slot and number of the block, by page offset. */
interface TranslatedPage {
  readonly version: number;
  readonly blocks: Map<number, { readonly slot: number; readonly block: number }>;
}

interface Chosen {
  readonly region: Region;
  readonly slot: number;
}

export interface TranslatorParts {
  readonly memory: CoreMemory;
  readonly handlers: HandlerTable;
  readonly code: CodeCache;
  readonly mmu: Mmu;
  /** The interpreter's table, which takes the functions of regions from FIRST_REGION on. */
  readonly functions: WebAssembly.Table;
}

/** Translates hot regions of decoded instructions into WebAssembly modules, in batches between slices. */
export class Translator {
  /** Regions translated, and modules made for them, since the start. */
  regions = 0;
  modules = 0;
  readonly #memory: CoreMemory;
  readonly #handlers: HandlerTable;
  readonly #code: CodeCache;
  readonly #mmu: Mmu;
  readonly #functions: WebAssembly.Table;
  readonly #refused = new Set<number>();
  readonly #pages = new Map<number, TranslatedPage>();
  #queue: Candidate[] = [];
  #generation = 0;
  #slot = 0;
  #waited = 0;

  constructor(parts: TranslatorParts) {
    this.#memory = parts.memory;
    this.#handlers = parts.handlers;
    this.#code = parts.code;
    this.#mmu = parts.mmu;
    this.#functions = parts.functions;
  }

  /** Forms of instructions that turned out to be the interpreter's, by name. */
  get refused(): readonly string[] {
    return [...this.#refused].map((number) => this.#handlers.handlers[number - FIRST_HANDLER]!.shape.name);
  }

  /** A record of the page that is executing has become hot. Where the interpreter comes to entries of regions they are counted too, but need nothing more. */
  request(record: number): void {
    const { i32, u16 } = this.#memory;
    if (u16[(record + REC_HANDLER) >> 1]! >= FIRST_REGION) return;
    const linear = i32[(PAGE_RIP >> 2) + 1]! * 2 ** 32 + this.#memory.u32[PAGE_RIP >> 2]!;
    this.#queue.push({
      record,
      table: i32[CURRENT_TABLE >> 2]!,
      modeKey: i32[MODE_KEY >> 2]!,
      generation: this.#code.generation,
      linear,
      tables: i32[CR3 >> 2]!,
    });
  }

  /** Enough is requested for a module, or something has waited long enough; to be asked before each slice. */
  get isDue(): boolean {
    if (this.#queue.length === 0) return false;
    return this.#queue.length >= ENOUGH || ++this.#waited >= LONGEST_WAIT;
  }

  /** Translates what was requested. No translated code may be executing. */
  translate(): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#waited = 0;
    for (let at = 0; at < queue.length; at += REGIONS_PER_MODULE) this.#translateBatch(queue.slice(at, at + REGIONS_PER_MODULE));
  }

  #translateBatch(batch: readonly Candidate[]): void {
    this.#followEviction();
    if (this.#slot + batch.length > MAX_REGIONS || this.#code.isFull) {
      this.#code.evictAll();
      return this.#followEviction();
    }
    const regions: Chosen[] = [];
    for (const candidate of batch) {
      if (this.#isCurrent(candidate) && !this.#enterKnown(candidate)) this.#choose(candidate, regions);
    }
    if (regions.length > 0) this.#instantiate(regions);
  }

  /** Finds the region of a candidate and enters it; its function follows before anything executes. */
  #choose(candidate: Candidate, chosen: Chosen[]): void {
    const region = this.#region(candidate);
    if (region.isEmpty) return;
    const slot = this.#slot++;
    for (const [block, { table, offset }] of region.entries.entries()) {
      const { blocks } = this.#page(table);
      if (!blocks.has(offset)) blocks.set(offset, { slot, block });
    }
    const head = this.#page(candidate.table).blocks.get(this.#offset(candidate))!;
    this.#code.enterRegion(candidate.table, candidate.record, FIRST_REGION + slot, head.block);
    chosen.push({ region, slot });
    this.regions++;
  }

  /** When all decoded code has gone, no region is reachable any more. */
  #followEviction(): void {
    if (this.#generation === this.#code.generation) return;
    this.#generation = this.#code.generation;
    this.#pages.clear();
    this.#slot = 0;
  }

  #offset({ record }: Candidate): number {
    return this.#memory.u16[(record + REC_PAGE_OFFSET) >> 1]!;
  }

  /** The record is still what its page decodes to. */
  #isCurrent(candidate: Candidate): boolean {
    if (candidate.generation !== this.#code.generation) return false;
    return this.#memory.i32[(candidate.table >> 2) + this.#offset(candidate)] === candidate.record;
  }

  /** A block that is part of a translated region needs an entry only. */
  #enterKnown(candidate: Candidate): boolean {
    const known = this.#page(candidate.table).blocks.get(this.#offset(candidate));
    if (!known) return false;
    this.#code.enterRegion(candidate.table, candidate.record, FIRST_REGION + known.slot, known.block);
    return true;
  }

  #page(table: number): TranslatedPage {
    const version = this.#code.versionOf(table);
    const known = this.#pages.get(table);
    if (known?.version === version) return known;
    const page = { version, blocks: new Map() };
    this.#pages.set(table, page);
    return page;
  }

  #region(candidate: Candidate): Region {
    const code: RegionCode = {
      memory: this.#memory,
      handlers: this.#handlers,
      modeKey: candidate.modeKey,
      refused: this.#refused,
      pageAt: (distance) => this.#pageAt(candidate, distance),
      detour: (table, record) => this.#code.detour(table, record),
    };
    return new Region(code, this.#offset(candidate));
  }

  /** A page so many pages behind a candidate's, where segments and page tables say that code runs on. */
  #pageAt(candidate: Candidate, distance: number): CrossedPage | undefined {
    const table = distance === 0 ? candidate.table : this.#neighbour(candidate, distance);
    return table === 0 ? undefined : { table, descriptor: this.#code.descriptorOf(table), version: this.#code.versionOf(table) };
  }

  #neighbour({ linear, tables, modeKey }: Candidate, distance: number): number {
    if ((modeKey & MODE_FLAT) === 0 || tables !== this.#memory.i32[CR3 >> 2]) return 0;
    const gpa = this.#mmu.peek(linear + distance * PAGE_BYTES);
    return gpa < 0 ? 0 : this.#code.tableOf(Math.floor(gpa / PAGE_BYTES), modeKey);
  }

  #instantiate(regions: readonly Chosen[]): void {
    const { pages, memory } = this.#memory;
    const builder = new ModuleBuilder(pages, pages);
    const library = new ModuleLibrary(builder);
    for (const { region, slot } of regions) {
      const handle = builder.declare({ params: ['i32'], result: 'i32' }, `r${slot}`);
      builder.define(handle, (f) => region.emit(f, library, FIRST_REGION + slot));
    }
    const module = new WebAssembly.Module(builder.finish() as BufferSource);
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    for (const { slot } of regions) this.#functions.set(FIRST_REGION + slot, exports[`r${slot}`]);
    this.modules++;
  }
}
