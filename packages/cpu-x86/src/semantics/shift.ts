import { Const, type Expr, i32, i64 } from '@hotsocket/wasm-builder';
import { type Bits, type Emitter, narrowed, signExtendTo64, widened } from '../emit/emitter.js';
import { RCX } from '../layout.js';
import type { Semantic, SemanticTable } from './semantic.js';

/** The count operand: an immediate, 1 or CL, masked to 5 or 6 bits (SDM volume 2, SAL/SAR/SHL/SHR). */
function countOf(x: Emitter, index: number): Expr {
  const operand = x.operand(index);
  const raw = operand.kind === 'constant' ? i32.const(operand.value) : operand.kind === 'register' ? x.gpr(RCX, 8) : x.immediate('i32');
  return x.let(i32.and(raw, i32.const(x.bits === 64 ? 63 : 31)));
}

const bit = (value: Expr, index: Expr): Expr => i32.and(i64.wrap(i64.shrU(value, i64.extendU(index))), i32.const(1));
const topBit = (value: Expr, bits: Bits): Expr => i32.and(i64.wrap(i64.shrU(value, i64.const(bits - 1))), i32.const(1));

/** Runs `change` on the operand unless the count is 0: then nothing changes, but memory is still read and written. */
function shiftOperand(x: Emitter, count: Expr, change: (value: Expr) => Expr): void {
  const { f } = x;
  if (count instanceof Const) return x.modify(0, (original) => (count.value === 0 ? original : change(x.let(widened(original, x.bits)))));
  x.flagsMayChange();
  x.modify(0, (original) => {
    const result = f.temporary(x.bits === 64 ? 'i64' : 'i32');
    f.set(result, original);
    f.if(count, () => f.set(result, change(x.let(widened(original, x.bits)))));
    return f.get(result);
  });
}

/** SHL: CF := last bit out; OF := CF xor the new top bit. */
const shiftLeft: Semantic = (x) => {
  const count = countOf(x, 1);
  shiftOperand(x, count, (value) => {
    const wide = x.let(i64.extendU(count));
    const result = x.let(narrowed(i64.shl(value, wide), x.bits));
    const carry =
      x.bits === 64
        ? bit(value, i32.sub(i32.const(64), count))
        : i32.and(i64.wrap(i64.shrU(i64.shl(value, wide), i64.const(x.bits))), i32.const(1));
    const cf = x.let(carry);
    x.setCarryOverflow(cf, i32.xor(cf, topBit(widened(result, x.bits), x.bits)));
    x.clearAux();
    x.setResult(result, x.bits);
    return result;
  });
};

/** SHR: CF := last bit out; OF := top bit of the operand (for a count of 1). */
const shiftRight: Semantic = (x) => {
  const count = countOf(x, 1);
  shiftOperand(x, count, (value) => {
    const result = x.let(narrowed(i64.shrU(value, i64.extendU(count)), x.bits));
    const beforeLast = i64.shrU(value, i64.extendU(i32.sub(count, i32.const(1))));
    const cf = x.let(i32.and(i64.wrap(beforeLast), i32.const(1)));
    x.setCarryOverflow(cf, i32.and(topBit(value, x.bits), i32.eq(count, i32.const(1))));
    x.clearAux();
    x.setResult(result, x.bits);
    return result;
  });
};

/** SAR: CF := last bit out; OF := 0. */
const shiftArithmetic: Semantic = (x) => {
  const count = countOf(x, 1);
  shiftOperand(x, count, (value) => {
    const signed = x.let(signExtendTo64(narrowed(value, x.bits), x.bits));
    const result = x.let(narrowed(i64.shrS(signed, i64.extendU(count)), x.bits));
    const cf = x.let(i32.and(i64.wrap(i64.shrS(signed, i64.extendU(i32.sub(count, i32.const(1))))), i32.const(1)));
    x.setCarryOverflow(cf, i32.const(0));
    x.clearAux();
    x.setResult(result, x.bits);
    return result;
  });
};

/** The value rotated left by `count` (0 .. bits - 1) in an i64. */
function rotatedLeft(value: Expr, count: Expr, bits: Bits): Expr {
  const wide = i64.extendU(count);
  if (bits === 64) return i64.rotl(value, wide);
  return i64.or(i64.shl(value, wide), i64.shrU(value, i64.sub(i64.const(bits), wide)));
}

const modulo = (x: Emitter, count: Expr): Expr => (x.bits >= 32 ? count : i32.and(count, i32.const(x.bits - 1)));

/** ROL: CF := low bit of the result, OF := CF xor top bit. The flags change if the masked count is not 0. */
const rotateLeft: Semantic = (x) => {
  const count = countOf(x, 1);
  shiftOperand(x, count, (value) => {
    const result = x.let(narrowed(rotatedLeft(value, modulo(x, count), x.bits), x.bits));
    const wide = x.let(widened(result, x.bits));
    const cf = x.let(i32.and(i64.wrap(wide), i32.const(1)));
    x.setCarryOverflow(cf, i32.xor(cf, topBit(wide, x.bits)));
    return result;
  });
};

/** ROR: CF := top bit of the result, OF := xor of the two top bits. */
const rotateRight: Semantic = (x) => {
  const count = countOf(x, 1);
  shiftOperand(x, count, (value) => {
    const left = i32.and(i32.sub(i32.const(x.bits), modulo(x, count)), i32.const(x.bits - 1));
    const result = x.let(narrowed(rotatedLeft(value, x.let(left), x.bits), x.bits));
    const wide = x.let(widened(result, x.bits));
    const cf = x.let(topBit(wide, x.bits));
    x.setCarryOverflow(cf, i32.xor(cf, bit(wide, i32.const(x.bits - 2))));
    return result;
  });
};

/** RCL and RCR step by step: CF takes part as bit `bits`; 8- and 16-bit counts go modulo 9 and 17. */
const rotateThroughCarry =
  (left: boolean): Semantic =>
  (x) => {
    const { f } = x;
    const masked = countOf(x, 1);
    const count = x.let(x.bits >= 32 ? masked : i32.remU(masked, i32.const(x.bits + 1)));
    shiftOperand(x, masked, (value) => {
      const [rest, cf, rotating, steps] = [f.temporary('i32'), f.temporary('i32'), f.temporary('i64'), f.temporary('i32')];
      f.set(rotating, value);
      f.set(cf, x.carry());
      f.set(steps, count);
      const again = f.loop();
      f.if(f.get(steps), () => {
        rotateOnce(x, left, { rest, cf, rotating });
        f.set(steps, i32.sub(f.get(steps), i32.const(1)));
        f.br(again);
      });
      f.end();
      const result = x.let(narrowed(f.get(rotating), x.bits));
      const top = topBit(f.get(rotating), x.bits);
      x.setCarryOverflow(f.get(cf), left ? i32.xor(f.get(cf), top) : i32.xor(top, bit(f.get(rotating), i32.const(x.bits - 2))));
      return result;
    });
  };

interface Rotation {
  readonly rest: ReturnType<Emitter['f']['temporary']>;
  readonly cf: ReturnType<Emitter['f']['temporary']>;
  readonly rotating: ReturnType<Emitter['f']['temporary']>;
}

function rotateOnce(x: Emitter, left: boolean, { rest, cf, rotating }: Rotation): void {
  const { f } = x;
  if (left) {
    f.set(rest, topBit(f.get(rotating), x.bits));
    const moved = i64.or(i64.shl(f.get(rotating), i64.const(1)), i64.extendU(f.get(cf)));
    f.set(rotating, widened(narrowed(moved, x.bits), x.bits));
  } else {
    f.set(rest, i32.and(i64.wrap(f.get(rotating)), i32.const(1)));
    f.set(rotating, i64.or(i64.shrU(f.get(rotating), i64.const(1)), i64.shl(i64.extendU(f.get(cf)), i64.const(x.bits - 1))));
  }
  f.set(cf, f.get(rest));
}

/**
 * SHLD and SHRD. For 16 bits and counts above 16 the result is undefined; processors shift the 48-bit string
 * DEST:SRC:DEST (SHLD) or its mirror.
 */
const doubleShift =
  (left: boolean): Semantic =>
  (x) => {
    const count = countOf(x, 2);
    const source = x.let(widened(x.read(1), x.bits));
    shiftOperand(x, count, (value) => {
      const wide = x.let(i64.extendU(count));
      const [result, cf] = x.bits === 64 ? double64(x, left, value, source, wide) : doubleNarrow(x, left, value, source, wide);
      const overflow = i32.xor(topBit(value, x.bits), topBit(widened(result, x.bits), x.bits));
      x.setCarryOverflow(cf, overflow);
      x.clearAux();
      x.setResult(result, x.bits);
      return result;
    });
  };

function double64(x: Emitter, left: boolean, value: Expr, source: Expr, count: Expr): [Expr, Expr] {
  const back = x.let(i64.sub(i64.const(64), count));
  const result = left ? i64.or(i64.shl(value, count), i64.shrU(source, back)) : i64.or(i64.shrU(value, count), i64.shl(source, back));
  const last = left ? i64.shrU(value, back) : i64.shrU(value, i64.sub(count, i64.const(1)));
  return [x.let(result), x.let(i32.and(i64.wrap(last), i32.const(1)))];
}

function doubleNarrow(x: Emitter, left: boolean, value: Expr, source: Expr, count: Expr): [Expr, Expr] {
  const width = i64.const(x.bits);
  const repeated = x.bits === 16 ? i64.shl(left ? value : value, i64.const(left ? 0 : 32)) : i64.const(0);
  if (left) {
    const total = x.bits === 16 ? 32 : 32;
    const high =
      x.bits === 16
        ? i64.or(i64.shl(value, i64.const(32)), i64.or(i64.shl(source, i64.const(16)), repeated))
        : i64.or(i64.shl(value, width), source);
    const joined = x.let(high);
    const shifted = i64.shl(joined, count);
    const result = x.let(narrowed(i64.shrU(shifted, i64.const(total)), x.bits));
    const cf = x.let(i32.and(i64.wrap(i64.shrU(joined, i64.sub(i64.const(total + x.bits), count))), i32.const(1)));
    return [result, cf];
  }
  const joined = x.let(i64.or(i64.or(value, i64.shl(source, width)), x.bits === 16 ? repeated : i64.const(0)));
  const result = x.let(narrowed(i64.shrU(joined, count), x.bits));
  const cf = x.let(i32.and(i64.wrap(i64.shrU(joined, i64.sub(count, i64.const(1)))), i32.const(1)));
  return [result, cf];
}

export const SHIFT: SemanticTable = {
  SHL: shiftLeft,
  SAL: shiftLeft,
  SHR: shiftRight,
  SAR: shiftArithmetic,
  ROL: rotateLeft,
  ROR: rotateRight,
  RCL: rotateThroughCarry(true),
  RCR: rotateThroughCarry(false),
  SHLD: doubleShift(true),
  SHRD: doubleShift(false),
};
