import { type Expr, i32, i64, select } from '@hotsocket/wasm-builder';
import {
  type Bits,
  type Emitter,
  intConst,
  intOps,
  loadPlain,
  narrowed,
  signExtendTo32,
  signExtendTo64,
  storePlain,
  truncated,
  widened,
} from '../emit/emitter.js';
import { DE } from '../fault.js';
import { RAX, RDX, SLOW_VALUE } from '../layout.js';
import type { Semantic, SemanticTable } from './semantic.js';

/** Carry out of each bit of a + b = r (with or without carry in). */
const carriesOfSum = (bits: Bits, a: Expr, b: Expr, r: Expr): Expr => {
  const ops = intOps(bits);
  return ops.or(ops.and(a, b), ops.and(ops.or(a, b), ops.xor(r, intConst(bits, -1))));
};

/** Borrow out of each bit of a - b = r. */
const borrowsOfDifference = (bits: Bits, a: Expr, b: Expr, r: Expr): Expr => {
  const ops = intOps(bits);
  const notA = ops.xor(a, intConst(bits, -1));
  return ops.or(ops.and(notA, b), ops.and(ops.xor(ops.xor(a, b), intConst(bits, -1)), r));
};

function flagsOfSum(x: Emitter, a: Expr, b: Expr, r: Expr): void {
  x.setCarries(carriesOfSum(x.bits, a, b, r), x.bits);
  x.setAux(a, b, r, x.bits);
  x.setResult(r, x.bits);
}

function flagsOfDifference(x: Emitter, a: Expr, b: Expr, r: Expr): void {
  x.setCarries(borrowsOfDifference(x.bits, a, b, r), x.bits);
  x.setAux(a, b, r, x.bits);
  x.setResult(r, x.bits);
}

function flagsOfLogic(x: Emitter, r: Expr): void {
  x.clearCarries();
  x.clearAux();
  x.setResult(r, x.bits);
}

/** Source operand at the width of the operation: immediates are sign-extended by the record. */
const source = (x: Emitter): Expr => x.let(x.read(1, x.bits));

/** DEST := DEST + SRC (+ CF). OF SF ZF AF CF PF by result. */
const sum =
  (withCarry: boolean): Semantic =>
  (x) => {
    const b = source(x);
    x.modify(0, (a) => {
      const ops = intOps(x.bits);
      const carry = withCarry ? (x.bits === 64 ? i64.extendU(x.carry()) : x.carry()) : intConst(x.bits, 0);
      const r = x.let(truncated(withCarry ? ops.add(ops.add(a, b), carry) : ops.add(a, b), x.bits));
      flagsOfSum(x, a, b, r);
      return r;
    });
  };

/** DEST := DEST - SRC (- CF). */
const difference =
  (withBorrow: boolean): Semantic =>
  (x) => {
    const b = source(x);
    x.modify(0, (a) => {
      const ops = intOps(x.bits);
      const borrow = withBorrow ? (x.bits === 64 ? i64.extendU(x.carry()) : x.carry()) : intConst(x.bits, 0);
      const r = x.let(truncated(withBorrow ? ops.sub(ops.sub(a, b), borrow) : ops.sub(a, b), x.bits));
      if (!withBorrow) x.compared(a, b);
      flagsOfDifference(x, a, b, r);
      return r;
    });
  };

/** Flags of DEST - SRC. */
const compare: Semantic = (x) => {
  const a = x.let(x.read(0));
  const b = source(x);
  const r = x.let(truncated(intOps(x.bits).sub(a, b), x.bits));
  x.compared(a, b);
  flagsOfDifference(x, a, b, r);
};

/** DEST := DEST op SRC. CF OF cleared, SF ZF PF by result. */
const logic =
  (operation: 'and' | 'or' | 'xor'): Semantic =>
  (x) => {
    const b = source(x);
    x.modify(0, (a) => {
      const r = x.let(intOps(x.bits)[operation](a, b));
      flagsOfLogic(x, r);
      return r;
    });
  };

/** Flags of DEST and SRC. */
const test: Semantic = (x) => {
  const a = x.let(x.read(0));
  const r = x.let(intOps(x.bits).and(a, source(x)));
  flagsOfLogic(x, r);
};

/** DEST := DEST + 1. CF is kept. */
const increment: Semantic = (x) => {
  x.modify(0, (a) => {
    const r = x.let(truncated(intOps(x.bits).add(a, intConst(x.bits, 1)), x.bits));
    const carry = x.let(x.carry());
    x.setAux(a, intConst(x.bits, 1), r, x.bits);
    x.setCarryOverflow(carry, intOps(x.bits).eq(r, minimum(x.bits)));
    x.setResult(r, x.bits);
    return r;
  });
};

/** DEST := DEST - 1. CF is kept. */
const decrement: Semantic = (x) => {
  x.modify(0, (a) => {
    const r = x.let(truncated(intOps(x.bits).sub(a, intConst(x.bits, 1)), x.bits));
    const carry = x.let(x.carry());
    x.setAux(a, intConst(x.bits, 1), r, x.bits);
    x.setCarryOverflow(carry, intOps(x.bits).eq(a, minimum(x.bits)));
    x.setResult(r, x.bits);
    return r;
  });
};

/** The most negative number, zero-extended. */
const minimum = (bits: Bits): Expr =>
  bits === 64 ? i64.const(-0x8000_0000_0000_0000n) : i32.const(bits === 32 ? -0x8000_0000 : 2 ** (bits - 1));

/** DEST := 0 - DEST. CF := DEST was not 0. */
const negate: Semantic = (x) => {
  x.modify(0, (b) => {
    const zero = intConst(x.bits, 0);
    const r = x.let(truncated(intOps(x.bits).sub(zero, b), x.bits));
    flagsOfDifference(x, zero, b, r);
    return r;
  });
};

const not: Semantic = (x) => x.modify(0, (a) => truncated(intOps(x.bits).xor(a, intConst(x.bits, -1)), x.bits));

/** Accumulator (AL, AX, EAX, RAX) and its upper half (AH, DX, EDX, RDX). */
const upperHalf = (bits: Bits): number => (bits === 8 ? RAX + 1 : RDX);

/** MUL and one-operand IMUL: upper:accumulator := accumulator * SRC. CF = OF = the upper half matters. */
const multiplyWide =
  (signed: boolean): Semantic =>
  (x) => {
    const b = x.let(x.read(0));
    const a = x.let(x.gpr(RAX, x.bits));
    if (x.bits === 64) return multiply64(x, a, b, signed);
    const wide = (value: Expr): Expr => (signed ? signExtendTo64(value, x.bits) : i64.extendU(value));
    const product = x.let(i64.mul(wide(a), wide(b)));
    const low = x.let(narrowed(product, x.bits));
    const high = x.let(narrowed(i64.shrU(product, i64.const(x.bits)), x.bits));
    x.setGpr(RAX, low, x.bits);
    x.setGpr(upperHalf(x.bits), high, x.bits);
    const lost = i64.ne(product, wide(low));
    multiplyFlags(x, low, lost);
  };

function multiply64(x: Emitter, a: Expr, b: Expr, signed: boolean): void {
  const low = x.let(i64.mul(a, b));
  const high = x.let(signed ? signedHigh(x, a, b) : x.multiplyHigh(a, b));
  x.setGpr(RAX, low, 64);
  x.setGpr(RDX, high, 64);
  const expected = signed ? i64.shrS(low, i64.const(63)) : i64.const(0);
  multiplyFlags(x, low, i64.ne(high, expected));
}

/** Upper half of the signed product from the unsigned one. */
function signedHigh(x: Emitter, a: Expr, b: Expr): Expr {
  const high = x.multiplyHigh(a, b);
  const correction = i64.add(i64.and(i64.shrS(a, i64.const(63)), b), i64.and(i64.shrS(b, i64.const(63)), a));
  return i64.sub(high, correction);
}

function multiplyFlags(x: Emitter, low: Expr, lost: Expr): void {
  const overflow = x.let(lost);
  x.setCarryOverflow(overflow, overflow);
  x.clearAux();
  x.setResult(low, x.bits);
}

/** IMUL with two or three operands: DEST := SRC1 * SRC2, truncated. */
const multiply: Semantic = (x) => {
  const operands = x.shape.operands.length;
  if (operands === 1) return multiplyWide(true)(x);
  const a = x.let(x.read(operands === 3 ? 1 : 0));
  const b = x.let(operands === 3 ? x.read(2, x.bits) : x.read(1));
  if (x.bits === 64) {
    const low = x.let(i64.mul(a, b));
    const high = x.let(signedHigh(x, a, b));
    x.write(0, low);
    return multiplyFlags(x, low, i64.ne(high, i64.shrS(low, i64.const(63))));
  }
  const product = x.let(i64.mul(signExtendTo64(a, x.bits), signExtendTo64(b, x.bits)));
  const low = x.let(narrowed(product, x.bits));
  x.write(0, low);
  multiplyFlags(x, low, i64.ne(product, signExtendTo64(low, x.bits)));
};

/** DIV: unsigned divide of upper:accumulator; #DE if the divisor is 0 or the quotient does not fit. */
const divide: Semantic = (x) => {
  const d = x.let(x.read(0));
  if (x.bits === 64) return divide64(x, d);
  const divisor = x.let(i64.extendU(d));
  x.f.if(i64.eqz(divisor), () => x.raise(DE));
  const dividend = x.let(dividendOf(x));
  const quotient = x.let(i64.divU(dividend, divisor));
  x.f.if(i64.gtU(quotient, i64.const(2 ** x.bits - 1)), () => x.raise(DE));
  putQuotient(x, quotient, i64.sub(dividend, i64.mul(quotient, divisor)));
};

/** The dividend of a division of 8, 16 or 32 bits, zero-extended. */
function dividendOf(x: Emitter): Expr {
  if (x.bits === 8) return i64.extendU(x.gpr(RAX, 16));
  return i64.or(widened(x.gpr(RAX, x.bits), x.bits), i64.shl(widened(x.gpr(RDX, x.bits), x.bits), i64.const(x.bits)));
}

function putQuotient(x: Emitter, quotient: Expr, remainder: Expr): void {
  const r = x.let(narrowed(remainder, x.bits));
  x.setGpr(RAX, narrowed(quotient, x.bits), x.bits);
  x.setGpr(upperHalf(x.bits), r, x.bits);
}

/** A dividend of 64 bits is the host's to divide. */
function divide64(x: Emitter, divisor: Expr): void {
  const [low, high] = [x.let(x.gpr(RAX, 64)), x.let(x.gpr(RDX, 64))];
  x.provided(
    [i64.eqz(high), i64.ne(divisor, i64.const(0))],
    () => i32.const(0),
    () => divideWide(x, divisor),
    () => putQuotient(x, i64.divU(low, divisor), i64.remU(low, divisor)),
  );
}

function divideWide(x: Emitter, divisor: Expr): void {
  x.f.if(x.f.callValue(x.functions.divide128, x.gpr(RDX, 64), x.gpr(RAX, 64), divisor), () => x.raise(DE));
  x.setGpr(RAX, i64.load(i32.const(SLOW_VALUE)), 64);
  x.setGpr(RDX, i64.load(i32.const(SLOW_VALUE + 8)), 64);
}

/** IDIV: signed divide, truncating towards zero. */
const divideSigned: Semantic = (x) => {
  const d = x.let(x.read(0));
  if (x.bits === 64) return divideSigned64(x, d);
  const divisor = x.let(signExtendTo64(d, x.bits));
  x.f.if(i64.eqz(divisor), () => x.raise(DE));
  const dividend = x.let(signedDividend(x));
  x.f.if(i32.and(i64.eq(divisor, i64.const(-1)), i64.eq(dividend, i64.const(-0x8000_0000_0000_0000n))), () => x.raise(DE));
  const quotient = x.let(i64.divS(dividend, divisor));
  x.f.if(i64.ne(quotient, signExtendTo64(narrowed(quotient, x.bits), x.bits)), () => x.raise(DE));
  putQuotient(x, quotient, i64.sub(dividend, i64.mul(quotient, divisor)));
};

function signedDividend(x: Emitter): Expr {
  if (x.bits === 8) return i64.extendS(signExtendTo32(x.gpr(RAX, 16), 16));
  const both = dividendOf(x);
  return x.bits === 16 ? i64.extend32S(both) : both;
}

/** A sign-extended dividend of 64 bits is the host's to divide, but for the quotient that overflows. */
function divideSigned64(x: Emitter, divisor: Expr): void {
  const [low, high] = [x.let(x.gpr(RAX, 64)), x.let(x.gpr(RDX, 64))];
  const usual = i64.gtU(i64.add(divisor, i64.const(1)), i64.const(1));
  x.provided(
    [i64.eq(high, i64.shrS(low, i64.const(63))), usual],
    () => i32.const(0),
    () => divideSignedWide(x, divisor),
    () => putQuotient(x, i64.divS(low, divisor), i64.remS(low, divisor)),
  );
}

/** Divides magnitudes, then sets the signs; the quotient must fit 63 bits, or be the most negative number. */
function divideSignedWide(x: Emitter, divisor: Expr): void {
  const { f } = x;
  const low = f.temporary('i64');
  const high = f.temporary('i64');
  f.set(low, x.gpr(RAX, 64));
  f.set(high, x.gpr(RDX, 64));
  const negative = x.let(i64.ltS(f.get(high), i64.const(0)));
  const divisorNegative = x.let(i64.ltS(divisor, i64.const(0)));
  f.if(negative, () => {
    f.set(high, i64.sub(i64.xor(f.get(high), i64.const(-1)), i64.const(0)));
    f.set(high, i64.add(f.get(high), i64.extendU(i64.eqz(f.get(low)))));
    f.set(low, i64.sub(i64.const(0), f.get(low)));
  });
  const magnitude = select(i64.sub(i64.const(0), divisor), divisor, divisorNegative);
  f.if(f.callValue(x.functions.divide128, f.get(high), f.get(low), magnitude), () => x.raise(DE));
  const quotient = x.let(i64.load(i32.const(SLOW_VALUE)));
  const remainder = x.let(i64.load(i32.const(SLOW_VALUE + 8)));
  const opposite = x.let(i32.xor(negative, divisorNegative));
  const limit = i64.sub(i64.const(-0x8000_0000_0000_0000n), i64.extendU(i32.eqz(opposite)));
  f.if(i64.gtU(quotient, limit), () => x.raise(DE));
  x.setGpr(RAX, select(i64.sub(i64.const(0), quotient), quotient, opposite), 64);
  x.setGpr(RDX, select(i64.sub(i64.const(0), remainder), remainder, negative), 64);
}

/** XADD: SRC := DEST, DEST := DEST + SRC. The sum wins when both are one register. */
const exchangeAdd: Semantic = (x) => {
  const b = x.let(x.read(1));
  if (x.isMemory(0)) {
    const host = x.hostForModify(x.linear(x.bits / 8, true), x.bits);
    const a = x.let(loadPlain(x.bits, host));
    const r = x.let(truncated(intOps(x.bits).add(a, b), x.bits));
    storePlain(x.f, x.bits, host, r);
    x.commit(host, x.bits / 8);
    x.write(1, a);
    return flagsOfSum(x, a, b, r);
  }
  const a = x.let(x.read(0));
  const r = x.let(truncated(intOps(x.bits).add(a, b), x.bits));
  x.write(1, a);
  x.write(0, r);
  flagsOfSum(x, a, b, r);
};

/** CMPXCHG: compare the accumulator with DEST; equal: DEST := SRC, else accumulator := DEST. DEST is always written. */
const compareExchange: Semantic = (x) => {
  const { f } = x;
  const accumulator = x.let(x.gpr(RAX, x.bits));
  const replacement = x.let(x.read(1));
  const finish = (found: Expr): Expr => {
    const r = x.let(truncated(intOps(x.bits).sub(accumulator, found), x.bits));
    flagsOfDifference(x, accumulator, found, r);
    return x.let(intOps(x.bits).eq(accumulator, found));
  };
  if (x.isMemory(0)) {
    const host = x.hostForModify(x.linear(x.bits / 8, true), x.bits);
    const found = x.let(loadPlain(x.bits, host));
    const equal = finish(found);
    f.if(equal, () => storePlain(f, x.bits, host, replacement));
    x.commit(host, x.bits / 8);
    f.if(i32.eqz(equal), () => x.setGpr(RAX, found, x.bits));
    return;
  }
  const found = x.let(x.read(0));
  const equal = finish(found);
  f.if(
    equal,
    () => x.write(0, replacement),
    () => x.setGpr(RAX, found, x.bits),
  );
};

/** ADCX and ADOX add with one flag only. */
const addWithFlag =
  (overflow: boolean): Semantic =>
  (x) => {
    const b = x.let(widened(x.read(1), x.bits));
    const a = x.let(widened(x.read(0), x.bits));
    const old = x.let(overflow ? x.overflow() : x.carry());
    const other = x.let(overflow ? x.carry() : x.overflow());
    const partial = x.let(i64.add(a, b));
    const r = x.let(i64.add(partial, i64.extendU(old)));
    const out = x.bits === 64 ? i32.or(i64.ltU(partial, a), i64.ltU(r, partial)) : i64.wrap(i64.shrU(r, i64.const(32)));
    const carryOut = x.let(out);
    x.write(0, x.bits === 64 ? r : i64.wrap(r));
    if (overflow) x.setCarryOverflow(other, carryOut);
    else x.setCarryOverflow(carryOut, other);
  };

export const ARITHMETIC: SemanticTable = {
  ADD: sum(false),
  ADC: sum(true),
  SUB: difference(false),
  SBB: difference(true),
  CMP: compare,
  AND: logic('and'),
  OR: logic('or'),
  XOR: logic('xor'),
  TEST: test,
  INC: increment,
  DEC: decrement,
  NEG: negate,
  NOT: not,
  MUL: multiplyWide(false),
  IMUL: multiply,
  DIV: divide,
  IDIV: divideSigned,
  XADD: exchangeAdd,
  CMPXCHG: compareExchange,
  ADCX: addWithFlag(false),
  ADOX: addWithFlag(true),
};
