import { type Expr, i32, i64, select } from '@hotsocket/wasm-builder';
import { type Emitter, intConst, intOps, loadPlain, narrowed, signExtendTo64, storePlain, widened } from '../emit/emitter.js';
import { EFLAGS, RAX, RBX, RCX, RDX } from '../layout.js';
import { helper, type Semantic, type SemanticTable } from './semantic.js';

type BitChange = 'none' | 'set' | 'reset' | 'complement';

const changedBit = (x: Emitter, change: BitChange, value: Expr, mask: Expr): Expr => {
  const ops = intOps(x.bits);
  if (change === 'set') return ops.or(value, mask);
  if (change === 'reset') return ops.and(value, ops.xor(mask, intConst(x.bits, -1)));
  return ops.xor(value, mask);
};

/** CF := the bit; ZF and the rest are left as they are on processors that leave them. */
function bitToCarry(x: Emitter, value: Expr, index: Expr): void {
  const ops = intOps(x.bits);
  const shifted = ops.and(ops.shrU(value, x.bits === 64 ? i64.extendU(index) : index), intConst(x.bits, 1));
  x.setCarry(x.let(x.bits === 64 ? i64.wrap(shifted) : shifted));
}

/**
 * BT BTS BTR BTC. A register index into memory addresses the bit string around the operand; an immediate, or a register operand,
 * takes the index modulo the width.
 */
const bitTest =
  (change: BitChange): Semantic =>
  (x) => {
    const byRegister = x.operand(1).kind === 'register';
    const raw = x.let(byRegister ? x.read(1) : x.immediate('i32'));
    const low = byRegister && x.bits === 64 ? i64.wrap(raw) : raw;
    const index = x.let(i32.and(low, i32.const(x.bits - 1)));
    const mask = x.let(intOps(x.bits).shl(intConst(x.bits, 1), x.bits === 64 ? i64.extendU(index) : index));
    if (!x.isMemory(0)) return bitTestRegister(x, change, index, mask);
    const linear = x.let(byRegister ? bitStringAddress(x, raw, change !== 'none') : x.linear(x.bits / 8, change !== 'none'));
    if (change === 'none') return bitToCarry(x, x.load(linear, x.bits), index);
    const host = x.hostForModify(linear, x.bits);
    const value = x.let(loadPlain(x.bits, host));
    storePlain(x.f, x.bits, host, changedBit(x, change, value, mask));
    x.commit(host, x.bits / 8);
    bitToCarry(x, value, index);
  };

function bitTestRegister(x: Emitter, change: BitChange, index: Expr, mask: Expr): void {
  const value = x.let(x.read(0));
  if (change !== 'none') x.write(0, changedBit(x, change, value, mask));
  bitToCarry(x, value, index);
}

function bitStringAddress(x: Emitter, index: Expr, write: boolean): Expr {
  const signed = signExtendTo64(index, x.bits);
  const words = i64.shrS(signed, i64.const(Math.log2(x.bits)));
  const offset = i64.add(x.offset(), i64.shl(words, i64.const(Math.log2(x.bits / 8))));
  return x.linearOf(offset, x.bits / 8, write);
}

/** BSF BSR: ZF by source; the destination keeps its value when the source is 0. */
const bitScan =
  (reverse: boolean): Semantic =>
  (x) => {
    const ops = intOps(x.bits);
    const source = x.let(x.read(1));
    const highest = (x.bits === 64 ? 63 : 31) as number;
    const found = reverse ? ops.sub(intConst(x.bits, highest), ops.clz(source)) : ops.ctz(source);
    x.f.if(i32.eqz(ops.eqz(source)), () => x.write(0, found));
    x.setResult(source, x.bits);
    x.clearCarries();
    x.clearAux();
  };

/** TZCNT LZCNT: CF := source is 0, ZF := result is 0. */
const countZeros =
  (leading: boolean): Semantic =>
  (x) => {
    const ops = intOps(x.bits);
    const source = x.let(x.read(1));
    const filled = leading || x.bits >= 32 ? source : i32.or(source, i32.const(0x1_0000));
    const counted = leading ? ops.sub(ops.clz(filled), intConst(x.bits, x.bits === 16 ? 16 : 0)) : ops.ctz(filled);
    const result = x.let(counted);
    x.write(0, result);
    x.setCarry(ops.eqz(source));
    x.setResult(result, x.bits);
  };

const populationCount: Semantic = (x) => {
  const source = x.let(x.read(1));
  x.write(0, intOps(x.bits).popcnt(source));
  x.setResult(source, x.bits);
  x.clearSignAndParity();
  x.clearCarries();
  x.clearAux();
};

/** CMPXCHG8B: compares EDX:EAX, which gets what was found, or memory gets ECX:EBX. Memory is written in either case. */
const compareExchange8: Semantic = (x) => {
  const pair = (high: number, low: number): Expr =>
    i64.or(i64.shl(i64.extendU(x.gpr(high, 32)), i64.const(32)), i64.extendU(x.gpr(low, 32)));
  const host = x.hostForModify(x.linear(8, true), 64);
  const found = x.let(i64.load(host));
  const equal = x.let(i64.eq(found, pair(RDX, RAX)));
  x.f.store('i64', host, select(pair(RCX, RBX), found, equal));
  x.commit(host, 8);
  x.f.if(i32.eqz(equal), () => {
    x.setGpr(RAX, i64.wrap(found), 32);
    x.setGpr(RDX, i64.wrap(i64.shrU(found, i64.const(32))), 32);
  });
  x.setZero(equal);
};

const changeEflags =
  (mask: number, set: boolean): Semantic =>
  (x) => {
    const old = i32.load(i32.const(EFLAGS));
    x.f.store('i32', i32.const(EFLAGS), set ? i32.or(old, i32.const(mask)) : i32.and(old, i32.const(~mask)));
  };

// ------------------------------------------------------------------ BMI

const result = (x: Emitter, value: Expr): Expr => {
  const held = x.let(value);
  x.write(0, held);
  return held;
};

const andNot: Semantic = (x) => {
  const ops = intOps(x.bits);
  const b = x.let(x.read(2));
  const r = result(x, ops.and(ops.xor(x.read(1), intConst(x.bits, -1)), b));
  x.clearCarries();
  x.clearAux();
  x.setResult(r, x.bits);
};

/** BLSI BLSMSK BLSR: the lowest set bit alone, up to it, or without it; CF by source. */
const lowestSet =
  (compute: (x: Emitter, source: Expr) => Expr, carryWhenZero: boolean): Semantic =>
  (x) => {
    const source = x.let(x.read(1));
    const r = result(x, compute(x, source));
    const zero = intOps(x.bits).eqz(source);
    x.clearAux();
    x.setCarryOverflow(carryWhenZero ? zero : i32.eqz(zero), i32.const(0));
    x.setResult(r, x.bits);
  };

const minusOne = (x: Emitter, value: Expr): Expr => intOps(x.bits).sub(value, intConst(x.bits, 1));

/** BEXTR: bits start .. start + length - 1 of the source. */
const extractBits: Semantic = (x) => {
  const source = x.let(widened(x.read(1), x.bits));
  const control = x.let(widened(x.read(2), x.bits));
  const start = x.let(i64.and(control, i64.const(0xff)));
  const length = x.let(i64.and(i64.shrU(control, i64.const(8)), i64.const(0xff)));
  const shifted = select(i64.shrU(source, start), i64.const(0), i64.ltU(start, i64.const(64)));
  const mask = i64.sub(i64.shl(i64.const(1), length), i64.const(1));
  const r = result(x, narrowed(i64.and(shifted, select(mask, i64.const(-1), i64.ltU(length, i64.const(64)))), x.bits));
  x.clearCarries();
  x.clearAux();
  x.setResult(r, x.bits);
};

/** BZHI: bits from the index on cleared; CF := the index is beyond the operand. */
const zeroHigh: Semantic = (x) => {
  const source = x.let(widened(x.read(1), x.bits));
  const index = x.let(i64.and(widened(x.read(2), x.bits), i64.const(0xff)));
  const beyond = x.let(i64.gtU(index, i64.const(x.bits - 1)));
  const mask = i64.sub(i64.shl(i64.const(1), index), i64.const(1));
  const r = result(x, narrowed(select(source, i64.and(source, mask), beyond), x.bits));
  x.setCarryOverflow(beyond, i32.const(0));
  x.clearAux();
  x.setResult(r, x.bits);
};

/** PDEP and PEXT, bit by bit over the mask. */
const parallelBits =
  (deposit: boolean): Semantic =>
  (x) => {
    const { f } = x;
    const mask = f.temporary('i64');
    const taken = f.temporary('i64');
    const place = f.temporary('i64');
    const source = x.let(widened(x.read(1), x.bits));
    f.set(mask, widened(x.read(2), x.bits));
    f.set(taken, i64.const(0));
    f.set(place, i64.const(0));
    const again = f.loop();
    f.if(i32.eqz(i64.eqz(f.get(mask))), () => {
      const lowest = x.let(i64.and(f.get(mask), i64.sub(i64.const(0), f.get(mask))));
      const sourceBit = deposit
        ? i64.and(i64.shrU(source, f.get(place)), i64.const(1))
        : i64.extendU(i32.eqz(i64.eqz(i64.and(source, lowest))));
      f.set(taken, i64.or(f.get(taken), deposit ? i64.mul(sourceBit, lowest) : i64.shl(sourceBit, f.get(place))));
      f.set(place, i64.add(f.get(place), i64.const(1)));
      f.set(mask, i64.xor(f.get(mask), lowest));
      f.br(again);
    });
    f.end();
    x.write(0, narrowed(f.get(taken), x.bits));
  };

/** MULX: first:second := rDX * third, no flags; the first wins when both are one register. */
const multiplyWithoutFlags: Semantic = (x) => {
  const a = x.let(widened(x.gpr(RDX, x.bits), x.bits));
  const b = x.let(widened(x.read(2), x.bits));
  const low = x.let(i64.mul(a, b));
  const high = x.let(x.bits === 64 ? x.multiplyHigh(a, b) : i64.shrU(low, i64.const(32)));
  x.write(1, narrowed(low, x.bits));
  x.write(0, narrowed(high, x.bits));
};

const shiftWithoutFlags =
  (operation: 'shl' | 'shrS' | 'shrU'): Semantic =>
  (x) =>
    x.write(0, x.let(intOps(x.bits)[operation](x.let(x.read(1)), x.read(2))));

const rotateWithoutFlags: Semantic = (x) => {
  const count = x.bits === 64 ? i64.extendU(i32.and(x.immediate('i32'), i32.const(63))) : x.immediate('i32');
  x.write(0, x.let(intOps(x.bits).rotr(x.read(1), count)));
};

export const BITS: SemanticTable = {
  BT: bitTest('none'),
  BTS: bitTest('set'),
  BTR: bitTest('reset'),
  BTC: bitTest('complement'),
  BSF: bitScan(false),
  BSR: bitScan(true),
  TZCNT: countZeros(false),
  LZCNT: countZeros(true),
  POPCNT: populationCount,
  CMC: (x) => x.setCarry(x.let(i32.eqz(x.carry()))),
  CLC: (x) => x.setCarry(i32.const(0)),
  STC: (x) => x.setCarry(i32.const(1)),
  CLD: changeEflags(0x400, false),
  STD: changeEflags(0x400, true),
  ANDN: andNot,
  BLSI: lowestSet((x, a) => intOps(x.bits).and(a, intOps(x.bits).sub(intConst(x.bits, 0), a)), false),
  BLSMSK: lowestSet((x, a) => intOps(x.bits).xor(a, minusOne(x, a)), true),
  BLSR: lowestSet((x, a) => intOps(x.bits).and(a, minusOne(x, a)), true),
  BEXTR: extractBits,
  BZHI: zeroHigh,
  PDEP: parallelBits(true),
  PEXT: parallelBits(false),
  MULX: multiplyWithoutFlags,
  SHLX: shiftWithoutFlags('shl'),
  SARX: shiftWithoutFlags('shrS'),
  SHRX: shiftWithoutFlags('shrU'),
  RORX: rotateWithoutFlags,
  CMPXCHG8B: compareExchange8,
  CMPXCHG16B: helper('compareExchangeWide'),
};
