import { M32, X87Arithmetic } from './arithmetic.js';
import { decimalFromInteger, integerFromDecimal } from './decimal.js';
import { A, HI, KIND, LO, R, SIGN } from './kernel.js';
import {
  DE,
  DENORMAL,
  EMAX_32,
  EMAX_64,
  EMIN_32,
  EMIN_64,
  IE,
  INFINITE,
  NORMAL,
  OE,
  RC_SHIFT,
  SNAN,
  UE,
  UNSUPPORTED,
  ZERO,
} from './spec.js';
import { INDEFINITE_HI, INDEFINITE_SE } from './state.js';

/** Significand (to 66 bits: 64 and two more) and exponent of the load constants, D9 E8 … D9 EE in order. */
const CONSTANTS: readonly (readonly [exp: number, hi: number, lo: number, ext: number])[] = [
  [0x3fff, 0x8000_0000, 0, 0],
  [0x4000, 0xd49a_784b, 0xcd1b_8afe, 0x492b_f6ff],
  [0x3fff, 0xb8aa_3b29, 0x5c17_f0bb, 0xbe87_fed0],
  [0x4000, 0xc90f_daa2, 0x2168_c234, 0xc4c6_628b],
  [0x3ffd, 0x9a20_9a84, 0xfbcf_f798, 0x8f89_59ac],
  [0x3ffe, 0xb172_17f7, 0xd1cf_79ab, 0xc9e3_b398],
  [0, 0, 0, 0],
];

/** FLD, FST, FILD, FIST, FISTTP, FBLD, FBSTP, constants, FXCH, FCMOV. */
export class X87Moves extends X87Arithmetic {
  /** FLD m32, m64; FILD m16, m32: `format` as for `arithMemory`. */
  fldMemory(format: number): void {
    this.clearC1();
    if (!this.isEmpty(7)) return this.#overflowPush();
    const kind = this.unpackOperand(A, format);
    if (kind === SNAN && this.raise(IE) !== 0) return;
    // Zen loads a denormal even if DE is unmasked.
    if (kind === DENORMAL) this.raise(DE);
    this.#pushA(kind);
  }

  #overflowPush(): void {
    if (!this.overflow()) return;
    this.push();
    this.storeIndefinite(0);
  }

  #pushA(kind: number): void {
    this.push();
    if (kind === NORMAL || kind === DENORMAL) {
      this.resultFromA();
      this.store(0, this.k.w[R + LO]!, this.k.w[R + HI]!, this.k.signExponent80());
    } else this.storeSpecial(0, A);
  }

  /** FLD m80: any bit pattern, no arithmetic exceptions. */
  fld80(): void {
    this.clearC1();
    if (!this.isEmpty(7)) return this.#overflowPush();
    this.push();
    this.store(0, this.i32[this.operand]!, this.i32[this.operand + 1]!, this.i32[this.operand + 2]!);
  }

  /** FILD m64. */
  fild64(): void {
    this.clearC1();
    if (!this.isEmpty(7)) return this.#overflowPush();
    this.k.unpackInt(A, this.i32[this.operand]!, this.i32[this.operand + 1]!);
    this.#pushA(this.k.w[A + KIND]!);
  }

  /** FBLD: 18 decimal digits and a sign. Digits above 9 are taken by their weight. */
  fbld(): void {
    this.clearC1();
    if (!this.isEmpty(7)) return this.#overflowPush();
    const o = this.operand;
    const value = integerFromDecimal(this.i32[o]!, this.i32[o + 1]!, this.i32[o + 2]!);
    this.k.setNormalized(A, (this.i32[o + 2]! >>> 15) & 1, 63, Number(value >> 32n) | 0, Number(value & 0xffff_ffffn) | 0, NORMAL);
    const sign = (this.i32[o + 2]! >>> 15) & 1;
    this.k.w[A + SIGN] = sign;
    this.#pushA(this.k.w[A + KIND]!);
  }

  /** FLD ST(i). */
  fld(i: number): void {
    this.clearC1();
    if (this.isEmpty(i)) {
      if (!this.underflow()) return;
      this.push();
      return this.storeIndefinite(0);
    }
    if (!this.isEmpty(7)) return this.#overflowPush();
    this.push();
    this.copySt(0, (i + 1) & 7);
  }

  /** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: `index` 0..6, rounded by RC (SDM volume 1, 8.3.8). */
  fldConstant(index: number): void {
    this.clearC1();
    if (!this.isEmpty(7)) return this.#overflowPush();
    const [exp, hi, lo, ext] = CONSTANTS[index]!;
    this.k.set(R, 0, exp - 16383, hi, lo, ext);
    this.k.roundTo(64, this.rc);
    this.push();
    this.store(0, this.k.w[R + LO]!, this.k.w[R + HI]!, exp);
  }

  /**
   * FST/FSTP m32, m64 (`format` M32, M64). Returns the number of bytes to write from the operand area, 0 if none.
   * Stores change FSW and FTW only, so a caller whose write faults restores those two words.
   */
  fstMemory(format: number, pop: boolean): number {
    this.clearC1();
    const done = this.isEmpty(0) ? this.underflow() && this.#storeSpecialMemory(format, true) : this.#storeReal(format);
    if (!done) return 0;
    if (pop) this.pop();
    return format === M32 ? 4 : 8;
  }

  #storeReal(format: number): boolean {
    const k = this.k;
    const kind = this.unpackSt(A, 0);
    if (kind === NORMAL || kind === DENORMAL) return this.#storeFinite(format);
    if ((kind === SNAN || kind === UNSUPPORTED) && this.raise(IE) !== 0) return false;
    if (kind === SNAN) k.w[A + HI] = k.w[A + HI]! | 0x4000_0000;
    return this.#storeSpecialMemory(format, kind === UNSUPPORTED);
  }

  #storeFinite(format: number): boolean {
    const k = this.k;
    this.resultFromA();
    const rc = (this.fcw >> RC_SHIFT) & 3;
    const unmasked = ~this.fcw & (OE | UE);
    const flags = format === M32 ? k.round(24, EMIN_32, EMAX_32, rc, unmasked, 0) : k.round(53, EMIN_64, EMAX_64, rc, unmasked, 0);
    // An unmasked overflow or underflow stores nothing and says nothing about precision.
    if ((flags & unmasked) !== 0) this.raise(flags & unmasked);
    else if (flags !== 0) this.raise(flags);
    if ((flags & unmasked) !== 0) return false;
    this.#writeReal(format);
    return true;
  }

  #writeReal(format: number): void {
    if (format === M32) this.i32[this.operand] = this.k.bits32();
    else {
      this.i32[this.operand] = this.k.low64();
      this.i32[this.operand + 1] = this.k.high64();
    }
  }

  /** Zero, infinity or quiet NaN from operand A, or the default NaN. */
  #storeSpecialMemory(format: number, indefinite: boolean): boolean {
    const w = this.k.w;
    const zero = !indefinite && w[A + KIND] === ZERO;
    const hi = indefinite ? INDEFINITE_HI : zero ? 0 : w[A + HI]!;
    this.k.set(R, indefinite ? 1 : w[A + SIGN]!, format === M32 ? 128 : 1024, hi, indefinite || zero ? 0 : w[A + LO]!, 0);
    this.#writeReal(format);
    return true;
  }

  /** FSTP m80: any bit pattern, only stack underflow. Returns the bytes to write, 10 or 0. */
  fstp80(): number {
    this.clearC1();
    const o = this.operand;
    if (this.isEmpty(0)) {
      if (!this.underflow()) return 0;
      this.i32[o] = 0;
      this.i32[o + 1] = INDEFINITE_HI;
      this.i32[o + 2] = INDEFINITE_SE;
    } else this.i32.copyWithin(o, this.at(0), this.at(0) + 3);
    this.pop();
    return 10;
  }

  /** FST/FSTP ST(i). */
  fst(i: number, pop: boolean): void {
    this.clearC1();
    if (this.isEmpty(0)) {
      if (!this.underflow()) return;
      this.storeIndefinite(i);
    } else this.copySt(i, 0);
    if (pop) this.pop();
  }

  /** D9 D8+i, an undocumented FSTP ST(i) without a stack check: on Zen an empty ST(0) is not copied, only popped. */
  fstpUnchecked(i: number): void {
    this.clearC1();
    if (!this.isEmpty(0)) this.copySt(i, 0);
    this.pop();
  }

  /** FIST/FISTP/FISTTP: `bytes` 2, 4 or 8. Returns the bytes to write, 0 if an unmasked exception prevents the store. */
  fist(bytes: number, pop: boolean, truncate: boolean): number {
    this.clearC1();
    if (this.isEmpty(0)) {
      if (!this.underflow()) return 0;
      this.#integerIndefinite(bytes);
    } else if (!this.#storeInteger(bytes, truncate ? 3 : this.rc)) return 0;
    if (pop) this.pop();
    return bytes;
  }

  #integerIndefinite(bytes: number): void {
    const o = this.operand;
    this.i32[o] = bytes === 8 ? 0 : bytes === 4 ? -0x8000_0000 : 0x8000;
    this.i32[o + 1] = -0x8000_0000;
  }

  #storeInteger(bytes: number, rc: number): boolean {
    const kind = this.unpackSt(A, 0);
    const flags = kind >= INFINITE ? -1 : this.k.toInteger(rc);
    if (flags < 0 || !this.k.integerFits(bytes)) {
      if (this.raise(IE) !== 0) return false;
      this.#integerIndefinite(bytes);
      return true;
    }
    if (flags !== 0) this.raise(flags);
    this.i32[this.operand] = this.k.integerLow();
    this.i32[this.operand + 1] = this.k.integerHigh();
    return true;
  }

  /** FBSTP. Returns the bytes to write, 10 or 0. */
  fbstp(): number {
    this.clearC1();
    if (this.isEmpty(0)) {
      if (!this.underflow()) return 0;
      this.#decimalIndefinite();
    } else if (!this.#storeDecimal()) return 0;
    this.pop();
    return 10;
  }

  #decimalIndefinite(): void {
    this.i32[this.operand] = 0;
    this.i32[this.operand + 1] = -0x4000_0000;
    this.i32[this.operand + 2] = 0xffff;
  }

  #storeDecimal(): boolean {
    const w = this.k.w;
    const kind = this.unpackSt(A, 0);
    const flags = kind >= INFINITE ? -1 : this.k.toInteger(this.rc);
    const value = (BigInt(w[R + HI]! >>> 0) << 32n) | BigInt(w[R + LO]! >>> 0);
    if (flags < 0 || value >= 1_000_000_000_000_000_000n) {
      if (this.raise(IE) !== 0) return false;
      this.#decimalIndefinite();
      return true;
    }
    if (flags !== 0) this.raise(flags);
    const bcd = decimalFromInteger(value);
    this.i32[this.operand] = Number(bcd & 0xffff_ffffn);
    this.i32[this.operand + 1] = Number((bcd >> 32n) & 0xffff_ffffn);
    this.i32[this.operand + 2] = Number(bcd >> 64n) | (w[R + SIGN]! << 15);
    return true;
  }

  /** FXCH ST(i). An empty register is first replaced by the default NaN. */
  fxch(i: number): void {
    this.clearC1();
    if (this.isEmpty(0) || this.isEmpty(i)) {
      if (!this.underflow()) return;
      if (this.isEmpty(0)) this.storeIndefinite(0);
      if (this.isEmpty(i)) this.storeIndefinite(i);
    }
    const a = this.at(0);
    const b = this.at(i);
    for (let n = 0; n < 3; n++) {
      const t = this.i32[a + n]!;
      this.i32[a + n] = this.i32[b + n]!;
      this.i32[b + n] = t;
    }
  }

  /** FCMOVcc: ST(0) ← ST(i) if `condition`. Both must be in use, whatever the condition. C1 changes with a stack fault only. */
  fcmov(i: number, condition: boolean): void {
    if (this.isEmpty(0) || this.isEmpty(i)) {
      if (this.underflow()) this.storeIndefinite(0);
    } else if (condition) this.copySt(0, i);
  }
}
