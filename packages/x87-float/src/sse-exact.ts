import { A, B, EXP, HI, Kernel, KIND, LO, R, SIGN } from './kernel.js';
import {
  CF,
  DAZ,
  DE,
  DENORMAL,
  EMAX_32,
  EMAX_64,
  EMIN_32,
  EMIN_64,
  FTZ,
  IE,
  INFINITE,
  MXCSR_MASK_SHIFT,
  MXCSR_RC_SHIFT,
  NORMAL,
  OE,
  PE,
  PF,
  QNAN,
  SNAN,
  UE,
  ZE,
  ZERO,
  ZF,
} from './spec.js';

const EXCEPTIONS = IE | DE | ZE | OE | UE | PE;
const RC_FIELD = 3 << MXCSR_RC_SHIFT;
const ADD = 0;
const SUB = 1;
const MUL = 2;
const DIV = 3;

/** Results of an exact comparison. */
const LESS = 0;
const EQUAL = 1;
const GREATER = 2;
const UNORDERED = 3;
/** Bit n of entry p: predicate p (CMPPS imm8 2:0) holds for comparison result n. */
const PREDICATES = [0b0010, 0b0001, 0b0011, 0b1000, 0b1101, 0b1110, 0b1100, 0b0111];
/** Predicates for which a quiet NaN is invalid: LT, LE, NLT, NLE. */
const SIGNALING = 0b0110_0110;

/** Twice the least normal number: a rounded result of at least that size was certainly not tiny. */
const SAFE_MIN_64 = 2 ** -1021;
const SAFE_MIN_32 = 2 ** -125;
const MAX_64 = Number.MAX_VALUE;
const MAX_32 = 2 ** 128 - 2 ** 104;

/**
 * Single and double precision of SSE, exact in every rounding mode, with MXCSR's exception flags (SDM volume 1, 11.5).
 *
 * Operands and results are byte addresses in the memory, naturally aligned; `dst` may equal an operand. Each operation takes
 * MXCSR and returns the exceptions it raised (MXCSR bits 5:0), which the caller ORs into MXCSR. If one of them is unmasked
 * the result is not written; a packed operation therefore collects its results in scratch memory, ORs the flags of all
 * elements and asks `trap`.
 */
export class SseFloat {
  readonly #k = new Kernel();
  #i32!: Int32Array;
  #f32!: Float32Array;
  #f64!: Float64Array;

  /** @param view the memory, starting at an 8-byte boundary of its buffer. */
  constructor(view: DataView) {
    this.rebind(view);
  }

  /** Looks at another view of the memory, for instance after a wasm memory has grown. */
  rebind(view: DataView): void {
    this.#i32 = new Int32Array(view.buffer, view.byteOffset, view.byteLength >>> 2);
    this.#f32 = new Float32Array(view.buffer, view.byteOffset, view.byteLength >>> 2);
    this.#f64 = new Float64Array(view.buffer, view.byteOffset, view.byteLength >>> 3);
  }

  /**
   * The exceptions to report for an instruction whose elements raised `flags` in all, and whether it traps (#XM): an unmasked
   * pre-computation exception (invalid, denormal, divide by zero) keeps the post-computation flags from being set.
   * Returns the flags to OR into MXCSR, plus bit 31 (a negative number) if the instruction must raise #XM.
   */
  static trap(flags: number, mxcsr: number): number {
    const unmasked = flags & ~(mxcsr >> MXCSR_MASK_SHIFT) & EXCEPTIONS;
    if (unmasked === 0) return flags;
    return ((unmasked & (IE | DE | ZE)) !== 0 ? flags & (IE | DE | ZE) : flags) | 0x8000_0000;
  }

  add64(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#binary64(ADD, dst, a, b, mxcsr);
  }

  sub64(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#binary64(SUB, dst, a, b, mxcsr);
  }

  mul64(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#binary64(MUL, dst, a, b, mxcsr);
  }

  div64(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#binary64(DIV, dst, a, b, mxcsr);
  }

  add32(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#binary32(ADD, dst, a, b, mxcsr);
  }

  sub32(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#binary32(SUB, dst, a, b, mxcsr);
  }

  mul32(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#binary32(MUL, dst, a, b, mxcsr);
  }

  div32(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#binary32(DIV, dst, a, b, mxcsr);
  }

  /**
   * With rounding to nearest and PE already set and masked, the host's own arithmetic is exact enough: for normal operands
   * and a result clear of the range's ends no other flag can arise.
   */
  #binary64(op: number, dst: number, a: number, b: number, mxcsr: number): number {
    if ((mxcsr & (RC_FIELD | PE | (PE << MXCSR_MASK_SHIFT))) === (PE | (PE << MXCSR_MASK_SHIFT))) {
      const x = this.#f64[a >> 3]!;
      const y = this.#f64[b >> 3]!;
      const r = native(op, x, y);
      const size = Math.abs(r);
      if (size >= SAFE_MIN_64 && size <= MAX_64 && Math.abs(x) >= SAFE_MIN_64 && Math.abs(y) >= SAFE_MIN_64 && Math.abs(y) <= MAX_64) {
        this.#f64[dst >> 3] = r;
        return 0;
      }
    }
    this.#unpack64(A, a, mxcsr);
    this.#unpack64(B, b, mxcsr);
    return this.#pack64(dst, this.#binary(op, mxcsr), mxcsr);
  }

  #binary32(op: number, dst: number, a: number, b: number, mxcsr: number): number {
    if ((mxcsr & (RC_FIELD | PE | (PE << MXCSR_MASK_SHIFT))) === (PE | (PE << MXCSR_MASK_SHIFT))) {
      const x = this.#f32[a >> 2]!;
      const y = this.#f32[b >> 2]!;
      // A double holds more than twice the bits of a single plus two, so that rounding twice is innocuous.
      const r = Math.fround(native(op, x, y));
      const size = Math.abs(r);
      if (size >= SAFE_MIN_32 && size <= MAX_32 && Math.abs(x) >= SAFE_MIN_32 && Math.abs(y) >= SAFE_MIN_32 && Math.abs(y) <= MAX_32) {
        this.#f32[dst >> 2] = r;
        return 0;
      }
    }
    this.#unpack32(A, a, mxcsr);
    this.#unpack32(B, b, mxcsr);
    return this.#pack32(dst, this.#binary(op, mxcsr), mxcsr);
  }

  #unpack64(slot: number, at: number, mxcsr: number): void {
    this.#k.unpack64(slot, this.#i32[at >> 2]!, this.#i32[(at >> 2) + 1]!);
    if (mxcsr & DAZ && this.#k.w[slot + KIND] === DENORMAL) this.#k.w[slot + KIND] = ZERO;
  }

  #unpack32(slot: number, at: number, mxcsr: number): void {
    this.#k.unpack32(slot, this.#i32[at >> 2]!);
    if (mxcsr & DAZ && this.#k.w[slot + KIND] === DENORMAL) this.#k.w[slot + KIND] = ZERO;
  }

  /** R ← special value; exponent and significand as `pack` expects, marked exact and final by SPECIAL. */
  #special(sign: number, hi: number, lo: number): void {
    this.#k.set(R, sign, INFINITE_EXP, hi, lo, 0);
  }

  #zero(sign: number): void {
    this.#k.set(R, sign, 0, 0, 0, 0);
  }

  #invalid(): number {
    this.#special(1, -0x4000_0000, 0);
    return IE;
  }

  #quieted(slot: number): void {
    const w = this.#k.w;
    this.#special(w[slot + SIGN]!, w[slot + HI]! | 0x4000_0000, w[slot + LO]!);
  }

  /** R ← A op B before rounding; returns the pre-computation exceptions. */
  #binary(op: number, mxcsr: number): number {
    const w = this.#k.w;
    const a = w[A + KIND]!;
    const b = w[B + KIND]!;
    if (a >= QNAN || b >= QNAN) {
      this.#quieted(a >= QNAN ? A : B);
      return a === SNAN || b === SNAN ? IE : 0;
    }
    const flags = a === DENORMAL || b === DENORMAL ? DE : 0;
    if (op === MUL) return this.#multiply(a, b, flags);
    return op === DIV ? this.#divide(a, b, flags) : this.#add(a, b, flags, w[B + SIGN]! ^ op, (mxcsr >> MXCSR_RC_SHIFT) & 3);
  }

  #add(a: number, b: number, flags: number, signB: number, rc: number): number {
    const w = this.#k.w;
    const signA = w[A + SIGN]!;
    if (a === INFINITE && b === INFINITE && signA !== signB) return this.#invalid();
    if (a === INFINITE || b === INFINITE) this.#special(a === INFINITE ? signA : signB, -0x8000_0000, 0);
    else if (a === ZERO && b === ZERO) this.#zero(signA === signB ? signA : rc === 1 ? 1 : 0);
    else if (a === ZERO) this.#take(B, signB);
    else if (b === ZERO) this.#take(A, signA);
    else this.#k.add(signB, rc);
    return flags;
  }

  /** R ← the finite operand in `slot`, exactly. */
  #take(slot: number, sign: number): void {
    const w = this.#k.w;
    this.#k.set(R, sign, w[slot + EXP]!, w[slot + HI]!, w[slot + LO]!, 0);
  }

  #multiply(a: number, b: number, flags: number): number {
    const w = this.#k.w;
    const sign = w[A + SIGN]! ^ w[B + SIGN]!;
    if ((a === INFINITE && b === ZERO) || (a === ZERO && b === INFINITE)) return this.#invalid();
    if (a === INFINITE || b === INFINITE) this.#special(sign, -0x8000_0000, 0);
    else if (a === ZERO || b === ZERO) this.#zero(sign);
    else this.#k.mul();
    return flags;
  }

  #divide(a: number, b: number, flags: number): number {
    const w = this.#k.w;
    const sign = w[A + SIGN]! ^ w[B + SIGN]!;
    if (a === b && (a === INFINITE || a === ZERO)) return this.#invalid();
    if (a === INFINITE || b === ZERO) {
      this.#special(sign, -0x8000_0000, 0);
      return a === INFINITE ? flags : ZE;
    }
    if (a === ZERO || b === INFINITE) this.#zero(sign);
    else this.#k.div();
    return flags;
  }

  /** Rounds R unless it is special; writes it unless an unmasked exception forbids; returns all exceptions. */
  #pack64(dst: number, before: number, mxcsr: number): number {
    const flags = before | this.#round(53, EMIN_64, EMAX_64, before, mxcsr);
    if ((flags & ~(mxcsr >> MXCSR_MASK_SHIFT) & EXCEPTIONS) !== 0) return flags;
    const w = this.#k.w;
    if (w[R + EXP] === INFINITE_EXP) w[R + EXP] = EMAX_64 + 1;
    this.#i32[dst >> 2] = this.#k.low64();
    this.#i32[(dst >> 2) + 1] = this.#k.high64();
    return flags;
  }

  #pack32(dst: number, before: number, mxcsr: number): number {
    const flags = before | this.#round(24, EMIN_32, EMAX_32, before, mxcsr);
    if ((flags & ~(mxcsr >> MXCSR_MASK_SHIFT) & EXCEPTIONS) !== 0) return flags;
    const w = this.#k.w;
    if (w[R + EXP] === INFINITE_EXP) w[R + EXP] = EMAX_32 + 1;
    this.#i32[dst >> 2] = this.#k.bits32();
    return flags;
  }

  #round(prec: number, emin: number, emax: number, before: number, mxcsr: number): number {
    const w = this.#k.w;
    if (w[R + EXP] === INFINITE_EXP || w[R + HI] === 0) return 0;
    const unmasked = ~(mxcsr >> MXCSR_MASK_SHIFT) & EXCEPTIONS;
    if ((before & unmasked) !== 0) return 0;
    const rc = (mxcsr >> MXCSR_RC_SHIFT) & 3;
    const flush = (mxcsr & FTZ) !== 0 && (unmasked & UE) === 0;
    const flags = this.#k.round(prec, emin, emax, rc, flush ? unmasked | UE : unmasked, 0) & EXCEPTIONS;
    if (!flush || (flags & UE) === 0) return flags;
    this.#zero(w[R + SIGN]!);
    return UE | PE;
  }

  sqrt64(dst: number, a: number, mxcsr: number): number {
    this.#unpack64(A, a, mxcsr);
    return this.#pack64(dst, this.#squareRoot(), mxcsr);
  }

  sqrt32(dst: number, a: number, mxcsr: number): number {
    this.#unpack32(A, a, mxcsr);
    return this.#pack32(dst, this.#squareRoot(), mxcsr);
  }

  #squareRoot(): number {
    const w = this.#k.w;
    const kind = w[A + KIND]!;
    if (kind >= QNAN) return this.#nan();
    if (kind === ZERO) this.#zero(w[A + SIGN]!);
    else if (w[A + SIGN] === 1) return this.#invalid();
    else if (kind === INFINITE) this.#special(0, -0x8000_0000, 0);
    else this.#k.sqrt();
    return kind === DENORMAL ? DE : 0;
  }

  /** R ← the quieted NaN in A. */
  #nan(): number {
    this.#quieted(A);
    return this.#k.w[A + KIND] === SNAN ? IE : 0;
  }

  /** MIN and MAX: the second operand unless the first is strictly less (greater). */
  min64(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#select64(LESS, dst, a, b, mxcsr);
  }

  max64(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#select64(GREATER, dst, a, b, mxcsr);
  }

  min32(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#select32(LESS, dst, a, b, mxcsr);
  }

  max32(dst: number, a: number, b: number, mxcsr: number): number {
    return this.#select32(GREATER, dst, a, b, mxcsr);
  }

  #select64(wanted: number, dst: number, a: number, b: number, mxcsr: number): number {
    this.#unpack64(A, a, mxcsr);
    this.#unpack64(B, b, mxcsr);
    const order = this.#order();
    const flags = this.#comparisonFlags(order, true);
    if ((flags & ~(mxcsr >> MXCSR_MASK_SHIFT)) !== 0) return flags;
    const from = order === wanted ? a : b;
    const zero = this.#k.w[(order === wanted ? A : B) + KIND] === ZERO;
    const hi = this.#i32[(from >> 2) + 1]!;
    this.#i32[dst >> 2] = zero ? 0 : this.#i32[from >> 2]!;
    this.#i32[(dst >> 2) + 1] = zero ? hi & 0x8000_0000 : hi;
    return flags;
  }

  #select32(wanted: number, dst: number, a: number, b: number, mxcsr: number): number {
    this.#unpack32(A, a, mxcsr);
    this.#unpack32(B, b, mxcsr);
    const order = this.#order();
    const flags = this.#comparisonFlags(order, true);
    if ((flags & ~(mxcsr >> MXCSR_MASK_SHIFT)) !== 0) return flags;
    const bits = this.#i32[(order === wanted ? a : b) >> 2]!;
    const zero = this.#k.w[(order === wanted ? A : B) + KIND] === ZERO;
    this.#i32[dst >> 2] = zero ? bits & 0x8000_0000 : bits;
    return flags;
  }

  /** Compares A with B. */
  #order(): number {
    const w = this.#k.w;
    const a = w[A + KIND]!;
    const b = w[B + KIND]!;
    if (a >= QNAN || b >= QNAN) return UNORDERED;
    if (a === ZERO && b === ZERO) return EQUAL;
    const signA = a === ZERO ? 1 - w[B + SIGN]! : w[A + SIGN]!;
    const signB = b === ZERO ? 1 - w[A + SIGN]! : w[B + SIGN]!;
    if (signA !== signB) return signA === 1 ? LESS : GREATER;
    const order = this.#k.compareMagnitude(A, B);
    if (order === 0) return EQUAL;
    return order < 0 === (signA === 0) ? LESS : GREATER;
  }

  #comparisonFlags(order: number, signaling: boolean): number {
    const w = this.#k.w;
    const a = w[A + KIND]!;
    const b = w[B + KIND]!;
    if (order === UNORDERED) return signaling || a === SNAN || b === SNAN ? IE : 0;
    return a === DENORMAL || b === DENORMAL ? DE : 0;
  }

  /** CMPPD/CMPSD element: all ones or zero to `dst`; `predicate` is imm8 bits 2:0. */
  cmp64(dst: number, a: number, b: number, predicate: number, mxcsr: number): number {
    this.#unpack64(A, a, mxcsr);
    this.#unpack64(B, b, mxcsr);
    const order = this.#order();
    const flags = this.#comparisonFlags(order, ((SIGNALING >> (predicate & 7)) & 1) === 1);
    if ((flags & ~(mxcsr >> MXCSR_MASK_SHIFT)) !== 0) return flags;
    const mask = -((PREDICATES[predicate & 7]! >> order) & 1);
    this.#i32[dst >> 2] = mask;
    this.#i32[(dst >> 2) + 1] = mask;
    return flags;
  }

  /** CMPPS/CMPSS element. */
  cmp32(dst: number, a: number, b: number, predicate: number, mxcsr: number): number {
    this.#unpack32(A, a, mxcsr);
    this.#unpack32(B, b, mxcsr);
    const order = this.#order();
    const flags = this.#comparisonFlags(order, ((SIGNALING >> (predicate & 7)) & 1) === 1);
    if ((flags & ~(mxcsr >> MXCSR_MASK_SHIFT)) === 0) this.#i32[dst >> 2] = -((PREDICATES[predicate & 7]! >> order) & 1);
    return flags;
  }

  /**
   * COMISD (`quiet` false), UCOMISD: ZF, PF and CF as in EFLAGS in bits 6, 2 and 0, the exceptions in bits 13:8. The caller
   * clears OF, SF and AF, and leaves EFLAGS alone if it traps.
   */
  comi64(a: number, b: number, quiet: boolean, mxcsr: number): number {
    this.#unpack64(A, a, mxcsr);
    this.#unpack64(B, b, mxcsr);
    return this.#comiResult(quiet);
  }

  /** COMISS, UCOMISS; result as for `comi64`. */
  comi32(a: number, b: number, quiet: boolean, mxcsr: number): number {
    this.#unpack32(A, a, mxcsr);
    this.#unpack32(B, b, mxcsr);
    return this.#comiResult(quiet);
  }

  #comiResult(quiet: boolean): number {
    const order = this.#order();
    const flags = order === UNORDERED ? ZF | PF | CF : order === EQUAL ? ZF : order === LESS ? CF : 0;
    return flags | (this.#comparisonFlags(order, !quiet) << 8);
  }

  /** CVTSD2SS element. */
  cvt64to32(dst: number, a: number, mxcsr: number): number {
    this.#unpack64(A, a, mxcsr);
    return this.#pack32(dst, this.#same(), mxcsr);
  }

  /** CVTSS2SD element. */
  cvt32to64(dst: number, a: number, mxcsr: number): number {
    this.#unpack32(A, a, mxcsr);
    return this.#pack64(dst, this.#same(), mxcsr);
  }

  /** R ← A. */
  #same(): number {
    const w = this.#k.w;
    const kind = w[A + KIND]!;
    if (kind >= QNAN) return this.#nan();
    if (kind === INFINITE) this.#special(w[A + SIGN]!, -0x8000_0000, 0);
    else if (kind === ZERO) this.#zero(w[A + SIGN]!);
    else this.#take(A, w[A + SIGN]!);
    return kind === DENORMAL ? DE : 0;
  }

  /** CVTSI2SD with a 32- or 64-bit integer given as halves; `hi` of a 32-bit one is its sign. */
  cvtIntTo64(dst: number, lo: number, hi: number, mxcsr: number): number {
    this.#k.unpackInt(A, lo, hi);
    return this.#pack64(dst, this.#same(), mxcsr);
  }

  /** CVTSI2SS. */
  cvtIntTo32(dst: number, lo: number, hi: number, mxcsr: number): number {
    this.#k.unpackInt(A, lo, hi);
    return this.#pack32(dst, this.#same(), mxcsr);
  }

  /**
   * CVTSD2SI, CVTTSD2SI (`truncate`): writes `bytes` (4 or 8) at `dst`; the integer indefinite if invalid. Serves CVTPD2DQ and
   * CVTPD2PI too.
   */
  cvt64toInt(dst: number, a: number, bytes: number, truncate: boolean, mxcsr: number): number {
    this.#unpack64(A, a, mxcsr);
    return this.#toInt(dst, bytes, truncate, mxcsr);
  }

  /** CVTSS2SI, CVTTSS2SI, and the elements of CVTPS2DQ and CVTPS2PI. */
  cvt32toInt(dst: number, a: number, bytes: number, truncate: boolean, mxcsr: number): number {
    this.#unpack32(A, a, mxcsr);
    return this.#toInt(dst, bytes, truncate, mxcsr);
  }

  #toInt(dst: number, bytes: number, truncate: boolean, mxcsr: number): number {
    const k = this.#k;
    const inexact = k.w[A + KIND]! >= INFINITE ? -1 : k.toInteger(truncate ? 3 : (mxcsr >> MXCSR_RC_SHIFT) & 3);
    const fits = inexact >= 0 && k.integerFits(bytes);
    const flags = fits ? inexact & PE : IE;
    if ((flags & ~(mxcsr >> MXCSR_MASK_SHIFT)) !== 0) return flags;
    this.#i32[dst >> 2] = fits ? k.integerLow() : bytes === 8 ? 0 : -0x8000_0000;
    if (bytes === 8) this.#i32[(dst >> 2) + 1] = fits ? k.integerHigh() : -0x8000_0000;
    return flags;
  }

  /** ROUNDSD element; `imm` as in the instruction: rounding mode, bit 2 = MXCSR's mode, bit 3 = no PE. */
  round64(dst: number, a: number, imm: number, mxcsr: number): number {
    this.#unpack64(A, a, mxcsr);
    const before = this.#toIntegral(imm & 4 ? (mxcsr >> MXCSR_RC_SHIFT) & 3 : imm & 3);
    return this.#pack64(dst, imm & 8 ? before & ~PE : before, mxcsr);
  }

  /** ROUNDSS element. */
  round32(dst: number, a: number, imm: number, mxcsr: number): number {
    this.#unpack32(A, a, mxcsr);
    const before = this.#toIntegral(imm & 4 ? (mxcsr >> MXCSR_RC_SHIFT) & 3 : imm & 3);
    return this.#pack32(dst, imm & 8 ? before & ~PE : before, mxcsr);
  }

  #toIntegral(rc: number): number {
    const k = this.#k;
    const w = k.w;
    if (w[A + KIND]! >= INFINITE || w[A + KIND] === ZERO || w[A + EXP]! >= 63) return this.#same() & ~DE;
    const flags = k.toInteger(rc) & PE;
    const sign = w[R + SIGN]!;
    k.setNormalized(A, sign, 63, w[R + HI]!, w[R + LO]!, NORMAL);
    if (w[A + KIND] === ZERO) this.#zero(sign);
    else this.#take(A, sign);
    return flags;
  }
}

/** Exponent of R that marks infinity or a NaN on its way to `pack`; no finite result reaches it. */
const INFINITE_EXP = 0x10_0000;

function native(op: number, x: number, y: number): number {
  if (op === ADD) return x + y;
  if (op === SUB) return x - y;
  return op === MUL ? x * y : x / y;
}
