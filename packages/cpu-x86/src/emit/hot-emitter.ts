import { Const, type Expr, type FunctionBuilder, i32, i64, type Label, type Local } from '@hotsocket/wasm-builder';
import type { CoreMemory } from '../core-memory.js';
import {
  BUDGET,
  CURRENT_TABLE,
  DESCRIPTOR_VERSION,
  GPR,
  MODE_CODE64,
  PAGE_BYTES,
  PAGE_RIP,
  REC_ADDRESS_BYTES,
  REC_BASE,
  REC_DISPLACEMENT,
  REC_EXTRA,
  REC_FLAGS,
  REC_HANDLER,
  REC_IMMEDIATE,
  REC_INDEX,
  REC_LENGTH,
  REC_PAGE_OFFSET,
  REC_SCALE,
  REC_SEGMENT_BASE,
  RECORD_COMPLEX,
  RECORD_LOCAL,
  RIP,
  TLB_BASE,
  TLB_CODE,
  TLB_ENTRIES,
  TLB_ENTRY_BYTES,
  TLB_EXECUTE,
  TLB_READ,
  TLB_WRITE,
  XMM,
  ZERO,
} from '../layout.js';
import { type CoreFunctions, STATUS_GO, STATUS_JUMP } from './core-functions.js';
import { type Bits, Emitter, FLAG_ADDRESS, type FlagWord, loadPlain, signExtendTo32 } from './emitter.js';
import type { Lane } from './lanes.js';
import type { ModuleLibrary } from './module-library.js';
import type { Shape } from './shape.js';
import { VectorLocals } from './vector-locals.js';

const FLAG_WORDS: readonly FlagWord[] = ['zero', 'sign', 'carry', 'aux'];
const LOW_32 = 0xffff_ffff;
/** Sets of flag words that one comparison makes. */
const WORDS_OF_COMPARISON = 4;

/** Thrown while an instruction is emitted that translated code leaves to the interpreter. */
export const NOT_TRANSLATABLE: { readonly notTranslatable: true } = Object.freeze({ notTranslatable: true });

const refuse = (): never => {
  throw NOT_TRANSLATABLE;
};

/** Translated code calls nothing outside of its module. */
const functionsOf = (library: ModuleLibrary): CoreFunctions =>
  new Proxy({} as CoreFunctions, { get: (_target, name) => (library.has(name) ? library.function(name) : refuse()) });

const at = (address: number): Expr => i32.const(address);

/** Where control goes inside a region: blocks by the page offset of their first instruction. */
export interface RegionFlow {
  /** Functions of the region's module. */
  readonly library: ModuleLibrary;
  /** Leaves the region's code through the common end. */
  readonly exit: Label;
  /** What the region's function gives back: a record to interpret, or a STATUS_*. */
  readonly status: Local;
  /** Goes to the block at an offset of the page that is executing; false when the region has none. */
  goTo(offset: number): boolean;
  /** Goes to the block that the region's entry record `record` names. */
  goToEntry(record: Expr): void;
  /** Finds the block at an offset from the start of the page that is executing, in another page. */
  across(offset: number): CrossedPage | undefined;
  /** To where calls of the region return, by offset from the start of the page that is executing. */
  returnSites(): readonly number[];
  /** Record table of the page that is executing. */
  table(): number;
  /** Handler of the region's own entries. */
  readonly handler: number;
}

/** A page into which a transfer leads: it must still be mapped there, with the code that was translated. */
export interface CrossedPage {
  readonly descriptor: number;
  readonly version: number;
  readonly table: number;
}

/**
 * Emits instructions of one region with their operands known: general registers and flags in locals, no calls. What needs the slow path
 * leaves the region, with the state as before the instruction, for the interpreter to execute it.
 */
export class HotEmitter extends Emitter {
  readonly #memory: CoreMemory;
  readonly #modeKey: number;
  readonly #flow: RegionFlow;
  readonly #gprs: (Local | undefined)[] = [];
  readonly #written = new Set<number>();
  readonly #vectors: VectorLocals;
  /** Parts of the state that are read when the region is entered, by name. */
  readonly #steady = new Map<string, { readonly local: Local; readonly value: Expr }>();
  /** Words of the x87 state in locals, by address. */
  readonly #fpuWords = new Map<number, Local>();
  /** Checks that the block has made. */
  readonly #checked = new Set<number>();
  readonly #flagLocals = new Map<FlagWord, Local>();
  /** What the flag words are, where it is not what the locals hold. */
  readonly #flags = new Map<FlagWord, Expr>();
  readonly #pageRip: Local;
  readonly #tlb: Local;
  readonly #count: Local;
  /** Locals whose value changes. */
  readonly #variable = new Set<number>();
  readonly #stability = {
    local: (index: number): void => {
      if (this.#variable.has(index)) this.#stable = false;
    },
    outside: (): void => {
      this.#stable = false;
    },
  };
  #stable = true;
  #comparison: { a: Expr; b: Expr; bits: Bits } | undefined;
  #wordsToCome = 0;
  #flagsWritten = false;
  #record = 0;
  #baseDepth = 0;
  /** Instructions of the block done before the present one. */
  #done = 0;
  #ended = false;

  constructor(f: FunctionBuilder, memory: CoreMemory, modeKey: number, shape: Shape, flow: RegionFlow) {
    super(f, shape, functionsOf(flow.library));
    this.#memory = memory;
    this.#modeKey = modeKey;
    this.#flow = flow;
    this.#vectors = new VectorLocals(f, (local) => void this.#variable.add(local.index));
    this.#pageRip = f.local('i64');
    this.#tlb = f.local('i32');
    this.#count = f.local('i32');
    for (const word of FLAG_WORDS) this.#flagLocals.set(word, f.local(word === 'aux' ? 'i32' : 'i64'));
    for (const local of [this.#pageRip, this.#tlb, this.#count, flow.status, ...this.#flagLocals.values()]) this.#variable.add(local.index);
  }

  // ---------------------------------------------------------------- region

  /** Begins the next instruction of a block; `done` were before it. */
  begin(record: number, shape: Shape, done: number): void {
    this.#record = record;
    this.shape = shape;
    this.#done = done;
    this.#baseDepth = this.f.depth;
    this.#ended = false;
  }

  /** True when the instruction has ended its block by itself. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Frees what the instruction needed, beside what the flags still depend on. */
  finishInstruction(): void {
    this.f.releaseTemporaries(this.#keptLocals());
  }

  /** State to return to when an instruction turns out not to be translatable. */
  snapshot(): () => void {
    const [flags, comparison, words] = [new Map(this.#flags), this.#comparison, this.#wordsToCome];
    const checked = [...this.#checked];
    return () => {
      this.#checked.clear();
      for (const slot of checked) this.#checked.add(slot);
      this.#flags.clear();
      for (const [word, value] of flags) this.#flags.set(word, value);
      this.#comparison = comparison;
      this.#wordsToCome = words;
    };
  }

  /** At the start of a block the flags are in their locals. */
  beginBlock(): void {
    this.#checked.clear();
    this.#flags.clear();
    this.#comparison = undefined;
  }

  /** Puts the flags into their locals, at the end of a block. */
  endBlock(): void {
    this.#setFlagLocals();
    this.#flags.clear();
    this.#comparison = undefined;
  }

  #setFlagLocals(): void {
    for (const [word, value] of this.#flags) this.f.set(this.#flagLocals.get(word)!, value);
  }

  /** Accounts the block's instructions, the present one included. */
  countBlock(): void {
    this.#subtract(this.#done + 1);
  }

  #subtract(instructions: number): void {
    if (instructions > 0) this.f.set(this.#count, i32.sub(this.f.get(this.#count), i32.const(instructions)));
  }

  get sliceOver(): Expr {
    return i32.leS(this.f.get(this.#count), i32.const(0));
  }

  /** Goes to a page offset from the end of a block, through the region or out of it. Falling through is no check point. */
  transfer(offset: number, fallsThrough = false): void {
    const from = this.#offsetOf(this.#record);
    if (!fallsThrough && offset <= from) this.f.if(this.sliceOver, () => this.#leaveAt(this.#ripOf(offset)));
    if (offset >= PAGE_BYTES) this.#cross(offset);
    else if (this.#flow.goTo(offset)) return;
    const isCheckPoint = offset <= from || offset >= PAGE_BYTES;
    this.#leaveAt(this.#ripOf(offset), isCheckPoint ? STATUS_JUMP : STATUS_GO);
  }

  /** Leaves for the interpreter to execute `record`, before the instruction has changed anything. */
  interpret(record: number, done: number): void {
    this.#setFlagLocals();
    this.#subtract(done);
    this.#leave(at(record));
  }

  /** Goes on in another page of the region, if the slice lasts and the page is what it was; else execution comes out behind this. */
  #cross(offset: number): void {
    const { f } = this;
    const page = this.#flow.across(offset);
    if (!page) return;
    const target = offset & (PAGE_BYTES - 1);
    const pageRip = f.let(this.#cut(this.#ripOf(offset - target)));
    const entry = f.let(this.tlbEntry(pageRip));
    const isMapped = i64.eq(i64.load(entry, TLB_EXECUTE), pageRip);
    const isSame = i32.eq(i32.load(i32.load(entry, TLB_CODE)), at(page.descriptor));
    const isFresh = i32.eq(i32.load(at(page.descriptor), DESCRIPTOR_VERSION), i32.const(page.version));
    f.if(i32.and(i32.eqz(this.sliceOver), i32.and(isMapped, i32.and(isSame, isFresh))), () => {
      f.set(this.#pageRip, pageRip);
      f.store('i64', at(PAGE_RIP), pageRip);
      f.store('i32', at(CURRENT_TABLE), at(page.table));
      this.#flow.goTo(offset);
    });
  }

  /** A RIP cut to what the code size can hold. */
  #cut(rip: Expr): Expr {
    return this.#is64() ? rip : i64.and(rip, i64.const(LOW_32));
  }

  #leaveAt(rip: Expr, status = STATUS_JUMP): void {
    this.f.store('i64', at(RIP), rip);
    this.#leave(i32.const(status));
  }

  #leave(status: Expr): void {
    this.f.set(this.#flow.status, status);
    this.f.br(this.#flow.exit);
  }

  #ripOf(offset: number): Expr {
    return i64.add(this.f.get(this.#pageRip), i64.const(offset));
  }

  /** Writes the function's beginning and end around its blocks. */
  frame(epilogue: () => void): void {
    const { f } = this;
    this.#gprs.forEach((local, number) => {
      if (local && this.#written.has(number)) f.store('i64', at(GPR + 8 * number), f.get(local));
    });
    this.#vectors.storeWritten();
    for (const [address, local] of this.#fpuWords) f.store('i32_16', at(address), f.get(local));
    if (this.#flagsWritten)
      for (const word of FLAG_WORDS) f.store(word === 'aux' ? 'i32' : 'i64', at(FLAG_ADDRESS[word]), f.get(this.#flagLocals.get(word)!));
    f.store('i32', at(BUDGET), f.get(this.#count));
    epilogue();
    f.prologue(() => this.#loadState());
  }

  /** The interpreter has counted the record through which the region was entered. */
  #loadState(): void {
    const { f } = this;
    f.set(this.#count, i32.add(i32.load(at(BUDGET)), i32.const(1)));
    f.set(this.#pageRip, i64.load(at(PAGE_RIP)));
    f.set(this.#tlb, i32.load(at(TLB_BASE)));
    for (const word of FLAG_WORDS) f.set(this.#flagLocals.get(word)!, super.flagWord(word));
    this.#gprs.forEach((local, number) => {
      if (local) f.set(local, i64.load(at(GPR + 8 * number)));
    });
    this.#vectors.loadAll();
    for (const [address, local] of this.#fpuWords) f.set(local, i32.load16U(at(address)));
    for (const { local, value } of this.#steady.values()) f.set(local, value);
  }

  // ---------------------------------------------------------------- operands

  #offsetOf(record: number): number {
    return this.#memory.u16[(record + REC_PAGE_OFFSET) >> 1]!;
  }

  /** General and XMM registers are in locals: an instruction that asks for the address of one is left to the interpreter. */
  registerAddress(index: number): Expr {
    const address = this.#addressOf(index);
    return this.#gprOf(address) < 0 && !this.#vectors.holds(address) ? at(address) : refuse();
  }

  #addressOf(index: number): number {
    const operand = this.operand(index);
    return operand.kind === 'register' ? this.#memory.u16[(this.#record + operand.field) >> 1]! : refuse();
  }

  /** Number of the general register that holds a state address, or -1. */
  #gprOf(address: number): number {
    return address >= GPR && address < GPR + 128 ? (address - GPR) >> 3 : -1;
  }

  #local(number: number): Local {
    const known = this.#gprs[number];
    if (known) return known;
    const made = this.f.local('i64');
    this.#variable.add(made.index);
    this.#gprs[number] = made;
    return made;
  }

  override readRegister(index: number, bits: Bits): Expr {
    return this.gpr(this.#addressOf(index), bits);
  }

  override setRegister(index: number, value: Expr, bits: Bits): void {
    this.setGpr(this.#addressOf(index), value, bits);
  }

  override gpr(address: number, bits: Bits): Expr {
    const number = this.#gprOf(address);
    if (number < 0) return address === ZERO ? i64.const(0) : loadPlain(bits, at(address));
    const whole = this.f.get(this.#local(number));
    if (bits === 64) return whole;
    if (bits === 32) return i64.wrap(whole);
    const shifted = (address & 7) === 1 ? i32.shrU(i64.wrap(whole), i32.const(8)) : i64.wrap(whole);
    return i32.and(shifted, i32.const(bits === 8 ? 0xff : 0xffff));
  }

  override setGpr(address: number, value: Expr, bits: Bits): void {
    const number = this.#gprOf(address);
    if (number < 0) return super.setGpr(address, value, bits);
    this.#written.add(number);
    this.f.set(this.#local(number), this.#merged(number, address & 7, value, bits));
  }

  #merged(number: number, byte: number, value: Expr, bits: Bits): Expr {
    if (bits === 64) return value;
    if (bits === 32) return i64.extendU(value);
    const width = bits === 8 ? 0xffn : 0xffffn;
    const mask = width << BigInt(8 * byte);
    const kept = i64.and(this.f.get(this.#local(number)), i64.const(~mask));
    const placed = i64.shl(i64.and(i64.extendU(value), i64.const(width)), i64.const(8 * byte));
    return i64.or(kept, placed);
  }

  override let(value: Expr): Expr {
    return value instanceof Const ? value : this.f.let(value);
  }

  immediate(type: 'i32' | 'i64'): Expr {
    const low = this.#memory.i32[(this.#record + REC_IMMEDIATE) >> 2]!;
    if (type === 'i32') return i32.const(low);
    return i64.const(this.#memory.view.getBigInt64(this.#record + REC_IMMEDIATE, true));
  }

  extra(): Expr {
    return i32.const(this.#memory.u8[this.#record + REC_EXTRA]!);
  }

  flag(mask: number): Expr {
    return i32.const(this.#memory.u8[this.#record + REC_FLAGS]! & mask);
  }

  #has(mask: number): boolean {
    return (this.#memory.u8[this.#record + REC_FLAGS]! & mask) !== 0;
  }

  rip(): Expr {
    return this.#ripOf(this.#offsetOf(this.#record));
  }

  #nextOffset(): number {
    return this.#offsetOf(this.#record) + this.#memory.u8[this.#record + REC_LENGTH]!;
  }

  nextRip(): Expr {
    return this.#ripOf(this.#nextOffset());
  }

  // ---------------------------------------------------------------- vector registers

  #xmmOf(index: number): number {
    const address = this.#addressOf(index);
    return this.#vectors.holds(address) ? address : 0;
  }

  override vector(index: number): Expr {
    return this.f.get(this.#vectors.local(this.#xmmOf(index)));
  }

  override setVector(index: number, value: Expr): void {
    this.f.set(this.#vectors.written(this.#xmmOf(index)), value);
  }

  override lane(index: number, lane: Lane, n = 0): Expr {
    return this.#xmmOf(index) === 0 ? super.lane(index, lane, n) : lane.extract(this.vector(index), n);
  }

  override setLane(index: number, lane: Lane, value: Expr, n = 0): void {
    if (this.#xmmOf(index) === 0) super.setLane(index, lane, value, n);
    else this.setVector(index, lane.replace(this.vector(index), n, value));
  }

  override laneAt(index: number, lane: Lane, n: Expr): Expr {
    return n instanceof Const ? this.lane(index, lane, Number(n.value)) : refuse();
  }

  override setLaneAt(index: number, lane: Lane, value: Expr, n: Expr): void {
    if (n instanceof Const) this.setLane(index, lane, value, Number(n.value));
    else refuse();
  }

  override xmm0(): Expr {
    return this.f.get(this.#vectors.local(XMM));
  }

  override steady(name: string, read: () => Expr): Expr {
    const known = this.#steady.get(name);
    if (known) return this.f.get(known.local);
    const value = read();
    const local = this.f.local(value.type);
    this.#variable.add(local.index);
    this.#steady.set(name, { local, value });
    return this.f.get(local);
  }

  override changesSteady(): void {
    refuse();
  }

  override once(key: number, check: () => void): void {
    if (this.#checked.has(key)) return;
    if (this.f.depth === this.#baseDepth) this.#checked.add(key);
    check();
  }

  override fpuWord(address: number): Expr {
    return this.f.get(this.#fpuLocal(address));
  }

  override setFpuWord(address: number, value: Expr): void {
    this.f.set(this.#fpuLocal(address), value);
  }

  #fpuLocal(address: number): Local {
    const known = this.#fpuWords.get(address);
    if (known) return known;
    const local = this.f.local('i32');
    this.#variable.add(local.index);
    this.#fpuWords.set(address, local);
    return local;
  }

  // ---------------------------------------------------------------- addresses

  #is64(): boolean {
    return (this.#modeKey & 3) === MODE_CODE64;
  }

  #sum(): Expr {
    const { u16, u8, i32: words } = this.#memory;
    const record = this.#record;
    const parts: Expr[] = [];
    const base = u16[(record + REC_BASE) >> 1]!;
    if (base === PAGE_RIP) parts.push(this.f.get(this.#pageRip));
    else if (base !== ZERO) parts.push(this.gpr(base, 64));
    const index = u16[(record + REC_INDEX) >> 1]!;
    const scale = u8[record + REC_SCALE]!;
    if (index !== ZERO) parts.push(scale === 0 ? this.gpr(index, 64) : i64.shl(this.gpr(index, 64), i64.const(scale)));
    const displacement = words[(record + REC_DISPLACEMENT) >> 2]!;
    if (displacement !== 0 || parts.length === 0) parts.push(i64.const(displacement));
    return parts.reduce((sum, part) => i64.add(sum, part));
  }

  offset(): Expr {
    const bytes = this.#memory.u8[this.#record + REC_ADDRESS_BYTES]!;
    return bytes === 8 ? this.#sum() : i64.and(this.#sum(), this.addressMask());
  }

  linear(): Expr {
    if (this.#has(RECORD_COMPLEX)) return refuse();
    return this.#withSegment(this.#sum());
  }

  linearOf(offset: Expr): Expr {
    if (this.#has(RECORD_COMPLEX)) return refuse();
    return this.#withSegment(offset);
  }

  linearInEs(offset: Expr): Expr {
    if (this.#has(RECORD_COMPLEX)) return refuse();
    return this.wrapLinear(offset);
  }

  #withSegment(offset: Expr): Expr {
    const base = this.#memory.u16[(this.#record + REC_SEGMENT_BASE) >> 1]!;
    const plain = base === ZERO || !this.#is64();
    return this.wrapLinear(plain ? offset : i64.add(offset, i64.load(at(base))));
  }

  addressBytes(): Expr {
    return i32.const(this.#memory.u8[this.#record + REC_ADDRESS_BYTES]!);
  }

  addressMask(): Expr {
    const bytes = this.#memory.u8[this.#record + REC_ADDRESS_BYTES]!;
    return i64.const(bytes === 8 ? -1 : bytes === 4 ? LOW_32 : 0xffff);
  }

  wrapLinear(linear: Expr): Expr {
    return this.#is64() ? linear : i64.and(linear, i64.const(LOW_32));
  }

  override setOffsetRegister(address: number, value: Expr): void {
    const bytes = this.#memory.u8[this.#record + REC_ADDRESS_BYTES]!;
    if (bytes === 2) refuse();
    this.setGpr(address, bytes === 8 ? value : i64.wrap(value), (bytes * 8) as Bits);
  }

  // ---------------------------------------------------------------- memory

  override tlbEntry(linear: Expr): Expr {
    const shift = Math.log2(4096 / TLB_ENTRY_BYTES);
    const index = i32.and(i32.shrU(i64.wrap(linear), i32.const(shift)), i32.const((TLB_ENTRIES - 1) * TLB_ENTRY_BYTES));
    return i32.add(this.f.get(this.#tlb), index);
  }

  #hostOrLeave(linear: Expr, tag: number, bytes: number): Expr {
    const address = this.let(linear);
    const entry = this.let(this.tlbEntry(address));
    this.f.if(i32.eqz(this.hits(address, entry, tag, bytes)), () => this.leaveWithFault());
    return this.host(address, entry);
  }

  override loadAs(linear: Expr, bytes: number, read: (host: Expr) => Expr): Expr {
    return this.f.let(read(this.#hostOrLeave(linear, TLB_READ, bytes)));
  }

  override storeAs(linear: Expr, bytes: number, put: (host: Expr) => void): void {
    put(this.#hostOrLeave(linear, TLB_WRITE, bytes));
  }

  override hostForModify(linear: Expr, bits: Bits): Expr {
    return this.f.let(this.#hostOrLeave(linear, TLB_WRITE, bits / 8));
  }

  override commit(): void {}

  override stackMask(): Expr {
    return i64.const(this.#is64() ? -1 : LOW_32);
  }

  override stackLinear(pointer: Expr): Expr {
    return pointer;
  }

  override setStackPointer(pointer: Expr): void {
    this.setGpr(GPR + 8 * 4, pointer, 64);
  }

  // ---------------------------------------------------------------- ways to leave

  leaveWithFault(): void {
    this.interpret(this.#record, this.#done);
  }

  override raiseComputed(): void {
    this.leaveWithFault();
  }

  budget(): Expr {
    return i32.sub(this.f.get(this.#count), i32.const(this.#done + 1));
  }

  spend(count: Expr): void {
    this.f.set(this.#count, i32.sub(this.f.get(this.#count), count));
  }

  repeatCheckPoint(): void {
    this.#subtract(1);
    this.f.if(i32.leS(this.budget(), i32.const(0)), () => {
      this.#setFlagLocals();
      this.countBlock();
      this.#leaveAt(this.rip());
    });
  }

  helper(): void {
    refuse();
  }

  helperWhere(condition: Expr): void {
    this.f.if(condition, () => this.leaveWithFault());
  }

  /** Under a condition the interpreter does the whole instruction; nothing has changed yet. */
  callHelper(): void {
    if (this.f.depth === this.#baseDepth) refuse();
    this.leaveWithFault();
  }

  provided(certain: readonly Expr[], doubtful: () => Expr, _exactly: () => void, work: () => void): void {
    this.whereCertain(certain, doubtful, () => this.leaveWithFault());
    work();
  }

  flushCount(): void {}

  branch(taken?: Expr): void {
    const condition = taken && this.f.let(taken);
    this.endBlock();
    this.countBlock();
    if (condition) this.f.if(condition, () => this.#take());
    else this.#take();
    if (condition) this.transfer(this.#nextOffset(), true);
    this.#ended = true;
  }

  #take(): void {
    if (this.#has(RECORD_LOCAL)) return this.transfer(this.#memory.i32[(this.#record + REC_IMMEDIATE) >> 2]!);
    const target = i64.add(this.nextRip(), this.immediate('i64'));
    const { operandBytes } = this.shape;
    if (operandBytes !== 2) this.#cross(this.#nextOffset() + this.#memory.i32[(this.#record + REC_IMMEDIATE) >> 2]!);
    this.#leaveAt(operandBytes === 8 ? target : i64.and(target, i64.const(operandBytes === 4 ? LOW_32 : 0xffff)));
  }

  jump(rip: Expr): void {
    const target = this.f.let(rip);
    this.endBlock();
    this.countBlock();
    if (this.shape.row.attributes.has('ret')) this.#matchReturn(target);
    else this.#matchEntry(target);
    this.#leaveAt(target);
    this.#ended = true;
  }

  /** A return to a call of this region stays in it, while the slice lasts. */
  #matchReturn(target: Expr): void {
    for (const site of this.#flow.returnSites()) {
      const isInPage = site >= 0 && site < PAGE_BYTES;
      const isSite = i64.eq(target, this.#cut(this.#ripOf(site)));
      if (isInPage) this.f.if(i32.and(isSite, i32.eqz(this.sliceOver)), () => void this.#flow.goTo(site));
      else this.f.if(isSite, () => this.#cross(site));
    }
  }

  /** A computed jump within the page to where the region has an entry stays in it, while the slice lasts. */
  #matchEntry(target: Expr): void {
    const { f } = this;
    const offset = f.let(i64.sub(target, this.f.get(this.#pageRip)));
    f.if(i32.and(i64.ltU(offset, i64.const(PAGE_BYTES)), i32.eqz(this.sliceOver)), () => {
      const record = f.let(i32.load(i32.shl(i64.wrap(offset), i32.const(2)), this.#flow.table()));
      f.if(i32.eq(i32.load16U(record, REC_HANDLER), i32.const(this.#flow.handler)), () => this.#flow.goToEntry(record));
    });
  }

  // ---------------------------------------------------------------- arithmetic and flags

  /** From four products of halves. */
  override multiplyHigh(a: Expr, b: Expr): Expr {
    const mask = i64.const(LOW_32);
    const half = i64.const(32);
    const [lowA, highA] = [this.let(i64.and(a, mask)), this.let(i64.shrU(a, half))];
    const [lowB, highB] = [this.let(i64.and(b, mask)), this.let(i64.shrU(b, half))];
    const cross = this.let(i64.add(i64.mul(highA, lowB), i64.shrU(i64.mul(lowA, lowB), half)));
    const other = this.let(i64.add(i64.mul(lowA, highB), i64.and(cross, mask)));
    return i64.add(i64.mul(highA, highB), i64.add(i64.shrU(cross, half), i64.shrU(other, half)));
  }

  protected override flagWord(word: FlagWord): Expr {
    return this.#flags.get(word) ?? this.f.get(this.#flagLocals.get(word)!);
  }

  /** Kept as an expression until somebody asks, where it depends on nothing that may change. */
  protected override setFlagWord(word: FlagWord, value: Expr): void {
    this.#flagsWritten = true;
    if (this.#wordsToCome-- <= 0) this.#comparison = undefined;
    if (this.f.depth > this.#baseDepth) return this.#setNested(word, value);
    this.#flags.set(word, this.#isStable(value) ? value : this.f.let(value));
  }

  /** Under a condition a word goes to its local, which must be what it was before. */
  #setNested(word: FlagWord, value: Expr): void {
    if (this.#flags.has(word)) refuse();
    this.f.set(this.#flagLocals.get(word)!, value);
  }

  override flagsMayChange(): void {
    this.endBlock();
  }

  protected override shared(value: Expr): Expr {
    return value;
  }

  override compared(a: Expr, b: Expr): void {
    if (this.f.depth > this.#baseDepth || !this.#isStable(a) || !this.#isStable(b)) return;
    this.#comparison = { a, b, bits: this.bits };
    this.#wordsToCome = WORDS_OF_COMPARISON;
  }

  protected override positiveCondition(pair: number): Expr {
    return this.#comparedCondition(pair) ?? super.positiveCondition(pair);
  }

  #comparedCondition(pair: number): Expr | undefined {
    if (!this.#comparison) return undefined;
    const { a, b, bits } = this.#comparison;
    const ops = bits === 64 ? i64 : i32;
    const signed = (value: Expr): Expr => (bits === 64 ? value : signExtendTo32(value, bits));
    switch (pair) {
      case 1:
        return ops.ltU(a, b);
      case 2:
        return ops.eq(a, b);
      case 3:
        return ops.leU(a, b);
      case 6:
        return ops.ltS(signed(a), signed(b));
      case 7:
        return ops.leS(signed(a), signed(b));
      default:
        return undefined;
    }
  }

  /** Depends on temporaries and constants only: not on the locals that hold registers, flags and the region's own values. */
  #isStable(value: Expr): boolean {
    this.#stable = true;
    value.depends(this.#stability);
    return this.#stable;
  }

  #keptLocals(): ReadonlySet<number> {
    const kept = new Set<number>();
    const visitor = { local: (index: number): void => void kept.add(index), outside: (): void => {} };
    for (const value of this.#flags.values()) value.depends(visitor);
    this.#comparison?.a.depends(visitor);
    this.#comparison?.b.depends(visitor);
    return kept;
  }
}
