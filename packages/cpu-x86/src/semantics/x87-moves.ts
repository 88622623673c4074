import { type Expr, f32, f64, i32, i64, select, v128 } from '@hotsocket/wasm-builder';
import type { Emitter } from '../emit/emitter.js';
import { FCW, FSW, X87 } from '../layout.js';
import { addressOf, isEmpty, isUsed, markEmpty, markUsed, near, setTop, top } from './x87-stack.js';

/*
 * Moves on the register stack without a call, where no stack fault and no special operand is in the way.
 */

const at = (address: number): Expr => i32.const(address);
const SIGN = 0x8000;

const copy = (x: Emitter, to: Expr, from: Expr): void => x.f.store('v128', addressOf(to), v128.load(addressOf(from), X87), X87);

/** A definition with the way that calls the unit. */
export type FastMove = (x: Emitter, exactly: () => void) => void;

/** FXCH: both registers in use. */
export const exchange: FastMove = (x, exactly) => {
  const first = top(x);
  const other = near(x, first, x.registerAddress(0));
  x.f.if(
    i32.and(isUsed(x, first), isUsed(x, other)),
    () => {
      const held = x.let(v128.load(addressOf(first), X87));
      copy(x, first, other);
      x.f.store('v128', addressOf(other), held, X87);
      setTop(x, first);
    },
    exactly,
  );
};

/** FLD ST(i): the register in use, room on the stack. */
export const duplicate: FastMove = (x, exactly) => {
  const old = top(x);
  const from = near(x, old, x.registerAddress(0));
  const to = near(x, old, i32.const(-1));
  x.f.if(
    i32.and(isUsed(x, from), isEmpty(x, to)),
    () => {
      copy(x, to, from);
      markUsed(x, to);
      setTop(x, to);
    },
    exactly,
  );
};

/** FST ST(i), FSTP ST(i): the top in use. */
export const storeRegister =
  (pop: boolean): FastMove =>
  (x, exactly) => {
    const from = top(x);
    const to = near(x, from, x.registerAddress(0));
    x.f.if(
      isUsed(x, from),
      () => {
        copy(x, to, from);
        markUsed(x, to);
        if (pop) markEmpty(x, from);
        setTop(x, pop ? near(x, from, i32.const(1)) : from);
      },
      exactly,
    );
  };

/** FCHS, FABS: the top in use. */
export const changeSign =
  (change: (exponent: Expr) => Expr): FastMove =>
  (x, exactly) => {
    const register = top(x);
    x.f.if(
      isUsed(x, register),
      () => {
        x.f.store('i32_16', addressOf(register), change(i32.load16U(addressOf(register), X87 + 8)), X87 + 8);
        setTop(x, register);
      },
      exactly,
    );
  };

export const negated = (exponent: Expr): Expr => i32.xor(exponent, i32.const(SIGN));
export const absolute = (exponent: Expr): Expr => i32.and(exponent, i32.const(SIGN - 1));

const BIAS = 16_383;
const BIAS_DIFFERENCE = BIAS - 1023;
const EXPONENT_64 = 0x7ff;

/** A double as a register holds it, and whether it is a normal number or zero. */
export interface Expanded {
  readonly significand: Expr;
  readonly signed: Expr;
  readonly plain: Expr;
}

export function expanded64(x: Emitter, bits: Expr): Expanded {
  const exponent = x.let(i32.and(i64.wrap(i64.shrU(bits, i64.const(52))), i32.const(EXPONENT_64)));
  const isZero = x.let(i64.eqz(i64.shl(bits, i64.const(1))));
  const isNormal = i32.ltU(i32.sub(exponent, i32.const(1)), i32.const(EXPONENT_64 - 1));
  const significand = i64.or(i64.const(-0x8000_0000_0000_0000n), i64.shl(bits, i64.const(11)));
  const sign = i64.wrap(i64.shl(i64.shrU(bits, i64.const(63)), i64.const(15)));
  const wide = select(i32.const(0), i32.add(exponent, i32.const(BIAS_DIFFERENCE)), isZero);
  return {
    significand: select(i64.const(0), significand, isZero),
    signed: i32.or(sign, wide),
    plain: i32.or(isZero, isNormal),
  };
}

/** A single by way of a double, into which denormals fit as normal numbers, but raise #D. */
export function expanded32(x: Emitter, bits: Expr): Expanded {
  const exponent = i32.and(bits, i32.const(0x7f80_0000));
  const plain = x.let(i32.or(i32.ne(exponent, i32.const(0)), i32.eqz(i32.shl(bits, i32.const(1)))));
  const number = i32.ne(exponent, i32.const(0x7f80_0000));
  const double = expanded64(x, x.let(i64.reinterpretF64(f64.promoteF32(f32.reinterpretI32(bits)))));
  return { ...double, plain: i32.and(plain, number) };
}

/** An integer, as i64. */
export function expandedInteger(x: Emitter, value: Expr): Expanded {
  const negative = x.let(i64.ltS(value, i64.const(0)));
  const magnitude = x.let(select(i64.sub(i64.const(0), value), value, negative));
  const zeros = x.let(i64.clz(magnitude));
  const exponent = i32.sub(i32.const(BIAS + 63), i64.wrap(zeros));
  const signed = i32.or(i32.shl(negative, i32.const(15)), exponent);
  const isZero = i64.eqz(magnitude);
  return { significand: i64.shl(magnitude, zeros), signed: select(i32.const(0), signed, isZero), plain: i32.const(1) };
}

/** Pushes a number, with room on the stack. */
export function pushed(x: Emitter, { significand, signed, plain }: Expanded, exactly: () => void): void {
  const to = near(x, top(x), i32.const(-1));
  x.provided(
    [plain, isEmpty(x, to)],
    () => i32.const(0),
    exactly,
    () => {
      x.f.store('i64', addressOf(to), significand, X87);
      x.f.store('i32_16', addressOf(to), signed, X87 + 8);
      markUsed(x, to);
      setTop(x, to);
    },
  );
}

/** A memory format of FST: bits that its significand lacks, difference of the biases, greatest exponent that may round up. */
interface StoreFormat {
  readonly dropped: number;
  readonly bias: number;
  readonly most: number;
}

const FORMATS: Readonly<Record<32 | 64, StoreFormat>> = {
  32: { dropped: 40, bias: 16_383 - 127, most: 253 },
  64: { dropped: 11, bias: BIAS_DIFFERENCE, most: 2045 },
};
const RC = 0xc00;
const PM_PE = 0x20;
const C1_SHIFT = 9;
const PE_SHIFT = 5;

/**
 * FST and FSTP of a number in the format's normal range, or zero: rounds to nearest, if that is RC and inexactness is masked.
 * `put` stores the number, as i64.
 */
export function storeNumber(x: Emitter, bits: 32 | 64, pop: boolean, put: (value: Expr) => void, exactly: () => void): void {
  const { dropped, bias, most } = FORMATS[bits];
  const register = top(x);
  const significand = x.let(i64.load(addressOf(register), X87));
  const signed = x.let(i32.load16U(addressOf(register), X87 + 8));
  const exponent = x.let(i32.sub(i32.and(signed, i32.const(SIGN - 1)), i32.const(bias)));
  const isZero = x.let(i64.eqz(i64.or(significand, i64.extendU(i32.and(signed, i32.const(SIGN - 1))))));
  const isNormal = i32.and(i32.ltU(i32.sub(exponent, i32.const(1)), i32.const(most)), i64.ltS(significand, i64.const(0)));
  const rounds = i32.eq(i32.and(i32.load16U(at(FCW)), i32.const(RC | PM_PE)), i32.const(PM_PE));
  x.f.if(
    i32.and(i32.and(isUsed(x, register), rounds), i32.or(isZero, isNormal)),
    () => {
      const { value, up, inexact } = rounded(x, significand, dropped);
      const fraction = i64.sub(value, i64.shl(i64.const(1), i64.const(63 - dropped)));
      const magnitude = i64.add(fraction, i64.shl(i64.extendU(exponent), i64.const(63 - dropped)));
      const sign = i64.shl(i64.extendU(i32.shrU(signed, i32.const(15))), i64.const(bits - 1));
      put(i64.or(sign, select(i64.const(0), magnitude, isZero)));
      if (pop) markEmpty(x, register);
      setTop(x, pop ? near(x, register, i32.const(1)) : register);
      const status = i32.or(i32.shl(up, i32.const(C1_SHIFT)), i32.shl(inexact, i32.const(PE_SHIFT)));
      x.setFpuWord(FSW, i32.or(x.fpuWord(FSW), status));
    },
    exactly,
  );
}

/** A significand without its `dropped` low bits, to the nearest, ties to even. */
function rounded(x: Emitter, significand: Expr, dropped: number): { value: Expr; up: Expr; inexact: Expr } {
  const half = 2 ** (dropped - 1);
  const lost = x.let(i64.and(significand, i64.const(2 ** dropped - 1)));
  const kept = x.let(i64.shrU(significand, i64.const(dropped)));
  const tieUp = i32.and(i64.eq(lost, i64.const(half)), i64.wrap(i64.and(kept, i64.const(1))));
  const up = x.let(i32.or(i64.gtU(lost, i64.const(half)), tieUp));
  return { value: i64.add(kept, i64.extendU(up)), up, inexact: i64.ne(lost, i64.const(0)) };
}
