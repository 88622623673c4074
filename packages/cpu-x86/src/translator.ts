import { ModuleBuilder } from '@hotsocket/wasm-builder';
import type { CodeCache } from './code-cache.js';
import type { CoreMemory } from './core-memory.js';
import type { HandlerTable } from './handler-table.js';
import { CURRENT_TABLE, FIRST_REGION, MAX_REGIONS, MODE_KEY, REC_PAGE_OFFSET } from './layout.js';
import { Region } from './region.js';

/** Regions in one module: instantiating a module costs as much as emitting several regions. */
const REGIONS_PER_MODULE = 24;

interface Candidate {
  readonly record: number;
  readonly table: number;
  readonly modeKey: number;
  readonly generation: number;
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
  #queue: Candidate[] = [];
  #slot = 0;

  constructor(memory: CoreMemory, handlers: HandlerTable, code: CodeCache, functions: WebAssembly.Table) {
    this.#memory = memory;
    this.#handlers = handlers;
    this.#code = code;
    this.#functions = functions;
  }

  /** A record of the page that is executing has become hot. */
  request(record: number): void {
    const { i32 } = this.#memory;
    this.#queue.push({ record, table: i32[CURRENT_TABLE >> 2]!, modeKey: i32[MODE_KEY >> 2]!, generation: this.#code.generation });
  }

  get isPending(): boolean {
    return this.#queue.length > 0;
  }

  /** Translates what was requested. No translated code may be executing. */
  translate(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (let at = 0; at < queue.length; at += REGIONS_PER_MODULE) this.#translateBatch(queue.slice(at, at + REGIONS_PER_MODULE));
  }

  #translateBatch(batch: readonly Candidate[]): void {
    if (this.#slot + batch.length > MAX_REGIONS || this.#code.isFull) {
      this.#code.evictAll();
      this.#slot = 0;
      return;
    }
    const regions = batch
      .filter((candidate) => this.#isCurrent(candidate))
      .map((candidate) => ({ candidate, region: this.#region(candidate) }));
    const worthwhile = regions.filter(({ region }) => !region.isEmpty);
    if (worthwhile.length > 0) this.#instantiate(worthwhile);
  }

  #offset({ record }: Candidate): number {
    return this.#memory.u16[(record + REC_PAGE_OFFSET) >> 1]!;
  }

  /** The record is still what its page decodes to. */
  #isCurrent(candidate: Candidate): boolean {
    if (candidate.generation !== this.#code.generation) return false;
    return this.#memory.i32[(candidate.table >> 2) + this.#offset(candidate)] === candidate.record;
  }

  #region(candidate: Candidate): Region {
    const { table, modeKey } = candidate;
    return new Region({ memory: this.#memory, handlers: this.#handlers, modeKey, table, refused: this.#refused }, this.#offset(candidate));
  }

  #instantiate(regions: readonly { candidate: Candidate; region: Region }[]): void {
    const { pages, memory } = this.#memory;
    const builder = new ModuleBuilder(pages, pages);
    for (const [index, { region }] of regions.entries()) {
      const handle = builder.declare({ params: ['i32'], result: 'i32' }, `r${index}`);
      builder.define(handle, (f) => region.emit(f));
    }
    const module = new WebAssembly.Module(builder.finish() as BufferSource);
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    this.modules++;
    for (const [index, { candidate }] of regions.entries()) this.#install(candidate, exports[`r${index}`]);
  }

  #install(candidate: Candidate, region: unknown): void {
    const slot = this.#slot++;
    this.#functions.set(FIRST_REGION + slot, region);
    this.#code.enterRegion(candidate.table, candidate.record, FIRST_REGION + slot);
    this.regions++;
  }
}
