import { type Expr, i32, i64, select, v128 } from '@hotsocket/wasm-builder';
import type { Emitter } from '../emit/emitter.js';
import { FTW, SHUFFLE_LOW_16 } from '../layout.js';
import type { Semantic, SemanticTable } from './semantic.js';
import {
  bytes,
  checkMmx,
  checkSse,
  constant8,
  constant16,
  enterMmx,
  IOTA,
  imm8,
  isMmx,
  joined,
  type Lanes,
  mmx,
  packed,
  setMmx,
  setXmm,
  upperOf,
  xmm,
  ZERO_VECTOR,
} from './vector-operands.js';

/** Interleaves the elements of `width` bytes in the lower or upper halves. */
const interleaved = (width: number, upper: boolean): Lanes => {
  const first = upper ? 8 : 0;
  const lanes = bytes((n) => {
    const element = Math.floor(n / (2 * width));
    const fromSource = Math.floor(n / width) % 2 === 1;
    return first + element * width + (n % width) + (fromSource ? 16 : 0);
  });
  return (a, b) => v128.shuffle(a, b, lanes);
};

const unpackLow = (width: number): Semantic => packed(interleaved(width, false));
/** The upper halves of MMX operands lie in the upper half of the interleaved lower halves. */
const unpackHigh = (width: number): Semantic => packed(interleaved(width, true), (a, b, x) => upperOf(interleaved(width, false)(a, b, x)));

/** Packs with saturation: the MMX operands form one vector first. */
const pack = (narrow: (a: Expr, b: Expr) => Expr): Semantic =>
  packed(narrow, (a, b, x) => {
    const both = x.let(joined(a, b));
    return narrow(both, both);
  });

const UPPER_WORDS = [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31];
const multiplyHighSigned: Lanes = (a, b) => v128.shuffle(v128.extmulLow16S(a, b), v128.extmulHigh16S(a, b), UPPER_WORDS);
const multiplyHighUnsigned: Lanes = (a, b) => v128.shuffle(v128.extmulLow16U(a, b), v128.extmulHigh16U(a, b), UPPER_WORDS);

const LOW_DOUBLEWORDS = v128.const(bytes((n) => (n & 4 ? 0 : 0xff)));
const multiplyEven: Lanes = (a, b) => v128.mul64(v128.and(a, LOW_DOUBLEWORDS), v128.and(b, LOW_DOUBLEWORDS));

/** Sums of eight absolute differences each. */
const sumOfDifferences: Lanes = (a, b, x) => {
  const words = v128.pairwiseAdd8U(v128.sub8(v128.maxU8(a, b), v128.minU8(a, b)));
  const pairs = x.let(v128.pairwiseAdd16U(words));
  return v128.add64(v128.and(pairs, LOW_DOUBLEWORDS), v128.shrU64(pairs, i32.const(32)));
};

// ------------------------------------------------------------------ shifts

type Shift = (a: Expr, count: Expr) => Expr;

/** The shift count: an immediate byte or the low quadword of the source, as i64. */
function shiftCount(x: Emitter): Expr {
  if (x.operand(1).kind === 'immediate') return x.let(i64.and(x.immediate('i64'), i64.const(0xff)));
  return x.let(v128.lane64(isMmx(x, 0) ? mmx(x, 1) : xmm(x, 1), 0));
}

/** Runs a shift on operand 0, MMX or XMM; `shifted` gets the operand and the count. */
function shiftOperand(x: Emitter, shifted: Shift): void {
  if (isMmx(x, 0)) {
    checkMmx(x);
    const count = shiftCount(x);
    const a = mmx(x, 0);
    enterMmx(x);
    return setMmx(x, 0, v128.lane64(shifted(a, count), 0));
  }
  checkSse(x);
  const count = shiftCount(x);
  setXmm(x, 0, shifted(xmm(x, 0), count));
}

/** Counts of the element's width and above give 0. */
const shiftLogical =
  (bits: number, shift: Shift): Semantic =>
  (x) =>
    shiftOperand(x, (a, count) => select(shift(a, i64.wrap(count)), ZERO_VECTOR, i64.ltU(count, i64.const(bits))));

/** Counts of the element's width and above fill with the sign. */
const shiftArithmetic =
  (bits: number, shift: Shift): Semantic =>
  (x) =>
    shiftOperand(x, (a, count) => shift(a, i64.wrap(select(count, i64.const(bits - 1), i64.ltU(count, i64.const(bits))))));

/** PSLLDQ and PSRLDQ: byte indices outside the vector give 0. */
const shiftBytes =
  (left: boolean): Semantic =>
  (x) => {
    checkSse(x);
    const a = xmm(x, 0);
    const immediate = imm8(x);
    const count = v128.splat8(x.let(select(immediate, i32.const(16), i32.ltU(immediate, i32.const(16)))));
    setXmm(x, 0, v128.swizzle(a, left ? v128.sub8(IOTA, count) : v128.add8(IOTA, count)));
  };

// ------------------------------------------------------------------ SSSE3

/** Even and odd elements of `width` bytes of a:b. */
const evenLanes = (width: number): number[] => Array.from({ length: 16 }, (_, n) => 2 * (n - (n % width)) + (n % width));
const oddLanes = (width: number): number[] => evenLanes(width).map((n) => n + width);

const horizontal = (width: number, operation: (even: Expr, odd: Expr) => Expr): Semantic => {
  const lanes: Lanes = (a, b) => operation(v128.shuffle(a, b, evenLanes(width)), v128.shuffle(a, b, oddLanes(width)));
  return packed(lanes, (a, b, x) => {
    const both = x.let(joined(a, b));
    return lanes(both, both, x);
  });
};

/** Unsigned destination times signed source, pairs added with saturation. */
const multiplyAddBytes: Lanes = (a, b, x) => {
  const low = x.let(v128.mul16(v128.extendLow8U(a), v128.extendLow8S(b)));
  const high = x.let(v128.mul16(v128.extendHigh8U(a), v128.extendHigh8S(b)));
  return v128.addSatS16(v128.shuffle(low, high, evenLanes(2)), v128.shuffle(low, high, oddLanes(2)));
};

/** −a where b < 0, 0 where b = 0, else a. */
const applySign =
  (negate: (a: Expr) => Expr, shift: Shift, differs: (a: Expr, b: Expr) => Expr, bits: number): Lanes =>
  (a, b) =>
    v128.and(v128.bitselect(negate(a), a, shift(b, i32.const(bits - 1))), differs(b, ZERO_VECTOR));

/** (a × b + 2^14) >> 15; −1 × −1 overflows to −1. */
const multiplyRoundHigh: Lanes = (a, b) => {
  const least = constant16(0x8000);
  return v128.xor(v128.q15mulrSatS16(a, b), v128.and(v128.eq16(a, least), v128.eq16(b, least)));
};

/** Bytes of `a` by the low bits of each index; 0 where its bit 7 is set. */
const shuffleBytes: Semantic = packed(
  (a, b) => v128.swizzle(a, v128.and(b, constant8(0x8f))),
  (a, b) => v128.swizzle(a, v128.and(b, constant8(0x87))),
);

/** The 16 (or 8) bytes at `imm` of destination:source. */
const alignRight: Semantic = packed(
  (a, b, x) => {
    const from = x.let(v128.add8(IOTA, v128.splat8(clamped(x, 32))));
    return v128.or(v128.swizzle(b, from), v128.swizzle(a, v128.sub8(from, constant8(16))));
  },
  (a, b, x) => v128.swizzle(joined(b, a), v128.add8(IOTA, v128.splat8(clamped(x, 16)))),
);

function clamped(x: Emitter, most: number): Expr {
  const immediate = imm8(x);
  return x.let(select(immediate, i32.const(most), i32.ltU(immediate, i32.const(most))));
}

// ------------------------------------------------------------------ MMX alone

const emptyMmx: Semantic = (x) => {
  checkMmx(x);
  enterMmx(x);
  x.setFpuWord(FTW, i32.const(0xffff));
};

const shuffleWords: Semantic = (x) => {
  checkMmx(x);
  const b = mmx(x, 1);
  const indices = v128.load(i32.shl(imm8(x), i32.const(4)), SHUFFLE_LOW_16);
  enterMmx(x);
  setMmx(x, 0, v128.lane64(v128.swizzle(b, indices), 0));
};

export const MMX: SemanticTable = {
  PUNPCKLBW: unpackLow(1),
  PUNPCKLWD: unpackLow(2),
  PUNPCKLDQ: unpackLow(4),
  PUNPCKLQDQ: unpackLow(8),
  PUNPCKHBW: unpackHigh(1),
  PUNPCKHWD: unpackHigh(2),
  PUNPCKHDQ: unpackHigh(4),
  PUNPCKHQDQ: unpackHigh(8),
  PACKSSWB: pack(v128.narrow16S),
  PACKUSWB: pack(v128.narrow16U),
  PACKSSDW: pack(v128.narrow32S),
  PCMPGTB: packed(v128.gtS8),
  PCMPGTW: packed(v128.gtS16),
  PCMPGTD: packed(v128.gtS32),
  PCMPEQB: packed(v128.eq8),
  PCMPEQW: packed(v128.eq16),
  PCMPEQD: packed(v128.eq32),
  PADDB: packed(v128.add8),
  PADDW: packed(v128.add16),
  PADDD: packed(v128.add32),
  PADDQ: packed(v128.add64),
  PSUBB: packed(v128.sub8),
  PSUBW: packed(v128.sub16),
  PSUBD: packed(v128.sub32),
  PSUBQ: packed(v128.sub64),
  PADDSB: packed(v128.addSatS8),
  PADDSW: packed(v128.addSatS16),
  PADDUSB: packed(v128.addSatU8),
  PADDUSW: packed(v128.addSatU16),
  PSUBSB: packed(v128.subSatS8),
  PSUBSW: packed(v128.subSatS16),
  PSUBUSB: packed(v128.subSatU8),
  PSUBUSW: packed(v128.subSatU16),
  PMINUB: packed(v128.minU8),
  PMAXUB: packed(v128.maxU8),
  PMINSW: packed(v128.minS16),
  PMAXSW: packed(v128.maxS16),
  PAVGB: packed(v128.avgU8),
  PAVGW: packed(v128.avgU16),
  PMULLW: packed(v128.mul16),
  PMULHW: packed(multiplyHighSigned),
  PMULHUW: packed(multiplyHighUnsigned),
  PMULUDQ: packed(multiplyEven),
  PMADDWD: packed(v128.dot16S),
  PSADBW: packed(sumOfDifferences),
  PAND: packed(v128.and),
  PANDN: packed((a, b) => v128.andnot(b, a)),
  POR: packed(v128.or),
  PXOR: packed(v128.xor),
  PSLLW: shiftLogical(16, v128.shl16),
  PSLLD: shiftLogical(32, v128.shl32),
  PSLLQ: shiftLogical(64, v128.shl64),
  PSRLW: shiftLogical(16, v128.shrU16),
  PSRLD: shiftLogical(32, v128.shrU32),
  PSRLQ: shiftLogical(64, v128.shrU64),
  PSRAW: shiftArithmetic(16, v128.shrS16),
  PSRAD: shiftArithmetic(32, v128.shrS32),
  PSLLDQ: shiftBytes(true),
  PSRLDQ: shiftBytes(false),
  PSHUFB: shuffleBytes,
  PHADDW: horizontal(2, v128.add16),
  PHADDD: horizontal(4, v128.add32),
  PHADDSW: horizontal(2, v128.addSatS16),
  PHSUBW: horizontal(2, v128.sub16),
  PHSUBD: horizontal(4, v128.sub32),
  PHSUBSW: horizontal(2, v128.subSatS16),
  PMADDUBSW: packed(multiplyAddBytes),
  PSIGNB: packed(applySign(v128.neg8, v128.shrS8, v128.ne8, 8)),
  PSIGNW: packed(applySign(v128.neg16, v128.shrS16, v128.ne16, 16)),
  PSIGND: packed(applySign(v128.neg32, v128.shrS32, v128.ne32, 32)),
  PMULHRSW: packed(multiplyRoundHigh),
  PABSB: packed((_a, b) => v128.abs8(b)),
  PABSW: packed((_a, b) => v128.abs16(b)),
  PABSD: packed((_a, b) => v128.abs32(b)),
  PALIGNR: alignRight,
  EMMS: emptyMmx,
  PSHUFW: shuffleWords,
};
