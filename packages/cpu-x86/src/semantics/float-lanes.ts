import { type Expr, f32, f64, i32, i64, select, v128 } from '@hotsocket/wasm-builder';
import type { Emitter } from '../emit/emitter.js';
import { LANE_F32, LANE_F64, type Lane } from '../emit/lanes.js';
import { MXCSR, SSE_SOURCE } from '../layout.js';
import { SOURCE_COPY, xmm } from './vector-operands.js';

type Unary = (a: Expr) => Expr;
type Binary = (a: Expr, b: Expr) => Expr;

/**
 * One floating-point form, scalar or packed, in the host's own arithmetic: rounding to nearest, without flags. Comparisons give an i32 or
 * a vector of masks, which `and` and `or` combine and `all` makes a condition.
 */
export interface FloatForm {
  readonly bytes: 4 | 8 | 16;
  readonly store: 'f32' | 'f64' | 'v128';
  /** Value of operand `index`. */
  read(x: Emitter, index: number): Expr;
  /** Sets register operand 0; a scalar leaves the rest of it. */
  write(x: Emitter, value: Expr): void;
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
  /**
   * Quick tests. A plain operand is normal, or for scalars zero, infinite or NaN; a safe result is finite and at least twice the least
   * normal number: a rounded result that is certainly neither tiny nor overflowed.
   */
  readonly quicklyPlain: Unary;
  readonly quicklySafe: Unary;
  /** Finite and normal. */
  readonly isNormal: Unary;
  /** Masks as conditions to be tried one by one. */
  each(masks: readonly Expr[]): readonly Expr[];
  /** Least normal number, twice that, and the greatest finite one. */
  readonly least: number;
  readonly safe: number;
  readonly most: number;
}

const RANGE_32 = { least: 2 ** -126, safe: 2 ** -125, most: 2 ** 128 - 2 ** 104 };
const RANGE_64 = { least: 2 ** -1022, safe: 2 ** -1021, most: Number.MAX_VALUE };
const LOGIC = { and: i32.and, or: i32.or, all: (mask: Expr): Expr => mask, each: (masks: readonly Expr[]): readonly Expr[] => masks };
const VECTOR_LOGIC = { and: v128.and, or: v128.or, choose: (mask: Expr, a: Expr, b: Expr): Expr => v128.bitselect(a, b, mask) };

/** A scalar operand, from memory or the lowest element of a register. */
const readScalar = (x: Emitter, index: number, lane: Lane): Expr =>
  x.isMemory(index) ? x.loadAs(x.linear(lane.bytes, false), lane.bytes, lane.load) : x.lane(index, lane);

/** Exponents without the sign, in the upper bits of a number shifted left by one. */
const SINGLE_EXPONENT = 24;
const DOUBLE_EXPONENT = 53;
const [SAFE_32, SAFE_64] = [2, 2];
const [NORMAL_EXPONENTS_32, NORMAL_EXPONENTS_64] = [0xfe, 0x7fe];

const bits32 = (value: Expr): Expr => i32.reinterpretF32(value);
const bits64 = (value: Expr): Expr => i64.reinterpretF64(value);
const exponent64 = (value: Expr): Expr => i32.and(i64.wrap(i64.shrU(bits64(value), i64.const(52))), i32.const(0x7ff));
const exponent32 = (value: Expr): Expr => i32.and(i32.shrU(bits32(value), i32.const(23)), i32.const(0xff));

export const SINGLE: FloatForm = {
  ...f32,
  ...RANGE_32,
  ...LOGIC,
  bytes: 4,
  store: 'f32',
  read: (x, index) => readScalar(x, index, LANE_F32),
  write: (x, value) => x.setLane(0, LANE_F32, value),
  quicklyPlain: (value) =>
    i32.ne(i32.shrU(i32.sub(i32.shl(bits32(value), i32.const(1)), i32.const(1)), i32.const(SINGLE_EXPONENT)), i32.const(0)),
  quicklySafe: (value) => i32.ltU(i32.sub(exponent32(value), i32.const(SAFE_32)), i32.const(NORMAL_EXPONENTS_32 - SAFE_32 + 1)),
  isNormal: (value) => i32.ltU(i32.sub(exponent32(value), i32.const(1)), i32.const(NORMAL_EXPONENTS_32)),
  constant: f32.const,
  choose: (mask, a, b) => select(a, b, mask),
};

export const DOUBLE: FloatForm = {
  ...f64,
  ...RANGE_64,
  ...LOGIC,
  bytes: 8,
  store: 'f64',
  read: (x, index) => readScalar(x, index, LANE_F64),
  write: (x, value) => x.setLane(0, LANE_F64, value),
  quicklyPlain: (value) =>
    i64.ne(i64.shrU(i64.sub(i64.shl(bits64(value), i64.const(1)), i64.const(1)), i64.const(DOUBLE_EXPONENT)), i64.const(0)),
  quicklySafe: (value) => i32.ltU(i32.sub(exponent64(value), i32.const(SAFE_64)), i32.const(NORMAL_EXPONENTS_64 - SAFE_64 + 1)),
  isNormal: (value) => i32.ltU(i32.sub(exponent64(value), i32.const(1)), i32.const(NORMAL_EXPONENTS_64)),
  constant: f64.const,
  choose: (mask, a, b) => select(a, b, mask),
};

export const PACKED_SINGLE: FloatForm = {
  ...RANGE_32,
  ...VECTOR_LOGIC,
  bytes: 16,
  store: 'v128',
  read: (x, index) => xmm(x, index),
  write: (x, value) => x.setVector(0, value),
  quicklyPlain: (value) => v128.geF32(v128.absF32(value), v128.splatF32(f32.const(RANGE_32.least))),
  quicklySafe: (value) =>
    v128.and(
      v128.geF32(v128.absF32(value), v128.splatF32(f32.const(RANGE_32.safe))),
      v128.leF32(v128.absF32(value), v128.splatF32(f32.const(RANGE_32.most))),
    ),
  isNormal: (value) =>
    v128.and(
      v128.geF32(v128.absF32(value), v128.splatF32(f32.const(RANGE_32.least))),
      v128.leF32(v128.absF32(value), v128.splatF32(f32.const(RANGE_32.most))),
    ),
  each: (masks) => [i32.eq(v128.bitmask32(masks.reduce(v128.and)), i32.const(15))],
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
  write: (x, value) => x.setVector(0, value),
  quicklyPlain: (value) => v128.geF64(v128.absF64(value), v128.splatF64(f64.const(RANGE_64.least))),
  quicklySafe: (value) =>
    v128.and(
      v128.geF64(v128.absF64(value), v128.splatF64(f64.const(RANGE_64.safe))),
      v128.leF64(v128.absF64(value), v128.splatF64(f64.const(RANGE_64.most))),
    ),
  isNormal: (value) =>
    v128.and(
      v128.geF64(v128.absF64(value), v128.splatF64(f64.const(RANGE_64.least))),
      v128.leF64(v128.absF64(value), v128.splatF64(f64.const(RANGE_64.most))),
    ),
  each: (masks) => [i32.eq(v128.bitmask64(masks.reduce(v128.and)), i32.const(3))],
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
const RC_PM = 0x7000;
const PM = 0x1000;

const mxcsrIs = (mask: number, value: number): Expr => i32.eq(i32.and(i32.load(i32.const(MXCSR)), i32.const(mask)), i32.const(value));

/** Rounding to nearest; inexactness is masked and already noted, so that it need not be found again. */
export const roundsQuietly = (x: Emitter): Expr => x.steady('roundsQuietly', () => mxcsrIs(RC_PM_PE, PM_PE));
/** Rounding to nearest; inexactness is masked, but must be noted. */
export const roundsMasked = (x: Emitter): Expr => x.steady('roundsMasked', () => mxcsrIs(RC_PM, PM));
/** The same as the first for operations with a rounding mode of their own. */
export const inexactQuietly = (x: Emitter): Expr => x.steady('inexactQuietly', () => mxcsrIs(PM_PE, PM_PE));

/** Neither denormal nor NaN: such operands raise nothing by themselves, and DAZ does not matter. */
export const isPlain = (form: FloatForm, value: Expr): Expr =>
  form.or(form.ge(form.abs(value), form.constant(form.least)), form.eq(value, form.constant(0)));

/** A rounded result that is certainly neither tiny nor overflowed. */
export const isSafe = (form: FloatForm, value: Expr): Expr =>
  form.and(form.ge(form.abs(value), form.constant(form.safe)), form.le(form.abs(value), form.constant(form.most)));

/** Leaves a source value that is in a local to the exact unit, which performs the whole instruction. */
export function exactly(x: Emitter, name: string, form: Pick<FloatForm, 'store'>, source: Expr): void {
  x.callHelper(name, () => {
    if (x.isMemory(1)) {
      x.f.store(form.store, i32.const(SOURCE_COPY), source);
      x.f.store('i32', i32.const(SSE_SOURCE), i32.const(SOURCE_COPY));
    } else x.f.store('i32', i32.const(SSE_SOURCE), x.registerAddress(1));
  });
}
