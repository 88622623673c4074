import type { ByteBuffer } from './byte-buffer.js';

/** A WebAssembly value type. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** A local variable of the function being built. */
export interface Local {
  readonly type: ValueType;
  readonly index: number;
}

/**
 * A value still to be computed. An expression is evaluated where it is used, each time it is used: what is needed
 * twice, or must be read before a store, is put into a local first.
 */
export abstract class Expr {
  declare readonly type: ValueType;

  constructor(type: ValueType) {
    this.type = type;
  }

  abstract emit(out: ByteBuffer): void;

  /** Tells `visitor` what the value depends on when it is evaluated. */
  abstract depends(visitor: DependencyVisitor): void;
}

/** Hears what an expression depends on. */
export interface DependencyVisitor {
  local(index: number): void;
  /** Memory, globals, calls: anything that other code may change. */
  outside(): void;
}

/** A constant; 64-bit ones are held as bigint when they exceed 2^53. */
export class Const extends Expr {
  declare readonly value: number | bigint;

  constructor(type: ValueType, value: number | bigint) {
    super(type);
    this.value = value;
  }

  emit(out: ByteBuffer): void {
    if (this.type === 'i32') this.#integer(out);
    else if (this.type === 'i64') this.#long(out);
    else this.#float(out);
  }

  depends(): void {}

  #integer(out: ByteBuffer): void {
    out.u8(0x41);
    out.s32(Number(this.value));
  }

  #long(out: ByteBuffer): void {
    out.u8(0x42);
    if (typeof this.value === 'number' && this.value === (this.value | 0)) out.s32(this.value);
    else out.s64(BigInt(this.value));
  }

  #float(out: ByteBuffer): void {
    out.u8(this.type === 'f64' ? 0x44 : 0x43);
    if (this.type === 'f64') out.f64(Number(this.value));
    else out.f32(Number(this.value));
  }
}

/** Opcode bytes after the operands, with nothing else: arithmetic, comparisons, conversions. */
export class Operation extends Expr {
  declare readonly opcode: readonly number[];
  declare readonly operands: readonly Expr[];
  declare readonly immediates: readonly number[];

  constructor(type: ValueType, opcode: readonly number[], operands: readonly Expr[], immediates: readonly number[] = []) {
    super(type);
    this.opcode = opcode;
    this.operands = operands;
    this.immediates = immediates;
  }

  emit(out: ByteBuffer): void {
    for (const operand of this.operands) operand.emit(out);
    emitOpcode(out, this.opcode);
    for (const immediate of this.immediates) out.u8(immediate);
  }

  depends(visitor: DependencyVisitor): void {
    for (const operand of this.operands) operand.depends(visitor);
  }
}

/** A load of `opcode` from `address` + `offset`. */
export class Load extends Expr {
  declare readonly opcode: readonly number[];
  declare readonly address: Expr;
  declare readonly offset: number;

  constructor(type: ValueType, opcode: readonly number[], address: Expr, offset: number) {
    super(type);
    this.opcode = opcode;
    this.address = address;
    this.offset = offset;
  }

  emit(out: ByteBuffer): void {
    this.address.emit(out);
    emitOpcode(out, this.opcode);
    out.u32(0);
    out.u32(this.offset);
  }

  depends(visitor: DependencyVisitor): void {
    this.address.depends(visitor);
    visitor.outside();
  }
}

/** `local.get` or `global.get`. */
export class Get extends Expr {
  declare readonly opcode: number;
  declare readonly index: number;

  constructor(type: ValueType, opcode: number, index: number) {
    super(type);
    this.opcode = opcode;
    this.index = index;
  }

  emit(out: ByteBuffer): void {
    out.u8(this.opcode);
    out.u32(this.index);
  }

  depends(visitor: DependencyVisitor): void {
    if (this.opcode === 0x20) visitor.local(this.index);
    else visitor.outside();
  }
}

/** A call used as a value. */
export class Call extends Expr {
  declare readonly index: number;
  declare readonly args: readonly Expr[];

  constructor(type: ValueType, index: number, args: readonly Expr[]) {
    super(type);
    this.index = index;
    this.args = args;
  }

  emit(out: ByteBuffer): void {
    for (const arg of this.args) arg.emit(out);
    out.u8(0x10);
    out.u32(this.index);
  }

  depends(visitor: DependencyVisitor): void {
    visitor.outside();
  }
}

/** `local.tee`: stores and gives the value. */
export class Tee extends Expr {
  declare readonly index: number;
  declare readonly value: Expr;

  constructor(local: Local, value: Expr) {
    super(local.type);
    this.index = local.index;
    this.value = value;
  }

  emit(out: ByteBuffer): void {
    this.value.emit(out);
    out.u8(0x22);
    out.u32(this.index);
  }

  depends(visitor: DependencyVisitor): void {
    visitor.outside();
  }
}

/** Writes an opcode: one byte, or a prefix byte and a LEB128 number. */
export function emitOpcode(out: ByteBuffer, opcode: readonly number[]): void {
  out.u8(opcode[0] ?? 0);
  if (opcode.length > 1) out.u32(opcode[1] ?? 0);
}
