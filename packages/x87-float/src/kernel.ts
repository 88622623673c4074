import { C1, DENORMAL, INFINITE, NORMAL, OE, PE, QNAN, RC_NEAREST, RC_ZERO, SNAN, UE, UNSUPPORTED, ZERO } from './spec.js';

/** Operand slots and fields of the work area. A slot holds sign, unbiased exponent, 64-bit significand and kind. */
export const A = 0;
export const B = 8;
export const R = 16;
export const SIGN = 0;
export const EXP = 1;
export const HI = 2;
export const LO = 3;
/** Operands: kind. Results: 32 bits below the significand, the lowest of them sticky. */
export const KIND = 4;
export const EXT = 4;

const T = 24;
const Q = 28;
const TWO_20 = 0x10_0000;
const TWO_32 = 0x1_0000_0000;

/** High 32 bits of the unsigned product of two 32-bit numbers. */
export function mulHigh(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const t = Math.imul(al, bl);
  const u = (Math.imul(ah, bl) + (t >>> 16)) >>> 0;
  const v = (Math.imul(al, bh) + (u & 0xffff)) >>> 0;
  return (Math.imul(ah, bh) + (u >>> 16) + (v >>> 16)) | 0;
}

/**
 * Arithmetic on finite numbers with 64-bit significands. A number is (−1)^SIGN × HI:LO × 2^(EXP − 63) with bit 63 of
 * HI:LO set. All values live in one Int32Array, so no operation allocates. Halves are signed 32-bit integers.
 */
export class Kernel {
  readonly w: Int32Array = new Int32Array(40);

  /** Sets every field of an operand slot. */
  set(slot: number, sign: number, exp: number, hi: number, lo: number, kind: number): void {
    const w = this.w;
    w[slot + SIGN] = sign;
    w[slot + EXP] = exp;
    w[slot + HI] = hi;
    w[slot + LO] = lo;
    w[slot + KIND] = kind;
  }

  copy(to: number, from: number): void {
    this.w.copyWithin(to, from, from + 5);
  }

  /** Sets a finite operand from an unnormalized significand; zero if the significand is. */
  setNormalized(slot: number, sign: number, exp: number, hi: number, lo: number, kind: number): void {
    const n = hi !== 0 ? Math.clz32(hi) : 32 + Math.clz32(lo);
    if (n === 64) this.set(slot, sign, 0, 0, 0, ZERO);
    else if (n === 0) this.set(slot, sign, exp, hi, lo, kind);
    else if (n >= 32) this.set(slot, sign, exp - n, lo << (n & 31), 0, kind);
    else this.set(slot, sign, exp - n, (hi << n) | (lo >>> (32 - n)), lo << n, kind);
  }

  unpack80(slot: number, lo: number, hi: number, se: number): void {
    const sign = (se >>> 15) & 1;
    const e = se & 0x7fff;
    if (e !== 0 && e !== 0x7fff && hi < 0) this.set(slot, sign, e - 16383, hi, lo, NORMAL);
    else if (e === 0) this.setNormalized(slot, sign, -16382, hi, lo, DENORMAL);
    else if (hi >= 0) this.set(slot, sign, e - 16383, hi, lo, UNSUPPORTED);
    else this.set(slot, sign, 16384, hi, lo, hi === -0x8000_0000 && lo === 0 ? INFINITE : hi & 0x4000_0000 ? QNAN : SNAN);
  }

  unpack64(slot: number, lo: number, hi: number): void {
    const sign = hi >>> 31;
    const e = (hi >>> 20) & 0x7ff;
    const h = ((hi & 0xf_ffff) << 11) | (lo >>> 21);
    const l = lo << 11;
    if (e === 0) this.setNormalized(slot, sign, -1022, h, l, DENORMAL);
    else this.#setWithInteger(slot, sign, e - 1023, h, l, e === 0x7ff);
  }

  unpack32(slot: number, bits: number): void {
    const sign = bits >>> 31;
    const e = (bits >>> 23) & 0xff;
    const h = (bits & 0x7f_ffff) << 8;
    if (e === 0) this.setNormalized(slot, sign, -126, h, 0, DENORMAL);
    else this.#setWithInteger(slot, sign, e - 127, h, 0, e === 0xff);
  }

  #setWithInteger(slot: number, sign: number, exp: number, h: number, l: number, special: boolean): void {
    const kind = !special ? NORMAL : (h | l) === 0 ? INFINITE : h & 0x4000_0000 ? QNAN : SNAN;
    this.set(slot, sign, special ? 16384 : exp, h | 0x8000_0000, l, kind);
  }

  /** A 64-bit two's complement integer. */
  unpackInt(slot: number, lo: number, hi: number): void {
    if (hi >= 0) this.setNormalized(slot, 0, 63, hi, lo, NORMAL);
    else this.setNormalized(slot, 1, 63, lo === 0 ? -hi | 0 : ~hi, -lo | 0, NORMAL);
  }

  #result(exp: number, hi: number, lo: number, ext: number): void {
    const w = this.w;
    w[R + EXP] = exp;
    w[R + HI] = hi;
    w[R + LO] = lo;
    w[R + EXT] = ext;
  }

  /** T ← hi:lo:ext >> n, shifted-out bits jammed into the lowest bit of ext. */
  #shiftRight(hi: number, lo: number, ext: number, n: number): void {
    const w = this.w;
    let h = hi;
    let l = lo;
    let x = ext;
    let sticky = 0;
    for (let words = n > 127 ? 4 : n >>> 5; words > 0; words--) {
      sticky |= x;
      x = l;
      l = h;
      h = 0;
    }
    const s = n & 31;
    if (s !== 0) {
      sticky |= x << (32 - s);
      x = (x >>> s) | (l << (32 - s));
      l = (l >>> s) | (h << (32 - s));
      h >>>= s;
    }
    w[T] = h;
    w[T + 1] = l;
    w[T + 2] = x | (sticky !== 0 ? 1 : 0);
  }

  /** −1, 0 or 1: |A| against |B|, both finite and not zero. */
  compareMagnitude(a: number, b: number): number {
    const w = this.w;
    if (w[a + EXP] !== w[b + EXP]) return w[a + EXP]! < w[b + EXP]! ? -1 : 1;
    if (w[a + HI] !== w[b + HI]) return w[a + HI]! >>> 0 < w[b + HI]! >>> 0 ? -1 : 1;
    if (w[a + LO] !== w[b + LO]) return w[a + LO]! >>> 0 < w[b + LO]! >>> 0 ? -1 : 1;
    return 0;
  }

  /** R ← A + B with the sign of B replaced. An exact zero has R.HI = 0. */
  add(signB: number, rc: number): void {
    const w = this.w;
    const order = this.compareMagnitude(A, B);
    const signA = w[A + SIGN]!;
    if (signA === signB) {
      w[R + SIGN] = signA;
      if (order >= 0) this.#addMagnitudes(A, B);
      else this.#addMagnitudes(B, A);
    } else if (order === 0) {
      w[R + SIGN] = rc === 1 ? 1 : 0;
      this.#result(0, 0, 0, 0);
    } else {
      w[R + SIGN] = order > 0 ? signA : signB;
      if (order > 0) this.#subtractMagnitudes(A, B);
      else this.#subtractMagnitudes(B, A);
    }
  }

  #addMagnitudes(a: number, b: number): void {
    const w = this.w;
    const exp = w[a + EXP]!;
    this.#shiftRight(w[b + HI]!, w[b + LO]!, 0, exp - w[b + EXP]!);
    const low = (w[a + LO]! >>> 0) + (w[T + 1]! >>> 0);
    const high = (w[a + HI]! >>> 0) + (w[T]! >>> 0) + (low >= TWO_32 ? 1 : 0);
    const ext = w[T + 2]!;
    if (high < TWO_32) this.#result(exp, high | 0, low | 0, ext);
    else this.#result(exp + 1, (high >>> 1) | 0x8000_0000, ((low | 0) >>> 1) | (high << 31), (ext >>> 1) | (low << 31) | (ext & 1));
  }

  #subtractMagnitudes(a: number, b: number): void {
    const w = this.w;
    const exp = w[a + EXP]!;
    this.#shiftRight(w[b + HI]!, w[b + LO]!, 0, exp - w[b + EXP]!);
    const ext = -w[T + 2]! | 0;
    const low = (w[a + LO]! >>> 0) - (w[T + 1]! >>> 0) - (ext !== 0 ? 1 : 0);
    const high = w[a + HI]! - w[T]! - (low < 0 ? 1 : 0);
    this.normalize(exp, high | 0, low | 0, ext);
  }

  /** R ← the 96-bit significand hi:lo:ext (not zero) shifted left until bit 63 of hi:lo is set. */
  normalize(exp: number, hi: number, lo: number, ext: number): void {
    let h = hi;
    let l = lo;
    let x = ext;
    let e = exp;
    while (h === 0) {
      h = l;
      l = x;
      x = 0;
      e -= 32;
    }
    const n = Math.clz32(h);
    if (n === 0) this.#result(e, h, l, x);
    else this.#result(e - n, (h << n) | (l >>> (32 - n)), (l << n) | (x >>> (32 - n)), x << n);
  }

  /** R ← A × B. */
  mul(): void {
    const w = this.w;
    const ah = w[A + HI]!;
    const al = w[A + LO]!;
    const bh = w[B + HI]!;
    const bl = w[B + LO]!;
    w[R + SIGN] = w[A + SIGN]! ^ w[B + SIGN]!;
    const low = Math.imul(al, bl);
    const s1 = (mulHigh(al, bl) >>> 0) + (Math.imul(al, bh) >>> 0) + (Math.imul(ah, bl) >>> 0);
    const s2 = (mulHigh(al, bh) >>> 0) + (mulHigh(ah, bl) >>> 0) + (Math.imul(ah, bh) >>> 0) + Math.floor(s1 / TWO_32);
    const top = (mulHigh(ah, bh) + Math.floor(s2 / TWO_32)) | 0;
    const mid = s2 | 0;
    const ext = s1 | (low !== 0 ? 1 : 0);
    const exp = w[A + EXP]! + w[B + EXP]! + 1;
    if (top < 0) this.#result(exp, top, mid, ext);
    else this.#result(exp - 1, (top << 1) | (mid >>> 31), (mid << 1) | (ext >>> 31), (ext << 1) | (low !== 0 ? 1 : 0));
  }

  /** R ← A ÷ B: one integer bit and four digits of 20 bits, each estimated in double precision and then corrected. */
  div(): void {
    const w = this.w;
    w[R + SIGN] = w[A + SIGN]! ^ w[B + SIGN]!;
    const dh = w[B + HI]! >>> 0;
    const dl = w[B + LO]! >>> 0;
    let rh = w[A + HI]! >>> 0;
    let rl = w[A + LO]! >>> 0;
    let exp = w[A + EXP]! - w[B + EXP]!;
    if (rh < dh || (rh === dh && rl < dl)) {
      exp--;
      rh = rh * 2 + (rl >>> 31);
      rl = (rl << 1) >>> 0;
    }
    const borrow = rl < dl ? 1 : 0;
    w[T] = rh - dh - borrow;
    w[T + 1] = rl - dl;
    for (let i = 0; i < 4; i++) w[Q + i] = this.#digit(dh, dl, TWO_20);
    const d1 = w[Q + 1]!;
    const d3 = w[Q + 3]!;
    const hi = 0x8000_0000 | (w[Q]! << 11) | (d1 >>> 9);
    const sticky = (w[T]! | w[T + 1]!) !== 0 ? 1 : 0;
    this.#result(exp, hi, (d1 << 23) | (w[Q + 2]! << 3) | (d3 >>> 17), (d3 << 15) | sticky);
  }

  /**
   * One step of long division: T ← T × scale mod d, returns the quotient digit. T < d, scale ≤ 2^20, so that every
   * product below is exact in a double (at most 52 bits) and the estimate is off by at most one.
   */
  #digit(dh: number, dl: number, scale: number): number {
    const w = this.w;
    const rh = w[T]! >>> 0;
    const rl = w[T + 1]! >>> 0;
    let q = Math.floor(((rh * TWO_32 + rl) * scale) / (dh * TWO_32 + dl));
    let lo = rl * scale - q * dl;
    const carry = Math.floor(lo / TWO_32);
    lo -= carry * TWO_32;
    let hi = rh * scale - q * dh + carry;
    if (hi < 0) {
      q--;
      lo += dl;
      hi += dh + (lo >= TWO_32 ? 1 : 0);
    } else if (hi > dh || (hi === dh && lo >= dl)) {
      q++;
      lo -= dl;
      hi -= dh + (lo < 0 ? 1 : 0);
    }
    w[T] = hi;
    w[T + 1] = lo;
    return q;
  }

  /**
   * Exact remainder of significands: R ← A's significand × 2^bits mod B's significand as a raw (not normalized) 64-bit
   * number in R.HI:R.LO; returns the low 20 bits of the quotient. Needs `bits` ≥ 0.
   */
  remainder(bits: number): number {
    const w = this.w;
    const dh = w[B + HI]! >>> 0;
    const dl = w[B + LO]! >>> 0;
    w[T] = w[A + HI]!;
    w[T + 1] = w[A + LO]!;
    let quotient = 0;
    if (!this.#belowDivisor(dh, dl)) {
      const borrow = w[T + 1]! >>> 0 < dl ? 1 : 0;
      w[T] = w[T]! - dh - borrow;
      w[T + 1] = w[T + 1]! - dl;
      quotient = 1;
    }
    for (let left = bits; left > 0; left -= 20) {
      const n = left < 20 ? left : 20;
      quotient = ((quotient << n) | this.#digit(dh, dl, 1 << n)) & 0xf_ffff;
    }
    w[R + HI] = w[T]!;
    w[R + LO] = w[T + 1]!;
    return quotient;
  }

  #belowDivisor(dh: number, dl: number): boolean {
    const rh = this.w[T]! >>> 0;
    return rh < dh || (rh === dh && this.w[T + 1]! >>> 0 < dl);
  }

  /** R ← √A for positive A, bit by bit: 64 result bits, one round bit, one more, and sticky. */
  sqrt(): void {
    const w = this.w;
    const odd = w[A + EXP]! & 1;
    let nh = w[A + HI]!;
    let nl = w[A + LO]!;
    let rh = 0;
    let rl = 0;
    let sh = 0;
    let sl = 0;
    for (let i = 0; i < 66; i++) {
      // An even exponent aligns the radicand one bit lower, so that its first digit is 01 and not 1x.
      const n = i === 0 && odd === 0 ? 1 : 2;
      rh = rh * 4 + (rl >>> 30);
      rl = ((rl << 2) | (nh >>> (32 - n))) >>> 0;
      nh = (nh << n) | (nl >>> (32 - n));
      nl <<= n;
      const th = sh * 4 + (sl >>> 30);
      const tl = ((sl << 2) | 1) >>> 0;
      sh = sh * 2 + (sl >>> 31);
      sl = (sl << 1) >>> 0;
      if (rh > th || (rh === th && rl >= tl)) {
        rh -= th + (rl < tl ? 1 : 0);
        rl = (rl - tl) >>> 0;
        sl += 1;
      }
    }
    w[R + SIGN] = 0;
    const hi = Math.floor(sh / 4) | 0;
    this.#result(w[A + EXP]! >> 1, hi, (sl >>> 2) | ((sh & 3) << 30), (sl << 30) | (rh + rl !== 0 ? 1 : 0));
  }

  /** True if the discarded bits of R (given as their top bit and a "rest is not zero" number) round the magnitude up. */
  #roundsUp(rc: number, odd: number, half: number, rest: number): boolean {
    if (rc === RC_NEAREST) return half !== 0 && (rest | odd) !== 0;
    if ((half | rest) === 0 || rc === RC_ZERO) return false;
    return (rc === 1) === (this.w[R + SIGN] === 1);
  }

  /** Rounds R in place to `prec` bits (24, 53 or 64) of its 64-bit field. Returns PE and C1 (rounded up), or 0 if exact. */
  roundTo(prec: number, rc: number): number {
    const w = this.w;
    const hi = w[R + HI]!;
    const lo = w[R + LO]!;
    const ext = w[R + EXT]!;
    if (prec === 64) return this.#roundLow(rc, lo & 1, ext >>> 31, ext << 1, lo, 1);
    if (prec === 53) return this.#roundLow(rc, lo & 0x800, (lo >>> 10) & 1, (lo & 0x3ff) | ext, lo & ~0x7ff, 0x800);
    const rest = (hi & 0x7f) | lo | ext;
    const half = (hi >>> 7) & 1;
    const up = this.#roundsUp(rc, hi & 0x100, half, rest);
    w[R + LO] = 0;
    w[R + HI] = hi & ~0xff;
    if (up) this.#incrementHigh(0x100);
    return (half | rest) === 0 ? 0 : up ? PE | C1 : PE;
  }

  #roundLow(rc: number, odd: number, half: number, rest: number, kept: number, step: number): number {
    const w = this.w;
    const up = this.#roundsUp(rc, odd, half, rest);
    w[R + LO] = up ? kept + step : kept;
    if (up && w[R + LO] === 0) this.#incrementHigh(1);
    return (half | rest) === 0 ? 0 : up ? PE | C1 : PE;
  }

  #incrementHigh(step: number): void {
    const w = this.w;
    w[R + HI] = w[R + HI]! + step;
    if (w[R + HI] !== 0) return;
    w[R + HI] = -0x8000_0000;
    w[R + EXP] = w[R + EXP]! + 1;
  }

  /**
   * Rounds R to a format and applies the responses to overflow and underflow (SDM volume 1, 4.9.1). Tininess is detected
   * after rounding. `unmasked` is the set of unmasked exceptions; an unmasked overflow or underflow moves the exponent by
   * `wrap`, and leaves the value unrepresentable if `wrap` is 0 (the caller then delivers no result).
   * Returns exception flags, plus C1 if the magnitude was rounded up. Infinity comes out as exponent emax + 1.
   */
  round(prec: number, emin: number, emax: number, rc: number, unmasked: number, wrap: number): number {
    const w = this.w;
    if (w[R + EXP]! < emin && this.#tiny(prec, emin, rc)) {
      if (unmasked & UE) {
        w[R + EXP] = w[R + EXP]! + wrap;
        return UE | this.roundTo(prec, rc);
      }
      return this.#roundDenormal(prec, emin, rc);
    }
    const flags = this.roundTo(prec, rc);
    if (w[R + EXP]! <= emax) return flags;
    if (unmasked & OE) {
      w[R + EXP] = w[R + EXP]! - wrap;
      return flags | OE;
    }
    return this.#overflow(prec, emax, rc);
  }

  #roundDenormal(prec: number, emin: number, rc: number): number {
    const w = this.w;
    this.#shiftRight(w[R + HI]!, w[R + LO]!, w[R + EXT]!, emin - w[R + EXP]!);
    this.#result(emin, w[T]!, w[T + 1]!, w[T + 2]!);
    const flags = this.roundTo(prec, rc);
    return flags === 0 ? 0 : flags | UE;
  }

  /** Whether R, below emin, stays there when rounded with an unbounded exponent. */
  #tiny(prec: number, emin: number, rc: number): boolean {
    const w = this.w;
    const exp = w[R + EXP]!;
    if (exp < emin - 1) return true;
    const hi = w[R + HI]!;
    const lo = w[R + LO]!;
    const ext = w[R + EXT]!;
    this.roundTo(prec, rc);
    const tiny = w[R + EXP]! < emin;
    this.#result(exp, hi, lo, ext);
    return tiny;
  }

  #overflow(prec: number, emax: number, rc: number): number {
    const w = this.w;
    const toInfinity = rc === RC_NEAREST || (rc !== RC_ZERO && (rc === 1) === (w[R + SIGN] === 1));
    if (toInfinity) {
      this.#result(emax + 1, -0x8000_0000, 0, 0);
      return OE | PE | C1;
    }
    this.#result(emax, prec === 24 ? -0x100 : -1, prec === 24 ? 0 : prec === 53 ? -0x800 : -1, 0);
    return OE | PE;
  }

  /** High half of R packed as a double; R.EXP is in range after `round`. The low half is `low64`. */
  high64(): number {
    const w = this.w;
    const hi = w[R + HI]!;
    const biased = hi < 0 ? w[R + EXP]! + 1023 : 0;
    return (w[R + SIGN]! << 31) | (biased << 20) | ((hi & 0x7fff_ffff) >>> 11);
  }

  low64(): number {
    return (this.w[R + HI]! << 21) | (this.w[R + LO]! >>> 11);
  }

  /** R packed as a single. */
  bits32(): number {
    const w = this.w;
    const hi = w[R + HI]!;
    const biased = hi < 0 ? w[R + EXP]! + 127 : 0;
    return (w[R + SIGN]! << 31) | (biased << 23) | ((hi & 0x7fff_ffff) >>> 8);
  }

  /** Sign and biased exponent of R packed as an extended number. */
  signExponent80(): number {
    const w = this.w;
    return (w[R + SIGN]! << 15) | (w[R + HI]! < 0 ? w[R + EXP]! + 16383 : 0);
  }

  /**
   * R.HI:R.LO ← the finite operand A rounded to an integer magnitude (the sign stays in R.SIGN). Returns PE and C1 like
   * `roundTo`, or −1 if the magnitude needs more than 64 bits.
   */
  toInteger(rc: number): number {
    const w = this.w;
    w[R + SIGN] = w[A + SIGN]!;
    if (w[A + KIND] === ZERO) {
      this.#result(0, 0, 0, 0);
      return 0;
    }
    const exp = w[A + EXP]!;
    if (exp > 63) return -1;
    this.#shiftRight(w[A + HI]!, w[A + LO]!, 0, 63 - exp);
    this.#result(0, w[T]!, w[T + 1]!, w[T + 2]!);
    const flags = this.roundTo(64, rc);
    // A carry out of bit 63 (2^64) shows as an exponent of one.
    return w[R + EXP] === 1 ? -1 : flags;
  }

  /** Whether R, an integer magnitude with a sign, fits `bytes` (2, 4, 8) of two's complement. */
  integerFits(bytes: number): boolean {
    const w = this.w;
    const hi = w[R + HI]!;
    const lo = w[R + LO]!;
    const sign = w[R + SIGN]!;
    if (bytes === 8) return hi >= 0 || (sign === 1 && hi === -0x8000_0000 && lo === 0);
    return hi === 0 && lo >>> 0 <= (bytes === 4 ? 0x7fff_ffff : 0x7fff) + sign;
  }

  /** Low half of that integer in two's complement. */
  integerLow(): number {
    const lo = this.w[R + LO]!;
    return this.w[R + SIGN] === 1 ? -lo | 0 : lo;
  }

  integerHigh(): number {
    const w = this.w;
    if (w[R + SIGN] === 0) return w[R + HI]!;
    return w[R + LO] === 0 ? -w[R + HI]! | 0 : ~w[R + HI]!;
  }
}
