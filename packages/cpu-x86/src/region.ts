import type { FunctionBuilder } from '@hotsocket/wasm-builder';
import { i32, type Label } from '@hotsocket/wasm-builder';
import type { CoreMemory } from './core-memory.js';
import { HotEmitter, NOT_TRANSLATABLE, type RegionFlow } from './emit/hot-emitter.js';
import type { ModuleLibrary } from './emit/module-library.js';
import type { Handler, HandlerTable } from './handler-table.js';
import {
  FIRST_HANDLER,
  FIRST_REGION,
  HANDLER_CONTINUE,
  HANDLER_LINK,
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
} from './layout.js';
import { isHelper } from './semantics/semantic.js';

const MOST_BLOCKS = 64;
const MOST_INSTRUCTIONS = 600;
const MOST_RETURN_SITES = 6;
/** Attributes of instructions after which control does not simply go on. */
const NO_RESUMPTION = ['jump', 'call', 'ret', 'interrupt', 'far'];
const NO_END = -1;

/** A run of instructions that is entered at its first only. */
interface Block {
  readonly offset: number;
  /** Records in order. */
  readonly records: number[];
  /** Page offset that follows, when the last record is no transfer. */
  next: number;
  /** Record that only the interpreter can do, at the end; 0 if there is none. */
  interpret: number;
}

/** What is known of the page being translated. */
export interface PageCode {
  readonly memory: CoreMemory;
  readonly handlers: HandlerTable;
  readonly modeKey: number;
  /** Address of the page's record table for this mode. */
  readonly table: number;
  /** A copy of a record that goes back to look for a region after it. */
  readonly detour: (record: number) => number;
  /** Handlers that translation has found it cannot do. */
  readonly refused: Set<number>;
}

/** The instructions reachable from one address without leaving its page, to be translated together. */
export class Region {
  readonly #code: PageCode;
  readonly #blocks = new Map<number, Block>();
  readonly #returnSites: number[] = [];
  readonly #head: number;
  #instructions = 0;

  /** Finds the blocks that are reachable from page offset `head`, where it is entered, over decoded instructions. */
  constructor(code: PageCode, head: number) {
    this.#code = code;
    this.#head = head;
    const leaders = this.#findLeaders(head);
    const seen = [...leaders].filter((offset) => this.recordAt(offset) !== 0).sort((a, b) => a - b);
    for (const offset of seen) this.#blocks.set(offset, this.#cut(offset, leaders));
  }

  /** Nothing to gain: the first instruction is left to the interpreter. */
  get isEmpty(): boolean {
    return (this.#blocks.get(this.#head)?.records.length ?? 0) === 0;
  }

  get instructions(): number {
    return this.#instructions;
  }

  /** The record of the instruction at a page offset, past the entry of a region there; 0 when it is not decoded. */
  recordAt(offset: number): number {
    const { memory, table } = this.#code;
    const record = offset < PAGE_BYTES ? memory.i32[(table >> 2) + offset]! : 0;
    return record === 0 ? 0 : this.#unwrapped(record);
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
    for (let offset = work.pop(); offset !== undefined; offset = work.pop()) {
      for (const target of this.#successors(offset)) {
        if (leaders.size >= MOST_BLOCKS || leaders.has(target) || this.recordAt(target) === 0) continue;
        leaders.add(target);
        work.push(target);
      }
    }
    return leaders;
  }

  /** Page offsets to which the run from `offset` transfers. */
  #successors(offset: number): number[] {
    for (let record = this.recordAt(offset), n = 0; record !== 0 && n < MOST_INSTRUCTIONS; n++) {
      const handler = this.#handler(record);
      if (handler === HANDLER_LINK) record = this.#linked(record);
      else if (!this.#isTranslatable(record)) return this.#resumption(record);
      else if (this.#endsBlock(record)) return this.#targets(record);
      else record += RECORD_BYTES;
    }
    return [];
  }

  #targets(record: number): number[] {
    const { memory } = this.#code;
    const attributes = this.#instruction(record)!.shape.row.attributes;
    const next = this.#nextOffset(record);
    const local = (memory.u8[record + REC_FLAGS]! & RECORD_LOCAL) !== 0;
    const targets = local ? [memory.i32[(record + REC_IMMEDIATE) >> 2]!] : [];
    if (attributes.has('call') && next < PAGE_BYTES) this.#addReturnSite(next);
    if (attributes.has('branch') || attributes.has('call')) targets.push(next);
    return targets;
  }

  /** Where the region goes on after an instruction that the interpreter does for it. */
  #resumption(record: number): number[] {
    const instruction = this.#instruction(record);
    if (instruction === undefined || NO_RESUMPTION.some((name) => instruction.shape.row.attributes.has(name))) return [];
    return [this.#nextOffset(record)];
  }

  #nextOffset(record: number): number {
    const { memory } = this.#code;
    return memory.u16[(record + REC_PAGE_OFFSET) >> 1]! + memory.u8[record + REC_LENGTH]!;
  }

  #addReturnSite(offset: number): void {
    if (this.#returnSites.length < MOST_RETURN_SITES && !this.#returnSites.includes(offset)) this.#returnSites.push(offset);
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
  #cut(offset: number, leaders: ReadonlySet<number>): Block {
    const block: Block = { offset, records: [], next: NO_END, interpret: 0 };
    const { memory } = this.#code;
    for (let record = this.recordAt(offset); ; ) {
      const at = memory.u16[(record + REC_PAGE_OFFSET) >> 1]!;
      const handler = this.#handler(record);
      if (handler === HANDLER_LINK) {
        record = this.#linked(record);
        continue;
      }
      if ((at !== offset && leaders.has(at)) || handler === HANDLER_CONTINUE || this.#instructions >= MOST_INSTRUCTIONS) {
        block.next = at;
        return block;
      }
      if (!this.#isTranslatable(record)) {
        block.interpret = record;
        return block;
      }
      block.records.push(record);
      this.#instructions++;
      if (this.#endsBlock(record)) return block;
      record += RECORD_BYTES;
    }
  }

  /** Page offsets of the blocks, in the order in which entries number them. */
  get entries(): readonly number[] {
    return [...this.#blocks.keys()];
  }

  // ------------------------------------------------------------------ emission

  /** Writes the region's function: (entry) -> record to interpret, or STATUS_*. The entry's displacement is the number of its block. */
  emit(f: FunctionBuilder, library: ModuleLibrary): void {
    const blocks = [...this.#blocks.values()];
    const first = this.recordAt(this.#head);
    const status = f.local('i32');
    const selector = f.local('i32');
    const exit = f.block();
    const dispatch = f.loop();
    const labels = blocks.map(() => f.block()).reverse();
    f.brTable(labels, labels[0]!, f.get(selector));
    const flow = this.#flow(f, { library, blocks, exit, status, selector, dispatch });
    const x = new HotEmitter(f, this.#code.memory, this.#code.modeKey, this.#instruction(first)!.shape, flow);
    for (const block of blocks) {
      f.end();
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
      blocks: Block[];
      exit: Label;
      status: RegionFlow['status'];
      selector: RegionFlow['status'];
      dispatch: Label;
    },
  ): RegionFlow {
    return {
      library: parts.library,
      exit: parts.exit,
      status: parts.status,
      returnSites: this.#returnSites.filter((offset) => this.#blocks.has(offset)),
      goTo: (offset) => {
        const index = parts.blocks.findIndex((block) => block.offset === offset);
        if (index < 0) return false;
        f.set(parts.selector, i32.const(index));
        f.br(parts.dispatch);
        return true;
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
    return next !== undefined && this.#blocks.has(next) ? this.#code.detour(record) : record;
  }

  #fallThrough(x: HotEmitter, block: Block): void {
    if (block.next === block.offset) return x.interpret(this.recordAt(block.offset), 0);
    x.endBlock();
    if (block.records.length > 0) x.countBlock();
    x.transfer(block.next, true);
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
