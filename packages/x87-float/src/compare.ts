import { COMP } from './arithmetic.js';
import { A, B, SIGN } from './kernel.js';
import { X87Moves } from './moves.js';
import { C0, C1, C2, C3, CF, IE, INFINITE, PF, QNAN, SNAN, ZERO, ZF } from './spec.js';

/** Condition codes of a comparison; FCOMI delivers the same three as ZF, PF, CF. */
const GREATER = 0;
const LESS = C0;
const EQUAL = C3;
const UNORDERED = C0 | C2 | C3;

/** C3, C2, C0 of FXAM by kind (SDM volume 1, table 8-4). */
const EXAM: readonly number[] = [C3, C2, C3 | C2, C2 | C0, C0, C0, 0];

/** FCOM, FUCOM, FICOM, FTST, FXAM, FCOMI, FUCOMI. */
export class X87Compare extends X87Moves {
  /** Result of the last comparison. Real processors deliver it even if an exception is unmasked, and only suppress the pop. */
  #codes = 0;

  /** FCOM/FUCOM ST(i), popping 0, 1 or 2 registers. `quiet` is true for FUCOM. */
  fcom(i: number, quiet: boolean, pops: number): void {
    this.clearC1();
    const unmasked = this.#compareSt(i, quiet);
    this.setCodes(this.#codes);
    for (let n = 0; n < pops && !unmasked; n++) this.pop();
  }

  /** FCOM, FCOMP, FICOM, FICOMP with the memory operand of `format`; `op` is COM or COMP. */
  fcomMemory(op: number, format: number): void {
    this.clearC1();
    const unmasked = this.isEmpty(0) ? this.#stackFault() : this.#compare(this.unpackSt(A, 0), this.unpackOperand(B, format), false);
    this.setCodes(this.#codes);
    if (op === COMP && !unmasked) this.pop();
  }

  /** FTST: compares ST(0) with 0.0. */
  ftst(): void {
    this.clearC1();
    this.k.set(B, 0, 0, 0, 0, ZERO);
    if (this.isEmpty(0)) this.#stackFault();
    else this.#compare(this.unpackSt(A, 0), ZERO, false);
    this.setCodes(this.#codes);
  }

  /**
   * FCOMI/FUCOMI/FCOMIP/FUCOMIP: returns ZF, PF and CF as in EFLAGS; the caller clears OF, SF and AF. An unmasked exception
   * only suppresses the pop. C1 is left alone, except that a stack fault clears it.
   */
  fcomi(i: number, quiet: boolean, pop: boolean): number {
    const unmasked = this.#compareSt(i, quiet);
    if (pop && !unmasked) this.pop();
    const codes = this.#codes;
    return (codes & C3 ? ZF : 0) | (codes & C2 ? PF : 0) | (codes & C0 ? CF : 0);
  }

  /** Sets #codes; true if an unmasked exception occurred. So do the two functions below. */
  #compareSt(i: number, quiet: boolean): boolean {
    if (this.isEmpty(0) || this.isEmpty(i)) return this.#stackFault();
    return this.#compare(this.unpackSt(A, 0), this.unpackSt(B, i), quiet);
  }

  #stackFault(): boolean {
    this.#codes = UNORDERED;
    return !this.underflow();
  }

  #compare(kindA: number, kindB: number, quiet: boolean): boolean {
    if (kindA >= QNAN || kindB >= QNAN) {
      this.#codes = UNORDERED;
      const invalid = !quiet || kindA >= SNAN || kindB >= SNAN;
      return invalid && this.raise(IE) !== 0;
    }
    this.#codes = this.#order(kindA, kindB);
    return !this.denormal(kindA, kindB);
  }

  #order(kindA: number, kindB: number): number {
    const w = this.k.w;
    if (kindA === ZERO && kindB === ZERO) return EQUAL;
    const signA = kindA === ZERO ? 1 - w[B + SIGN]! : w[A + SIGN]!;
    const signB = kindB === ZERO ? 1 - w[A + SIGN]! : w[B + SIGN]!;
    if (signA !== signB) return signA === 1 ? LESS : GREATER;
    const order = kindA === INFINITE && kindB === INFINITE ? 0 : this.k.compareMagnitude(A, B);
    if (order === 0) return EQUAL;
    return order < 0 === (signA === 0) ? LESS : GREATER;
  }

  /** FXAM: C1 is the sign, also of an empty register. */
  fxam(): void {
    const empty = this.isEmpty(0);
    const kind = this.unpackSt(A, 0);
    const sign = this.k.w[A + SIGN] === 1 ? C1 : 0;
    this.setCodes(sign | (empty ? C3 | C0 : EXAM[kind]!));
  }
}
