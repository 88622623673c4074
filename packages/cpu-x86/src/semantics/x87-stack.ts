import { type Expr, i32 } from '@hotsocket/wasm-builder';
import type { Emitter } from '../emit/emitter.js';
import { FSW, FTW, X87 } from '../layout.js';

/*
 * The register stack: TOP in the status word, and tags that are 3 for an empty register and 0 for one in use.
 */

const TOP_SHIFT = 11;
/** FSW without TOP and C1, which successful moves clear. */
const FSW_KEPT = 0xc5ff;

/** Number of the register that is ST(0). */
export const top = (x: Emitter): Expr => x.let(i32.and(i32.shrU(x.fpuWord(FSW), i32.const(TOP_SHIFT)), i32.const(7)));

/** Number of the register that is `distance` from `from` on the stack. */
export const near = (x: Emitter, from: Expr, distance: Expr): Expr => x.let(i32.and(i32.add(from, distance), i32.const(7)));

/** Both tag bits of a register: 3 when it is empty, 0 when it is not. */
const tag = (x: Emitter, register: Expr): Expr => i32.and(i32.shrU(x.fpuWord(FTW), i32.shl(register, i32.const(1))), i32.const(3));
export const isUsed = (x: Emitter, register: Expr): Expr => i32.eqz(tag(x, register));
export const isEmpty = (x: Emitter, register: Expr): Expr => i32.ne(tag(x, register), i32.const(0));

/** Offset of a register from the first one. */
export const addressOf = (register: Expr): Expr => i32.shl(register, i32.const(4));

/** Sets TOP and clears C1. */
export function setTop(x: Emitter, register: Expr): void {
  const kept = i32.and(x.fpuWord(FSW), i32.const(FSW_KEPT));
  x.setFpuWord(FSW, i32.or(kept, i32.shl(register, i32.const(TOP_SHIFT))));
}

export function markUsed(x: Emitter, register: Expr): void {
  const mask = i32.shl(i32.const(3), i32.shl(register, i32.const(1)));
  x.setFpuWord(FTW, i32.and(x.fpuWord(FTW), i32.xor(mask, i32.const(-1))));
}

export function markEmpty(x: Emitter, register: Expr): void {
  const mask = i32.shl(i32.const(3), i32.shl(register, i32.const(1)));
  x.setFpuWord(FTW, i32.or(x.fpuWord(FTW), mask));
}

/** Address of a register's significand. */
export const cellOf = (register: Expr): Expr => i32.add(addressOf(register), i32.const(X87));

/** FSW without TOP. */
const FSW_WITHOUT_TOP = 0xc7ff;

/** Empties the top of the stack and moves TOP; gives the new top. C1 stays. */
export function popped(x: Emitter, register: Expr): Expr {
  markEmpty(x, register);
  const next = near(x, register, i32.const(1));
  const kept = i32.and(x.fpuWord(FSW), i32.const(FSW_WITHOUT_TOP));
  x.setFpuWord(FSW, i32.or(kept, i32.shl(next, i32.const(TOP_SHIFT))));
  return next;
}
