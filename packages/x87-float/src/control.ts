import { EXCEPTIONS, TOP_MASK } from './spec.js';
import { X87Transcendental } from './transcendental.js';

/** Layouts of the FSTENV/FSAVE image (SDM volume 1, figures 8-9 to 8-12). */
export const ENV_PROTECTED_16 = 0;
export const ENV_PROTECTED_32 = 1;
export const ENV_REAL_16 = 2;
export const ENV_REAL_32 = 3;

/** FNOP to FRSTOR: control, environment and the free-standing stack operations. */
export class X87Control extends X87Transcendental {
  /** FNCLEX. */
  fnclex(): void {
    this.fsw &= 0x7f00;
  }

  /** FFREE ST(i). */
  ffree(i: number): void {
    this.clearC1();
    this.markEmpty(i);
  }

  /** FNOP changes nothing, not even C1. */
  fnop(): void {}

  /** FINCSTP (+1) and FDECSTP (−1). */
  rotate(by: number): void {
    this.clearC1();
    this.setTop(this.top + by);
  }

  /** FNSTENV: writes the image to the operand area and masks all exceptions. Returns its length, 14 or 28. */
  fnstenv(form: number): number {
    const length = this.#writeEnvironment(form);
    this.loadControl(this.fcw | EXCEPTIONS);
    return length;
  }

  #writeEnvironment(form: number): number {
    const wide = (form & 1) !== 0;
    const real = form >= ENV_REAL_16;
    const { fop, fip, fdp, fcs, fds } = this.layout;
    const ip = this.i32[fip >> 2]!;
    const dp = this.i32[fdp >> 2]!;
    const opcode = this.u16[fop >> 1]! & 0x7ff;
    this.#put(wide, 0, this.fcw, 0xffff);
    this.#put(wide, 1, this.fsw, 0xffff);
    this.#put(wide, 2, this.fullTagWord(), 0xffff);
    this.#put(wide, 3, ip, real ? 0xffff : ip >>> 16);
    if (real) this.#putReal(wide, ip, dp, opcode);
    else {
      this.#put(wide, 4, this.u16[fcs >> 1]!, opcode);
      this.#put(wide, 6, this.u16[fds >> 1]!, 0xffff);
    }
    this.#put(wide, 5, dp, real ? 0xffff : dp >>> 16);
    return wide ? 28 : 14;
  }

  #putReal(wide: boolean, ip: number, dp: number, opcode: number): void {
    this.#put(wide, 4, (((ip >>> 16) << 12) & 0xf000) | opcode, ip >>> 20);
    this.#put(wide, 6, ((dp >>> 16) << 12) & 0xf000, dp >>> 20);
  }

  /** Field n of the image: the low half always, the high half (often reserved, ones) in the 32-bit layouts only. */
  #put(wide: boolean, n: number, low: number, high: number): void {
    if (wide) this.i32[this.operand + n] = (low & 0xffff) | (high << 16);
    else this.u16[2 * this.operand + n] = low;
  }

  #get(wide: boolean, n: number): number {
    return this.u16[2 * this.operand + (wide ? 2 * n : n)]!;
  }

  /** FLDENV: takes the image from the operand area. Returns its length. */
  fldenv(form: number): number {
    const wide = (form & 1) !== 0;
    this.loadControl(this.#get(wide, 0));
    this.loadStatus(this.#get(wide, 1));
    this.loadTags(this.#get(wide, 2));
    const { fop, fip, fdp, fcs, fds } = this.layout;
    const real = form >= ENV_REAL_16;
    this.i32[(fip >> 2) + 1] = 0;
    this.i32[(fdp >> 2) + 1] = 0;
    this.i32[fip >> 2] = this.#pointer(wide, real, 3);
    this.i32[fdp >> 2] = this.#pointer(wide, real, 5);
    this.u16[fcs >> 1] = real ? 0 : this.#get(wide, 4);
    this.u16[fds >> 1] = real ? 0 : this.#get(wide, 6);
    if (real) this.u16[fop >> 1] = this.#get(wide, 4) & 0x7ff;
    else if (wide) this.u16[fop >> 1] = this.u16[2 * this.operand + 9]! & 0x7ff;
    return wide ? 28 : 14;
  }

  #pointer(wide: boolean, real: boolean, n: number): number {
    const low = this.#get(wide, n);
    if (!real) return wide ? this.i32[this.operand + n]! : low;
    const high = wide ? (this.i32[this.operand + n + 1]! >>> 12) & 0xffff : this.#get(wide, n + 1) >>> 12;
    return low | (high << 16);
  }

  /** FNSAVE: image with the registers from ST(0) on in the operand area, then FINIT. Returns its length, 94 or 108. */
  fnsave(form: number): number {
    const start = this.#writeEnvironment(form);
    const to = 2 * this.operand + (start >> 1);
    for (let i = 0; i < 8; i++) this.u16.copyWithin(to + 5 * i, 2 * this.at(i), 2 * this.at(i) + 5);
    this.finit();
    return start + 80;
  }

  /** FRSTOR. Returns the length of the image. */
  frstor(form: number): number {
    const start = this.fldenv(form);
    const from = 2 * this.operand + (start >> 1);
    for (let i = 0; i < 8; i++) this.u16.copyWithin(2 * this.at(i), from + 5 * i, from + 5 * i + 5);
    return start + 80;
  }

  /**
   * FXSAVE's x87 part: writes bytes 0..23 and 32..159 of the image at byte address `to` (a multiple of 4) of the same memory.
   * `wide` stores 64-bit pointers (REX.W). MXCSR and the XMM registers are the caller's.
   */
  fxsave(to: number, wide: boolean): void {
    const { fop, fip, fdp, fcs, fds } = this.layout;
    const n = to >> 2;
    this.i32[n] = this.fcw | (this.fsw << 16);
    this.i32[n + 1] = this.abridgedTags | (this.u16[fop >> 1]! << 16);
    this.i32[n + 2] = this.i32[fip >> 2]!;
    this.i32[n + 3] = wide ? this.i32[(fip >> 2) + 1]! : this.u16[fcs >> 1]!;
    this.i32[n + 4] = this.i32[fdp >> 2]!;
    this.i32[n + 5] = wide ? this.i32[(fdp >> 2) + 1]! : this.u16[fds >> 1]!;
    for (let i = 0; i < 8; i++) this.#saveRegister(n + 8 + 4 * i, this.at(i));
  }

  #saveRegister(to: number, from: number): void {
    this.i32.copyWithin(to, from, from + 2);
    this.i32[to + 2] = this.i32[from + 2]! & 0xffff;
    this.i32[to + 3] = 0;
  }

  /** FXRSTOR's x87 part, from the same places. */
  fxrstor(from: number, wide: boolean): void {
    const { fop, fip, fdp, fcs, fds } = this.layout;
    const n = from >> 2;
    this.loadControl(this.i32[n]!);
    this.loadStatus(this.i32[n]! >>> 16);
    this.abridgedTags = this.i32[n + 1]!;
    this.u16[fop >> 1] = (this.i32[n + 1]! >>> 16) & 0x7ff;
    this.i32[fip >> 2] = this.i32[n + 2]!;
    this.i32[(fip >> 2) + 1] = wide ? this.i32[n + 3]! : 0;
    this.i32[fdp >> 2] = this.i32[n + 4]!;
    this.i32[(fdp >> 2) + 1] = wide ? this.i32[n + 5]! : 0;
    if (!wide) this.u16[fcs >> 1] = this.i32[n + 3]!;
    if (!wide) this.u16[fds >> 1] = this.i32[n + 5]!;
    for (let i = 0; i < 8; i++) this.#saveRegister(this.at(i), n + 8 + 4 * i);
  }

  /**
   * What every MMX instruction but EMMS does before anything else: TOP ← 0, all registers in use. MM(i) is the significand of
   * physical register i, at `regs` + 16 × i.
   */
  enterMmx(): void {
    this.fsw &= ~TOP_MASK;
    this.ftw = 0;
  }

  /** To be called after a write to MM(i): sign and exponent become all ones. */
  mmxWritten(i: number): void {
    this.u16[2 * (this.regs + 4 * (i & 7)) + 4] = 0xffff;
  }

  /** EMMS: all registers empty. */
  emms(): void {
    this.ftw = 0xffff;
  }
}
