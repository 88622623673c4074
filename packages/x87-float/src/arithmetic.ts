import { A, B, EXP, HI, KIND, LO, R, SIGN } from './kernel.js';
import { DE, DENORMAL, IE, INFINITE, QNAN, SNAN, UNSUPPORTED, ZE, ZERO } from './spec.js';
import { X87State } from './state.js';

/** Binary operations, numbered as the ModR/M reg field of D8, DA, DC and DE. COM and COMP are not arithmetic. */
export const ADD = 0;
export const MUL = 1;
export const COM = 2;
export const COMP = 3;
export const SUB = 4;
export const SUBR = 5;
export const DIV = 6;
export const DIVR = 7;

/** Memory operands, numbered as (opcode >> 1) & 3 of D8, DA, DC, DE: m32fp, m32int, m64fp, m16int. */
export const M32 = 0;
export const I32 = 1;
export const M64 = 2;
export const I16 = 3;

/** FADD, FSUB, FMUL, FDIV and their variants. */
export class X87Arithmetic extends X87State {
  /** D8 C0+i and so on: ST(0) ← ST(0) op ST(i). */
  arithSt0(op: number, i: number): void {
    this.clearC1();
    if (this.isEmpty(0) || this.isEmpty(i)) this.#stackFault(0);
    else this.#binary(op, 0, this.unpackSt(A, 0), this.unpackSt(B, i));
  }

  /**
   * DC/DE C0+i and so on: ST(i) ← ST(i) op ST(0). `op` is the operation as the mnemonic says, that is SUB for FSUB ST(i),ST
   * (DC E8+i). Pops unless an unmasked exception kept the result away.
   */
  arithSti(op: number, i: number, pop: boolean): void {
    this.clearC1();
    const done = this.isEmpty(0) || this.isEmpty(i) ? this.#stackFault(i) : this.#binary(op, i, this.unpackSt(A, i), this.unpackSt(B, 0));
    if (pop && done) this.pop();
  }

  /** D8, DA, DC, DE with a memory operand of `format` in the operand area: ST(0) ← ST(0) op operand. */
  arithMemory(op: number, format: number): void {
    this.clearC1();
    if (this.isEmpty(0)) this.#stackFault(0);
    else this.#binary(op, 0, this.unpackSt(A, 0), this.unpackOperand(B, format));
  }

  /** Unpacks the operand area; returns the kind. */
  protected unpackOperand(slot: number, format: number): number {
    const lo = this.i32[this.operand]!;
    if (format === M32) this.k.unpack32(slot, lo);
    else if (format === M64) this.k.unpack64(slot, lo, this.i32[this.operand + 1]!);
    else {
      const value = format === I16 ? (lo << 16) >> 16 : lo;
      this.k.unpackInt(slot, value, value >> 31);
    }
    return this.k.w[slot + KIND]!;
  }

  #stackFault(i: number): boolean {
    if (!this.underflow()) return false;
    this.storeIndefinite(i);
    return true;
  }

  /** ST(dst) ← A op B (reversed for SUBR and DIVR). False if an unmasked exception prevented it. */
  #binary(op: number, dst: number, kindA: number, kindB: number): boolean {
    if (kindA >= QNAN || kindB >= QNAN) return this.#nan(dst, kindA, kindB);
    if (op === SUBR || op === DIVR) this.#swap();
    if (op >= DIV) return this.#divide(dst);
    return op === MUL ? this.#multiply(dst) : this.#addSigned(dst, op === ADD ? 0 : 1);
  }

  #swap(): void {
    const w = this.k.w;
    w.copyWithin(32, A, A + 5);
    w.copyWithin(A, B, B + 5);
    w.copyWithin(B, 32, 37);
  }

  protected invalid(dst: number): boolean {
    if (this.raise(IE) !== 0) return false;
    this.storeIndefinite(dst);
    return true;
  }

  /** Raises DE if one of two kinds is a denormal; false if that is unmasked. */
  protected denormal(kindA: number, kindB: number): boolean {
    return (kindA !== DENORMAL && kindB !== DENORMAL) || this.raise(DE) === 0;
  }

  #nan(dst: number, kindA: number, kindB: number): boolean {
    if (kindA === UNSUPPORTED || kindB === UNSUPPORTED) return this.invalid(dst);
    if ((kindA === SNAN || kindB === SNAN) && this.raise(IE) !== 0) return false;
    this.storeSpecial(dst, this.chooseNan(kindA, kindB));
    return true;
  }

  /** The slot whose NaN two operands deliver (SDM volume 1, table 4-7: the x87 FPU rows). */
  protected chooseNan(kindA: number, kindB: number): number {
    if (kindA < QNAN) return B;
    if (kindB < QNAN) return A;
    if (kindA !== kindB) return kindA === QNAN ? A : B;
    const w = this.k.w;
    const order = this.k.compareMagnitude(A, B);
    if (order !== 0) return order > 0 ? A : B;
    return w[A + SIGN] === 0 ? A : B;
  }

  #addSigned(dst: number, negate: number): boolean {
    const w = this.k.w;
    const kindA = w[A + KIND]!;
    const kindB = w[B + KIND]!;
    const signB = w[B + SIGN]! ^ negate;
    if (kindA === INFINITE && kindB === INFINITE && w[A + SIGN] !== signB) return this.invalid(dst);
    if (!this.denormal(kindA, kindB)) return false;
    if (kindA === INFINITE) this.storeInfinity(dst, w[A + SIGN]!);
    else if (kindB === INFINITE) this.storeInfinity(dst, signB);
    else if (kindA === ZERO && kindB === ZERO) this.storeZero(dst, w[A + SIGN] === signB ? signB : this.rc === 1 ? 1 : 0);
    else this.#sum(dst, kindA, kindB, signB);
    return true;
  }

  #sum(dst: number, kindA: number, kindB: number, signB: number): void {
    const w = this.k.w;
    if (kindA === ZERO || kindB === ZERO) {
      const slot = kindA === ZERO ? B : A;
      w.copyWithin(R, slot, slot + 4);
      if (kindA === ZERO) w[R + SIGN] = signB;
      w[R + 4] = 0;
    } else this.k.add(signB, this.rc);
    if (w[R + HI] === 0) this.storeZero(dst, w[R + SIGN]!);
    else this.storeRounded(dst, this.precision);
  }

  #multiply(dst: number): boolean {
    const w = this.k.w;
    const kindA = w[A + KIND]!;
    const kindB = w[B + KIND]!;
    const sign = w[A + SIGN]! ^ w[B + SIGN]!;
    if ((kindA === INFINITE && kindB === ZERO) || (kindA === ZERO && kindB === INFINITE)) return this.invalid(dst);
    if (!this.denormal(kindA, kindB)) return false;
    if (kindA === INFINITE || kindB === INFINITE) this.storeInfinity(dst, sign);
    else if (kindA === ZERO || kindB === ZERO) this.storeZero(dst, sign);
    else {
      this.k.mul();
      this.storeRounded(dst, this.precision);
    }
    return true;
  }

  #divide(dst: number): boolean {
    const w = this.k.w;
    const kindA = w[A + KIND]!;
    const kindB = w[B + KIND]!;
    const sign = w[A + SIGN]! ^ w[B + SIGN]!;
    if (kindA === kindB && (kindA === INFINITE || kindA === ZERO)) return this.invalid(dst);
    if (kindB === ZERO && kindA !== INFINITE) return this.divideByZero(dst, sign);
    if (!this.denormal(kindA, kindB)) return false;
    if (kindA === INFINITE) this.storeInfinity(dst, sign);
    else if (kindA === ZERO || kindB === INFINITE) this.storeZero(dst, sign);
    else {
      this.k.div();
      this.storeRounded(dst, this.precision);
    }
    return true;
  }

  protected divideByZero(dst: number, sign: number): boolean {
    if (this.raise(ZE) !== 0) return false;
    this.storeInfinity(dst, sign);
    return true;
  }

  /** R ← slot A with another exponent; used by families that scale. */
  protected scaleResult(exp: number): void {
    const w = this.k.w;
    w[R + SIGN] = w[A + SIGN]!;
    w[R + EXP] = exp;
    w[R + HI] = w[A + HI]!;
    w[R + LO] = w[A + LO]!;
    w[R + 4] = 0;
  }
}
