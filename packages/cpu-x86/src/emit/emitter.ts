import { type Expr, type FunctionBuilder, i32, i64, type Local, select, v128 } from '@hotsocket/wasm-builder';
import {
  BOUNCE,
  EFLAGS,
  FLAG_AUX,
  FLAG_CARRY,
  FLAG_SIGN,
  FLAG_ZERO,
  PARITY_TABLE,
  RSP,
  SLOW_ADDRESS,
  SLOW_VALUE,
  STACK_BASE,
  STACK_CHECK,
  STACK_MASK,
  TLB_ADDEND,
  TLB_BASE,
  TLB_ENTRIES,
  TLB_ENTRY_BYTES,
  TLB_READ,
  TLB_WRITE,
  XMM,
} from '../layout.js';
import type { CoreFunctions } from './core-functions.js';
import type { Lane } from './lanes.js';
import type { Operand, Shape } from './shape.js';

/** Width of an integer operand. */
export type Bits = 8 | 16 | 32 | 64;
/** Width of a memory access. */
export type AccessBits = Bits | 128;

/** The words that hold the status flags. */
export type FlagWord = 'zero' | 'sign' | 'carry' | 'aux';
export const FLAG_ADDRESS: Readonly<Record<FlagWord, number>> = { zero: FLAG_ZERO, sign: FLAG_SIGN, carry: FLAG_CARRY, aux: FLAG_AUX };

const at = (address: number): Expr => i32.const(address);

/**
 * What the definition of an instruction is written against. Operands, memory, flags and the ways to leave an instruction
 * are abstract: the interpreter reads operands from the record at run time, a translator knows them.
 *
 * An instruction that may fault does all that can fault before it changes registers or flags.
 */
export abstract class Emitter {
  readonly f: FunctionBuilder;
  /** The form of the instruction that is being emitted. */
  shape: Shape;
  readonly functions: CoreFunctions;

  constructor(f: FunctionBuilder, shape: Shape, functions: CoreFunctions) {
    this.f = f;
    this.shape = shape;
    this.functions = functions;
  }

  // ---------------------------------------------------------------- operands, by tier

  /** Address of the register that operand `index` names. */
  abstract registerAddress(index: number): Expr;
  /** The immediate, sign-extended as the row says. */
  abstract immediate(type: 'i32' | 'i64'): Expr;
  /** The second immediate, and other small numbers of the encoding. */
  abstract extra(): Expr;
  /** Linear address of the memory operand for an access of `bytes`; may leave with a fault of the segment. */
  abstract linear(bytes: number, write: boolean): Expr;
  /** The offset part of the memory operand's address (LEA). */
  abstract offset(): Expr;
  /** Linear address of an offset in the memory operand's segment. */
  abstract linearOf(offset: Expr, bytes: number, write: boolean): Expr;
  /** Linear address of an offset in ES (string destinations). */
  abstract linearInEs(offset: Expr, bytes: number, write: boolean): Expr;
  /** Address size in bytes (i32) and its mask (i64). */
  abstract addressBytes(): Expr;
  abstract addressMask(): Expr;
  /** RIP of this instruction. */
  abstract rip(): Expr;
  /** RIP of the next instruction. */
  abstract nextRip(): Expr;
  /** True when the record carries these RECORD_* flags. */
  abstract flag(mask: number): Expr;

  // ---------------------------------------------------------------- ways to leave, by tier

  /** Leaves with the fault that a core function left pending. */
  abstract leaveWithFault(): void;
  /** Ends the instruction with a jump to a relative target; `taken` decides if there is a condition. */
  abstract branch(taken?: Expr): void;
  /** Ends the instruction at a computed RIP. */
  abstract jump(rip: Expr): void;
  /** Ends the instruction for now, to go on with it from where its registers stand, if the slice is over; counts one instruction. */
  abstract repeatCheckPoint(): void;
  /** Instructions left in the slice after this one, where an instruction counts its repetitions. */
  abstract budget(): Expr;
  /** Counts further instructions: repetitions done at once. */
  abstract spend(count: Expr): void;
  /** Lets the named TypeScript helper perform the instruction. */
  abstract helper(name: string): void;
  /** Where the condition holds, lets the named TypeScript helper perform the instruction; nothing of it may be done before. */
  abstract helperWhere(condition: Expr, name: string): void;
  /**
   * Lets the named TypeScript helper do a part of the instruction; leaves if it faults. `prepare` leaves operands in memory for it. Where a
   * definition calls a helper under a condition, nothing has changed before.
   */
  abstract callHelper(name: string, prepare?: () => void): void;
  /**
   * Writes `work` where all of `certain` hold, or `doubtful`; otherwise `exactly` does the whole instruction. The conditions are tried one by
   * one, `doubtful` only after one of them did not hold.
   */
  abstract provided(certain: readonly Expr[], doubtful: () => Expr, exactly: () => void, work: () => void): void;
  /** Makes core functions see the instruction count. */
  abstract flushCount(): void;

  // ---------------------------------------------------------------- shorthand

  get bits(): Bits {
    return this.shape.bits;
  }

  let(value: Expr): Expr {
    return this.f.let(value);
  }

  operand(index: number): Operand {
    const operand = this.shape.operands[index];
    if (!operand) throw new Error(`${this.shape.name}: no operand ${index}`);
    return operand;
  }

  isMemory(index: number): boolean {
    return this.operand(index).kind === 'memory';
  }

  /** Raises an exception: the vector, and an error code or -1. */
  raise(vector: number, error = -1): void {
    this.raiseComputed(i32.const(vector), error);
  }

  /** Raises an exception whose vector is found at run time. */
  raiseComputed(vector: Expr, error = -1): void {
    this.f.call(this.functions.raise, vector, i32.const(error));
    this.leaveWithFault();
  }

  // ---------------------------------------------------------------- integer operands

  /** Value of integer operand `index`: i32 zero-extended for 8 to 32 bits, else i64. */
  read(index: number, bits: Bits = this.operandBits(index)): Expr {
    const operand = this.operand(index);
    if (operand.kind === 'memory') return this.load(this.linear(bits / 8, false), bits);
    if (operand.kind === 'immediate') return this.immediateOf(bits);
    if (operand.kind === 'constant') return bits === 64 ? i64.const(operand.value) : i32.const(operand.value);
    return this.readRegister(index, bits);
  }

  /** Value of the register that operand `index` names. */
  readRegister(index: number, bits: Bits): Expr {
    return loadPlain(bits, this.registerAddress(index));
  }

  /** Sign-extended value of operand `index`, to i32 or (for 64-bit results) i64. */
  readSigned(index: number, from: Bits, to: Bits): Expr {
    const value = this.read(index, from);
    return to === 64 ? signExtendTo64(value, from) : signExtendTo32(value, from);
  }

  operandBits(index: number): Bits {
    return this.operand(index).bits as Bits;
  }

  immediateOf(bits: Bits): Expr {
    if (bits === 64) return this.immediate('i64');
    const value = this.immediate('i32');
    return bits === 32 ? value : i32.and(value, i32.const(bits === 8 ? 0xff : 0xffff));
  }

  /** Writes integer operand `index`; a 32-bit register write clears the upper half. */
  write(index: number, value: Expr, bits: Bits = this.operandBits(index)): void {
    if (this.isMemory(index)) this.store(this.linear(bits / 8, true), value, bits);
    else this.setRegister(index, value, bits);
  }

  /** Writes the register that operand `index` names. */
  setRegister(index: number, value: Expr, bits: Bits): void {
    this.writeRegister(this.registerAddress(index), value, bits);
  }

  protected writeRegister(address: Expr, value: Expr, bits: Bits): void {
    if (bits === 64) this.f.store('i64', address, value);
    else if (bits === 32) this.f.store('i64', address, i64.extendU(value));
    else this.f.store(bits === 8 ? 'i32_8' : 'i32_16', address, value);
  }

  /** Reads operand `index`, writes what `change` makes of it; memory is checked for writing before anything happens. */
  modify(index: number, change: (value: Expr) => Expr, bits: Bits = this.operandBits(index)): void {
    if (this.isMemory(index)) return this.modifyMemory(this.linear(bits / 8, true), change, bits);
    this.setRegister(index, change(this.let(this.readRegister(index, bits))), bits);
  }

  modifyMemory(linear: Expr, change: (value: Expr) => Expr, bits: Bits): void {
    const host = this.hostForModify(linear, bits);
    const result = this.let(change(this.let(loadPlain(bits, host))));
    storePlain(this.f, bits, host, result);
    this.commit(host, bits / 8);
  }

  /** Writes a register that holds an offset, with the address size. */
  setOffsetRegister(address: number, value: Expr): void {
    const { f } = this;
    const held = this.let(i64.and(value, this.addressMask()));
    f.if(
      i32.eq(this.addressBytes(), i32.const(2)),
      () => this.setGpr(address, i64.wrap(held), 16),
      () => this.setGpr(address, held, 64),
    );
  }

  /** A register that holds an offset, cut to the address size. */
  offsetRegister(address: number): Expr {
    return i64.and(this.gpr(address, 64), this.addressMask());
  }

  /** Read a fixed general register. */
  gpr(address: number, bits: Bits): Expr {
    return loadPlain(bits, at(address));
  }

  setGpr(address: number, value: Expr, bits: Bits): void {
    this.writeRegister(at(address), value, bits);
  }

  /** Goes on where all of `certain` hold or `doubtful` does; `otherwise` does not. */
  protected whereCertain(certain: readonly Expr[], doubtful: () => Expr, otherwise: () => void): void {
    const { f } = this;
    const sure = f.block();
    const unsure = f.block();
    for (const condition of certain) f.brIf(unsure, i32.eqz(condition));
    f.br(sure);
    f.end();
    f.if(i32.eqz(doubtful()), otherwise);
    f.end();
  }

  // ---------------------------------------------------------------- vector registers

  /** The vector register that operand `index` names. */
  vector(index: number): Expr {
    return v128.load(this.registerAddress(index));
  }

  setVector(index: number, value: Expr): void {
    this.f.store('v128', this.registerAddress(index), value);
  }

  /** Element `n` of the vector register that operand `index` names. */
  lane(index: number, lane: Lane, n = 0): Expr {
    return lane.load(this.registerAddress(index), n * lane.bytes);
  }

  setLane(index: number, lane: Lane, value: Expr, n = 0): void {
    this.f.store(lane.store, this.registerAddress(index), value, n * lane.bytes);
  }

  /** Element `n`, a number below that of the elements. */
  laneAt(index: number, lane: Lane, n: Expr): Expr {
    return lane.load(i32.add(this.registerAddress(index), i32.shl(n, i32.const(Math.log2(lane.bytes)))));
  }

  setLaneAt(index: number, lane: Lane, value: Expr, n: Expr): void {
    this.f.store(lane.store, i32.add(this.registerAddress(index), i32.shl(n, i32.const(Math.log2(lane.bytes)))), value);
  }

  /** XMM0, where it is an operand that is not named. */
  xmm0(): Expr {
    return v128.load(at(XMM));
  }

  /** A part of the state that instructions of a region do not change: it may be read once. */
  steady(_name: string, read: () => Expr): Expr {
    return read();
  }

  /** A 16-bit word of the x87 state. */
  fpuWord(address: number): Expr {
    return i32.load16U(at(address));
  }

  setFpuWord(address: number, value: Expr): void {
    this.f.store('i32_16', at(address), value);
  }

  /** Writes a check of something that only instructions outside of regions change; `key` names it. */
  once(_key: number, check: () => void): void {
    check();
  }

  /** Raises the vector in a trap slot of the state unless it is 0. */
  checkTrap(slot: number): void {
    this.once(slot, () => this.f.if(i32.load(at(slot)), () => this.raiseComputed(i32.load(at(slot)))));
  }

  /** What is `steady` changes with this instruction. */
  changesSteady(): void {}

  // ---------------------------------------------------------------- memory

  /** Address of the TLB entry of a linear address held in a local. */
  tlbEntry(linear: Expr): Expr {
    const shift = Math.log2(4096 / TLB_ENTRY_BYTES);
    const index = i32.and(i32.shrU(i64.wrap(linear), i32.const(shift)), i32.const((TLB_ENTRIES - 1) * TLB_ENTRY_BYTES));
    return i32.add(i32.load(at(TLB_BASE)), index);
  }

  /** One compare for page, permission and page end: the tag differs from the address only in the offset, and the access fits. */
  protected hits(linear: Expr, entry: Expr, tag: number, bytes: number): Expr {
    return i64.leU(i64.xor(linear, i64.load(entry, tag)), i64.const(4096 - bytes));
  }

  /** A read of `bytes` at a linear address (in a local) goes to plain memory of its entry's page. */
  hitsForRead(linear: Expr, entry: Expr, bytes: number): Expr {
    return this.hits(linear, entry, TLB_READ, bytes);
  }

  hitsForWrite(linear: Expr, entry: Expr, bytes: number): Expr {
    return this.hits(linear, entry, TLB_WRITE, bytes);
  }

  /** Address in the core's memory of a linear address that hits. */
  hostOf(linear: Expr, entry: Expr): Expr {
    return this.host(linear, entry);
  }

  protected host(linear: Expr, entry: Expr): Expr {
    return i32.add(i64.wrap(linear), i32.load(entry, TLB_ADDEND));
  }

  /** Loads from a linear address; leaves with a fault when it is not readable. */
  load(linear: Expr, bits: AccessBits): Expr {
    return this.loadAs(linear, bits / 8, (host) => (bits === 128 ? v128.load(host) : loadPlain(bits, host)));
  }

  /** Loads `bytes` by `read`. */
  loadAs(linear: Expr, bytes: number, read: (host: Expr) => Expr): Expr {
    const { f } = this;
    const address = this.let(linear);
    const entry = this.let(this.tlbEntry(address));
    const host = f.temporary('i32');
    f.if(
      this.hits(address, entry, TLB_READ, bytes),
      () => f.set(host, this.host(address, entry)),
      () => {
        this.slow(this.functions.slowLoad, address, bytes);
        f.set(host, at(SLOW_VALUE));
      },
    );
    return this.let(read(f.get(host)));
  }

  /** Stores to a linear address; leaves with a fault, nothing written, when it is not writable. */
  store(linear: Expr, value: Expr, bits: AccessBits): void {
    const held = this.let(value);
    this.storeAs(linear, bits / 8, (host) => (bits === 128 ? this.f.store('v128', host, held) : storePlain(this.f, bits, host, held)));
  }

  /** Stores `bytes` by `put`. */
  storeAs(linear: Expr, bytes: number, put: (host: Expr) => void): void {
    const { f } = this;
    const address = this.let(linear);
    const entry = this.let(this.tlbEntry(address));
    f.if(
      this.hits(address, entry, TLB_WRITE, bytes),
      () => put(this.host(address, entry)),
      () => {
        put(at(SLOW_VALUE));
        this.slow(this.functions.slowStore, address, bytes);
      },
    );
  }

  /** Where a read-modify-write of `bits` at a linear address can work; `commit` must follow. */
  hostForModify(linear: Expr, bits: Bits): Expr {
    const { f } = this;
    const address = this.let(linear);
    const entry = this.let(this.tlbEntry(address));
    const host = f.temporary('i32');
    f.if(
      this.hits(address, entry, TLB_WRITE, bits / 8),
      () => f.set(host, this.host(address, entry)),
      () => {
        this.slow(this.functions.slowModify, address, bits / 8);
        f.set(host, at(BOUNCE));
      },
    );
    return f.get(host);
  }

  /** Finishes a read-modify-write. */
  commit(host: Expr, bytes: number): void {
    this.f.if(i32.eq(host, at(BOUNCE)), () => {
      this.flushCount();
      this.f.call(this.functions.slowCommit, i32.const(bytes));
    });
  }

  protected slow(target: CoreFunctions['slowLoad'], linear: Expr, bytes: number): void {
    const { f } = this;
    f.store('i64', at(SLOW_ADDRESS), linear);
    this.flushCount();
    f.if(f.callValue(target, i32.const(bytes)), () => this.leaveWithFault());
  }

  // ---------------------------------------------------------------- stack

  /** rSP as the stack size masks it. */
  stackPointer(): Expr {
    return i64.and(this.gpr(RSP, 64), this.stackMask());
  }

  /** `pointer` moved by `bytes` within the stack size. */
  stackMoved(pointer: Expr, bytes: number): Expr {
    return i64.and(i64.add(pointer, i64.const(bytes)), this.stackMask());
  }

  /** Linear address of stack offset `pointer`; leaves with #SS outside the limit. */
  stackLinear(pointer: Expr, bytes: number, write: boolean): Expr {
    const { f } = this;
    const held = this.let(pointer);
    f.if(i32.load(at(STACK_CHECK)), () => {
      f.store('i64', at(SLOW_ADDRESS), held);
      f.if(f.callValue(this.functions.stackCheck, i32.const(bytes), i32.const(Number(write))), () => this.leaveWithFault());
    });
    return i64.add(held, i64.load(at(STACK_BASE)));
  }

  /** Sets rSP, keeping what the stack size does not cover. */
  setStackPointer(pointer: Expr): void {
    const kept = i64.and(this.gpr(RSP, 64), i64.xor(this.stackMask(), i64.const(-1)));
    this.setGpr(RSP, i64.or(kept, pointer), 64);
  }

  stackMask(): Expr {
    return i64.load(at(STACK_MASK));
  }

  /** rSP moved by a computed number of bytes. */
  stackPlus(bytes: Expr): Expr {
    return i64.and(i64.add(this.gpr(RSP, 64), bytes), this.stackMask());
  }

  push(value: Expr, bits: Bits): void {
    const pointer = this.let(this.stackMoved(this.gpr(RSP, 64), -bits / 8));
    this.store(this.linearOnStack(pointer, bits / 8, true), value, bits);
    this.setStackPointer(pointer);
  }

  /** Reads the top of the stack; `popped` moves rSP afterwards. */
  top(bits: Bits, displacement = 0): Expr {
    const pointer = displacement === 0 ? this.stackPointer() : this.stackMoved(this.gpr(RSP, 64), displacement);
    return this.load(this.linearOnStack(pointer, bits / 8, false), bits);
  }

  popped(bytes: number): void {
    this.setStackPointer(this.stackMoved(this.gpr(RSP, 64), bytes));
  }

  protected linearOnStack(pointer: Expr, bytes: number, write: boolean): Expr {
    return this.wrapLinear(this.stackLinear(pointer, bytes, write));
  }

  /** A linear address cut to what the code size can form. */
  abstract wrapLinear(linear: Expr): Expr;

  // ---------------------------------------------------------------- wide arithmetic

  /** Upper half of the unsigned 128-bit product. */
  multiplyHigh(a: Expr, b: Expr): Expr {
    return this.f.callValue(this.functions.multiplyHigh, a, b);
  }

  // ---------------------------------------------------------------- flags

  /** The flags to come are those of a - b: a tier that knows may compare directly. */
  compared(_a: Expr, _b: Expr): void {}

  /** One of the four words that hold the status flags (see layout). */
  protected flagWord(word: FlagWord): Expr {
    return word === 'aux' ? i32.load(at(FLAG_AUX)) : i64.load(at(FLAG_ADDRESS[word]));
  }

  protected setFlagWord(word: FlagWord, value: Expr): void {
    this.f.store(word === 'aux' ? 'i32' : 'i64', at(FLAG_ADDRESS[word]), value);
  }

  /** Flags are about to be set under a condition. */
  flagsMayChange(): void {}

  /** A value that is used twice. */
  protected shared(value: Expr): Expr {
    return this.let(value);
  }

  /** SF and PF off, others as they are. */
  clearSignAndParity(): void {
    this.setFlagWord('sign', i64.const(1));
  }

  /** The status flags of an image of FLAGS, OF among them or left as it is. */
  setStatusFlags(image: Expr, withOverflow: boolean): void {
    const carry = i32.and(image, i32.const(1));
    if (withOverflow) this.setCarryOverflow(carry, i32.and(i32.shrU(image, i32.const(11)), i32.const(1)));
    else this.setCarry(carry);
    this.setFlagWord('aux', image);
    this.setFlagWord('zero', i64.extendU(i32.eqz(i32.and(image, i32.const(0x40)))));
    const sign = i64.shl(i64.extendU(i32.and(image, i32.const(0x80))), i64.const(56));
    this.setFlagWord('sign', i64.or(sign, i64.extendU(i32.eqz(i32.and(image, i32.const(4))))));
  }

  /** ZF, SF and PF by result. */
  setResult(result: Expr, bits: Bits): void {
    const wide = this.shared(signExtendTo64(result, bits));
    this.setFlagWord('zero', wide);
    this.setFlagWord('sign', wide);
  }

  /** CF and OF from a vector of carries out of each bit; AF from bit 4 of the operands' and the result's sum without carries. */
  setCarries(vector: Expr, bits: Bits): void {
    this.setFlagWord('carry', bits === 64 ? vector : i64.shl(i64.extendU(vector), i64.const(64 - bits)));
  }

  setAux(a: Expr, b: Expr, result: Expr, bits: Bits): void {
    const ops = bits === 64 ? i64 : i32;
    const value = ops.xor(ops.xor(a, b), result);
    this.setFlagWord('aux', bits === 64 ? i64.wrap(value) : value);
  }

  clearAux(): void {
    this.setFlagWord('aux', i32.const(0));
  }

  clearCarries(): void {
    this.setFlagWord('carry', i64.const(0));
  }

  /** CF and OF, each given as 0 or 1. */
  setCarryOverflow(carry: Expr, overflow: Expr): void {
    const cf = this.let(carry);
    const pair = i32.or(i32.shl(cf, i32.const(1)), i32.xor(cf, overflow));
    this.setFlagWord('carry', i64.shl(i64.extendU(pair), i64.const(62)));
  }

  setCarry(carry: Expr): void {
    this.setCarryOverflow(carry, this.let(this.overflow()));
  }

  carry(): Expr {
    return i64.wrap(i64.shrU(this.flagWord('carry'), i64.const(63)));
  }

  overflow(): Expr {
    return i64.wrap(i64.shrU(this.overflowBit(), i64.const(63)));
  }

  zero(): Expr {
    return i64.eqz(this.flagWord('zero'));
  }

  sign(): Expr {
    return i64.wrap(i64.shrU(this.flagWord('sign'), i64.const(63)));
  }

  parity(): Expr {
    return i32.load8U(i32.and(i64.wrap(this.flagWord('sign')), i32.const(0xff)), PARITY_TABLE);
  }

  /** Sets ZF alone (others as they are); SF and PF keep their source. */
  setZero(zero: Expr): void {
    this.setFlagWord('zero', i64.extendU(i32.eqz(zero)));
  }

  /** RFLAGS: the status flags with the others, as 32 bits. */
  flagsImage(): Expr {
    const placed = [
      this.carry(),
      i32.shl(this.parity(), i32.const(2)),
      i32.and(this.flagWord('aux'), i32.const(0x10)),
      i32.shl(this.zero(), i32.const(6)),
      i32.shl(this.sign(), i32.const(7)),
      i32.shl(this.overflow(), i32.const(11)),
    ];
    return placed.reduce((image, flag) => i32.or(image, flag), i32.load(at(EFLAGS)));
  }

  /** Condition code 0..15 (SDM volume 1, appendix B) as 0 or 1. */
  condition(code: number): Expr {
    const value = this.positiveCondition(code >> 1);
    return code & 1 ? i32.eqz(value) : value;
  }

  directionDown(): Expr {
    return i32.and(i32.load(at(EFLAGS)), i32.const(0x400));
  }

  /** The even condition of a pair. */
  protected positiveCondition(pair: number): Expr {
    const less = (): Expr => i64.ltS(i64.xor(this.flagWord('sign'), this.overflowBit()), i64.const(0));
    switch (pair) {
      case 0:
        return this.overflow();
      case 1:
        return i64.ltS(this.flagWord('carry'), i64.const(0));
      case 2:
        return this.zero();
      case 3:
        return i32.or(this.carry(), this.zero());
      case 4:
        return i64.ltS(this.flagWord('sign'), i64.const(0));
      case 5:
        return this.parity();
      case 6:
        return less();
      default:
        return i32.or(less(), this.zero());
    }
  }

  private overflowBit(): Expr {
    return i64.xor(this.flagWord('carry'), i64.shl(this.flagWord('carry'), i64.const(1)));
  }
}

/** Plain load of 8, 16 or 32 bits (i32, zero-extended) or 64 bits (i64). */
export function loadPlain(bits: Bits, address: Expr): Expr {
  if (bits === 64) return i64.load(address);
  if (bits === 32) return i32.load(address);
  return bits === 16 ? i32.load16U(address) : i32.load8U(address);
}

export function storePlain(f: FunctionBuilder, bits: Bits, address: Expr, value: Expr): void {
  if (bits === 64) f.store('i64', address, value);
  else if (bits === 32) f.store('i32', address, value);
  else f.store(bits === 8 ? 'i32_8' : 'i32_16', address, value);
}

export function signExtendTo32(value: Expr, bits: Bits): Expr {
  if (bits === 8) return i32.extend8S(value);
  return bits === 16 ? i32.extend16S(value) : value;
}

export function signExtendTo64(value: Expr, bits: Bits): Expr {
  return bits === 64 ? value : i64.extendS(signExtendTo32(value, bits));
}

/** i32 or i64 operations by width. */
export const intOps = (bits: Bits): typeof i32 | typeof i64 => (bits === 64 ? i64 : i32);

/** A constant of the width's type. */
export const intConst = (bits: Bits, value: number): Expr => (bits === 64 ? i64.const(value) : i32.const(value));

/** `value` cut to the width (for 8 and 16 bits held in an i32). */
export function truncated(value: Expr, bits: Bits): Expr {
  if (bits >= 32) return value;
  return i32.and(value, i32.const(bits === 8 ? 0xff : 0xffff));
}

/** i64 of an unsigned value of the width. */
export const widened = (value: Expr, bits: Bits): Expr => (bits === 64 ? value : i64.extendU(value));

/** An i64 cut to the width's type. */
export const narrowed = (value: Expr, bits: Bits): Expr => (bits === 64 ? value : truncated(i64.wrap(value), bits));

export { type Local, select };
