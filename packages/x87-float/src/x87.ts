import { COM, COMP, I16, I32, M32, M64, SUB } from './arithmetic.js';
import { X87Control } from './control.js';
import { CF, PF, ZF } from './spec.js';

/** `operandBytes` of the environment (14 or 28 bytes) and of the whole state (94 or 108). */
export const ENV = 126;
export const STATE = 127;

/**
 * Bytes each memory form reads, by (opcode − D8) × 8 + reg; 0 if it reads none.
 * SDM volume 2, tables.
 */
const LOADS: Int8Array = Int8Array.from([
  4,
  4,
  4,
  4,
  4,
  4,
  4,
  4,
  4,
  0,
  0,
  0,
  ENV,
  2,
  0,
  0,
  4,
  4,
  4,
  4,
  4,
  4,
  4,
  4,
  4,
  0,
  0,
  0,
  0,
  10,
  0,
  0,
  8,
  8,
  8,
  8,
  8,
  8,
  8,
  8,
  8,
  0,
  0,
  0,
  STATE,
  0,
  0,
  0,
  2,
  2,
  2,
  2,
  2,
  2,
  2,
  2,
  2,
  0,
  0,
  0,
  10,
  8,
  0,
  0,
]);

/** Bytes each memory form writes at most. */
const STORES: Int8Array = Int8Array.from([
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  4,
  4,
  0,
  0,
  ENV,
  2,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  4,
  4,
  4,
  0,
  0,
  0,
  10,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  8,
  8,
  8,
  0,
  0,
  STATE,
  2,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  2,
  2,
  2,
  0,
  0,
  10,
  8,
]);

/** Register forms of DC and DE reach SUB and SUBR, DIV and DIVR with the two exchanged (SDM volume 2, FSUB, FSUBR). */
function exchanged(op: number): number {
  return op >= SUB ? op ^ 1 : op;
}

/** Status bits FCOMI writes; OF, SF and AF are cleared. */
const FCOMI_CLEARED = 0x0890 | ZF | PF | CF;

/**
 * The x87 execution unit: all instructions with opcodes D8 to DF, on a state that lives in memory. `register` and `memory`
 * decode; every instruction is also a method of its own. Neither checks `pending`: see `waits`.
 */
export class X87 extends X87Control {
  /** Bytes the memory form `opcode` /`reg` reads into the operand area before `memory`; ENV and STATE depend on the form. */
  static loadBytes(opcode: number, reg: number): number {
    return LOADS[((opcode & 7) << 3) | (reg & 7)]!;
  }

  /** Bytes the memory form writes at most. Both zero: the encoding is undefined (#UD). */
  static storeBytes(opcode: number, reg: number): number {
    return STORES[((opcode & 7) << 3) | (reg & 7)]!;
  }

  /** False for FNINIT, FNCLEX, FNSTCW, FNSTSW, FNSTENV, FNSAVE, which ignore a pending exception. */
  static waits(opcode: number, modrm: number): boolean {
    const reg = (modrm >> 3) & 7;
    if (modrm < 0xc0) return !(opcode === 0xd9 && reg >= 6) && !(opcode === 0xdd && reg >= 6);
    return !(opcode === 0xdb && reg === 4) && !(opcode === 0xdf && modrm === 0xe0);
  }

  /**
   * Executes a memory form. `form` is one of ENV_PROTECTED_16 … ENV_REAL_32 and matters to FSTENV, FLDENV, FSAVE, FRSTOR.
   * Returns the number of bytes to write from the operand area to memory; 0 if none.
   */
  memory(opcode: number, reg: number, form: number): number {
    if ((opcode & 1) === 0) {
      const format = (opcode >> 1) & 3;
      if (reg === COM || reg === COMP) this.fcomMemory(reg, format);
      else this.arithMemory(reg, format);
      return 0;
    }
    if (opcode === 0xd9) return this.#memoryD9(reg, form);
    if (opcode === 0xdb) return this.#memoryDb(reg);
    return opcode === 0xdd ? this.#memoryDd(reg, form) : this.#memoryDf(reg);
  }

  #memoryD9(reg: number, form: number): number {
    if (reg === 0) this.fldMemory(M32);
    else if (reg === 2 || reg === 3) return this.fstMemory(M32, reg === 3);
    else if (reg === 4) this.fldenv(form);
    else if (reg === 5) this.loadControl(this.u16[2 * this.operand]!);
    else if (reg === 6) return this.fnstenv(form);
    else if (reg === 7) return this.#storeWord(this.fcw);
    return 0;
  }

  #memoryDb(reg: number): number {
    if (reg === 0) this.fldMemory(I32);
    else if (reg < 4) return this.fist(4, reg !== 2, reg === 1);
    else if (reg === 5) this.fld80();
    else if (reg === 7) return this.fstp80();
    return 0;
  }

  #memoryDd(reg: number, form: number): number {
    if (reg === 0) this.fldMemory(M64);
    else if (reg === 1) return this.fist(8, true, true);
    else if (reg < 4) return this.fstMemory(M64, reg === 3);
    else if (reg === 4) this.frstor(form);
    else if (reg === 6) return this.fnsave(form);
    else if (reg === 7) return this.#storeWord(this.fsw);
    return 0;
  }

  #memoryDf(reg: number): number {
    if (reg === 0) this.fldMemory(I16);
    else if (reg < 4) return this.fist(2, reg !== 2, reg === 1);
    else if (reg === 4) this.fbld();
    else if (reg === 5) this.fild64();
    else return reg === 6 ? this.fbstp() : this.fist(8, true, false);
    return 0;
  }

  #storeWord(value: number): number {
    this.u16[2 * this.operand] = value;
    return 2;
  }

  /**
   * Executes a register form (`modrm` ≥ C0). `eflags` is the present EFLAGS; returns the new ones (FCOMI and relatives change
   * them), or −1 for an undefined encoding (#UD). FNSTSW AX (DF E0) is the caller's: AX ← `fsw`.
   */
  register(opcode: number, modrm: number, eflags: number): number {
    const reg = (modrm >> 3) & 7;
    const i = modrm & 7;
    if (opcode === 0xd8) this.#arithmeticSt0(reg, i);
    else if (opcode === 0xd9) return this.#registerD9(modrm, i) ? eflags : -1;
    else if (opcode === 0xda) return this.#registerDa(modrm, eflags);
    else if (opcode === 0xdb) return this.#registerDb(modrm, eflags);
    else if (opcode === 0xdc) this.#arithmeticSti(reg, i);
    else if (opcode === 0xdd) return this.#registerDd(reg, i) ? eflags : -1;
    else return opcode === 0xde ? this.#registerDe(modrm, eflags) : this.#registerDf(modrm, eflags);
    return eflags;
  }

  #arithmeticSt0(reg: number, i: number): void {
    if (reg === COM || reg === COMP) this.fcom(i, false, reg - COM);
    else this.arithSt0(reg, i);
  }

  #arithmeticSti(reg: number, i: number): void {
    if (reg === COM || reg === COMP) this.fcom(i, false, reg - COM);
    else this.arithSti(exchanged(reg), i, false);
  }

  #registerD9(modrm: number, i: number): boolean {
    if (modrm < 0xc8) this.fld(i);
    else if (modrm < 0xd0) this.fxch(i);
    else if (modrm < 0xd8) return modrm === 0xd0;
    else if (modrm < 0xe0) this.fstpUnchecked(i);
    else if (modrm < 0xe8) return this.#unaryD9(modrm);
    else if (modrm === 0xef) return false;
    else if (modrm < 0xf0) this.fldConstant(i);
    else this.#functionD9(modrm);
    return true;
  }

  #unaryD9(modrm: number): boolean {
    if (modrm === 0xe0) this.fchs();
    else if (modrm === 0xe1) this.fabs();
    else if (modrm === 0xe4) this.ftst();
    else if (modrm === 0xe5) this.fxam();
    else return false;
    return true;
  }

  #functionD9(modrm: number): void {
    switch (modrm & 15) {
      case 0:
        return this.f2xm1();
      case 1:
        return this.fyl2x();
      case 2:
        return this.fptan();
      case 3:
        return this.fpatan();
      case 4:
        return this.fxtract();
      case 5:
        return this.fprem(true);
      case 6:
        return this.rotate(-1);
      case 7:
        return this.rotate(1);
      case 8:
        return this.fprem(false);
      case 9:
        return this.fyl2xp1();
      case 10:
        return this.fsqrt();
      case 11:
        return this.fsincos();
      case 12:
        return this.frndint();
      case 13:
        return this.fscale();
      case 14:
        return this.fsin();
      default:
        return this.fcos();
    }
  }

  #registerDa(modrm: number, eflags: number): number {
    if (modrm < 0xe0) this.#conditionalMove(modrm, eflags, true);
    else if (modrm === 0xe9) this.fcom(1, true, 2);
    else return -1;
    return eflags;
  }

  /** FCMOVB, E, BE, U (DA) and their negations (DB). */
  #conditionalMove(modrm: number, eflags: number, wanted: boolean): void {
    const which = (modrm >> 3) & 3;
    const mask = which === 0 ? CF : which === 1 ? ZF : which === 2 ? CF | ZF : PF;
    this.fcmov(modrm & 7, ((eflags & mask) !== 0) === wanted);
  }

  #registerDb(modrm: number, eflags: number): number {
    if (modrm < 0xe0) this.#conditionalMove(modrm, eflags, false);
    else if (modrm === 0xe2) this.fnclex();
    else if (modrm === 0xe3) this.finit();
    else if (modrm >= 0xf8 || (modrm >= 0xe5 && modrm < 0xe8)) return -1;
    else if (modrm >= 0xe8) return this.#compareToFlags(modrm & 7, modrm < 0xf0, false, eflags);
    // DB E0, E1, E4: FNENI, FNDISI and FNSETPM of the 8087 and 80287 do nothing since the 80387.
    return eflags;
  }

  #compareToFlags(i: number, quiet: boolean, pop: boolean, eflags: number): number {
    return (eflags & ~FCOMI_CLEARED) | this.fcomi(i, quiet, pop);
  }

  /** C8+i, an alias of FXCH on every implementation, is not in the manuals. */
  #registerDd(reg: number, i: number): boolean {
    if (reg === 0) this.ffree(i);
    else if (reg === 1) this.fxch(i);
    else if (reg < 4) this.fst(i, reg === 3);
    else if (reg < 6) this.fcom(i, true, reg - 4);
    else return false;
    return true;
  }

  #registerDe(modrm: number, eflags: number): number {
    const reg = (modrm >> 3) & 7;
    if (reg === COM) this.fcom(modrm & 7, false, 1);
    else if (reg !== COMP) this.arithSti(exchanged(reg), modrm & 7, true);
    else if (modrm === 0xd9) this.fcom(1, false, 2);
    else return -1;
    return eflags;
  }

  /** C0+i (FFREEP), C8+i (FXCH), D0+i and D8+i (FSTP) are aliases outside the manuals. */
  #registerDf(modrm: number, eflags: number): number {
    const i = modrm & 7;
    if (modrm < 0xc8) {
      this.ffree(i);
      this.pop();
    } else if (modrm < 0xd0) this.fxch(i);
    else if (modrm < 0xe0) this.fst(i, true);
    else if (modrm >= 0xe8 && modrm < 0xf8) return this.#compareToFlags(i, modrm < 0xf0, true, eflags);
    else return modrm === 0xe0 ? eflags : -1;
    return eflags;
  }
}
