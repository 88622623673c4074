import { type Expr, f32, f64, i32, i64, v128 } from '@hotsocket/wasm-builder';
import type { Emitter } from '../emit/emitter.js';
import { DOUBLE, type FloatForm, PACKED_DOUBLE, PACKED_SINGLE, SINGLE } from './float-lanes.js';

/*
 * Whether a rounded result is the exact one, in the host's own arithmetic: while PE is clear, an inexact result would have to set it. Some
 * exact results are not recognised.
 */

/** Error of the rounded sum r of a and b (Knuth's TwoSum); exact unless an intermediate result overflows, which makes it NaN. */
function errorOfSum(x: Emitter, form: Pick<FloatForm, 'add' | 'sub'>, a: Expr, b: Expr, r: Expr): Expr {
  const second = x.let(form.sub(r, a));
  return form.add(form.sub(a, form.sub(r, second)), form.sub(b, second));
}

const SIGNIFICAND_BITS = 53;
const HIDDEN_BIT = 2 ** 52;

/** Bits from the first to the last 1 of a normal double's significand. */
function significantBits(value: Expr): Expr {
  const significand = i64.or(i64.reinterpretF64(value), i64.const(HIDDEN_BIT));
  return i64.sub(i64.const(SIGNIFICAND_BITS), i64.ctz(significand));
}

/** A product of so few bits needs no rounding. */
const isShortProduct = (a: Expr, b: Expr): Expr => i64.leS(i64.add(significantBits(a), significantBits(b)), i64.const(SIGNIFICAND_BITS));

type Exactness = (x: Emitter, a: Expr, b: Expr, r: Expr) => Expr;

const wide = (value: Expr): Expr => f64.promoteF32(value);
const sumIsExact =
  (form: FloatForm, negate?: (b: Expr) => Expr): Exactness =>
  (x, a, b, r) =>
    form.all(form.eq(errorOfSum(x, form, a, negate ? x.let(negate(b)) : b, r), form.constant(0)));

const EXACTNESS: ReadonlyMap<FloatForm, Readonly<Record<string, Exactness>>> = new Map<FloatForm, Readonly<Record<string, Exactness>>>([
  [
    SINGLE,
    {
      add: sumIsExact(SINGLE),
      sub: sumIsExact(SINGLE, f32.neg),
      mul: (_x, a, b, r) => f64.eq(f64.mul(wide(a), wide(b)), wide(r)),
      div: (_x, a, b, r) => f64.eq(f64.mul(wide(r), wide(b)), wide(a)),
      sqrt: (_x, a, _b, r) => f64.eq(f64.mul(wide(r), wide(r)), wide(a)),
    },
  ],
  [
    DOUBLE,
    {
      add: sumIsExact(DOUBLE),
      sub: sumIsExact(DOUBLE, f64.neg),
      mul: (_x, a, b) => isShortProduct(a, b),
      div: (_x, a, b, r) => i32.and(isShortProduct(r, b), f64.eq(f64.mul(r, b), a)),
      sqrt: (_x, a, _b, r) => i32.and(isShortProduct(r, r), f64.eq(f64.mul(r, r), a)),
    },
  ],
  [PACKED_SINGLE, { add: sumIsExact(PACKED_SINGLE), sub: sumIsExact(PACKED_SINGLE, v128.negF32) }],
  [PACKED_DOUBLE, { add: sumIsExact(PACKED_DOUBLE), sub: sumIsExact(PACKED_DOUBLE, v128.negF64) }],
]);

/** True where the result r of an operation on plain operands in range is certainly exact. */
export function isExact(x: Emitter, form: FloatForm, operation: string, a: Expr, b: Expr, r: Expr): Expr {
  return EXACTNESS.get(form)?.[operation]?.(x, a, b, r) ?? i32.const(0);
}
