import { type Expr, type FunctionBuilder, f64, i32, i64, type Local, type Signature, select } from '@hotsocket/wasm-builder';
import { FCW, SLOW_VALUE } from '../layout.js';

/*
 * Arithmetic on 80-bit registers in WebAssembly, for the common case: normal numbers and zeros, results in the normal range, rounding to
 * nearest with 64 bits of precision, inexactness masked. A function gives 0, with nothing changed, where that is not so.
 *
 * Operands and results are addresses of registers: significand (u64), then sign and exponent (u16).
 */

const at = (address: number): Expr => i32.const(address);
const SIGN_EXPONENT = 8;
const SIGN = 0x8000;
const EXPONENT = 0x7fff;
const BIAS = 16_383;
const INTEGER_BIT = -0x8000_0000_0000_0000n;
const LOW_32 = 0xffff_ffff;
/** RC, PC and PM of the control word, and what they are in the common case. */
const RC_PC_PM = 0xf20;
const NEAREST_64_MASKED = 0x320;
const PM = 0x20;
const RC_SHIFT = 10;
/** Shifts to C1 and PE in the status word. */
const C1_SHIFT = 9;
const PE_SHIFT = 5;
const LESS = 0x100;
const EQUAL = 0x4000;

/** What FCOM leaves in C3 and C0; COMPARE_REFUSED when the operands are no plain numbers. */
export const COMPARE_REFUSED = -1;

interface Operand {
  readonly significand: Expr;
  readonly exponent: Expr;
  readonly sign: Expr;
}

function unpack(f: FunctionBuilder, address: Expr): Operand {
  const signed = f.let(i32.load16U(address, SIGN_EXPONENT));
  return {
    significand: f.let(i64.load(address)),
    exponent: f.let(i32.and(signed, i32.const(EXPONENT))),
    sign: f.let(i32.and(signed, i32.const(SIGN))),
  };
}

const inNormalRange = (exponent: Expr): Expr => i32.ltU(i32.sub(exponent, i32.const(1)), i32.const(EXPONENT - 1));
const isNormal = ({ significand, exponent }: Operand): Expr => i32.and(inNormalRange(exponent), i64.ltS(significand, i64.const(0)));
const isZero = ({ significand, exponent }: Operand): Expr => i64.eqz(i64.or(significand, i64.extendU(exponent)));
const isNumber = (operand: Operand): Expr => i32.or(isNormal(operand), isZero(operand));

const refuseUnless = (f: FunctionBuilder, condition: Expr): void => f.if(i32.eqz(condition), () => f.return(i32.const(0)));
const modeIsCommon = (): Expr => i32.eq(i32.and(i32.load16U(at(FCW)), i32.const(RC_PC_PM)), i32.const(NEAREST_64_MASKED));

/** Ends with success, C1 and PE of the status word as they are to be set. */
const succeed = (f: FunctionBuilder, up: Expr, inexact: Expr): void =>
  f.return(i32.or(i32.const(1), i32.or(i32.shl(up, i32.const(C1_SHIFT)), i32.shl(inexact, i32.const(PE_SHIFT)))));

function put(f: FunctionBuilder, target: Expr, significand: Expr, signed: Expr): void {
  f.store('i64', target, significand);
  f.store('i32_16', target, signed, SIGN_EXPONENT);
}

/** Delivers an exact result. */
function deliver(f: FunctionBuilder, target: Expr, significand: Expr, signed: Expr): void {
  put(f, target, significand, signed);
  f.return(i32.const(1));
}

/** A significand of 128 bits, the integer bit set, and its exponent. */
interface Wide {
  readonly high: Local;
  readonly low: Local;
  readonly exponent: Local;
}

const wide = (f: FunctionBuilder): Wide => ({ high: f.local('i64'), low: f.local('i64'), exponent: f.local('i32') });

/** Rounds to nearest, ties to even, and delivers; refuses what may overflow or be tiny. */
function round(f: FunctionBuilder, target: Expr, sign: Expr, { high, low, exponent }: Wide): void {
  refuseUnless(f, i32.ltU(i32.sub(f.get(exponent), i32.const(1)), i32.const(EXPONENT - 2)));
  const oddOrAbove = i32.or(i64.ne(i64.shl(f.get(low), i64.const(1)), i64.const(0)), i64.wrap(i64.and(f.get(high), i64.const(1))));
  const up = f.let(i32.and(i64.ltS(f.get(low), i64.const(0)), i32.ne(oddOrAbove, i32.const(0))));
  f.set(high, i64.add(f.get(high), i64.extendU(up)));
  f.if(i64.eqz(f.get(high)), () => {
    f.set(high, i64.const(INTEGER_BIT));
    f.set(exponent, i32.add(f.get(exponent), i32.const(1)));
  });
  put(f, target, f.get(high), i32.or(sign, f.get(exponent)));
  succeed(f, up, i64.ne(f.get(low), i64.const(0)));
}

/** (target, a, b): a × b. */
function defineMultiply(f: FunctionBuilder): void {
  const target = f.get(f.param(0));
  const [a, b] = [unpack(f, f.get(f.param(1))), unpack(f, f.get(f.param(2)))];
  refuseUnless(f, i32.and(modeIsCommon(), i32.and(isNumber(a), isNumber(b))));
  const sign = f.let(i32.xor(a.sign, b.sign));
  f.if(i32.or(isZero(a), isZero(b)), () => deliver(f, target, i64.const(0), sign));
  const product = wide(f);
  multiply(f, product, a.significand, b.significand);
  f.set(product.exponent, i32.sub(i32.add(a.exponent, b.exponent), i32.const(BIAS - 1)));
  f.if(i64.geS(f.get(product.high), i64.const(0)), () => shiftLeftOnce(f, product));
  round(f, target, sign, product);
}

/** The product of 64 by 64 bits, from four of halves. */
function multiply(f: FunctionBuilder, { high, low }: Wide, a: Expr, b: Expr): void {
  const [mask, half] = [i64.const(LOW_32), i64.const(32)];
  const [lowA, highA] = [f.let(i64.and(a, mask)), f.let(i64.shrU(a, half))];
  const [lowB, highB] = [f.let(i64.and(b, mask)), f.let(i64.shrU(b, half))];
  const lowest = f.let(i64.mul(lowA, lowB));
  const cross = f.let(i64.add(i64.mul(highA, lowB), i64.shrU(lowest, half)));
  const other = f.let(i64.add(i64.mul(lowA, highB), i64.and(cross, mask)));
  f.set(low, i64.or(i64.and(lowest, mask), i64.shl(other, half)));
  f.set(high, i64.add(i64.mul(highA, highB), i64.add(i64.shrU(cross, half), i64.shrU(other, half))));
}

function shiftLeftOnce(f: FunctionBuilder, { high, low, exponent }: Wide): void {
  f.set(high, i64.or(i64.shl(f.get(high), i64.const(1)), i64.shrU(f.get(low), i64.const(63))));
  f.set(low, i64.shl(f.get(low), i64.const(1)));
  f.set(exponent, i32.sub(f.get(exponent), i32.const(1)));
}

/** (target, a, b): a ÷ b. */
function defineDivide(f: FunctionBuilder): void {
  const target = f.get(f.param(0));
  const [a, b] = [unpack(f, f.get(f.param(1))), unpack(f, f.get(f.param(2)))];
  refuseUnless(f, i32.and(modeIsCommon(), i32.and(isNumber(a), isNormal(b))));
  const sign = f.let(i32.xor(a.sign, b.sign));
  f.if(isZero(a), () => deliver(f, target, i64.const(0), sign));
  const fits = f.let(i64.ltU(a.significand, b.significand));
  const quotient = wide(f);
  f.set(quotient.exponent, i32.sub(i32.add(i32.sub(a.exponent, b.exponent), i32.const(BIAS)), fits));
  const [high, low] = [
    f.let(select(a.significand, i64.shrU(a.significand, i64.const(1)), fits)),
    f.let(select(i64.const(0), i64.shl(a.significand, i64.const(63)), fits)),
  ];
  const remainder = f.local('i64');
  divide(f, { high, low, divisor: b.significand }, quotient.high, remainder);
  f.set(quotient.low, stickyOf(f, f.get(remainder), b.significand));
  round(f, target, sign, quotient);
}

/** Bits beyond a quotient as rounding sees them: nothing, less than half, half, more. */
function stickyOf(f: FunctionBuilder, remainder: Expr, divisor: Expr): Expr {
  const rest = f.let(i64.sub(divisor, remainder));
  const inexact = select(i64.const(0x4000_0000_0000_0000n), i64.const(0), i64.ne(remainder, i64.const(0)));
  const half = select(i64.const(INTEGER_BIT), inexact, i64.eq(remainder, rest));
  return select(i64.const(-0x4000_0000_0000_0000n), half, i64.gtU(remainder, rest));
}

interface Division {
  readonly high: Expr;
  readonly low: Expr;
  readonly divisor: Expr;
}

/** (high:low) ÷ divisor, whose highest bit is set and which is above high: two digits of 32 bits (Knuth, algorithm D). */
function divide(f: FunctionBuilder, { high, low, divisor }: Division, quotient: Local, remainder: Local): void {
  const half = i64.const(32);
  f.set(remainder, high);
  const first = digit(f, remainder, i64.shrU(low, half), divisor);
  const second = digit(f, remainder, i64.and(low, i64.const(LOW_32)), divisor);
  f.set(quotient, i64.or(i64.shl(first, half), second));
}

/** The next digit: (remainder:next) ÷ divisor; leaves the remainder. The estimate is at most 2 too great. */
function digit(f: FunctionBuilder, remainder: Local, next: Expr, divisor: Expr): Expr {
  const top = f.let(i64.shrU(divisor, i64.const(32)));
  const rest = f.let(i64.and(divisor, i64.const(LOW_32)));
  const [estimate, left] = [f.local('i64'), f.local('i64')];
  const following = f.let(next);
  f.set(estimate, i64.divU(f.get(remainder), top));
  f.set(left, i64.sub(f.get(remainder), i64.mul(f.get(estimate), top)));
  const good = f.block();
  const again = f.loop();
  const within = i64.leU(f.get(estimate), i64.const(LOW_32));
  const small = i64.leU(i64.mul(f.get(estimate), rest), i64.or(i64.shl(f.get(left), i64.const(32)), following));
  f.brIf(good, i32.and(within, small));
  f.set(estimate, i64.sub(f.get(estimate), i64.const(1)));
  f.set(left, i64.add(f.get(left), top));
  f.brIf(again, i64.leU(f.get(left), i64.const(LOW_32)));
  f.end();
  f.end();
  const whole = i64.or(i64.shl(f.get(remainder), i64.const(32)), following);
  f.set(remainder, i64.sub(whole, i64.mul(f.get(estimate), divisor)));
  return f.get(estimate);
}

/** (target, a, b, sign): a + b, the sign bit of b changed by `sign` (0 or 8000h). */
function defineAdd(f: FunctionBuilder): void {
  const target = f.get(f.param(0));
  const [a, given] = [unpack(f, f.get(f.param(1))), unpack(f, f.get(f.param(2)))];
  const b = { ...given, sign: f.let(i32.xor(given.sign, f.get(f.param(3)))) };
  refuseUnless(f, modeIsCommon());
  f.if(i32.and(isZero(a), isZero(b)), () => deliver(f, target, i64.const(0), i32.and(a.sign, b.sign)));
  f.if(i32.and(isZero(b), isNormal(a)), () => deliver(f, target, a.significand, i32.or(a.sign, a.exponent)));
  f.if(i32.and(isZero(a), isNormal(b)), () => deliver(f, target, b.significand, i32.or(b.sign, b.exponent)));
  refuseUnless(f, i32.and(isNormal(a), isNormal(b)));
  const below = i32.and(i32.eq(a.exponent, b.exponent), i64.ltU(a.significand, b.significand));
  const swapped = f.let(i32.or(i32.ltU(a.exponent, b.exponent), below));
  const [large, small] = [chosen(f, b, a, swapped), chosen(f, a, b, swapped)];
  const sum = wide(f);
  alignTo(f, sum, small, f.let(i32.sub(large.exponent, small.exponent)));
  f.set(sum.exponent, large.exponent);
  f.if(
    i32.eq(a.sign, b.sign),
    () => addMagnitude(f, sum, large.significand),
    () => {
      subtractMagnitude(f, sum, large.significand);
      f.if(i64.eqz(i64.or(f.get(sum.high), f.get(sum.low))), () => deliver(f, target, i64.const(0), i32.const(0)));
      normalize(f, sum);
    },
  );
  round(f, target, large.sign, sum);
}

const chosen = (f: FunctionBuilder, a: Operand, b: Operand, condition: Expr): Operand => ({
  significand: f.let(select(a.significand, b.significand, condition)),
  exponent: f.let(select(a.exponent, b.exponent, condition)),
  sign: f.let(select(a.sign, b.sign, condition)),
});

/** The smaller operand, shifted right by the difference of the exponents; the lowest bit notes what is lost. */
function alignTo(f: FunctionBuilder, { high, low }: Wide, { significand }: Operand, distance: Expr): void {
  const count = f.let(i64.extendU(distance));
  f.if(
    i32.ltU(distance, i32.const(64)),
    () => {
      f.set(high, i64.shrU(significand, count));
      const back = i64.shl(significand, i64.sub(i64.const(64), count));
      f.set(low, select(back, i64.const(0), distance));
    },
    () => {
      f.set(high, i64.const(0));
      const far = i32.gtU(distance, i32.const(127));
      const lost = i64.ne(i64.shl(i64.shrU(significand, count), count), significand);
      f.set(low, i64.or(i64.shrU(significand, count), i64.extendU(lost)));
      f.if(far, () => f.set(low, i64.const(1)));
    },
  );
}

function addMagnitude(f: FunctionBuilder, { high, low, exponent }: Wide, large: Expr): void {
  f.set(high, i64.add(f.get(high), large));
  f.if(i64.ltU(f.get(high), large), () => {
    f.set(low, i64.or(i64.or(i64.shrU(f.get(low), i64.const(1)), i64.and(f.get(low), i64.const(1))), i64.shl(f.get(high), i64.const(63))));
    f.set(high, i64.or(i64.shrU(f.get(high), i64.const(1)), i64.const(INTEGER_BIT)));
    f.set(exponent, i32.add(f.get(exponent), i32.const(1)));
  });
}

/** large:0 - high:low. */
function subtractMagnitude(f: FunctionBuilder, { high, low }: Wide, large: Expr): void {
  f.set(high, i64.sub(i64.sub(large, f.get(high)), i64.extendU(i64.ne(f.get(low), i64.const(0)))));
  f.set(low, i64.sub(i64.const(0), f.get(low)));
}

/** Shifts the integer bit to its place. */
function normalize(f: FunctionBuilder, { high, low, exponent }: Wide): void {
  f.if(i64.eqz(f.get(high)), () => {
    f.set(high, f.get(low));
    f.set(low, i64.const(0));
    f.set(exponent, i32.sub(f.get(exponent), i32.const(64)));
  });
  const zeros = f.let(i64.clz(f.get(high)));
  f.if(i64.ne(zeros, i64.const(0)), () => {
    f.set(high, i64.or(i64.shl(f.get(high), zeros), i64.shrU(f.get(low), i64.sub(i64.const(64), zeros))));
    f.set(low, i64.shl(f.get(low), zeros));
    f.set(exponent, i32.sub(f.get(exponent), i64.wrap(zeros)));
  });
}

/** (target, a): the square root of a, not negative unless it is -0. */
function defineSquareRoot(f: FunctionBuilder): void {
  const target = f.get(f.param(0));
  const a = unpack(f, f.get(f.param(1)));
  refuseUnless(f, modeIsCommon());
  f.if(isZero(a), () => deliver(f, target, i64.const(0), a.sign));
  refuseUnless(f, i32.and(isNormal(a), i32.eqz(a.sign)));
  const odd = f.let(i32.and(i32.sub(a.exponent, i32.const(BIAS)), i32.const(1)));
  const high = f.let(select(a.significand, i64.shrU(a.significand, i64.const(1)), odd));
  const low = f.let(select(i64.const(0), i64.shl(a.significand, i64.const(63)), odd));
  const root = wide(f);
  f.set(root.exponent, i32.add(i32.shrS(i32.sub(a.exponent, i32.const(BIAS)), i32.const(1)), i32.const(BIAS)));
  estimateRoot(f, high, low, root.high);
  const rest = correctRoot(f, high, low, root.high);
  const more = i32.or(i64.ne(rest.high, i64.const(0)), i64.gtU(rest.low, f.get(root.high)));
  const inexact = i64.ne(i64.or(rest.high, rest.low), i64.const(0));
  const below = select(i64.const(0x4000_0000_0000_0000n), i64.const(0), inexact);
  f.set(root.low, select(i64.const(-0x4000_0000_0000_0000n), below, more));
  round(f, target, i32.const(0), root);
}

const TWO_32 = 2 ** 32;

/** The root of high:low but for 1: from that of a double, one step of Newton's. */
function estimateRoot(f: FunctionBuilder, high: Expr, low: Expr, root: Local): void {
  f.set(root, i64.truncSatF64U(f64.mul(f64.sqrt(f64.convertI64U(high)), f64.const(TWO_32))));
  refuseUnless(f, i64.ltU(high, f.get(root)));
  const [quotient, remainder] = [f.local('i64'), f.local('i64')];
  divide(f, { high, low, divisor: f.get(root) }, quotient, remainder);
  f.set(root, i64.add(f.get(root), i64.shrS(i64.sub(f.get(quotient), f.get(root)), i64.const(1))));
}

/** Makes `root` the greatest number whose square is at most high:low; gives what is left, from 0 to twice the root. */
function correctRoot(f: FunctionBuilder, high: Expr, low: Expr, root: Local): { high: Expr; low: Expr } {
  const rest = wide(f);
  const measure = (): void => {
    multiply(f, rest, f.get(root), f.get(root));
    const borrow = f.let(i64.extendU(i64.ltU(low, f.get(rest.low))));
    f.set(rest.low, i64.sub(low, f.get(rest.low)));
    f.set(rest.high, i64.sub(i64.sub(high, f.get(rest.high)), borrow));
  };
  measure();
  f.if(i64.ltS(f.get(rest.high), i64.const(0)), () => {
    f.set(root, i64.sub(f.get(root), i64.const(1)));
    measure();
  });
  const twiceHigh = i64.shrU(f.get(root), i64.const(63));
  const twiceLow = i64.shl(f.get(root), i64.const(1));
  const above = i32.and(i64.eq(f.get(rest.high), twiceHigh), i64.gtU(f.get(rest.low), twiceLow));
  f.if(i32.or(above, i64.gtU(f.get(rest.high), twiceHigh)), () => {
    f.set(root, i64.add(f.get(root), i64.const(1)));
    measure();
  });
  refuseUnless(f, i64.leU(f.get(rest.high), i64.const(1)));
  return { high: f.get(rest.high), low: f.get(rest.low) };
}

/** (a, b): C0 and C3 as FCOM sets them, or COMPARE_REFUSED. */
function defineCompare(f: FunctionBuilder): void {
  const [a, b] = [unpack(f, f.get(f.param(0))), unpack(f, f.get(f.param(1)))];
  f.if(i32.eqz(i32.and(isNumber(a), isNumber(b))), () => f.return(i32.const(COMPARE_REFUSED)));
  f.if(i32.and(isZero(a), isZero(b)), () => f.return(i32.const(EQUAL)));
  const isNegative = i32.ne(a.sign, i32.const(0));
  f.if(i32.ne(a.sign, b.sign), () => f.return(select(i32.const(LESS), i32.const(0), isNegative)));
  const sameExponent = f.let(i32.eq(a.exponent, b.exponent));
  f.if(i32.and(sameExponent, i64.eq(a.significand, b.significand)), () => f.return(i32.const(EQUAL)));
  const below = select(i64.ltU(a.significand, b.significand), i32.ltU(a.exponent, b.exponent), sameExponent);
  f.return(select(i32.const(LESS), i32.const(0), i32.xor(below, isNegative)));
}

/** Rounding controls: to nearest, down, up, towards zero. */
const [DOWN, UP, TRUNCATE] = [1, 2, 3];

/** (a, truncates, bits): a, rounded by RC or towards zero, as an integer of `bits` into SLOW_VALUE. */
function defineToInteger(f: FunctionBuilder): void {
  const a = unpack(f, f.get(f.param(0)));
  const control = f.let(i32.load16U(at(FCW)));
  const scale = f.let(i32.sub(a.exponent, i32.const(BIAS)));
  refuseUnless(f, i32.and(i32.and(isNumber(a), i32.ltS(scale, i32.const(63))), i32.and(control, i32.const(PM))));
  const mode = f.let(select(i32.const(TRUNCATE), i32.and(i32.shrU(control, i32.const(RC_SHIFT)), i32.const(3)), f.get(f.param(1))));
  const { whole, fraction } = split(f, a, scale);
  const up = f.let(roundsUp(f, whole, fraction, mode, i32.ne(a.sign, i32.const(0))));
  const magnitude = f.let(i64.add(whole, i64.extendU(up)));
  const value = f.let(select(i64.sub(i64.const(0), magnitude), magnitude, a.sign));
  const unused = f.let(i64.extendU(i32.sub(i32.const(64), f.get(f.param(2)))));
  const kept = i64.shrS(i64.shl(value, unused), unused);
  refuseUnless(f, i32.and(i64.eq(kept, value), i64.geS(magnitude, i64.const(0))));
  f.store('i64', at(SLOW_VALUE), value);
  succeed(f, up, i64.ne(fraction, i64.const(0)));
}

/** Integer part, and the fraction as a number of 64 bits whose lowest notes what is lost. */
function split(f: FunctionBuilder, { significand }: Operand, scale: Expr): { whole: Expr; fraction: Expr } {
  const isSmall = f.let(i32.ltS(scale, i32.const(0)));
  const left = f.let(i64.extendU(i32.and(i32.add(scale, i32.const(1)), i32.const(63))));
  const right = i64.extendU(i32.and(i32.sub(i32.const(63), scale), i32.const(63)));
  const below = select(significand, i64.extendU(i64.ne(significand, i64.const(0))), i32.eq(scale, i32.const(-1)));
  return {
    whole: f.let(select(i64.const(0), i64.shrU(significand, right), isSmall)),
    fraction: f.let(select(below, i64.shl(significand, left), isSmall)),
  };
}

function roundsUp(f: FunctionBuilder, whole: Expr, fraction: Expr, mode: Expr, isNegative: Expr): Expr {
  const half = i64.const(INTEGER_BIT);
  const tieUp = i32.and(i64.eq(fraction, half), i64.wrap(i64.and(whole, i64.const(1))));
  const nearest = f.let(i32.or(i64.gtU(fraction, half), tieUp));
  const inexact = f.let(i64.ne(fraction, i64.const(0)));
  const away = i32.or(i32.and(i32.eq(mode, i32.const(DOWN)), isNegative), i32.and(i32.eq(mode, i32.const(UP)), i32.eqz(isNegative)));
  return select(i32.and(inexact, away), nearest, mode);
}

/** Names of the functions, as definitions of instructions call them. */
export type X87Function = 'x87Add' | 'x87Multiply' | 'x87Divide' | 'x87SquareRoot' | 'x87Compare' | 'x87ToInteger';

/** A function that any module with the core's memory can have. */
export interface LibraryFunction {
  readonly signature: Signature;
  readonly define: (f: FunctionBuilder) => void;
}

const taking = (operands: number): Signature => ({ params: Array.from({ length: operands }, () => 'i32' as const), result: 'i32' });

/** The functions by name. */
export const X87_FUNCTIONS: Readonly<Record<X87Function, LibraryFunction>> = {
  x87Add: { signature: taking(4), define: defineAdd },
  x87Multiply: { signature: taking(3), define: defineMultiply },
  x87Divide: { signature: taking(3), define: defineDivide },
  x87SquareRoot: { signature: taking(2), define: defineSquareRoot },
  x87Compare: { signature: taking(2), define: defineCompare },
  x87ToInteger: { signature: taking(3), define: defineToInteger },
};
