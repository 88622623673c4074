import { A, EXP, HI, Kernel, KIND, LO, R, SIGN } from './kernel.js';
import {
  BUSY,
  C0,
  C1,
  C2,
  C3,
  EMAX_80,
  EMIN_80,
  ES,
  EXCEPTIONS,
  FCW_INIT,
  FCW_RESERVED,
  FCW_WRITABLE,
  IE,
  INFINITE,
  OE,
  PC_SHIFT,
  RC_SHIFT,
  SF,
  TOP_MASK,
  TOP_SHIFT,
  UE,
  WRAP_80,
  ZERO,
} from './spec.js';

/** Byte addresses of the x87 state in the memory handed to the constructor. All are multiples of their size. */
export interface X87Layout {
  /** R0; eight physical registers of 16 bytes: significand (8 bytes, little endian), sign and exponent (2), unused (6). */
  readonly regs: number;
  /** Control word, 16 bits. */
  readonly fcw: number;
  /** Status word, 16 bits, TOP in bits 13:11. */
  readonly fsw: number;
  /** Tag word, 16 bits: two bits per physical register, 3 = empty, 0 = not empty. See `fullTagWord` for the architectural one. */
  readonly ftw: number;
  /** Last opcode, 11 bits in 16. */
  readonly fop: number;
  /** Last instruction pointer: 64-bit offset. */
  readonly fip: number;
  /** Last operand pointer: 64-bit offset. */
  readonly fdp: number;
  /** Selectors of the two pointers, 16 bits each. */
  readonly fcs: number;
  readonly fds: number;
  /** At least 108 bytes, a multiple of 4: the memory operand, fetched before a load and to be written back after a store. */
  readonly operand: number;
}

/** Bytes a layout made by `x87LayoutAt` occupies. */
export const X87_STATE_BYTES = 272;

/** The fields of X87Layout one after the other from `base`, a multiple of 16. */
export function x87LayoutAt(base: number): X87Layout {
  const words = base + 128;
  const area = { fip: base + 136, fdp: base + 144, fcs: base + 152, fds: base + 154, operand: base + 160 };
  return { regs: base, fcw: words, fsw: words + 2, ftw: words + 4, fop: words + 6, ...area };
}

const PRECISION = [24, 64, 53, 64];
/** Default NaN ("real indefinite"). */
export const INDEFINITE_HI: number = -0x4000_0000;
export const INDEFINITE_SE = 0xffff;
export const NEGATIVE = 0x8000;

/** Registers, stack, status and exceptions; the instruction families build on it. */
export class X87State {
  protected readonly k: Kernel = new Kernel();
  protected readonly layout: X87Layout;
  protected i32!: Int32Array;
  protected u16!: Uint16Array;
  protected readonly regs: number;
  protected readonly operand: number;
  readonly #fcw: number;
  readonly #fsw: number;
  readonly #ftw: number;

  /** @param view the memory; addresses in `layout` count from its start, which must be 4-byte aligned in its buffer. */
  constructor(view: DataView, layout: X87Layout) {
    this.layout = layout;
    this.regs = layout.regs >> 2;
    this.operand = layout.operand >> 2;
    this.#fcw = layout.fcw >> 1;
    this.#fsw = layout.fsw >> 1;
    this.#ftw = layout.ftw >> 1;
    this.rebind(view);
  }

  /** Looks at another view of the same state, for instance after a wasm memory has grown. */
  rebind(view: DataView): void {
    this.i32 = new Int32Array(view.buffer, view.byteOffset, view.byteLength >>> 2);
    this.u16 = new Uint16Array(view.buffer, view.byteOffset, view.byteLength >>> 1);
  }

  get fcw(): number {
    return this.u16[this.#fcw]!;
  }

  get fsw(): number {
    return this.u16[this.#fsw]!;
  }

  /** Writes FSW as it is; ES and B are the caller's care (see `loadStatus`). */
  set fsw(value: number) {
    this.u16[this.#fsw] = value;
  }

  /** Tag word as stored: 3 for empty, 0 for in use. */
  get ftw(): number {
    return this.u16[this.#ftw]!;
  }

  set ftw(value: number) {
    this.u16[this.#ftw] = value;
  }

  /** True if an unmasked exception is pending: a waiting instruction must raise #MF (or assert FERR#) before it starts. */
  get pending(): boolean {
    return (this.fsw & ES) !== 0;
  }

  protected get rc(): number {
    return (this.fcw >> RC_SHIFT) & 3;
  }

  protected get precision(): number {
    return PRECISION[(this.fcw >> PC_SHIFT) & 3]!;
  }

  /** FINIT's state. Register contents stay, all are tagged empty. */
  finit(): void {
    this.u16[this.#fcw] = FCW_INIT;
    this.fsw = 0;
    this.ftw = 0xffff;
    this.u16[this.layout.fop >> 1] = 0;
    this.u16[this.layout.fcs >> 1] = 0;
    this.u16[this.layout.fds >> 1] = 0;
    this.i32.fill(0, this.layout.fip >> 2, (this.layout.fip >> 2) + 2);
    this.i32.fill(0, this.layout.fdp >> 2, (this.layout.fdp >> 2) + 2);
  }

  /** FLDCW: sets the control word; a flag that becomes unmasked becomes pending. */
  loadControl(value: number): void {
    this.u16[this.#fcw] = (value & FCW_WRITABLE) | FCW_RESERVED;
    this.#summarize(this.fsw);
  }

  /** Sets the status word from an environment image; ES and B follow from the flags and masks, whatever the image says. */
  loadStatus(value: number): void {
    this.#summarize(value);
  }

  #summarize(fsw: number): void {
    const pending = fsw & ~this.fcw & EXCEPTIONS;
    this.fsw = pending !== 0 ? fsw | ES | BUSY : fsw & ~(ES | BUSY);
  }

  /** Tag word as FSTENV stores it: 0 valid, 1 zero, 2 special, 3 empty, by the registers' contents. */
  fullTagWord(): number {
    let tags = this.ftw;
    for (let r = 0; r < 8; r++) if (((this.ftw >> (2 * r)) & 3) !== 3) tags |= this.#tagOf(this.regs + 4 * r) << (2 * r);
    return tags;
  }

  #tagOf(at: number): number {
    const lo = this.i32[at]!;
    const hi = this.i32[at + 1]!;
    const exp = this.i32[at + 2]! & 0x7fff;
    if (exp === 0 && (lo | hi) === 0) return 1;
    return exp === 0 || exp === 0x7fff || hi >= 0 ? 2 : 0;
  }

  /** Takes a full tag word: only "empty or not" is kept. */
  loadTags(full: number): void {
    let tags = 0;
    for (let r = 0; r < 16; r += 2) if (((full >> r) & 3) === 3) tags |= 3 << r;
    this.ftw = tags;
  }

  /** FXSAVE's tag byte: bit r is 1 if physical register r is in use. */
  get abridgedTags(): number {
    let byte = 0;
    for (let r = 0; r < 8; r++) if (((this.ftw >> (2 * r)) & 3) !== 3) byte |= 1 << r;
    return byte;
  }

  set abridgedTags(byte: number) {
    let tags = 0;
    for (let r = 0; r < 8; r++) if (((byte >> r) & 1) === 0) tags |= 3 << (2 * r);
    this.ftw = tags;
  }

  get top(): number {
    return (this.fsw >> TOP_SHIFT) & 7;
  }

  protected setTop(top: number): void {
    this.fsw = (this.fsw & ~TOP_MASK) | ((top & 7) << TOP_SHIFT);
  }

  /** Physical register number of ST(i). */
  protected physical(i: number): number {
    return (this.top + i) & 7;
  }

  /** Index of ST(i) in the 32-bit view. */
  protected at(i: number): number {
    return this.regs + 4 * this.physical(i);
  }

  protected isEmpty(i: number): boolean {
    return ((this.ftw >> (2 * this.physical(i))) & 3) === 3;
  }

  protected markUsed(i: number): void {
    this.ftw &= ~(3 << (2 * this.physical(i)));
  }

  protected markEmpty(i: number): void {
    this.ftw |= 3 << (2 * this.physical(i));
  }

  protected pop(): void {
    this.markEmpty(0);
    this.setTop(this.top + 1);
  }

  /** Decrements TOP and tags the new ST(0) as used. The overflow check is the caller's. */
  protected push(): void {
    this.setTop(this.top - 1);
    this.markUsed(0);
  }

  protected clearC1(): void {
    this.fsw &= ~C1;
  }

  protected setCodes(codes: number): void {
    this.fsw = (this.fsw & ~(C0 | C1 | C2 | C3)) | codes;
  }

  /** Sets flags (exceptions, SF, C1) in FSW and the summary; returns those exceptions that are unmasked. */
  protected raise(flags: number): number {
    const unmasked = flags & ~this.fcw & EXCEPTIONS;
    this.fsw |= unmasked !== 0 ? flags | ES | BUSY : flags;
    return unmasked;
  }

  /** Stack underflow (C1 = 0); true if masked, so that the response is due. */
  protected underflow(): boolean {
    this.clearC1();
    return this.raise(IE | SF) === 0;
  }

  /** Stack overflow (C1 = 1); true if masked. */
  protected overflow(): boolean {
    return this.raise(IE | SF | C1) === 0;
  }

  protected unpackSt(slot: number, i: number): number {
    const at = this.at(i);
    this.k.unpack80(slot, this.i32[at]!, this.i32[at + 1]!, this.i32[at + 2]!);
    return this.k.w[slot + KIND]!;
  }

  protected store(i: number, lo: number, hi: number, se: number): void {
    const at = this.at(i);
    this.i32[at] = lo;
    this.i32[at + 1] = hi;
    this.u16[2 * at + 4] = se;
    this.markUsed(i);
  }

  protected storeIndefinite(i: number): void {
    this.store(i, 0, INDEFINITE_HI, INDEFINITE_SE);
  }

  /** Copies ST(from) over ST(to), tag included as "used". */
  protected copySt(to: number, from: number): void {
    const at = this.at(from);
    this.store(to, this.i32[at]!, this.i32[at + 1]!, this.i32[at + 2]!);
  }

  protected storeZero(i: number, sign: number): void {
    this.store(i, 0, 0, sign << 15);
  }

  protected storeInfinity(i: number, sign: number): void {
    this.store(i, 0, -0x8000_0000, (sign << 15) | 0x7fff);
  }

  /** Stores an operand slot whose kind is a quiet NaN, signaling NaN (quieted), infinity or zero. */
  protected storeSpecial(i: number, slot: number): void {
    const w = this.k.w;
    const kind = w[slot + KIND]!;
    if (kind === ZERO) this.storeZero(i, w[slot + SIGN]!);
    else if (kind === INFINITE) this.storeInfinity(i, w[slot + SIGN]!);
    else this.store(i, w[slot + LO]!, w[slot + HI]! | 0x4000_0000, (w[slot + SIGN]! << 15) | 0x7fff);
  }

  /** Rounds R to `prec` bits and the extended range, raises what is due and stores the result in ST(i). */
  protected storeRounded(i: number, prec: number): void {
    const k = this.k;
    const fcw = this.fcw;
    const flags = k.round(prec, EMIN_80, EMAX_80, (fcw >> RC_SHIFT) & 3, ~fcw & (OE | UE), WRAP_80);
    if (flags !== 0) this.raise(flags);
    this.store(i, k.w[R + LO]!, k.w[R + HI]!, k.signExponent80());
  }

  /** R ← operand A, exactly. */
  protected resultFromA(): void {
    const w = this.k.w;
    w[R + SIGN] = w[A + SIGN]!;
    w[R + EXP] = w[A + EXP]!;
    w[R + HI] = w[A + HI]!;
    w[R + LO] = w[A + LO]!;
    w[R + 4] = 0;
  }
}
