import { ModuleBuilder } from '@hotsocket/wasm-builder';
import type { CodeCache } from './code-cache.js';
import type { CoreMemory } from './core-memory.js';
import { ModuleLibrary } from './emit/module-library.js';
import type { HandlerTable } from './handler-table.js';
import { CURRENT_TABLE, FIRST_HANDLER, FIRST_REGION, MAX_REGIONS, MODE_KEY, REC_PAGE_OFFSET } from './layout.js';
import { Region } from './region.js';

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

/** Translates hot regions of decoded instructions into WebAssembly modules, in batches between slices. */
export class Translator {
  /** Regions translated, and modules made for them, since the start. */
  regions = 0;
  modules = 0;
  readonly #memory: CoreMemory;
  readonly #handlers: HandlerTable;
  readonly #code: CodeCache;
  readonly #functions: WebAssembly.Table;
  readonly #refused = new Set<number>();
  readonly #pages = new Map<number, TranslatedPage>();
  #queue: Candidate[] = [];
  #generation = 0;
  #slot = 0;
  #waited = 0;

  constructor(memory: CoreMemory, handlers: HandlerTable, code: CodeCache, functions: WebAssembly.Table) {
    this.#memory = memory;
    this.#handlers = handlers;
    this.#code = code;
    this.#functions = functions;
  }

  /** Forms of instructions that turned out to be the interpreter's, by name. */
  get refused(): readonly string[] {
    return [...this.#refused].map((number) => this.#handlers.handlers[number - FIRST_HANDLER]!.shape.name);
  }

  /** A record of the page that is executing has become hot. */
  request(record: number): void {
    const { i32 } = this.#memory;
    this.#queue.push({ record, table: i32[CURRENT_TABLE >> 2]!, modeKey: i32[MODE_KEY >> 2]!, generation: this.#code.generation });
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
    const { blocks } = this.#page(candidate.table);
    for (const [block, offset] of region.entries.entries()) if (!blocks.has(offset)) blocks.set(offset, { slot, block });
    this.#code.enterRegion(candidate.table, candidate.record, FIRST_REGION + slot, region.entries.indexOf(this.#offset(candidate)));
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
    const { table, modeKey } = candidate;
    const detour = (record: number): number => this.#code.detour(table, record);
    const page = { memory: this.#memory, handlers: this.#handlers, modeKey, table, detour, refused: this.#refused };
    return new Region(page, this.#offset(candidate));
  }

  #instantiate(regions: readonly Chosen[]): void {
    const { pages, memory } = this.#memory;
    const builder = new ModuleBuilder(pages, pages);
    const library = new ModuleLibrary(builder);
    for (const { region, slot } of regions) {
      const handle = builder.declare({ params: ['i32'], result: 'i32' }, `r${slot}`);
      builder.define(handle, (f) => region.emit(f, library));
    }
    const module = new WebAssembly.Module(builder.finish() as BufferSource);
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    for (const { slot } of regions) this.#functions.set(FIRST_REGION + slot, exports[`r${slot}`]);
    this.modules++;
  }
}
