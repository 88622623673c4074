import { type Expr, i32, i64, select } from '@hotsocket/wasm-builder';
import { type Bits, type Emitter, intOps, signExtendTo32, signExtendTo64, truncated } from '../emit/emitter.js';
import { RAX, RBX, RDX } from '../layout.js';
import { CONDITION_NAMES } from './conditions.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';

const isSpecial = (x: Emitter, index: number): boolean => {
  const operand = x.shape.operands[index];
  return operand?.kind === 'register' && operand.file !== 'gpr';
};

/** DEST := SRC. */
const move: Semantic = (x) => x.write(0, x.let(x.read(1, x.bits)));

/** MOV r/m, Sreg: a register gets the selector zero-extended, memory 16 bits. */
const moveFromSegment: Semantic = (x) => {
  const selector = x.let(i32.load16U(x.registerAddress(1), 16));
  if (x.isMemory(0)) x.write(0, selector, 16);
  else x.write(0, x.bits === 64 ? i64.extendU(selector) : selector);
};

const moveZeroExtended: Semantic = (x) => {
  const value = x.read(1);
  x.write(0, x.bits === 64 ? i64.extendU(value) : value);
};

const moveSignExtended: Semantic = (x) => x.write(0, truncated(x.readSigned(1, x.operandBits(1), x.bits), x.bits));

/** LEA: the offset, cut to the operand size. */
const loadEffectiveAddress: Semantic = (x) => {
  const offset = x.offset();
  x.write(0, x.bits === 64 ? offset : i64.wrap(offset), x.bits);
};

/** XCHG: memory is written once, under an implied lock. */
const exchange: Semantic = (x) => {
  const b = x.let(x.read(1));
  if (x.isMemory(0)) {
    let found: Expr = b;
    x.modify(0, (a) => {
      found = a;
      return b;
    });
    return x.write(1, found);
  }
  const a = x.let(x.read(0));
  x.write(0, b);
  x.write(1, a);
};

/** CMOVcc: the source is read, and may fault, whatever the condition. */
const conditionalMove =
  (code: number): Semantic =>
  (x) => {
    const source = x.let(x.read(1));
    x.write(0, select(source, x.read(0), x.condition(code)));
  };

const setByCondition =
  (code: number): Semantic =>
  (x) =>
    x.write(0, x.let(x.condition(code)), 8);

const swapped32 = (value: Expr): Expr => {
  const mask = i32.const(0x00ff_00ff);
  const pairs = i32.or(i32.and(i32.shrU(value, i32.const(8)), mask), i32.shl(i32.and(value, mask), i32.const(8)));
  return i32.rotl(pairs, i32.const(16));
};

const byteSwapped = (x: Emitter, value: Expr, bits: Bits): Expr => {
  if (bits === 16) return i32.or(i32.shrU(value, i32.const(8)), i32.and(i32.shl(value, i32.const(8)), i32.const(0xff00)));
  if (bits === 32) return swapped32(value);
  const low = i64.extendU(swapped32(x.let(i64.wrap(value))));
  const high = i64.extendU(swapped32(x.let(i64.wrap(i64.shrU(value, i64.const(32))))));
  return i64.or(i64.shl(low, i64.const(32)), high);
};

/** BSWAP. A 16-bit operand is undefined; processors clear it. */
const byteSwap: Semantic = (x) => x.modify(0, (value) => (x.bits === 16 ? i32.const(0) : byteSwapped(x, value, x.bits)));

const moveSwapped: Semantic = (x) => x.write(0, x.let(byteSwapped(x, x.let(x.read(1)), x.bits)));

/** CBW CWDE CDQE: the accumulator's lower half, sign-extended. */
const extendAccumulator: Semantic = (x) => {
  const half = (x.bits / 2) as Bits;
  const value = x.gpr(RAX, half);
  x.setGpr(RAX, x.bits === 64 ? signExtendTo64(value, half) : signExtendTo32(value, half), x.bits);
};

/** CWD CDQ CQO: rDX := sign of the accumulator. */
const extendToUpper: Semantic = (x) => {
  const ops = intOps(x.bits);
  const value = x.bits === 64 ? x.gpr(RAX, 64) : signExtendTo32(x.gpr(RAX, x.bits), x.bits);
  x.setGpr(RDX, ops.shrS(value, x.bits === 64 ? i64.const(63) : i32.const(31)), x.bits);
};

/** XLAT: AL := [rBX + AL]. */
const translate: Semantic = (x) => {
  const offset = i64.add(x.gpr(RBX, 64), i64.extendU(x.gpr(RAX, 8)));
  x.setGpr(RAX, x.load(x.linearOf(offset, 1, false), 8), 8);
};

/** SALC: AL := all ones if CF. */
const setAlByCarry: Semantic = (x) => x.setGpr(RAX, i32.sub(i32.const(0), x.carry()), 8);

const nothing: Semantic = () => {};

const perCondition = (prefix: string, make: (code: number) => Semantic): SemanticTable =>
  Object.fromEntries(CONDITION_NAMES.map((name, code) => [prefix + name, make(code)]));

/** MOV to or from control, debug and segment registers is a helper's work; the rest is inline. */
const anyMove: Semantic = (x) => {
  if (isSpecial(x, 0)) return x.helper('moveToSegment');
  if (isSpecial(x, 1)) return moveFromSegment(x);
  move(x);
};

export const DATA: SemanticTable = {
  MOV: anyMove,
  'MOV@system': helper('moveControl'),
  MOVZX: moveZeroExtended,
  MOVSX: moveSignExtended,
  MOVSXD: moveSignExtended,
  LEA: loadEffectiveAddress,
  XCHG: exchange,
  XLAT: translate,
  SALC: setAlByCarry,
  BSWAP: byteSwap,
  MOVBE: moveSwapped,
  CBW: extendAccumulator,
  CWD: extendToUpper,
  NOP: nothing,
  ENDBR64: nothing,
  ENDBR32: nothing,
  PREFETCH: nothing,
  PREFETCHW: nothing,
  PREFETCHNTA: nothing,
  PREFETCHT0: nothing,
  PREFETCHT1: nothing,
  PREFETCHT2: nothing,
  LFENCE: nothing,
  MFENCE: nothing,
  SFENCE: nothing,
  ...perCondition('CMOV', conditionalMove),
  ...perCondition('SET', setByCondition),
};
