import { type Expr, type FunctionBuilder, i32, i64, type Label, type Local } from '@hotsocket/wasm-builder';
import {
  ADDRESS_MASK,
  ADDRESS_SIZE_MASKS,
  BUDGET,
  CURRENT_TABLE,
  ES,
  EXIT_REQUEST,
  PAGE_RIP,
  REC_ADDRESS_BYTES,
  REC_BASE,
  REC_DISPLACEMENT,
  REC_EXTRA,
  REC_FLAGS,
  REC_IMMEDIATE,
  REC_INDEX,
  REC_LENGTH,
  REC_PAGE_OFFSET,
  REC_SCALE,
  REC_SEGMENT,
  REC_SEGMENT_BASE,
  RECORD_COMPLEX,
  RECORD_LOCAL,
  RIP,
  SLOW_ADDRESS,
} from '../layout.js';
import { type CoreFunctions, STATUS_FAULT, STATUS_JUMP } from './core-functions.js';
import { Emitter } from './emitter.js';
import { countVisit } from './hotness.js';
import type { Shape } from './shape.js';

const at = (address: number): Expr => i32.const(address);

/** Operands come from the record at run time. */
abstract class RecordEmitter extends Emitter {
  /** Address of the record. */
  protected abstract record(): Expr;

  callHelper(name: string, prepare?: () => void): void {
    const { f, functions } = this;
    prepare?.();
    this.flushCount();
    f.if(f.callValue(functions.helper, i32.const(functions.helperNumber(name)), this.record()), () => this.leaveWithFault());
  }

  provided(certain: readonly Expr[], doubtful: () => Expr, exactly: () => void, work: () => void): void {
    const { f } = this;
    const finished = f.block();
    this.whereCertain(certain, doubtful, () => {
      exactly();
      f.br(finished);
    });
    work();
    f.end();
  }

  helperWhere(condition: Expr, name: string): void {
    this.f.if(condition, () => this.helper(name));
  }

  registerAddress(index: number): Expr {
    const operand = this.operand(index);
    if (operand.kind !== 'register') throw new Error(`${this.shape.name}: operand ${index} is no register`);
    return i32.load16U(this.record(), operand.field);
  }

  immediate(type: 'i32' | 'i64'): Expr {
    return type === 'i64' ? i64.load(this.record(), REC_IMMEDIATE) : i32.load(this.record(), REC_IMMEDIATE);
  }

  extra(): Expr {
    return i32.load8U(this.record(), REC_EXTRA);
  }

  flag(mask: number): Expr {
    return i32.and(i32.load8U(this.record(), REC_FLAGS), i32.const(mask));
  }

  rip(): Expr {
    return i64.add(i64.load(at(PAGE_RIP)), i64.load16U(this.record(), REC_PAGE_OFFSET));
  }

  nextRip(): Expr {
    return i64.add(this.rip(), i64.load8U(this.record(), REC_LENGTH));
  }

  offset(): Expr {
    return i64.and(this.#sum(), this.addressMask());
  }

  linear(bytes: number, write: boolean): Expr {
    const { f } = this;
    const linear = f.temporary('i64');
    f.if(
      this.flag(RECORD_COMPLEX),
      () => {
        f.if(f.callValue(this.functions.complexAddress, this.record(), i32.const(bytes), i32.const(Number(write))), () =>
          this.leaveWithFault(),
        );
        f.set(linear, i64.load(at(SLOW_ADDRESS)));
      },
      () => f.set(linear, this.wrapLinear(i64.add(this.#sum(), i64.load(i32.load16U(this.record(), REC_SEGMENT_BASE))))),
    );
    return f.get(linear);
  }

  linearOf(offset: Expr, bytes: number, write: boolean): Expr {
    return this.#segmented(
      offset,
      i32.load8U(this.record(), REC_SEGMENT),
      i64.load(i32.load16U(this.record(), REC_SEGMENT_BASE)),
      bytes,
      write,
    );
  }

  linearInEs(offset: Expr, bytes: number, write: boolean): Expr {
    return this.#segmented(offset, i32.const(ES), i64.const(0), bytes, write);
  }

  #segmented(offset: Expr, index: Expr, base: Expr, bytes: number, write: boolean): Expr {
    const { f } = this;
    const held = this.let(i64.and(offset, this.addressMask()));
    const linear = f.temporary('i64');
    f.if(
      this.flag(RECORD_COMPLEX),
      () => {
        f.store('i64', at(SLOW_ADDRESS), held);
        f.if(f.callValue(this.functions.segmented, index, i32.const(bytes), i32.const(Number(write))), () => this.leaveWithFault());
        f.set(linear, i64.load(at(SLOW_ADDRESS)));
      },
      () => f.set(linear, this.wrapLinear(i64.add(held, base))),
    );
    return f.get(linear);
  }

  addressBytes(): Expr {
    return i32.load8U(this.record(), REC_ADDRESS_BYTES);
  }

  addressMask(): Expr {
    return i64.load(i32.shl(this.addressBytes(), i32.const(3)), ADDRESS_SIZE_MASKS);
  }

  wrapLinear(linear: Expr): Expr {
    return i64.and(linear, i64.load(at(ADDRESS_MASK)));
  }

  #sum(): Expr {
    const base = i64.load(i32.load16U(this.record(), REC_BASE));
    const index = i64.load(i32.load16U(this.record(), REC_INDEX));
    const scaled = i64.shl(index, i64.load8U(this.record(), REC_SCALE));
    return i64.add(i64.add(base, scaled), i64.load32S(this.record(), REC_DISPLACEMENT));
  }

  /** RIP of a relative target outside the page, cut to the operand size. */
  protected relativeTarget(): Expr {
    return this.ripCut(i64.add(this.nextRip(), this.immediate('i64')));
  }

  /** RIP cut to the operand size of a near transfer (SDM volume 2, CALL, JMP). */
  ripCut(rip: Expr): Expr {
    const { operandBytes } = this.shape;
    return operandBytes === 8 ? rip : i64.and(rip, i64.const(operandBytes === 4 ? 0xffff_ffff : 0xffff));
  }

  protected localTarget(): Expr {
    return i64.add(i64.load(at(PAGE_RIP)), i64.load32U(this.record(), REC_IMMEDIATE));
  }
}

/** The locals and labels of the interpreter's main function. */
export interface MainLoop {
  readonly pc: Local;
  readonly count: Local;
  readonly target: Local;
  readonly next: Label;
  readonly jump: Label;
  /** Goes to `target`, which is no check point. */
  readonly go: Label;
  readonly fault: Label;
}

/** Emits into the interpreter's main function. */
export class InlineEmitter extends RecordEmitter {
  readonly #loop: MainLoop;

  constructor(f: FunctionBuilder, shape: Shape, functions: CoreFunctions, loop: MainLoop) {
    super(f, shape, functions);
    this.#loop = loop;
  }

  protected record(): Expr {
    return this.f.get(this.#loop.pc);
  }

  leaveWithFault(): void {
    this.f.br(this.#loop.fault);
  }

  flushCount(): void {
    this.f.store('i32', at(BUDGET), this.f.get(this.#loop.count));
  }

  repeatCheckPoint(): void {
    throw new Error('repeated instructions have a function of their own');
  }

  budget(): Expr {
    return this.f.get(this.#loop.count);
  }

  spend(count: Expr): void {
    this.f.set(this.#loop.count, i32.sub(this.f.get(this.#loop.count), count));
  }

  helper(name: string): void {
    throw new Error(`helper '${name}' is called from a function of its own`);
  }

  branch(taken?: Expr): void {
    if (taken) this.f.if(taken, () => this.#take());
    else this.#take();
  }

  jump(rip: Expr): void {
    this.f.set(this.#loop.target, rip);
    this.f.br(this.#loop.jump);
  }

  #take(): void {
    const { f } = this;
    f.if(
      this.flag(RECORD_LOCAL),
      () => this.#takeLocal(),
      () => f.set(this.#loop.target, this.relativeTarget()),
    );
    f.br(this.#loop.jump);
  }

  /** Forward jumps in the page go on at once; backward ones only while the slice lasts. */
  #takeLocal(): void {
    const { f } = this;
    const found = f.temporary('i32');
    const forward = i32.gtS(this.immediate('i32'), i32.load16U(this.record(), REC_PAGE_OFFSET));
    const inSlice = i32.and(i32.gtS(f.get(this.#loop.count), i32.const(0)), i32.eqz(i32.load(at(EXIT_REQUEST))));
    f.set(found, i32.load(i32.add(i32.load(at(CURRENT_TABLE)), i32.shl(this.immediate('i32'), i32.const(2)))));
    f.if(i32.and(i32.ne(f.get(found), i32.const(0)), i32.or(forward, inSlice)), () => {
      f.if(i32.eqz(forward), () => countVisit(f, f.get(found), this.functions.visited));
      f.set(this.#loop.pc, f.get(found));
      f.br(this.#loop.next);
    });
    f.set(this.#loop.target, this.localTarget());
    f.brIf(this.#loop.go, forward);
  }
}

/** Emits a function of its own: (record) -> STATUS_*. */
export class OutlinedEmitter extends RecordEmitter {
  protected record(): Expr {
    return this.f.get(this.f.param(0));
  }

  leaveWithFault(): void {
    this.f.return(i32.const(STATUS_FAULT));
  }

  budget(): Expr {
    return i32.load(at(BUDGET));
  }

  spend(count: Expr): void {
    this.f.store('i32', at(BUDGET), i32.sub(this.budget(), count));
  }

  repeatCheckPoint(): void {
    const { f } = this;
    this.spend(i32.const(1));
    const over = i32.or(i32.leS(this.budget(), i32.const(0)), i32.ne(i32.load(at(EXIT_REQUEST)), i32.const(0)));
    f.if(over, () => this.jump(this.rip()));
  }

  helper(name: string): void {
    this.f.return(this.f.callValue(this.functions.helper, i32.const(this.functions.helperNumber(name)), this.record()));
  }

  /** The caller has stored the count. */
  flushCount(): void {}

  branch(taken?: Expr): void {
    if (taken) this.f.if(taken, () => this.#take());
    else this.#take();
  }

  jump(rip: Expr): void {
    this.f.store('i64', at(RIP), rip);
    this.f.return(i32.const(STATUS_JUMP));
  }

  #take(): void {
    const { f } = this;
    const target = f.temporary('i64');
    f.if(
      this.flag(RECORD_LOCAL),
      () => f.set(target, this.localTarget()),
      () => f.set(target, this.relativeTarget()),
    );
    this.jump(f.get(target));
  }
}
