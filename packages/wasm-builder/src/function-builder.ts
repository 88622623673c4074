import { ByteBuffer } from './byte-buffer.js';
import { Call, Const, type Expr, emitOpcode, Get, type Local, Tee, type ValueType } from './expr.js';
import type { FunctionHandle, GlobalHandle } from './module-builder.js';

export const TYPE_CODE: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** A branch target: the depth at which its block was opened. */
export interface Label {
  readonly depth: number;
}

type StoreName = 'i32' | 'i32_8' | 'i32_16' | 'i64' | 'i64_8' | 'i64_16' | 'i64_32' | 'f32' | 'f64' | 'v128';
const STORE: Readonly<Record<StoreName, readonly number[]>> = {
  i32: [0x36],
  i64: [0x37],
  f32: [0x38],
  f64: [0x39],
  i32_8: [0x3a],
  i32_16: [0x3b],
  i64_8: [0x3c],
  i64_16: [0x3d],
  i64_32: [0x3e],
  v128: [0xfd, 11],
};

/** A moment in the writing of a body. */
export interface Checkpoint {
  readonly length: number;
  readonly depth: number;
}

/** Writes the body of one function, statement by statement. */
export class FunctionBuilder {
  readonly params: readonly ValueType[];
  readonly result: ValueType | undefined;
  #code = new ByteBuffer();
  readonly #prologue = new ByteBuffer();
  readonly #locals: ValueType[] = [];
  readonly #free: Record<ValueType, Local[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  #temporaries: Local[] = [];
  #depth = 0;

  constructor(params: readonly ValueType[], result: ValueType | undefined) {
    this.params = params;
    this.result = result;
  }

  param(index: number): Local {
    return { type: this.params[index] as ValueType, index };
  }

  /** A local that lives as long as the function. */
  local(type: ValueType): Local {
    this.#locals.push(type);
    return { type, index: this.params.length + this.#locals.length - 1 };
  }

  /** A local that `releaseTemporaries` hands to others. */
  temporary(type: ValueType): Local {
    const local = this.#free[type].pop() ?? this.local(type);
    this.#temporaries.push(local);
    return local;
  }

  /** Hands the temporaries to later users, all but those with an index in `kept`. */
  releaseTemporaries(kept?: ReadonlySet<number>): void {
    const still: Local[] = [];
    for (const local of this.#temporaries) {
      if (kept?.has(local.index)) still.push(local);
      else this.#free[local.type].push(local);
    }
    this.#temporaries = still;
  }

  /** How many blocks are open. */
  get depth(): number {
    return this.#depth;
  }

  checkpoint(): Checkpoint {
    return { length: this.#code.length, depth: this.#depth };
  }

  /** Forgets what was written since. */
  rollBack({ length, depth }: Checkpoint): void {
    this.#code.length = length;
    this.#depth = depth;
  }

  /** What `write` writes comes before everything else; it opens no blocks. */
  prologue(write: () => void): void {
    const body = this.#code;
    this.#code = this.#prologue;
    write();
    this.#code = body;
  }

  get(local: Local): Expr {
    return new Get(local.type, 0x20, local.index);
  }

  tee(local: Local, value: Expr): Expr {
    return new Tee(local, value);
  }

  globalGet(global: GlobalHandle): Expr {
    return new Get(global.type, 0x23, global.index);
  }

  /** Evaluates `value` now into a fresh temporary and gives it for any number of uses. */
  let(value: Expr): Expr {
    const local = this.temporary(value.type);
    this.set(local, value);
    return this.get(local);
  }

  callValue(target: FunctionHandle, ...args: Expr[]): Expr {
    return new Call(target.result as ValueType, target.index, args);
  }

  set(local: Local, value: Expr): void {
    value.emit(this.#code);
    this.#code.u8(0x21);
    this.#code.u32(local.index);
  }

  globalSet(global: GlobalHandle, value: Expr): void {
    value.emit(this.#code);
    this.#code.u8(0x24);
    this.#code.u32(global.index);
  }

  store(kind: StoreName, address: Expr, value: Expr, offset = 0): void {
    address.emit(this.#code);
    value.emit(this.#code);
    emitOpcode(this.#code, STORE[kind]);
    this.#code.u32(0);
    this.#code.u32(offset);
  }

  /** Calls for effect; a result is dropped. */
  call(target: FunctionHandle, ...args: Expr[]): void {
    for (const arg of args) arg.emit(this.#code);
    this.#code.u8(0x10);
    this.#code.u32(target.index);
    if (target.result !== undefined) this.#code.u8(0x1a);
  }

  /** `call_indirect` for a value through table 0. */
  callIndirect(typeIndex: number, args: readonly Expr[], slot: Expr, into: Local): void {
    for (const arg of args) arg.emit(this.#code);
    slot.emit(this.#code);
    this.#code.u8(0x11);
    this.#code.u32(typeIndex);
    this.#code.u32(0);
    this.#code.u8(0x21);
    this.#code.u32(into.index);
  }

  /** Opens a block; `end` closes it. Branching to the label leaves it. */
  block(): Label {
    this.#code.u8(0x02);
    this.#code.u8(0x40);
    return { depth: this.#depth++ };
  }

  /** Opens a loop; branching to the label starts it again. */
  loop(): Label {
    this.#code.u8(0x03);
    this.#code.u8(0x40);
    return { depth: this.#depth++ };
  }

  end(): void {
    this.#code.u8(0x0b);
    this.#depth--;
  }

  /** Only one branch is written when the condition is known. */
  if(condition: Expr, then: () => void, otherwise?: () => void): void {
    if (condition instanceof Const) return (Number(condition.value) === 0 ? otherwise : then)?.();
    condition.emit(this.#code);
    this.#code.u8(0x04);
    this.#code.u8(0x40);
    this.#depth++;
    then();
    if (otherwise) {
      this.#code.u8(0x05);
      otherwise();
    }
    this.end();
  }

  br(label: Label): void {
    this.#code.u8(0x0c);
    this.#code.u32(this.#depth - label.depth - 1);
  }

  /** Nothing, or a plain branch, when the condition is known. */
  brIf(label: Label, condition: Expr): void {
    if (condition instanceof Const) return Number(condition.value) === 0 ? undefined : this.br(label);
    condition.emit(this.#code);
    this.#code.u8(0x0d);
    this.#code.u32(this.#depth - label.depth - 1);
  }

  brTable(labels: readonly Label[], otherwise: Label, index: Expr): void {
    index.emit(this.#code);
    this.#code.u8(0x0e);
    this.#code.u32(labels.length);
    for (const label of [...labels, otherwise]) this.#code.u32(this.#depth - label.depth - 1);
  }

  /** `memory.fill`. */
  fill(address: Expr, value: Expr, length: Expr): void {
    for (const operand of [address, value, length]) operand.emit(this.#code);
    for (const byte of [0xfc, 11, 0]) this.#code.u8(byte);
  }

  /** `memory.copy`. */
  copy(to: Expr, from: Expr, length: Expr): void {
    for (const operand of [to, from, length]) operand.emit(this.#code);
    for (const byte of [0xfc, 10, 0, 0]) this.#code.u8(byte);
  }

  return(value?: Expr): void {
    value?.emit(this.#code);
    this.#code.u8(0x0f);
  }

  unreachable(): void {
    this.#code.u8(0x00);
  }

  /** The finished body: local declarations, code, end. */
  finish(): Uint8Array {
    const out = new ByteBuffer();
    const runs = runLengths(this.#locals);
    out.u32(runs.length);
    for (const [count, type] of runs) {
      out.u32(count);
      out.u8(TYPE_CODE[type]);
    }
    out.append(this.#prologue.bytes);
    out.append(this.#code.bytes);
    out.u8(0x0b);
    return out.bytes;
  }
}

function runLengths(types: readonly ValueType[]): [number, ValueType][] {
  const runs: [number, ValueType][] = [];
  for (const type of types) {
    const last = runs.at(-1);
    if (last?.[1] === type) last[0]++;
    else runs.push([1, type]);
  }
  return runs;
}
