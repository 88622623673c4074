import { A, B, EXP, HI, KIND, LO, R, SIGN } from './kernel.js';
import { arcTangent, bitLength, cosine, expm1OverX, F, LN2, logOverS, PI, PI_BITS, PI_SHORT, sinOverX } from './series.js';
import { C2, IE, INFINITE, PE, QNAN, ZERO } from './spec.js';
import { X87Special } from './special.js';

const FN = BigInt(F);
const ONE_63 = 1n << 63n;
/** √2 in units of 2^−63, rounded down: where the logarithm's mantissa range is cut. */
const SQRT2 = 0xb504_f333_f9de_6484n;

/** FSIN, FCOS, FSINCOS, FPTAN, FPATAN, F2XM1, FYL2X, FYL2XP1. */
export class X87Transcendental extends X87Special {
  /** Quadrant and remainder of the last argument reduction: remainder = #r × 2^#rScale, signed. */
  #quadrant = 0;
  #r = 0n;
  #rScale = 0;

  #significand(slot: number): bigint {
    const w = this.k.w;
    return (BigInt(w[slot + HI]! >>> 0) << 32n) | BigInt(w[slot + LO]! >>> 0);
  }

  /** R ← ±value × 2^scale for a positive value; marked inexact unless `exact`. */
  #setResult(sign: number, value: bigint, scale: number, exact: boolean): void {
    const n = bitLength(value);
    const bits = n > 96 ? value >> BigInt(n - 96) : value << BigInt(96 - n);
    const sticky = exact && (n <= 96 || bits << BigInt(n - 96) === value) ? 0 : 1;
    const hi = Number(bits >> 64n) | 0;
    const lo = Number((bits >> 32n) & 0xffff_ffffn) | 0;
    this.k.set(R, sign, scale + n - 1, hi, lo, Number(bits & 0xffff_ffffn) | sticky);
  }

  #deliver(dst: number, sign: number, value: bigint, scale: number, exact: boolean): void {
    this.#setResult(sign, value, scale, exact);
    this.storeRounded(dst, 64);
  }

  /** x in A as fixed point with F fraction bits (magnitude). */
  #fixed(slot: number): bigint {
    const shift = this.k.w[slot + EXP]! - 63 + F;
    const sig = this.#significand(slot);
    return shift >= 0 ? sig << BigInt(shift) : shift < -64 ? 0n : sig >> BigInt(-shift);
  }

  /** |A| = quadrant × π/2 + r with |r| ≤ π/4. */
  #reduce(): void {
    const exp = this.k.w[A + EXP]!;
    const sig = this.#significand(A);
    if (exp < -1) {
      this.#quadrant = 0;
      this.#r = sig;
      this.#rScale = exp - 63;
      return;
    }
    // In units of 2^(1 − PI_BITS) the number PI is π/2.
    const x = sig << BigInt(exp - 63 + Number(PI_BITS) + 1);
    const half = PI_SHORT >> 1n;
    const q = (x + half) / PI_SHORT;
    this.#quadrant = Number(q & 3n);
    this.#r = x - q * PI_SHORT;
    this.#rScale = -Number(PI_BITS) - 1;
  }

  /** r² with F fraction bits. */
  #square(): bigint {
    const shift = 2 * this.#rScale + F;
    const square = this.#r * this.#r;
    return shift >= 0 ? square << BigInt(shift) : square >> BigInt(-shift);
  }

  /** R ← sin (odd = 0) or cos (odd = 1) of the reduced argument with the quadrant applied; `sign` flips the result. */
  #sinOrCos(dst: number, quarter: number, sign: number): void {
    const q = (this.#quadrant + quarter) & 3;
    const z = this.#square();
    const flip = sign ^ (q >> 1);
    if (q & 1) this.#deliver(dst, flip, cosine(z), -F, false);
    else this.#deliver(dst, flip ^ (this.#r < 0n ? 1 : 0), abs(this.#r) * sinOverX(z), this.#rScale - F, false);
  }

  /** ST(0) in A is no NaN: its kind if it is finite and in range, else −1 (invalid, or C2 set and all unchanged). */
  #inRange(kind: number): number {
    if (kind === INFINITE) {
      this.invalid(0);
      return -1;
    }
    if (kind !== ZERO && this.k.w[A + EXP]! >= 63) {
      this.fsw |= C2;
      return -1;
    }
    return this.denormal(kind, ZERO) ? kind : -1;
  }

  #startTrigonometric(): number {
    this.fsw &= ~C2;
    const kind = this.startUnary();
    return kind < 0 ? -1 : this.#inRange(kind);
  }

  /** As `#startTrigonometric` for the two operations that push: an invalid operand's NaN is pushed as well. */
  #startTrigonometricPush(): number {
    this.fsw &= ~C2;
    if (!this.startPush()) return -1;
    const kind = this.unpackSt(A, 0);
    if (kind >= QNAN) {
      this.pushNan(kind);
      return -1;
    }
    const result = this.#inRange(kind);
    if (kind === INFINITE && (this.fcw & IE) !== 0) this.pushCopy();
    return result;
  }

  /** FSIN. */
  fsin(): void {
    const kind = this.#startTrigonometric();
    if (kind <= ZERO) return;
    this.#reduce();
    this.#sinOrCos(0, 0, this.k.w[A + SIGN]!);
  }

  /** FCOS. */
  fcos(): void {
    const kind = this.#startTrigonometric();
    if (kind < 0) return;
    if (kind === ZERO) return this.store(0, 0, -0x8000_0000, 0x3fff);
    this.#reduce();
    this.#sinOrCos(0, 1, 0);
  }

  /** FSINCOS: sine to ST(0), then the cosine is pushed. */
  fsincos(): void {
    const kind = this.#startTrigonometricPush();
    if (kind < 0) return;
    const sign = this.k.w[A + SIGN]!;
    if (kind !== ZERO) {
      this.#reduce();
      this.#sinOrCos(0, 0, sign);
    }
    this.push();
    if (kind === ZERO) this.store(0, 0, -0x8000_0000, 0x3fff);
    else this.#sinOrCos(0, 1, 0);
  }

  /** FPTAN: tangent to ST(0), then 1.0 is pushed. */
  fptan(): void {
    const kind = this.#startTrigonometricPush();
    if (kind < 0) return;
    if (kind !== ZERO) {
      this.#reduce();
      this.#tangent(this.k.w[A + SIGN]!);
    }
    this.push();
    this.store(0, 0, -0x8000_0000, 0x3fff);
  }

  #tangent(signA: number): void {
    const z = this.#square();
    const cos = cosine(z);
    const ratio = (sinOverX(z) << FN) / cos;
    const sign = signA ^ (this.#r < 0n ? 1 : 0);
    const r = abs(this.#r);
    if ((this.#quadrant & 1) === 0) return this.#deliver(0, sign, r * (z === 0n ? ratio + 2n : ratio), this.#rScale - F, false);
    // −cot r = −cos r ÷ sin r
    const n = 2 * F + bitLength(r);
    this.#deliver(0, sign ^ 1, (1n << BigInt(n)) / ((r * ratio) >> FN), -n - this.#rScale, false);
  }

  /** FPATAN: ST(1) ← atan2(ST(1), ST(0)), pop. */
  fpatan(): void {
    if (!this.startBinary(1)) return;
    const w = this.k.w;
    const x = w[A + KIND]!;
    const y = w[B + KIND]!;
    if (!this.denormal(x, y)) return;
    if (x === INFINITE || y === INFINITE) this.#atanInfinite(x, y);
    else if (y === ZERO || x === ZERO) this.#atanZero(y);
    else this.#atanFinite();
    this.pop();
  }

  #quarterTurns(sign: number, eighths: bigint): void {
    this.#deliver(1, sign, PI * eighths, -Number(PI_BITS) - 3, false);
  }

  #atanInfinite(x: number, y: number): void {
    const w = this.k.w;
    const sign = w[B + SIGN]!;
    const left = w[A + SIGN] === 1;
    if (y !== INFINITE) {
      if (left) this.#quarterTurns(sign, 8n);
      else this.storeZero(1, sign);
    } else if (x !== INFINITE) this.#quarterTurns(sign, 4n);
    else this.#quarterTurns(sign, left ? 6n : 2n);
  }

  #atanZero(y: number): void {
    const w = this.k.w;
    const sign = w[B + SIGN]!;
    if (y !== ZERO) this.#quarterTurns(sign, 4n);
    else if (w[A + SIGN] === 1) this.#quarterTurns(sign, 8n);
    else this.storeZero(1, sign);
  }

  #atanFinite(): void {
    const w = this.k.w;
    const steep = this.k.compareMagnitude(B, A) > 0;
    const small = steep ? A : B;
    const large = steep ? B : A;
    const ratio = (this.#significand(small) << 192n) / this.#significand(large);
    const exact = ratio * this.#significand(large) === this.#significand(small) << 192n;
    const scale = w[small + EXP]! - w[large + EXP]! - 192;
    const t = toFixed(ratio, scale);
    const { value, relative } = arcTangent(t);
    const sign = w[B + SIGN]!;
    const left = w[A + SIGN] === 1;
    if (!steep && !left) {
      if (relative) this.#smallAngle(sign, ratio, scale, value, exact);
      else this.#deliver(1, sign, value, -F, false);
      return;
    }
    const angle = relative ? toFixed(ratio * value, scale - F) : value;
    const pi = PI >> (PI_BITS - FN);
    this.#deliver(1, sign, steep ? (left ? (pi >> 1n) + angle : (pi >> 1n) - angle) : pi - angle, -F, false);
  }

  #smallAngle(sign: number, ratio: bigint, scale: number, value: bigint, exact: boolean): void {
    // A quotient that underflows exactly would otherwise be an inexact tiny result only through the series.
    this.#deliver(1, sign, exact && scale < -16_600 ? ratio << FN : ratio * value, scale - F, false);
  }

  /** F2XM1: 2^x − 1. Outside −1..1 the manuals leave the result open; the operand stays and PE is raised, as recorded on Zen. */
  f2xm1(): void {
    const kind = this.startUnary();
    if (kind < 0) return;
    const w = this.k.w;
    const sign = w[A + SIGN]!;
    if (kind === INFINITE) {
      if (sign === 1) this.store(0, 0, -0x8000_0000, 0xbfff);
    } else if (kind !== ZERO && this.denormal(kind, ZERO)) {
      if (w[A + EXP]! < 0) this.#f2xm1(sign);
      else if (w[A + EXP] !== 0 || this.#significand(A) !== ONE_63) this.raise(PE);
      else this.#f2xm1AtOne(sign);
    }
  }

  /** 2^1 − 1 = 1 and 2^−1 − 1 = −1/2 are exact, yet Zen raises PE. */
  #f2xm1AtOne(sign: number): void {
    this.raise(PE);
    if (sign === 1) this.store(0, 0, -0x8000_0000, 0xbffe);
  }

  #f2xm1(sign: number): void {
    const product = this.#significand(A) * LN2;
    const scale = this.k.w[A + EXP]! - 63 - F;
    const t = toFixed(product, scale);
    this.#deliver(0, sign, product * expm1OverX(sign === 1 ? -t : t), scale - F, false);
  }

  /** FYL2X: ST(1) ← ST(1) × log2 ST(0), pop. */
  fyl2x(): void {
    if (!this.startBinary(1)) return;
    if (this.#yLog2X()) this.pop();
  }

  #yLog2X(): boolean {
    const w = this.k.w;
    const x = w[A + KIND]!;
    const y = w[B + KIND]!;
    if (x === ZERO) return this.#yLogZero(y);
    if (w[A + SIGN] === 1) return this.invalid(1);
    const one = x !== INFINITE && w[A + EXP] === 0 && this.#significand(A) === ONE_63;
    if ((x === INFINITE && y === ZERO) || (y === INFINITE && one)) return this.invalid(1);
    if (!this.denormal(x, y)) return false;
    const negative = x !== INFINITE && w[A + EXP]! < 0 ? 1 : 0;
    const sign = w[B + SIGN]! ^ negative;
    if (x === INFINITE || y === INFINITE) this.storeInfinity(1, sign);
    else if (one || y === ZERO) this.storeZero(1, sign);
    else this.#logOfA();
    return true;
  }

  #yLogZero(y: number): boolean {
    const sign = this.k.w[B + SIGN]! ^ 1;
    if (y === ZERO) return this.invalid(1);
    if (y !== INFINITE) return this.divideByZero(1, sign);
    this.storeInfinity(1, sign);
    return true;
  }

  /** ST(1) ← B × log2 A for positive finite A ≠ 1. */
  #logOfA(): void {
    const sig = this.#significand(A);
    const exp = this.k.w[A + EXP]!;
    if (sig !== ONE_63) return this.#logOfScaled(sig, exp, 63n);
    // Zen reports PE even for an exact product.
    this.raise(PE);
    this.#timesY(exp < 0 ? 1 : 0, BigInt(Math.abs(exp)), 0, true);
  }

  /** ST(1) ← B × log2(sig × 2^(exp − bits)), where 2^bits ≤ sig < 2^(bits + 1). */
  #logOfScaled(sig: bigint, exp: number, bits: bigint): void {
    const high = sig > SQRT2 << (bits - 63n);
    const one = 1n << (high ? bits + 1n : bits);
    const e = high ? exp + 1 : exp;
    const s = ((sig - one) << 256n) / (sig + one);
    const fraction = (s * logOverS((s * s) >> (512n - FN))) >> FN;
    const log = (BigInt(e) << 256n) + fraction;
    this.#timesY(log < 0n ? 1 : 0, abs(log), -256, false);
  }

  /** ST(1) ← B × ±value × 2^scale. */
  #timesY(sign: number, value: bigint, scale: number, exact: boolean): void {
    const w = this.k.w;
    this.#deliver(1, sign ^ w[B + SIGN]!, value * this.#significand(B), scale + w[B + EXP]! - 63, exact);
  }

  /** FYL2XP1: ST(1) ← ST(1) × log2(ST(0) + 1), pop. */
  fyl2xp1(): void {
    if (!this.startBinary(1)) return;
    if (this.#yLog2XPlus1()) this.pop();
  }

  #yLog2XPlus1(): boolean {
    const w = this.k.w;
    const x = w[A + KIND]!;
    const y = w[B + KIND]!;
    const sign = w[A + SIGN]! ^ w[B + SIGN]!;
    if ((x === INFINITE && w[A + SIGN] === 1) || (x === INFINITE && y === ZERO) || (y === INFINITE && x === ZERO)) return this.invalid(1);
    if (!this.denormal(x, y)) return false;
    if (x === INFINITE || y === INFINITE) this.storeInfinity(1, sign);
    else if (x === ZERO || y === ZERO) this.storeZero(1, sign);
    else if (w[A + EXP]! < -2) this.#logNearOne();
    else if (w[A + SIGN] === 0 || w[A + EXP]! < 0) this.#logOfSum();
    else this.#belowDomain();
    return true;
  }

  /** x ≤ −1, where the manuals leave the result open: ST(1) ← x and PE, as recorded on Zen. */
  #belowDomain(): void {
    this.resultFromA();
    this.raise(PE);
    this.store(1, this.k.w[R + LO]!, this.k.w[R + HI]!, this.k.signExponent80());
  }

  /** |x| < 1/4: log2(1 + x) = log2((1 + s) ÷ (1 − s)), s = x ÷ (2 + x), to full relative precision. */
  #logNearOne(): void {
    const w = this.k.w;
    const negative = w[A + SIGN] === 1;
    const x = this.#fixed(A);
    const s = (this.#significand(A) << (2n * FN)) / ((2n << FN) + (negative ? -x : x));
    const scale = w[A + EXP]! - 63 - F;
    const t = toFixed(s, scale);
    this.#timesY(w[A + SIGN]!, s * logOverS((t * t) >> FN), scale - F, false);
  }

  #logOfSum(): void {
    const w = this.k.w;
    const exp = w[A + EXP]!;
    // 1 + x exactly, or beyond 2^128 with a one that no longer matters.
    const low = exp > 128 ? 0 : 63 - exp > 0 ? 63 - exp : 0;
    const x = this.#significand(A) << BigInt(exp > 128 || exp <= 63 ? 0 : exp - 63);
    const sum = exp > 128 ? x : (1n << BigInt(low)) + (w[A + SIGN] === 1 ? -x : x);
    const bits = bitLength(sum) - 1;
    const wide = bits < 63 ? sum << BigInt(63 - bits) : sum;
    this.#logOfScaled(wide, exp > 128 ? exp : bits - low, BigInt(Math.max(bits, 63)));
  }
}

function abs(x: bigint): bigint {
  return x < 0n ? -x : x;
}

/** value × 2^scale with F fraction bits, cut off. */
function toFixed(value: bigint, scale: number): bigint {
  const shift = scale + F;
  return shift >= 0 ? value << BigInt(shift) : shift < -1024 ? 0n : value >> BigInt(-shift);
}
