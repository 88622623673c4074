import { type Expr, f32, f64, i32, select, v128 } from '@hotsocket/wasm-builder';
import type { Emitter } from '../emit/emitter.js';
import { MXCSR, SSE_SOURCE } from '../layout.js';
import { lowPart, SOURCE_COPY, xmm } from './vector-operands.js';

type Unary = (a: Expr) => Expr;
type Binary = (a: Expr, b: Expr) => Expr;

/**
 * One floating-point form, scalar or packed, in the host's own arithmetic: rounding to nearest, without flags. Comparisons give an i32 or
 * a vector of masks, which `and` and `or` combine and `all` makes a condition.
 */
export interface FloatForm {
  readonly bytes: 4 | 8 | 16;
  readonly store: 'f32' | 'f64' | 'v128';
  /** Operand `index` of the instruction's value. */
  read(x: Emitter, index: number): Expr;
  constant(value: number): Expr;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly sqrt: Unary;
  readonly abs: Unary;
  readonly eq: Binary;
  readonly lt: Binary;
  readonly le: Binary;
  readonly ge: Binary;
  readonly and: Binary;
  readonly or: Binary;
  /** `mask` ? a : b. */
  choose(mask: Expr, a: Expr, b: Expr): Expr;
  /** All elements are true. */
  all(mask: Expr): Expr;
  /** Least normal number, twice that, and the greatest finite one. */
  readonly least: number;
  readonly safe: number;
  readonly most: number;
}

const RANGE_32 = { least: 2 ** -126, safe: 2 ** -125, most: 2 ** 128 - 2 ** 104 };
const RANGE_64 = { least: 2 ** -1022, safe: 2 ** -1021, most: Number.MAX_VALUE };
const LOGIC = { and: i32.and, or: i32.or, all: (mask: Expr): Expr => mask };
const VECTOR_LOGIC = { and: v128.and, or: v128.or, choose: (mask: Expr, a: Expr, b: Expr): Expr => v128.bitselect(a, b, mask) };

export const SINGLE: FloatForm = {
  ...f32,
  ...RANGE_32,
  ...LOGIC,
  bytes: 4,
  store: 'f32',
  read: (x, index) => (x.isMemory(index) ? f32.reinterpretI32(lowPart(x, index, 32)) : f32.load(x.registerAddress(index))),
  constant: f32.const,
  choose: (mask, a, b) => select(a, b, mask),
};

export const DOUBLE: FloatForm = {
  ...f64,
  ...RANGE_64,
  ...LOGIC,
  bytes: 8,
  store: 'f64',
  read: (x, index) => (x.isMemory(index) ? f64.reinterpretI64(lowPart(x, index, 64)) : f64.load(x.registerAddress(index))),
  constant: f64.const,
  choose: (mask, a, b) => select(a, b, mask),
};

export const PACKED_SINGLE: FloatForm = {
  ...RANGE_32,
  ...VECTOR_LOGIC,
  bytes: 16,
  store: 'v128',
  read: (x, index) => xmm(x, index),
  constant: (value) => v128.splatF32(f32.const(value)),
  add: v128.addF32,
  sub: v128.subF32,
  mul: v128.mulF32,
  div: v128.divF32,
  sqrt: v128.sqrtF32,
  abs: v128.absF32,
  eq: v128.eqF32,
  lt: v128.ltF32,
  le: v128.leF32,
  ge: v128.geF32,
  all: (mask) => i32.eq(v128.bitmask32(mask), i32.const(15)),
};

export const PACKED_DOUBLE: FloatForm = {
  ...RANGE_64,
  ...VECTOR_LOGIC,
  bytes: 16,
  store: 'v128',
  read: (x, index) => xmm(x, index),
  constant: (value) => v128.splatF64(f64.const(value)),
  add: v128.addF64,
  sub: v128.subF64,
  mul: v128.mulF64,
  div: v128.divF64,
  sqrt: v128.sqrtF64,
  abs: v128.absF64,
  eq: v128.eqF64,
  lt: v128.ltF64,
  le: v128.leF64,
  ge: v128.geF64,
  all: (mask) => i32.eq(v128.bitmask64(mask), i32.const(3)),
};

const RC_PM_PE = 0x7020;
const PM_PE = 0x1020;

/** Rounding to nearest; inexactness is masked and already noted, so that it need not be found again. */
export const roundsQuietly = (): Expr => i32.eq(i32.and(i32.load(i32.const(MXCSR)), i32.const(RC_PM_PE)), i32.const(PM_PE));
/** The same for operations with a rounding mode of their own. */
export const inexactQuietly = (): Expr => i32.eq(i32.and(i32.load(i32.const(MXCSR)), i32.const(PM_PE)), i32.const(PM_PE));

/** Neither denormal nor NaN: such operands raise nothing by themselves, and DAZ does not matter. */
export const isPlain = (form: FloatForm, value: Expr): Expr =>
  form.or(form.ge(form.abs(value), form.constant(form.least)), form.eq(value, form.constant(0)));

/** A rounded result that is certainly neither tiny nor overflowed. */
export const isSafe = (form: FloatForm, value: Expr): Expr =>
  form.and(form.ge(form.abs(value), form.constant(form.safe)), form.le(form.abs(value), form.constant(form.most)));

/** Leaves a source value that is in a local to the exact unit, which performs the whole instruction. */
export function exactly(x: Emitter, name: string, form: Pick<FloatForm, 'store'>, source: Expr): void {
  if (x.isMemory(1)) {
    x.f.store(form.store, i32.const(SOURCE_COPY), source);
    x.f.store('i32', i32.const(SSE_SOURCE), i32.const(SOURCE_COPY));
  } else x.f.store('i32', i32.const(SSE_SOURCE), x.registerAddress(1));
  x.callHelper(name);
}
