import { type Expr, i32, i64, v128 } from '@hotsocket/wasm-builder';
import { type Bits, type Emitter, storePlain } from '../emit/emitter.js';
import { INTEGER_LANES } from '../emit/lanes.js';
import { GP, MF } from '../fault.js';
import { FSW, FTW, MMX_TRAP, SCRATCH, SSE_SOURCE, SSE_TRAP } from '../layout.js';
import type { Semantic } from './semantic.js';

const at = (address: number): Expr => i32.const(address);

const FSW_ERROR_SUMMARY = 0x80;
const FSW_WITHOUT_TOP = 0xc7ff;

/** Raises #MF when an unmasked x87 exception is pending. */
export function checkPending(x: Emitter): void {
  x.once(FSW, () => x.f.if(i32.and(x.fpuWord(FSW), i32.const(FSW_ERROR_SUMMARY)), () => x.raise(MF)));
}

/** What every MMX instruction raises first. */
export function checkMmx(x: Emitter): void {
  x.checkTrap(MMX_TRAP);
  checkPending(x);
}

export const checkSse = (x: Emitter): void => x.checkTrap(SSE_TRAP);

/** An MMX instruction, past its faults, makes the x87 stack's top 0 and all registers valid. */
export function enterMmx(x: Emitter): void {
  x.setFpuWord(FSW, i32.and(x.fpuWord(FSW), i32.const(FSW_WITHOUT_TOP)));
  x.setFpuWord(FTW, i32.const(0));
}

export const isMmx = (x: Emitter, index: number): boolean => {
  const operand = x.operand(index);
  return operand.kind === 'register' && operand.file === 'mmx';
};

/** Linear address of a 16-byte memory operand that must be aligned (#GP(0)). */
export function alignedLinear(x: Emitter, write: boolean): Expr {
  const linear = x.let(x.linear(16, write));
  x.f.if(i32.and(i64.wrap(linear), i32.const(15)), () => x.raise(GP, 0));
  return linear;
}

/** XMM operand as 128 bits; memory must be aligned unless `unaligned`. */
export function xmm(x: Emitter, index: number, unaligned = false): Expr {
  if (!x.isMemory(index)) return x.let(x.vector(index));
  return x.load(unaligned ? x.linear(16, false) : alignedLinear(x, false), 128);
}

/** Writes an XMM operand; memory must be aligned unless `unaligned`. */
export function setXmm(x: Emitter, index: number, value: Expr, unaligned = false): void {
  if (!x.isMemory(index)) return x.setVector(index, value);
  x.store(unaligned ? x.linear(16, true) : alignedLinear(x, true), value, 128);
}

const isGeneral = (x: Emitter, index: number): boolean => {
  const operand = x.operand(index);
  return operand.kind === 'register' && operand.file === 'gpr';
};

/** The low `bits` of a register of any kind, or memory of that size, as an integer. */
export function lowPart(x: Emitter, index: number, bits: Bits): Expr {
  if (x.isMemory(index)) return x.load(x.linear(bits / 8, false), bits);
  return x.let(isGeneral(x, index) ? x.readRegister(index, bits) : x.lane(index, INTEGER_LANES[bits]));
}

/** Where a memory operand stands while a helper uses it. */
export const SOURCE_COPY: number = SCRATCH + 0x100;

/** Loads memory operand `index` into the lowest element of a vector, zeros above. */
export function loadZeroExtended(x: Emitter, bits: 32 | 64): Expr {
  return x.loadAs(x.linear(bits / 8, false), bits / 8, bits === 64 ? v128.load64Zero : v128.load32Zero);
}

/** Leaves the address of source operand `index` for a helper: its register, or a copy of memory. */
export function sseSource(x: Emitter, index: number, bits: Bits | 128, unaligned = false): void {
  const { f } = x;
  if (!x.isMemory(index)) return f.store('i32', at(SSE_SOURCE), x.registerAddress(index));
  if (bits === 128) f.store('v128', at(SOURCE_COPY), xmm(x, index, unaligned));
  else storePlain(f, bits, at(SOURCE_COPY), lowPart(x, index, bits));
  f.store('i32', at(SSE_SOURCE), at(SOURCE_COPY));
}

/** An integer in the lowest lane, zeros above. */
export const zeroExtended = (value: Expr): Expr =>
  value.type === 'i64' ? v128.replace64(ZERO_VECTOR, 0, value) : v128.replace32(ZERO_VECTOR, 0, value);

/** MMX operand in the lower half of a vector; the upper half means nothing. */
export function mmx(x: Emitter, index: number): Expr {
  if (!x.isMemory(index)) return x.let(v128.load64Zero(x.registerAddress(index)));
  const bits = x.operandBits(index);
  return bits === 64 ? x.let(v128.splat64(x.load(x.linear(8, false), 64))) : x.let(v128.splat32(x.load(x.linear(4, false), 32)));
}

/** Writes an MMX register (its address given); sign and exponent of the x87 register become ones. */
export function setMmxAt(x: Emitter, address: Expr, value: Expr): void {
  x.f.store('i64', address, value);
  x.f.store('i32_16', address, i32.const(0xffff), 8);
}

export function setMmx(x: Emitter, index: number, value: Expr): void {
  setMmxAt(x, x.registerAddress(index), value);
}

export const bytes = (make: (n: number) => number): number[] => Array.from({ length: 16 }, (_, n) => make(n) & 0xff);
export const ZERO_VECTOR: Expr = v128.const(bytes(() => 0));
/** 0, 1, 2, … 15. */
export const IOTA: Expr = v128.const(bytes((n) => n));
/** Repeats a 32-bit number in all lanes. */
export const constant32 = (value: number): Expr => v128.const(bytes((n) => value >>> (8 * (n & 3))));
export const constant16 = (value: number): Expr => v128.const(bytes((n) => value >>> (8 * (n & 1))));
export const constant8 = (value: number): Expr => v128.const(bytes(() => value));

/** The immediate byte, zero-extended. */
export const imm8 = (x: Emitter): Expr => x.let(i32.and(x.immediate('i32'), i32.const(0xff)));

/** Lower halves of two vectors: those of `a`, then those of `b`. */
export const joined = (a: Expr, b: Expr): Expr => v128.shuffle(a, b, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);

/** What a packed operation computes from destination and source. */
export type Lanes = (a: Expr, b: Expr, x: Emitter) => Expr;

/** DEST := DEST op SRC on all lanes, in XMM or MMX registers. `mmxLanes` where the lower half alone is not enough. */
export const packed =
  (lanes: Lanes, mmxLanes: Lanes = lanes): Semantic =>
  (x) => {
    if (!isMmx(x, 0)) return packedXmm(x, lanes);
    checkMmx(x);
    const b = mmx(x, 1);
    const a = mmx(x, 0);
    enterMmx(x);
    setMmx(x, 0, v128.lane64(mmxLanes(a, b, x), 0));
  };

function packedXmm(x: Emitter, lanes: Lanes): void {
  checkSse(x);
  const b = xmm(x, 1);
  const a = xmm(x, 0);
  setXmm(x, 0, lanes(a, b, x));
}

/** For results of an MMX operation that lie in the upper half. */
export const upperOf = (value: Expr): Expr => v128.splat64(v128.lane64(value, 1));
