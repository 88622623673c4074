/**
 * Elementary functions on fixed-point BigInts with F fraction bits. Every function delivers f(x)/x or an absolute value
 * to well over 100 bits, so that one rounding to 64 bits follows. Constants are computed once, on first use.
 */

export const F = 128;
const FN = 128n;
const ONE = 1n << FN;
/** Terms enough for 2^−110 over the argument ranges stated below. */
const SIN_TERMS = 15;
const ATAN_TERMS = 15;
const LOG_TERMS = 24;
const EXP_TERMS = 30;

/** atan(1/n) × 2^bits for an integer n > 1. */
function atanReciprocal(n: bigint, bits: bigint): bigint {
  let power = (1n << bits) / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -power / (n * n);
    sum += power / k;
  }
  return sum;
}

/** π × 2^bits by Machin's formula. */
function machinPi(bits: bigint): bigint {
  const guard = 32n;
  return (16n * atanReciprocal(5n, bits + guard) - 4n * atanReciprocal(239n, bits + guard)) >> guard;
}

/** ln 2 × 2^bits = 2 artanh(1/3). */
function naturalLog2(bits: bigint): bigint {
  let power = (2n << (bits + 32n)) / 3n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power /= 9n;
    sum += power / k;
  }
  return sum >> 32n;
}

/** π × 2^254, enough to reduce any argument below 2^63 to a remainder good for 120 bits. */
export const PI_BITS = 254n;
export const PI: bigint = machinPi(PI_BITS);
/** π cut to 68 significant bits: what the argument reduction of real x87 units uses (SDM volume 1, 8.3.8). */
export const PI_SHORT: bigint = (PI >> (PI_BITS - 66n)) << (PI_BITS - 66n);
/** ln 2 × 2^F. */
export const LN2: bigint = naturalLog2(FN);

/** sin(r) ÷ r for z = r², r ≤ π/4. Just below one for the smallest arguments, so that directed rounding sees it. */
export function sinOverX(z: bigint): bigint {
  let t = ONE;
  for (let k = SIN_TERMS; k > 0; k--) t = ONE - ((z * t) >> FN) / BigInt(2 * k * (2 * k + 1));
  return t === ONE ? ONE - 1n : t;
}

/** cos(r) for z = r². */
export function cosine(z: bigint): bigint {
  let t = ONE;
  for (let k = SIN_TERMS; k > 0; k--) t = ONE - ((z * t) >> FN) / BigInt(2 * k * (2 * k - 1));
  return t === ONE ? ONE - 1n : t;
}

/** atan(u) ÷ u for z = u², u ≤ 1/8. */
function atanOverX(z: bigint): bigint {
  let t = ONE / BigInt(2 * ATAN_TERMS + 1);
  for (let k = ATAN_TERMS - 1; k >= 0; k--) t = ONE / BigInt(2 * k + 1) - ((z * t) >> FN);
  return t === ONE ? ONE - 1n : t;
}

/** atan(k/8) × 2^F for k = 0..8. */
const ATAN_EIGHTHS: readonly bigint[] = eighths();

function eighths(): bigint[] {
  const table = [0n];
  for (let k = 1n; k <= 8n; k++) {
    // atan(k/8) − atan((k−1)/8) = atan(8 / (64 + k(k−1)))
    const u = (8n << FN) / (64n + k * (k - 1n));
    table.push(table[Number(k) - 1]! + ((u * atanOverX((u * u) >> FN)) >> FN));
  }
  return table;
}

/** atan(t) ÷ t if t < 1/16, as [that, true]; else atan(t) itself. t ≤ 1 with F fraction bits. */
export function arcTangent(t: bigint): { readonly value: bigint; readonly relative: boolean } {
  const k = (t + (ONE >> 4n)) >> (FN - 3n);
  if (k === 0n) return { value: atanOverX((t * t) >> FN), relative: true };
  const c = k << (FN - 3n);
  const u = ((t - c) << FN) / (ONE + ((t * k) >> 3n));
  return { value: ATAN_EIGHTHS[Number(k)]! + ((u * atanOverX((u * u) >> FN)) >> FN), relative: false };
}

/** log2((1 + s) ÷ (1 − s)) ÷ s for z = s², s ≤ 0.21: 2 (1 + z/3 + z²/5 + …) ÷ ln 2. */
export function logOverS(z: bigint): bigint {
  let t = 0n;
  for (let k = LOG_TERMS; k >= 0; k--) t = ONE / BigInt(2 * k + 1) + ((z * t) >> FN);
  return (t << (FN + 1n)) / LN2;
}

/** (e^t − 1) ÷ t for |t| ≤ ln 2. */
export function expm1OverX(t: bigint): bigint {
  let s = ONE;
  for (let k = EXP_TERMS; k > 1; k--) s = ONE + ((t * s) >> FN) / BigInt(k);
  return s;
}

/** Number of bits of a positive BigInt. */
export function bitLength(x: bigint): number {
  const hex = x.toString(16);
  return 4 * hex.length - Math.clz32(Number.parseInt(hex[0]!, 16)) + 28;
}
