import type { FunctionBuilder } from '@hotsocket/wasm-builder';
import { type Expr, i32, type Label } from '@hotsocket/wasm-builder';
import type { CoreMemory } from './core-memory.js';
import { type CrossedPage, HotEmitter, NOT_TRANSLATABLE, type RegionFlow } from './emit/hot-emitter.js';
import { HOT_VISITS } from './emit/hotness.js';
import type { ModuleLibrary } from './emit/module-library.js';
import type { Handler, HandlerTable } from './handler-table.js';
import {
  FIRST_HANDLER,
  FIRST_REGION,
  HANDLER_CONTINUE,
  HANDLER_LINK,
  HOTNESS,
  PAGE_BYTES,
  REC_DISPLACEMENT,
  REC_FLAGS,
  REC_HANDLER,
  REC_IMMEDIATE,
  REC_LENGTH,
  REC_PAGE_OFFSET,
  RECORD_BYTES,
  RECORD_COMPLEX,
  RECORD_LOCAL,
  RECORDS,
} from './layout.js';
import { isHelper } from './semantics/semantic.js';

const MOST_BLOCKS = 64;
const MOST_INSTRUCTIONS = 600;
const MOST_RETURN_SITES = 6;
const MOST_PAGES = 6;
/** Visits of a block in another page that make it worth its place in the region. */
const WARM_VISITS: number = HOT_VISITS / 4;
/** Attributes of instructions after which control does not simply go on. */
const NO_RESUMPTION = ['jump', 'call', 'ret', 'interrupt', 'far'];
const NO_END = -1;

/**
 * A run of instructions that is entered at its first only. Blocks are known by their place: the offset from the start of the page in which
 * the region was found, negative or more than a page for blocks of other pages.
 */
interface Block {
  readonly place: number;
  /** Records in order. */
  readonly records: number[];
  /** Place that follows, when the last record is no transfer. */
  next: number;
  /** Record that only the interpreter can do, at the end; 0 if there is none. */
  interpret: number;
}

/** Code that translation works on. */
export interface RegionCode {
  readonly memory: CoreMemory;
  readonly handlers: HandlerTable;
  readonly modeKey: number;
  /** The page that is so many pages behind the one in which the region was found; undefined where none is mapped and decoded. */
  pageAt(distance: number): CrossedPage | undefined;
  /** A copy of a page's record that goes back to look for a region after it. */
  detour(table: number, record: number): number;
  /** Handlers that translation has found it cannot do. */
  readonly refused: Set<number>;
}

const distanceOf = (place: number): number => Math.floor(place / PAGE_BYTES);
const offsetOf = (place: number): number => place & (PAGE_BYTES - 1);

/** The instructions reachable from one address, first in its page, then in others, to be translated together. */
export class Region {
  readonly #code: RegionCode;
  readonly #blocks = new Map<number, Block>();
  readonly #returnSites: number[] = [];
  readonly #pages = new Map<number, CrossedPage | undefined>();
  readonly #head: number;
  #instructions = 0;
  /** Start of the page whose block is being emitted, as a place. */
  #page = 0;

  /** Finds the blocks that are reachable from page offset `head`, where it is entered, over decoded instructions. */
  constructor(code: RegionCode, head: number) {
    this.#code = code;
    this.#head = head;
    const leaders = this.#findLeaders(head);
    const seen = [...leaders].filter((place) => this.recordAt(place) !== 0).sort((a, b) => nearness(a) - nearness(b));
    for (const place of seen) this.#blocks.set(place, this.#cut(place, leaders));
  }

  /** Nothing to gain: the first instruction is left to the interpreter. */
  get isEmpty(): boolean {
    return (this.#blocks.get(this.#head)?.records.length ?? 0) === 0;
  }

  get instructions(): number {
    return this.#instructions;
  }

  /** The record of the instruction at a place, past the entry of a region there; 0 when it is not decoded. */
  recordAt(place: number): number {
    const record = this.#tableEntry(place);
    return record === 0 ? 0 : this.#unwrapped(record);
  }

  #tableEntry(place: number): number {
    const page = this.#pageOf(place);
    return page === undefined ? 0 : this.#code.memory.i32[(page.table >> 2) + offsetOf(place)]!;
  }

  #pageOf(place: number): CrossedPage | undefined {
    const distance = distanceOf(place);
    if (!this.#pages.has(distance)) this.#pages.set(distance, this.#code.pageAt(distance));
    return this.#pages.get(distance);
  }

  #linked(record: number): number {
    return this.#unwrapped(this.#code.memory.i32[(record + REC_IMMEDIATE) >> 2]!);
  }

  /** The instruction's record behind the entry of a region. */
  #unwrapped(record: number): number {
    return this.#handler(record) >= FIRST_REGION ? this.#code.memory.i32[(record + REC_IMMEDIATE) >> 2]! : record;
  }

  // ------------------------------------------------------------------ finding blocks

  #handler(record: number): number {
    return this.#code.memory.u16[(record + REC_HANDLER) >> 1]!;
  }

  #instruction(record: number): Handler | undefined {
    return this.#code.handlers.handlers[this.#handler(record) - FIRST_HANDLER];
  }

  #findLeaders(head: number): Set<number> {
    const leaders = new Set([head]);
    const work = [head];
    const elsewhere: number[] = [];
    for (let place = work.pop(); place !== undefined; place = work.pop() ?? elsewhere.shift()) {
      for (const target of this.#successors(place)) {
        if (leaders.size >= MOST_BLOCKS || leaders.has(target) || this.recordAt(target) === 0) continue;
        const stays = distanceOf(target) === distanceOf(place);
        if (!stays && !this.#isWorthwhile(target)) continue;
        leaders.add(target);
        (stays ? work : elsewhere).push(target);
      }
    }
    return leaders;
  }

  /** Control comes to the place often: there is a region, or soon will be. */
  #isWorthwhile(place: number): boolean {
    const isNear = [...this.#pages.values()].filter((page) => page !== undefined).length <= MOST_PAGES;
    const record = this.#tableEntry(place);
    const visits = this.#code.memory.i32[(HOTNESS >> 2) + (record - RECORDS) / RECORD_BYTES]!;
    return isNear && (this.#handler(record) >= FIRST_REGION || visits >= WARM_VISITS);
  }

  /** Places to which the run from `place` transfers. */
  #successors(place: number): number[] {
    const page = place - offsetOf(place);
    for (let record = this.recordAt(place), n = 0; record !== 0 && n < MOST_INSTRUCTIONS; n++) {
      const handler = this.#handler(record);
      if (handler === HANDLER_LINK) record = this.#linked(record);
      else if (handler === HANDLER_CONTINUE && this.#offset(record) >= PAGE_BYTES) return [page + this.#offset(record)];
      else if (!this.#isTranslatable(record)) return this.#resumption(record).map((offset) => page + offset);
      else if (this.#endsBlock(record)) return this.#targets(record).map((offset) => page + offset);
      else record += RECORD_BYTES;
    }
    return [];
  }

  /** Where a transfer leads, by offset from the start of its page. */
  #targets(record: number): number[] {
    const { memory } = this.#code;
    const { row, operandBytes, operands } = this.#instruction(record)!.shape;
    const next = this.#nextOffset(record);
    const immediate = memory.i32[(record + REC_IMMEDIATE) >> 2]!;
    const local = (memory.u8[record + REC_FLAGS]! & RECORD_LOCAL) !== 0;
    const targets = local ? [immediate] : [];
    if (!local && operands[0]?.kind === 'relative' && operandBytes !== 2) targets.push(next + immediate);
    if (row.attributes.has('branch') || row.attributes.has('call')) targets.push(next);
    return targets;
  }

  /** Where the region goes on after an instruction that the interpreter does for it. */
  #resumption(record: number): number[] {
    const instruction = this.#instruction(record);
    if (instruction === undefined || NO_RESUMPTION.some((name) => instruction.shape.row.attributes.has(name))) return [];
    return [this.#nextOffset(record)];
  }

  #offset(record: number): number {
    return this.#code.memory.u16[(record + REC_PAGE_OFFSET) >> 1]!;
  }

  #nextOffset(record: number): number {
    return this.#offset(record) + this.#code.memory.u8[record + REC_LENGTH]!;
  }

  #isTranslatable(record: number): boolean {
    const instruction = this.#instruction(record);
    return instruction !== undefined && !isHelper(instruction.semantic) && !this.#code.refused.has(instruction.number);
  }

  #endsBlock(record: number): boolean {
    const { attributes } = this.#instruction(record)!.shape.row;
    return ['branch', 'jump', 'call', 'ret'].some((name) => attributes.has(name));
  }

  /** The records of a block, to the next leader, transfer or instruction for the interpreter. */
  #cut(place: number, leaders: ReadonlySet<number>): Block {
    const block: Block = { place, records: [], next: NO_END, interpret: 0 };
    const page = place - offsetOf(place);
    for (let record = this.recordAt(place); ; ) {
      const at = page + this.#offset(record);
      const handler = this.#handler(record);
      if (handler === HANDLER_LINK) {
        record = this.#linked(record);
        continue;
      }
      if ((at !== place && leaders.has(at)) || handler === HANDLER_CONTINUE || this.#instructions >= MOST_INSTRUCTIONS) {
        block.next = at;
        return block;
      }
      if (!this.#isTranslatable(record)) {
        block.interpret = record;
        return block;
      }
      block.records.push(record);
      this.#instructions++;
      if (this.#endsBlock(record)) {
        this.#noteCall(record, page);
        return block;
      }
      record += RECORD_BYTES;
    }
  }

  #noteCall(record: number, page: number): void {
    const site = page + this.#nextOffset(record);
    const isCall = this.#instruction(record)!.shape.row.attributes.has('call');
    if (isCall && this.#returnSites.length < MOST_RETURN_SITES && !this.#returnSites.includes(site)) this.#returnSites.push(site);
  }

  /** Blocks in the order in which entries number them: their page's record table, and their offset in the page. */
  get entries(): readonly { readonly table: number; readonly offset: number }[] {
    return [...this.#blocks.keys()].map((place) => ({ table: this.#pageOf(place)!.table, offset: offsetOf(place) }));
  }

  // ------------------------------------------------------------------ emission

  /**
   * Writes the region's function: (entry) -> record to interpret, or STATUS_*. The entry's displacement is the number of its block; `handler`
   * is that of the region's entries.
   */
  emit(f: FunctionBuilder, library: ModuleLibrary, handler: number): void {
    const first = this.recordAt(this.#head);
    const status = f.local('i32');
    const selector = f.local('i32');
    const exit = f.block();
    const dispatch = f.loop();
    const labels = [...this.#blocks].map(() => f.block()).reverse();
    f.brTable(labels, labels[0]!, f.get(selector));
    const flow = this.#flow(f, { library, exit, status, selector, dispatch, handler });
    const x = new HotEmitter(f, this.#code.memory, this.#code.modeKey, this.#instruction(first)!.shape, flow);
    for (const block of this.#blocks.values()) {
      f.end();
      this.#page = block.place - offsetOf(block.place);
      this.#emitBlock(x, block);
    }
    f.unreachable();
    f.end();
    f.unreachable();
    f.end();
    x.frame(() => f.return(f.get(status)));
    f.prologue(() => f.set(selector, i32.load(f.get(f.param(0)), REC_DISPLACEMENT)));
  }

  #flow(
    f: FunctionBuilder,
    parts: {
      library: ModuleLibrary;
      exit: Label;
      status: RegionFlow['status'];
      selector: RegionFlow['status'];
      dispatch: Label;
      handler: number;
    },
  ): RegionFlow {
    const numbers = new Map([...this.#blocks.keys()].map((place, number) => [place, number]));
    const sites = this.#returnSites.filter((place) => this.#blocks.has(place));
    const dispatch = (number: Expr): void => {
      f.set(parts.selector, number);
      f.br(parts.dispatch);
    };
    return {
      library: parts.library,
      exit: parts.exit,
      status: parts.status,
      handler: parts.handler,
      returnSites: () => sites.map((place) => place - this.#page),
      table: () => this.#pageOf(this.#page)!.table,
      across: (offset) => (numbers.has(this.#page + offset) ? this.#pageOf(this.#page + offset) : undefined),
      goToEntry: (record) => dispatch(i32.load(record, REC_DISPLACEMENT)),
      goTo: (offset) => {
        const number = numbers.get(this.#page + offset);
        if (number !== undefined) dispatch(i32.const(number));
        return number !== undefined;
      },
    };
  }

  #emitBlock(x: HotEmitter, block: Block): void {
    x.beginBlock();
    for (const [done, record] of block.records.entries()) {
      if (!this.#emitInstruction(x, record, done)) return x.interpret(record, done);
      if (x.ended) return;
    }
    if (block.interpret !== 0) return x.interpret(this.#interpreted(block.interpret), block.records.length);
    this.#fallThrough(x, block);
  }

  /** The record through which the interpreter does an instruction, to come back afterwards if the region goes on behind it. */
  #interpreted(record: number): number {
    const [next] = this.#resumption(record);
    return next !== undefined && this.#blocks.has(this.#page + next) ? this.#code.detour(this.#pageOf(this.#page)!.table, record) : record;
  }

  #fallThrough(x: HotEmitter, block: Block): void {
    if (block.next === block.place) return x.interpret(this.recordAt(block.place), 0);
    x.endBlock();
    if (block.records.length > 0) x.countBlock();
    x.transfer(block.next - this.#page, true);
  }

  /** False when the instruction must be interpreted; then nothing of it was emitted. */
  #emitInstruction(x: HotEmitter, record: number, done: number): boolean {
    const instruction = this.#instruction(record)!;
    const { semantic, shape } = instruction;
    if (isHelper(semantic)) return false;
    const [checkpoint, restore] = [x.f.checkpoint(), x.snapshot()];
    x.begin(record, shape, done);
    try {
      semantic(x);
      x.finishInstruction();
      return true;
    } catch (signal) {
      if (signal !== NOT_TRANSLATABLE) throw signal;
      x.f.rollBack(checkpoint);
      restore();
      if ((this.#code.memory.u8[record + REC_FLAGS]! & RECORD_COMPLEX) === 0) this.#code.refused.add(instruction.number);
      return false;
    }
  }
}

/** Blocks of the page in which the region was found come first, then those of its neighbours. */
const nearness = (place: number): number => (distanceOf(place) === 0 ? place - PAGE_BYTES : Math.abs(place) + PAGE_BYTES);
