import { X87Compare } from './compare.js';
import { A, B, EXP, HI, KIND, LO, R, SIGN } from './kernel.js';
import { C0, C1, C2, C3, EMAX_80, EMIN_80, IE, INFINITE, OE, PE, QNAN, SNAN, UE, UNSUPPORTED, WRAP_80, ZE, ZERO } from './spec.js';
import { NEGATIVE } from './state.js';

/** FABS, FCHS, FSQRT, FRNDINT, FSCALE, FXTRACT, FPREM, FPREM1. */
export class X87Special extends X87Compare {
  /** FABS. */
  fabs(): void {
    this.#sign(0, 0);
  }

  /** FCHS. */
  fchs(): void {
    this.#sign(0xffff, NEGATIVE);
  }

  #sign(keep: number, flip: number): void {
    this.clearC1();
    if (this.isEmpty(0)) {
      if (this.underflow()) this.storeIndefinite(0);
      return;
    }
    const se = 2 * this.at(0) + 4;
    this.u16[se] = (this.u16[se]! & (keep | 0x7fff)) ^ flip;
  }

  /** Clears C1 and checks ST(0) for a stack fault, an unsupported number or a NaN; the kind, or −1 if all is done. */
  protected startUnary(): number {
    this.clearC1();
    if (this.isEmpty(0)) {
      if (this.underflow()) this.storeIndefinite(0);
      return -1;
    }
    const kind = this.unpackSt(A, 0);
    if (kind < QNAN) return kind;
    this.#unaryNan(kind);
    return -1;
  }

  #unaryNan(kind: number): void {
    if (kind === UNSUPPORTED) this.invalid(0);
    else if (kind === QNAN || this.raise(IE) === 0) this.storeSpecial(0, A);
  }

  /** As `startUnary` for ST(0) in A and ST(1) in B, delivering a NaN result to ST(`dst`). True if both are numbers. */
  protected startBinary(dst: number): boolean {
    this.clearC1();
    if (this.isEmpty(0) || this.isEmpty(1)) {
      if (this.underflow()) this.#deliverBinary(dst, -1);
      return false;
    }
    const a = this.unpackSt(A, 0);
    const b = this.unpackSt(B, 1);
    if (a < QNAN && b < QNAN) return true;
    this.#binaryNan(dst, a, b);
    return false;
  }

  #binaryNan(dst: number, a: number, b: number): void {
    const unsupported = a === UNSUPPORTED || b === UNSUPPORTED;
    if ((unsupported || a === SNAN || b === SNAN) && this.raise(IE) !== 0) return;
    this.#deliverBinary(dst, unsupported ? -1 : this.chooseNan(a, b));
  }

  #deliverBinary(dst: number, slot: number): void {
    if (slot < 0) this.storeIndefinite(dst);
    else this.storeSpecial(dst, slot);
    if (dst === 1) this.pop();
  }

  /** FSQRT. */
  fsqrt(): void {
    const kind = this.startUnary();
    if (kind < 0) return;
    const negative = this.k.w[A + SIGN] === 1;
    if (kind === ZERO) return;
    if (negative) this.invalid(0);
    else if (kind !== INFINITE && this.denormal(kind, ZERO)) {
      this.k.sqrt();
      this.storeRounded(0, this.precision);
    }
  }

  /** FRNDINT. */
  frndint(): void {
    const kind = this.startUnary();
    if (kind < 0 || kind === ZERO || kind === INFINITE || !this.denormal(kind, ZERO)) return;
    const w = this.k.w;
    if (w[A + EXP]! >= 63) return;
    const flags = this.k.toInteger(this.rc);
    if (flags !== 0) this.raise(flags);
    this.k.setNormalized(A, w[R + SIGN]!, 63, w[R + HI]!, w[R + LO]!, 1);
    if (w[A + KIND] === ZERO) return this.storeZero(0, w[R + SIGN]!);
    this.resultFromA();
    this.store(0, w[R + LO]!, w[R + HI]!, this.k.signExponent80());
  }

  /** FSCALE: ST(0) × 2^trunc(ST(1)). */
  fscale(): void {
    if (!this.startBinary(0)) return;
    const w = this.k.w;
    const a = w[A + KIND]!;
    const b = w[B + KIND]!;
    if (b === INFINITE) return this.#scaleByInfinity(a);
    if (!this.denormal(a, b)) return;
    if (a === ZERO || a === INFINITE) return;
    this.scaleResult(w[A + EXP]! + this.#scaleFactor());
    this.#storeScaled();
  }

  /** As `storeRounded`, but an unmasked result so far out that even the adjusted exponent does not fit becomes 0 or infinity. */
  #storeScaled(): void {
    const w = this.k.w;
    const exp = w[R + EXP]!;
    const sign = w[R + SIGN]!;
    if (exp > EMAX_80 + WRAP_80 && (this.fcw & OE) === 0) {
      this.raise(OE | PE | C1);
      this.storeInfinity(0, sign);
    } else if (exp < EMIN_80 - WRAP_80 && (this.fcw & UE) === 0) {
      this.raise(UE | PE);
      this.storeZero(0, sign);
    } else this.storeRounded(0, 64);
  }

  #scaleByInfinity(kindA: number): void {
    const w = this.k.w;
    const up = w[B + SIGN] === 0;
    if (up ? kindA === ZERO : kindA === INFINITE) this.invalid(0);
    else if (!this.denormal(kindA, ZERO)) return;
    else if (up) this.storeInfinity(0, w[A + SIGN]!);
    else this.storeZero(0, w[A + SIGN]!);
  }

  /** ST(1) in B chopped to an integer, limited to ±2^16, beyond which every result over- or underflows alike. */
  #scaleFactor(): number {
    const w = this.k.w;
    const exp = w[B + EXP]!;
    if (w[B + KIND] === ZERO || exp < 0) return 0;
    const n = exp > 15 ? 0x1_0000 : w[B + HI]! >>> (31 - exp);
    return w[B + SIGN] === 1 ? -n : n;
  }

  /**
   * Start of an operation that replaces ST(0) and pushes: false after a stack fault has been dealt with. The masked response
   * is the default NaN in both.
   */
  protected startPush(): boolean {
    this.clearC1();
    const empty = this.isEmpty(0);
    if (!empty && this.isEmpty(7)) return true;
    if (empty ? this.underflow() : this.overflow()) {
      this.storeIndefinite(0);
      this.push();
      this.storeIndefinite(0);
    }
    return false;
  }

  /** ST(0) in A is no number: the NaN goes to ST(0) and is pushed, unless an unmasked exception forbids. */
  protected pushNan(kind: number): void {
    const masked = kind === QNAN || this.raise(IE) === 0;
    if (!masked) return;
    if (kind === UNSUPPORTED) this.storeIndefinite(0);
    else this.storeSpecial(0, A);
    this.pushCopy();
  }

  protected pushCopy(): void {
    this.push();
    this.copySt(0, 1);
  }

  /** FXTRACT: ST(0) becomes the exponent, the significand is pushed. */
  fxtract(): void {
    if (!this.startPush()) return;
    const kind = this.unpackSt(A, 0);
    if (kind >= QNAN) return this.pushNan(kind);
    if (kind === ZERO) return this.#xtractZero();
    if (kind === INFINITE) return this.#xtractInfinity();
    if (this.denormal(kind, ZERO)) this.#xtractFinite();
  }

  #xtractZero(): void {
    const sign = this.k.w[A + SIGN]!;
    if (this.raise(ZE) !== 0) return;
    this.storeInfinity(0, 1);
    this.push();
    this.storeZero(0, sign);
  }

  #xtractInfinity(): void {
    const sign = this.k.w[A + SIGN]!;
    this.storeInfinity(0, 0);
    this.push();
    this.storeInfinity(0, sign);
  }

  #xtractFinite(): void {
    const w = this.k.w;
    const exp = w[A + EXP]!;
    const hi = w[A + HI]!;
    const lo = w[A + LO]!;
    const sign = w[A + SIGN]!;
    this.k.unpackInt(A, exp, exp >> 31);
    if (exp === 0) this.storeZero(0, 0);
    else {
      this.resultFromA();
      this.store(0, w[R + LO]!, w[R + HI]!, this.k.signExponent80());
    }
    this.push();
    this.store(0, lo, hi, (sign << 15) | 0x3fff);
  }

  /** FPREM (truncating quotient) and FPREM1 (`nearest`: IEEE remainder). */
  fprem(nearest: boolean): void {
    this.fsw &= ~C2;
    if (!this.startBinary(0)) return;
    const w = this.k.w;
    const a = w[A + KIND]!;
    const b = w[B + KIND]!;
    if (a === INFINITE || b === ZERO) {
      this.invalid(0);
      return;
    }
    if (!this.denormal(a, b)) return;
    if (a !== ZERO && b !== INFINITE) return this.#reduce(w[A + EXP]! - w[B + EXP]!, nearest);
    // By an infinite divisor the dividend is the result, which may underflow if that is unmasked.
    if (a !== ZERO) this.#smallDividend();
    else this.setCodes(0);
  }

  #reduce(distance: number, nearest: boolean): void {
    const w = this.k.w;
    if (distance >= 64) return this.#partial(distance);
    if (distance < (nearest ? -1 : 0)) return this.#smallDividend();
    let exp = w[B + EXP]!;
    let quotient = 0;
    if (distance < 0) {
      exp--;
      w[R + HI] = w[A + HI]!;
      w[R + LO] = w[A + LO]!;
    } else quotient = this.k.remainder(distance);
    w[R + SIGN] = w[A + SIGN]!;
    if (nearest) quotient += this.#roundQuotient(quotient, exp);
    this.#storeRemainder(exp);
    this.setCodes((quotient & 4 ? C0 : 0) | (quotient & 2 ? C3 : 0) | (quotient & 1 ? C1 : 0));
  }

  /** The dividend is its own remainder; a denormal one may still underflow or be normalized. */
  #smallDividend(): void {
    this.resultFromA();
    this.storeRounded(0, 64);
    this.setCodes(0);
  }

  /** Reduces the exponent difference by 63 or less, leaving C2 set. */
  #partial(distance: number): void {
    const w = this.k.w;
    const n = (distance & 31) | 32;
    this.k.remainder(n);
    w[R + SIGN] = w[A + SIGN]!;
    this.#storeRemainder(w[B + EXP]! + distance - n);
    this.setCodes(C2);
  }

  /** Replaces R (raw, at exponent `exp`) by divisor − R if that is nearer to zero; 1 if so. */
  #roundQuotient(quotient: number, exp: number): number {
    const w = this.k.w;
    const same = exp === w[B + EXP];
    const rh = w[R + HI]! >>> 0;
    const rl = w[R + LO]! >>> 0;
    // Twice the remainder against the divisor: both in units of 2^(exp − 63).
    const th = same ? rh * 2 + (rl >>> 31) : rh;
    const tl = same ? (rl << 1) >>> 0 : rl;
    const dh = w[B + HI]! >>> 0;
    const dl = w[B + LO]! >>> 0;
    if (th < dh || (th === dh && (tl < dl || (tl === dl && (quotient & 1) === 0)))) return 0;
    this.#subtractFromDivisor(same, rh, rl, dh, dl);
    return 1;
  }

  #subtractFromDivisor(same: boolean, rh: number, rl: number, dh: number, dl: number): void {
    const w = this.k.w;
    const h = same ? dh : dh * 2 + (dl >>> 31);
    const l = same ? dl : (dl << 1) >>> 0;
    w[R + LO] = l - rl;
    w[R + HI] = h - rh - (l < rl ? 1 : 0);
    w[R + SIGN] = 1 - w[R + SIGN]!;
  }

  #storeRemainder(exp: number): void {
    const w = this.k.w;
    const sign = w[R + SIGN]!;
    if ((w[R + HI]! | w[R + LO]!) === 0) return this.storeZero(0, this.k.w[A + SIGN]!);
    this.k.normalize(exp, w[R + HI]!, w[R + LO]!, 0);
    w[R + SIGN] = sign;
    this.storeRounded(0, 64);
  }
}
