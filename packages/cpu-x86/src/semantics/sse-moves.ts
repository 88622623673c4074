import { type Expr, i32, i64, v128 } from '@hotsocket/wasm-builder';
import type { Bits, Emitter } from '../emit/emitter.js';
import { LANE_64, LANE_F32, LANE_F64 } from '../emit/lanes.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';
import {
  bytes,
  checkMmx,
  checkSse,
  enterMmx,
  isMmx,
  loadZeroExtended,
  lowPart,
  setMmx,
  setXmm,
  xmm,
  zeroExtended,
} from './vector-operands.js';

/** 16 bytes between registers and memory. */
const moveVector =
  (unaligned: boolean): Semantic =>
  (x) => {
    checkSse(x);
    setXmm(x, 0, xmm(x, 1, unaligned), unaligned);
  };

/** MOVSS, MOVSD: a load clears the rest of the register, a register move leaves it. */
const moveScalar =
  (bits: 32 | 64): Semantic =>
  (x) => {
    checkSse(x);
    if (x.isMemory(1)) return setXmm(x, 0, loadZeroExtended(x, bits));
    const lane = bits === 64 ? LANE_F64 : LANE_F32;
    const value = x.let(x.lane(1, lane));
    if (x.isMemory(0)) x.storeAs(x.linear(lane.bytes, true), lane.bytes, (host) => x.f.store(lane.store, host, value));
    else x.setLane(0, lane, value);
  };

/** A quadword between memory or a register's half and a register's half; the other half is left. */
const moveHalf =
  (toHigh: boolean, fromHigh: boolean): Semantic =>
  (x) => {
    checkSse(x);
    const value = x.isMemory(1) ? lowPart(x, 1, 64) : x.let(x.lane(1, LANE_64, Number(fromHigh)));
    if (x.isMemory(0)) x.store(x.linear(8, true), value, 64);
    else x.setLane(0, LANE_64, value, Number(toHigh));
  };

/** MOVLPS, MOVLPD. */
const moveLow = moveHalf(false, false);
/** MOVHPS, MOVHPD: loads to the upper half, stores from it. */
const moveHigh: Semantic = (x) => (x.isMemory(0) ? moveHalf(false, true)(x) : moveHalf(true, false)(x));

/** MOVD and MOVQ between general registers or memory and vector registers. */
const moveInteger: Semantic = (x) => {
  const operands = [x.operand(0), x.operand(1)];
  const usesMmx = operands.some((operand) => operand.kind === 'register' && operand.file === 'mmx');
  if (usesMmx) return moveIntegerMmx(x);
  checkSse(x);
  if (isXmm(x, 0)) return moveToXmm(x);
  const bits = x.operandBits(0);
  x.write(0, lowPart(x, 1, bits), bits);
};

const isXmm = (x: Emitter, index: number): boolean => {
  const operand = x.operand(index);
  return operand.kind === 'register' && operand.file === 'xmm';
};

/** The rest of the register becomes 0, also in MOVQ between two of them. */
function moveToXmm(x: Emitter): void {
  const bits = x.operand(1).bits === 32 ? 32 : 64;
  setXmm(x, 0, x.isMemory(1) ? loadZeroExtended(x, bits) : zeroExtended(lowPart(x, 1, bits)));
}

function moveIntegerMmx(x: Emitter): void {
  checkMmx(x);
  const toMmx = isMmx(x, 0);
  const bits: Bits = x.operand(toMmx ? 1 : 0).bits === 32 ? 32 : 64;
  const value = lowPart(x, 1, bits);
  if (toMmx) {
    enterMmx(x);
    return setMmx(x, 0, bits === 32 ? i64.extendU(value) : value);
  }
  x.write(0, value, bits);
  enterMmx(x);
}

/** MOVQ Wq,Vq to a register clears its upper half; to memory it stores 8 bytes. */
const moveQuadword: Semantic = (x) => {
  if (x.isMemory(0) && isXmm(x, 1)) {
    checkSse(x);
    return x.store(x.linear(8, true), lowPart(x, 1, 64), 64);
  }
  moveInteger(x);
};

/** MOVNTI. */
const moveNonTemporal: Semantic = (x) => x.write(0, x.read(1));

/** MOVNTQ. */
const storeMmx: Semantic = (x) => {
  checkMmx(x);
  x.store(x.linear(8, true), lowPart(x, 1, 64), 64);
  enterMmx(x);
};

const moveMmxToXmm: Semantic = (x) => {
  checkSse(x);
  checkMmx(x);
  enterMmx(x);
  setXmm(x, 0, zeroExtended(lowPart(x, 1, 64)));
};

const moveXmmToMmx: Semantic = (x) => {
  checkSse(x);
  checkMmx(x);
  enterMmx(x);
  setMmx(x, 0, lowPart(x, 1, 64));
};

const moveDuplicated =
  (lanes: readonly number[]): Semantic =>
  (x) => {
    checkSse(x);
    const value = xmm(x, 1);
    setXmm(x, 0, v128.shuffle(value, value, lanes));
  };

const duplicateLow: Semantic = (x) => {
  checkSse(x);
  setXmm(x, 0, v128.splat64(lowPart(x, 1, 64)));
};

/** Sign bits of the lanes, zero-extended to the register. */
const moveMask =
  (mask: (a: Expr) => Expr): Semantic =>
  (x) => {
    checkSse(x);
    x.write(0, mask(xmm(x, 1)), 32);
  };

const moveByteMask: Semantic = (x) => {
  if (!isMmx(x, 1)) return moveMask(v128.bitmask8)(x);
  checkMmx(x);
  enterMmx(x);
  x.write(0, i32.and(v128.bitmask8(v128.load64Zero(x.registerAddress(1))), i32.const(0xff)), 32);
};

export const SSE_MOVES: SemanticTable = {
  MOVAPS: moveVector(false),
  MOVAPD: moveVector(false),
  MOVDQA: moveVector(false),
  MOVNTPS: moveVector(false),
  MOVNTPD: moveVector(false),
  MOVNTDQ: moveVector(false),
  MOVNTDQA: moveVector(false),
  MOVUPS: moveVector(true),
  MOVUPD: moveVector(true),
  MOVDQU: moveVector(true),
  LDDQU: moveVector(true),
  MOVSS: moveScalar(32),
  MOVSD: moveScalar(64),
  MOVLPS: moveLow,
  MOVLPD: moveLow,
  MOVHPS: moveHigh,
  MOVHPD: moveHigh,
  MOVHLPS: moveHalf(false, true),
  MOVLHPS: moveHalf(true, false),
  MOVD: moveInteger,
  MOVQ: moveQuadword,
  MOVNTI: moveNonTemporal,
  MOVNTQ: storeMmx,
  MOVQ2DQ: moveMmxToXmm,
  MOVDQ2Q: moveXmmToMmx,
  MOVDDUP: duplicateLow,
  MOVSLDUP: moveDuplicated(bytes((n) => n & ~4)),
  MOVSHDUP: moveDuplicated(bytes((n) => n | 4)),
  MOVMSKPS: moveMask(v128.bitmask32),
  MOVMSKPD: moveMask(v128.bitmask64),
  PMOVMSKB: moveByteMask,
  MASKMOVQ: helper('maskedStoreMmx'),
  MASKMOVDQU: helper('maskedStoreXmm'),
};
