import type { MemorySpace } from '@hotsocket/address-space';
import { Decoder, type Row } from '@hotsocket/x86-isa';
import { checkStack, complexAddress, segmentedAddress } from './addressing.js';
import { CodeCache } from './code-cache.js';
import type { CoreMemory } from './core-memory.js';
import { Cpu, type CpuServices, type HelperFunction } from './cpu.js';
import { Debugger, type Watchpoint } from './debugger.js';
import { STATUS_EXIT, STATUS_FAULT, STATUS_JUMP, STATUS_NEXT } from './emit/core-functions.js';
import { DEBUG_STOP, FAULT, GP, STACK, UD } from './fault.js';
import { fillVectorTables } from './fpu/index.js';
import { HandlerTable } from './handler-table.js';
import { type ImportName, RUN_STEPPED } from './interpreter.js';
import { interpreterBytes } from './interpreter-bytes.js';
import {
  ADDRESS_SIZE_MASKS,
  BUDGET,
  CODE_LIMIT,
  CPU_BLOCK,
  CPU_BLOCK_BYTES,
  CS,
  FAULT_ERROR,
  FAULT_RECORD,
  FAULT_VECTOR,
  MAX_CPUS,
  MODE_KEY,
  NONCANONICAL,
  PAGE_BYTES,
  PAGE_RIP,
  PARITY_TABLE,
  PHYSICAL_PAGES,
  REC_FLAGS,
  RECORD_STACK,
  RIP,
  SAVED_BLOCKS,
  SLOW_ADDRESS,
  STEPPING,
} from './layout.js';
import { ACCESS_FETCH, Mmu } from './mmu.js';
import { PAGE_DROP, PageMap } from './page-map.js';
import { RecordBuilder } from './record-builder.js';
import { SEMANTICS } from './semantics/index.js';
import { deliverFault } from './system/deliver.js';
import { HELPERS } from './system/index.js';
import { refreshCpu } from './system/reset.js';
import { Translator } from './translator.js';

/** What an execution core works on. */
export interface CoreOptions extends CpuServices {
  /** Bytes of RAM and ROM images that `memory.allocate` can hand out. */
  readonly memory: CoreMemory;
  readonly space: MemorySpace;
  /** Rows whose feature the CPU model does not announce: their fallback, or #UD. */
  readonly isInvalid?: (row: Row) => boolean;
}

interface Generated {
  readonly handlers: HandlerTable;
  readonly module: WebAssembly.Module;
}

let made: Generated | undefined;

/** The handlers and the interpreter, made when the first core is and shared by all: they hold no state. */
function generated(): Generated {
  if (!made) {
    const handlers = new HandlerTable(SEMANTICS);
    made = { handlers, module: new WebAssembly.Module(interpreterBytes(handlers)) };
  }
  return made;
}

/**
 * Executes vCPUs: blocks of state that take turns on one generated interpreter. One core per machine; nothing here knows about
 * interrupts controllers or time.
 */
export class ExecutionCore {
  readonly memory: CoreMemory;
  readonly cpu: Cpu;
  readonly mmu: Mmu;
  readonly code: CodeCache;
  readonly handlers: HandlerTable;
  readonly pages: PageMap;
  readonly translator: Translator;
  /** Whether hot code is translated; without it everything is interpreted. */
  translates = true;
  /** Translates each region when control first comes to it; for tests of the translator. */
  translatesAtOnce = false;
  /** Breakpoints and watchpoints of a debugger outside of the guest; set them by `setBreakpoints` and `setWatchpoints`. */
  readonly debugger: Debugger;
  /** Sees each fault (vector, error code or -1) before its delivery; true stops the CPU at the faulting instruction instead. */
  onFault: ((vector: number, error: number) => boolean) | undefined;
  /** Called before each #UD is delivered; RIP is that of the instruction. */
  onUndefined: (() => void) | undefined;
  readonly #space: MemorySpace;
  readonly #helpers: readonly HelperFunction[];
  readonly #run: () => number;
  /** What the last `run` left of its budget; negative when it ran past it to a check point. */
  budgetLeft = 0;
  #current = -1;
  #cpus = 0;
  #given = 0;
  #retired = 0;
  /** The step under way: where it began, and whether it is over because a jump has gone elsewhere. */
  #stepFrom = 0;
  #stepped = false;

  constructor(options: CoreOptions) {
    this.memory = options.memory;
    this.#space = options.space;
    this.handlers = generated().handlers;
    const isInvalid = options.isInvalid ?? options.model?.isInvalid;
    const decoder = new Decoder(isInvalid ? { isInvalid } : {});
    this.code = new CodeCache(this.memory, new RecordBuilder(this.memory, this.handlers), decoder);
    this.debugger = new Debugger(this.memory, this.code);
    this.pages = new PageMap(this.memory, options.space);
    this.mmu = new Mmu(this.memory, this.pages, options.space, this.code);
    this.cpu = new Cpu(this.memory, this.mmu, this.code, options);
    this.cpu.shapes = this.handlers.handlers.map((handler) => handler.shape);
    this.#helpers = Object.values(HELPERS);
    this.#fillTables();
    this.code.attach({
      codeAddress: (page) => (this.#isStorage(page) ? this.pages.read[page]! : 0),
      readCode: (page, offset, count, into, at) => this.#readCode(page, offset, count, into, at),
      nextPage: () => this.#nextPage(),
      protect: (page) => this.mmu.protectPage(page, this.#cpus),
    });
    options.space.listen({
      mapChanged: (start, end) => this.#mapChanged(start, end),
      dmaWritten: (gpa, length) => this.code.writtenRange(gpa, length),
    });
    const { run, table } = this.#instantiate();
    this.#run = run;
    this.translator = new Translator({ memory: this.memory, handlers: this.handlers, code: this.code, mmu: this.mmu, functions: table });
  }

  /** Adds a vCPU's block of state (all zero) and empty TLBs; returns its index. */
  addCpu(): number {
    const index = this.#cpus++;
    if (index >= MAX_CPUS) throw new RangeError(`an execution core holds at most ${MAX_CPUS} CPUs`);
    this.memory.u8.fill(0, SAVED_BLOCKS + index * CPU_BLOCK_BYTES, SAVED_BLOCKS + (index + 1) * CPU_BLOCK_BYTES);
    this.mmu.clear(index);
    return index;
  }

  get cpuCount(): number {
    return this.#cpus;
  }

  /** Makes a vCPU the current one: its state is at CPU_BLOCK until another is selected. */
  select(index: number): void {
    if (index === this.#current) return;
    const { u8 } = this.memory;
    if (this.#current >= 0) u8.copyWithin(SAVED_BLOCKS + this.#current * CPU_BLOCK_BYTES, CPU_BLOCK, CPU_BLOCK + CPU_BLOCK_BYTES);
    const saved = SAVED_BLOCKS + index * CPU_BLOCK_BYTES;
    u8.copyWithin(CPU_BLOCK, saved, saved + CPU_BLOCK_BYTES);
    this.#current = index;
    this.cpu.index = index;
    this.mmu.selectTlb(index);
  }

  get current(): number {
    return this.#current;
  }

  /** Replaces all registers of a vCPU by those of a saved block, and derives what follows from them. */
  load(index: number, block: Uint8Array): void {
    const previous = this.#current;
    this.select(index);
    this.memory.u8.set(block, CPU_BLOCK);
    refreshCpu(this.cpu);
    if (previous >= 0) this.select(previous);
  }

  /** Address of a field of a vCPU's state (an address in CPU_BLOCK), wherever its block is now. */
  stateAddress(index: number, address: number): number {
    return index === this.#current ? address : address - CPU_BLOCK + SAVED_BLOCKS + index * CPU_BLOCK_BYTES;
  }

  /** Runs the current vCPU for about `budget` instructions; gives RUN_* (see interpreter). */
  run(budget: number): number {
    if (this.translator.isDue) this.translator.translate();
    this.cpu.set32(BUDGET, budget);
    this.#given = budget;
    const reason = this.#run();
    this.budgetLeft = this.memory.i32[BUDGET >> 2]!;
    this.#retired += budget - this.budgetLeft;
    this.#given = 0;
    return reason;
  }

  /** Instructions executed since power-on by all vCPUs, also while one is executing. */
  get retired(): number {
    return this.#given === 0 ? this.#retired : this.#retired + this.#given - this.memory.i32[BUDGET >> 2]!;
  }

  /** Opens or closes the A20 gate: bit 20 of physical addresses. */
  setA20(open: boolean): void {
    const mask = open ? 0xffff_ffff : 0xffef_ffff;
    if (this.mmu.a20Mask === mask) return;
    this.mmu.a20Mask = mask;
    for (let index = 0; index < this.#cpus; index++) this.mmu.flush(index);
  }

  /** Bytes at a linear address as a CPU sees them, without side effects; undefined where nothing is mapped. */
  peek(index: number, la: number, length: number): Uint8Array | undefined {
    const previous = this.#current;
    this.select(index);
    const bytes = new Uint8Array(length);
    let mapped = true;
    for (let at = 0; at < length && mapped; at++) {
      const gpa = this.mmu.peek(la + at);
      if (gpa < 0) mapped = false;
      else bytes[at] = this.#peekByte(gpa);
    }
    if (previous >= 0) this.select(previous);
    return mapped ? bytes : undefined;
  }

  /** Bytes of RAM and ROM at a physical address; others read as ff. */
  peekPhysical(gpa: number, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, at) => this.#peekByte(gpa + at));
  }

  /**
   * Writes bytes of RAM or ROM at a linear address as a CPU sees it, past all protection; false, and nothing written, where a page is not
   * mapped to either.
   */
  poke(index: number, la: number, bytes: Uint8Array): boolean {
    const previous = this.#current;
    this.select(index);
    const places = Array.from(bytes, (_, at) => this.mmu.peek(la + at));
    if (previous >= 0) this.select(previous);
    return this.#pokeAll(places, bytes);
  }

  /** The same at a physical address. */
  pokePhysical(gpa: number, bytes: Uint8Array): boolean {
    return this.#pokeAll(
      Array.from(bytes, (_, at) => gpa + at),
      bytes,
    );
  }

  #pokeAll(places: readonly number[], bytes: Uint8Array): boolean {
    const isStorage = (gpa: number): boolean => gpa >= 0 && (this.pages.read[Math.floor(gpa / PAGE_BYTES)] ?? 0) > PAGE_DROP;
    if (!places.every(isStorage)) return false;
    for (const [at, gpa] of places.entries()) {
      this.memory.u8[this.pages.read[Math.floor(gpa / PAGE_BYTES)]! + (gpa & (PAGE_BYTES - 1))] = bytes[at]!;
      this.code.written(gpa, 1);
    }
    return true;
  }

  #peekByte(gpa: number): number {
    const host = this.pages.read[Math.floor(gpa / PAGE_BYTES)] ?? 0;
    return host > PAGE_DROP ? this.memory.u8[host + (gpa & (PAGE_BYTES - 1))]! : 0xff;
  }

  /** Replaces the breakpoints of all CPUs: linear addresses, sign-extended from bit 47. Between slices only. */
  setBreakpoints(addresses: Iterable<number>): void {
    this.debugger.setBreakpoints(addresses);
  }

  /** Replaces the watchpoints of all CPUs. Between slices only. */
  setWatchpoints(watchpoints: readonly Watchpoint[]): void {
    this.debugger.setWatchpoints(watchpoints);
    this.mmu.guard = this.debugger.watches ? this.debugger : undefined;
    for (let index = 0; index < this.#cpus; index++) this.mmu.flush(index);
  }

  /** Linear address of the current CPU's next instruction. */
  get linearRip(): number {
    return this.#codeLinear(this.cpu.getLong(RIP));
  }

  /** Executes exactly one instruction, or the delivery of its fault. */
  step(): number {
    this.cpu.set32(STEPPING, 1);
    this.#stepFrom = this.cpu.getLong(RIP);
    this.#stepped = false;
    const reason = this.run(1);
    this.cpu.set32(STEPPING, 0);
    const stepped = this.#stepped;
    // what runs next delivers its faults again
    this.#stepped = false;
    return stepped ? RUN_STEPPED : reason;
  }

  // ---------------------------------------------------------------- set-up

  #instantiate(): { run: () => number; table: WebAssembly.Table } {
    const env: Record<string, WebAssembly.ImportValue> = { memory: this.memory.memory, ...this.#imports() };
    const instance = new WebAssembly.Instance(generated().module, { env });
    return instance.exports as { run: () => number; table: WebAssembly.Table };
  }

  #imports(): Record<ImportName, (a: number, b: number, c: number) => number | undefined> {
    const { mmu, cpu } = this;
    const { i32 } = this.memory;
    const guarded = (work: (a: number, b: number, c: number) => void) => (a: number, b: number, c: number) => {
      try {
        work(a, b, c);
        return 0;
      } catch (signal) {
        if (signal !== FAULT) throw signal;
        return 1;
      }
    };
    return {
      slowLoad: guarded((bytes) => mmu.slowLoad(bytes)),
      slowStore: guarded((bytes) => mmu.slowStore(bytes)),
      slowModify: guarded((bytes) => mmu.slowModify(bytes)),
      slowCommit: (bytes) => void mmu.slowCommit(bytes),
      raise: (vector, error) => {
        i32[FAULT_VECTOR >> 2] = vector;
        i32[FAULT_ERROR >> 2] = error;
        return undefined;
      },
      stackCheck: guarded((bytes, write) => checkStack(cpu, bytes, write !== 0)),
      complexAddress: guarded((record, bytes, write) => complexAddress(cpu, record, bytes, write !== 0)),
      segmented: guarded((index, bytes, write) =>
        cpu.setLong(SLOW_ADDRESS, segmentedAddress(cpu, index, cpu.getLong(SLOW_ADDRESS), bytes, write !== 0)),
      ),
      helper: (number, record) => this.#helper(number, record),
      decodeAt: () => this.#decodeAt(),
      deliver: () => this.#deliver(),
      crossing: (record) => this.#crossing(record),
      breakpoint: () => Number(this.debugger.breaksAt(this.linearRip)),
      hot: (record) => void (this.translates && this.translator.request(record)),
    };
  }

  #fillTables(): void {
    fillVectorTables(this.memory);
    for (let value = 0; value < 256; value++) this.memory.u8[PARITY_TABLE + value] = Number(parityIsEven(value));
    this.cpu.setHalves(ADDRESS_SIZE_MASKS + 16, 0xffff, 0);
    this.cpu.setHalves(ADDRESS_SIZE_MASKS + 32, -1, 0);
    this.cpu.setHalves(ADDRESS_SIZE_MASKS + 64, -1, -1);
  }

  // ---------------------------------------------------------------- called by generated code

  /** 1 when the CPU has stopped. */
  #deliver(): number {
    if (this.#stepped) return 1;
    const { i32, u8 } = this.memory;
    const record = i32[FAULT_RECORD >> 2]!;
    if (i32[NONCANONICAL >> 2] !== 0) {
      i32[NONCANONICAL >> 2] = 0;
      if (record !== 0 && (u8[record + REC_FLAGS]! & RECORD_STACK) !== 0) i32[FAULT_VECTOR >> 2] = STACK;
    }
    if (i32[FAULT_VECTOR >> 2] === DEBUG_STOP) return this.#takeBack();
    if (i32[FAULT_VECTOR >> 2] === UD) this.onUndefined?.();
    if (this.onFault?.(i32[FAULT_VECTOR >> 2]!, i32[FAULT_ERROR >> 2]!)) return 1;
    return deliverFault(this.cpu);
  }

  /** The instruction has not been executed after all. */
  #takeBack(): number {
    this.memory.i32[BUDGET >> 2]! += 1;
    return 1;
  }

  #helper(number: number, record: number): number {
    try {
      const status = this.#helpers[number]!(this.cpu, record) ?? STATUS_NEXT;
      return this.debugger.stopped ? this.#leaveFor(status, record) : status;
    } catch (signal) {
      if (signal !== FAULT) throw signal;
      return STATUS_FAULT;
    }
  }

  /** A helper has touched a watchpoint: the slice ends behind its instruction. */
  #leaveFor(status: number, record: number): number {
    if (status === STATUS_NEXT) this.cpu.setLong(RIP, this.cpu.nextRip(record));
    return STATUS_EXIT;
  }

  /** Record of the instruction at RIP, or 0 with a fault pending. */
  #decodeAt(): number {
    if (this.cpu.get32(STEPPING) !== 0 && this.#hasStepped()) return 0;
    try {
      return this.#find();
    } catch (signal) {
      if (signal !== FAULT) throw signal;
      return 0;
    }
  }

  /** A jump is no check point where it goes forward, but a step ends there. Decoding again what was not executed is no second step. */
  #hasStepped(): boolean {
    const first = this.cpu.get32(STEPPING) === 1;
    this.cpu.set32(STEPPING, 2);
    this.#stepped = !first && this.cpu.getLong(RIP) !== this.#stepFrom;
    return this.#stepped;
  }

  #find(): number {
    const { cpu } = this;
    const rip = cpu.getLong(RIP);
    const linear = this.#codeLinear(rip);
    const limited = cpu.memory.i32[(CODE_LIMIT >> 2) + 1] !== -1;
    const limit = cpu.get32(CODE_LIMIT);
    if (limited && (rip < 0 || rip > limit)) cpu.fault(GP, 0);
    const offset = linear & (PAGE_BYTES - 1);
    cpu.setLong(PAGE_RIP, rip - offset);
    const page = Math.floor(this.mmu.translate(linear, ACCESS_FETCH, this.mmu.user) / PAGE_BYTES);
    const alone = cpu.get32(STEPPING) !== 0 || (limited && rip - offset + PAGE_BYTES - 1 > limit) || !this.#isStorage(page);
    const key = cpu.get32(MODE_KEY);
    if (alone) return this.code.single(page, offset, key, cpu.get32(STEPPING) === 0);
    const record = this.code.find(page, offset, key);
    return this.translatesAtOnce ? this.#translated(record, page, offset, key) : record;
  }

  #translated(record: number, page: number, offset: number, key: number): number {
    this.translator.request(record);
    this.translator.translate();
    return this.code.find(page, offset, key);
  }

  #codeLinear(rip: number): number {
    const linear = rip + this.cpu.segmentBase(CS);
    return this.cpu.memory.i32[(CODE_LIMIT >> 2) + 1] === -1 ? rip : linear >>> 0;
  }

  #isStorage(page: number): boolean {
    return page < PHYSICAL_PAGES && this.pages.read[page]! > PAGE_DROP;
  }

  #readCode(page: number, offset: number, count: number, into: Uint8Array, at: number): void {
    const host = page < PHYSICAL_PAGES ? this.pages.read[page]! : 0;
    for (let n = 0; n < count; n++) {
      into[at + n] = host > PAGE_DROP ? this.memory.u8[host + offset + n]! : this.#space.read(page * PAGE_BYTES + offset + n, 1);
    }
  }

  /** Physical page of the linear page after the current one; may fault. */
  #nextPage(): number {
    const next = this.#codeLinear(this.cpu.getLong(PAGE_RIP) + PAGE_BYTES);
    return Math.floor(this.mmu.translate(next, ACCESS_FETCH, this.mmu.user) / PAGE_BYTES);
  }

  /** Before an instruction that crosses into the next page: is that still the page its bytes came from? */
  #crossing(record: number): number {
    try {
      if (this.#nextPage() === this.cpu.immediate(record)) return STATUS_NEXT;
    } catch (signal) {
      if (signal !== FAULT) throw signal;
      return STATUS_FAULT;
    }
    const here = this.#codeLinear(this.cpu.getLong(PAGE_RIP));
    this.code.invalidatePage(Math.floor(this.mmu.translate(here, ACCESS_FETCH, this.mmu.user) / PAGE_BYTES));
    return STATUS_JUMP;
  }

  #mapChanged(start: number, end: number): void {
    this.pages.refresh(start, end);
    const last = Math.min(Math.ceil(end / PAGE_BYTES), PHYSICAL_PAGES);
    for (let page = Math.floor(start / PAGE_BYTES); page < last; page++) this.code.invalidatePage(page);
    for (let index = 0; index < this.#cpus; index++) this.mmu.flush(index);
  }
}

function parityIsEven(value: number): boolean {
  let ones = 0;
  for (let bit = 0; bit < 8; bit++) ones += (value >> bit) & 1;
  return ones % 2 === 0;
}
