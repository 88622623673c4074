import { Const, type Expr, i32, i64, select, v128 } from '@hotsocket/wasm-builder';
import type { Bits, Emitter } from '../emit/emitter.js';
import { INTEGER_LANES, LANE_32 } from '../emit/lanes.js';
import { CRC32_TABLE, SHUFFLE_32, SHUFFLE_HIGH_16, SHUFFLE_LOW_16 } from '../layout.js';
import type { Semantic, SemanticTable } from './semantic.js';
import { shuffle32, shuffleHigh16, shuffleLow16 } from './shuffle-indices.js';
import {
  bytes,
  checkMmx,
  checkSse,
  enterMmx,
  IOTA,
  imm8,
  isMmx,
  lowPart,
  packed,
  setXmm,
  sseSource,
  xmm,
  zeroExtended,
} from './vector-operands.js';

// ------------------------------------------------------------------ shuffles and blends

/** Byte indices of the immediate in a table of 256 vectors. */
const indicesFor = (x: Emitter, table: number): Expr => v128.load(i32.shl(imm8(x), i32.const(4)), table);

/** The immediate where it is known when the definition is written out. */
function knownImmediate(x: Emitter): number | undefined {
  const immediate = x.immediate('i32');
  return immediate instanceof Const ? Number(immediate.value) & 0xff : undefined;
}

/** PSHUFD, PSHUFLW, PSHUFHW: by a table, or by the byte indices that `indices` computes for it. */
const shuffleByTable =
  (table: number, indices: (immediate: number) => readonly number[]): Semantic =>
  (x) => {
    checkSse(x);
    const source = xmm(x, 1);
    const known = knownImmediate(x);
    if (known === undefined) setXmm(x, 0, v128.swizzle(source, indicesFor(x, table)));
    else setXmm(x, 0, v128.shuffle(source, source, indices(known)));
  };

/** The lower half of the indices in the first vector, the upper in the second. */
const twoFromEach = (indices: readonly number[]): number[] => indices.map((index, n) => (n < 8 ? index : index + 16));

/** SHUFPS: two elements of the destination, then two of the source. */
const shuffleSingles: Semantic = (x) => {
  checkSse(x);
  const b = xmm(x, 1);
  const a = xmm(x, 0);
  const known = knownImmediate(x);
  if (known !== undefined) return setXmm(x, 0, v128.shuffle(a, b, twoFromEach(shuffle32(known))));
  const indices = x.let(indicesFor(x, SHUFFLE_32));
  setXmm(
    x,
    0,
    v128.shuffle(
      v128.swizzle(a, indices),
      v128.swizzle(b, indices),
      bytes((n) => (n < 8 ? n : n + 16)),
    ),
  );
};

const shuffleDoubles: Semantic = (x) => {
  checkSse(x);
  const b = xmm(x, 1);
  const a = xmm(x, 0);
  const immediate = imm8(x);
  const low = select(v128.lane64(a, 1), v128.lane64(a, 0), i32.and(immediate, i32.const(1)));
  const high = select(v128.lane64(b, 1), v128.lane64(b, 0), i32.and(immediate, i32.const(2)));
  setXmm(x, 0, v128.replace64(v128.splat64(low), 1, high));
};

/** All ones in the elements whose bit of the immediate is set. */
function maskOfImmediate(x: Emitter, bytesPerElement: number): Expr {
  const bits = v128.const(bytes((n) => (n % bytesPerElement === 0 ? 1 << (n / bytesPerElement) : 0)));
  const immediate = i32.and(imm8(x), i32.const(2 ** (16 / bytesPerElement) - 1));
  if (bytesPerElement === 2) return v128.eq16(v128.and(v128.splat16(immediate), bits), bits);
  if (bytesPerElement === 4) return v128.eq32(v128.and(v128.splat32(immediate), bits), bits);
  return v128.eq64(v128.and(v128.splat64(i64.extendU(immediate)), bits), bits);
}

const blendByImmediate = (bytesPerElement: number): Semantic =>
  packed((a, b, x) => v128.bitselect(b, a, maskOfImmediate(x, bytesPerElement)));

/** The sign bits of XMM0's elements choose the source. */
const blendByXmm0 = (signs: (mask: Expr) => Expr): Semantic => packed((a, b, x) => v128.bitselect(b, a, signs(x.xmm0())));

// ------------------------------------------------------------------ elements

/** Number of the element that the immediate names. */
const laneNumber = (x: Emitter, lanes: number): Expr => i32.and(x.immediate('i32'), i32.const(lanes - 1));

const insertElement =
  (bits: Bits): Semantic =>
  (x) => {
    const lanes = (isMmx(x, 0) ? 64 : 128) / bits;
    if (isMmx(x, 0)) checkMmx(x);
    else checkSse(x);
    const value = lowPart(x, 1, bits);
    if (isMmx(x, 0)) {
      enterMmx(x);
      x.f.store('i32_16', x.registerAddress(0), i32.const(0xffff), 8);
    }
    x.setLaneAt(0, INTEGER_LANES[bits], value, laneNumber(x, lanes));
  };

const extractElement =
  (bits: Bits): Semantic =>
  (x) => {
    const lanes = (isMmx(x, 1) ? 64 : 128) / bits;
    if (isMmx(x, 1)) {
      checkMmx(x);
      enterMmx(x);
    } else checkSse(x);
    const value = x.let(x.laneAt(1, INTEGER_LANES[bits], laneNumber(x, lanes)));
    if (x.isMemory(0)) x.store(x.linear(bits / 8, true), value, bits);
    else x.write(0, value, bits === 64 ? 64 : 32);
  };

/** INSERTPS: imm 7:6 source element of a register, 5:4 destination element, 3:0 elements that become 0. */
const insertSingle: Semantic = (x) => {
  checkSse(x);
  const immediate = imm8(x);
  const value = x.isMemory(1) ? lowPart(x, 1, 32) : x.let(x.laneAt(1, LANE_32, i32.shrU(immediate, i32.const(6))));
  x.setLaneAt(0, LANE_32, value, i32.and(i32.shrU(immediate, i32.const(4)), i32.const(3)));
  const bits = v128.const(bytes((n) => (n % 4 === 0 ? 1 << (n / 4) : 0)));
  const cleared = v128.eq32(v128.and(v128.splat32(i32.and(immediate, i32.const(15))), bits), bits);
  setXmm(x, 0, v128.andnot(x.vector(0), cleared));
};

/** PMOVSX, PMOVZX: `steps` widenings of the source's lowest elements. */
const extend =
  (bits: Bits, ...steps: ((a: Expr) => Expr)[]): Semantic =>
  (x) => {
    checkSse(x);
    const value = lowPart(x, 1, bits);
    setXmm(
      x,
      0,
      steps.reduce((a, step) => step(a), zeroExtended(value)),
    );
  };

// ------------------------------------------------------------------ arithmetic

const EVEN_DOUBLEWORDS = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];

const multiplyEvenSigned = packed((a, b) => v128.extmulLow32S(v128.shuffle(a, a, EVEN_DOUBLEWORDS), v128.shuffle(b, b, EVEN_DOUBLEWORDS)));

/** PHMINPOSUW: value and index of the least word; the index is the tie-break. */
const leastWord: Semantic = (x) => {
  checkSse(x);
  const source = xmm(x, 1);
  let best = x.let(i32.shl(v128.lane16U(source, 0), i32.const(3)));
  for (let n = 1; n < 8; n++) {
    const key = x.let(i32.or(i32.shl(v128.lane16U(source, n), i32.const(3)), i32.const(n)));
    best = x.let(select(key, best, i32.ltU(key, best)));
  }
  const result = i32.or(i32.shrU(best, i32.const(3)), i32.shl(i32.and(best, i32.const(7)), i32.const(16)));
  setXmm(x, 0, zeroExtended(result));
};

/** MPSADBW: imm bit 2 chooses where the destination's eleven bytes start, bits 1:0 the source's four. */
const blockDifferences = packed((a, b, x) => {
  const immediate = imm8(x);
  const first = x.let(i32.and(immediate, i32.const(4)));
  const block = x.let(v128.swizzle(b, v128.add8(IOTA, v128.splat8(i32.shl(i32.and(immediate, i32.const(3)), i32.const(2))))));
  let sum: Expr | undefined;
  for (let n = 0; n < 4; n++) {
    const window = x.let(v128.swizzle(a, v128.add8(IOTA, v128.splat8(i32.add(first, i32.const(n))))));
    const one = x.let(v128.splat8(v128.lane8U(block, n)));
    const difference = v128.extendLow8U(v128.sub8(v128.maxU8(window, one), v128.minU8(window, one)));
    sum = x.let(sum ? v128.add16(sum, difference) : difference);
  }
  return sum!;
});

/** PTEST: ZF where no bit is common, CF where the source has none beyond the destination. */
const testBits: Semantic = (x) => {
  checkSse(x);
  const b = xmm(x, 1);
  const a = xmm(x, 0);
  const zero = x.let(i32.eqz(v128.anyTrue(v128.and(a, b))));
  const carry = x.let(i32.eqz(v128.anyTrue(v128.andnot(b, a))));
  x.setCarryOverflow(carry, i32.const(0));
  x.clearAux();
  x.setZero(zero);
  x.clearSignAndParity();
};

/** CRC32 with the Castagnoli polynomial, one table look-up per byte. */
const crc32c: Semantic = (x) => {
  const bits = x.operandBits(1);
  const source = x.let(x.read(1));
  let crc = x.let(x.readRegister(0, 32));
  for (let at = 0; at < bits; at += 8) {
    const byte = bits === 64 ? i64.wrap(i64.shrU(source, i64.const(at))) : i32.shrU(source, i32.const(at));
    const index = i32.and(i32.xor(crc, byte), i32.const(0xff));
    crc = x.let(i32.xor(i32.shrU(crc, i32.const(8)), i32.load(i32.shl(index, i32.const(2)), CRC32_TABLE)));
  }
  x.write(0, x.operandBits(0) === 64 ? i64.extendU(crc) : crc);
};

const stringCompare =
  (name: string): Semantic =>
  (x) => {
    checkSse(x);
    sseSource(x, 1, 128, true);
    x.callHelper(name);
  };

const interleaveLanes = (width: number, upper: boolean): number[] =>
  bytes((n) => (upper ? 8 : 0) + Math.floor(n / (2 * width)) * width + (n % width) + (Math.floor(n / width) % 2) * 16);

const interleave = (width: number, upper: boolean): Semantic => packed((a, b) => v128.shuffle(a, b, interleaveLanes(width, upper)));

const logicNot: Semantic = packed((a, b) => v128.andnot(b, a));

export const SSE_INTEGER: SemanticTable = {
  ANDPS: packed(v128.and),
  ANDPD: packed(v128.and),
  ANDNPS: logicNot,
  ANDNPD: logicNot,
  ORPS: packed(v128.or),
  ORPD: packed(v128.or),
  XORPS: packed(v128.xor),
  XORPD: packed(v128.xor),
  UNPCKLPS: interleave(4, false),
  UNPCKLPD: interleave(8, false),
  UNPCKHPS: interleave(4, true),
  UNPCKHPD: interleave(8, true),
  PSHUFD: shuffleByTable(SHUFFLE_32, shuffle32),
  PSHUFLW: shuffleByTable(SHUFFLE_LOW_16, shuffleLow16),
  PSHUFHW: shuffleByTable(SHUFFLE_HIGH_16, shuffleHigh16),
  SHUFPS: shuffleSingles,
  SHUFPD: shuffleDoubles,
  PBLENDW: blendByImmediate(2),
  BLENDPS: blendByImmediate(4),
  BLENDPD: blendByImmediate(8),
  PBLENDVB: blendByXmm0((mask) => v128.shrS8(mask, i32.const(7))),
  BLENDVPS: blendByXmm0((mask) => v128.shrS32(mask, i32.const(31))),
  BLENDVPD: blendByXmm0((mask) => v128.shrS64(mask, i32.const(63))),
  PINSRB: insertElement(8),
  PINSRW: insertElement(16),
  PINSRD: insertElement(32),
  PINSRQ: insertElement(64),
  PEXTRB: extractElement(8),
  PEXTRW: extractElement(16),
  PEXTRD: extractElement(32),
  PEXTRQ: extractElement(64),
  EXTRACTPS: extractElement(32),
  INSERTPS: insertSingle,
  PMOVSXBW: extend(64, v128.extendLow8S),
  PMOVSXBD: extend(32, v128.extendLow8S, v128.extendLow16S),
  PMOVSXBQ: extend(16, v128.extendLow8S, v128.extendLow16S, v128.extendLow32S),
  PMOVSXWD: extend(64, v128.extendLow16S),
  PMOVSXWQ: extend(32, v128.extendLow16S, v128.extendLow32S),
  PMOVSXDQ: extend(64, v128.extendLow32S),
  PMOVZXBW: extend(64, v128.extendLow8U),
  PMOVZXBD: extend(32, v128.extendLow8U, v128.extendLow16U),
  PMOVZXBQ: extend(16, v128.extendLow8U, v128.extendLow16U, v128.extendLow32U),
  PMOVZXWD: extend(64, v128.extendLow16U),
  PMOVZXWQ: extend(32, v128.extendLow16U, v128.extendLow32U),
  PMOVZXDQ: extend(64, v128.extendLow32U),
  PTEST: testBits,
  PMULDQ: multiplyEvenSigned,
  PMULLD: packed(v128.mul32),
  PCMPEQQ: packed(v128.eq64),
  PCMPGTQ: packed(v128.gtS64),
  PACKUSDW: packed(v128.narrow32U),
  PMINSB: packed(v128.minS8),
  PMINSD: packed(v128.minS32),
  PMINUW: packed(v128.minU16),
  PMINUD: packed(v128.minU32),
  PMAXSB: packed(v128.maxS8),
  PMAXSD: packed(v128.maxS32),
  PMAXUW: packed(v128.maxU16),
  PMAXUD: packed(v128.maxU32),
  PHMINPOSUW: leastWord,
  MPSADBW: blockDifferences,
  CRC32: crc32c,
  PCMPESTRM: stringCompare('compareExplicitMask'),
  PCMPESTRI: stringCompare('compareExplicitIndex'),
  PCMPISTRM: stringCompare('compareImplicitMask'),
  PCMPISTRI: stringCompare('compareImplicitIndex'),
};
