import { SseFloat } from '@hotsocket/x87-float';
import type { Cpu, HelperFunction } from '../cpu.js';
import { UD, XM } from '../fault.js';
import { CR4, MXCSR, SCRATCH, SSE_SOURCE } from '../layout.js';
import { reciprocal, reciprocalRoot } from './reciprocal.js';

const CR4_OSXMMEXCPT = 0x400;
const EXCEPTIONS = 0x3f;
/** CF PF AF ZF SF OF. */
const STATUS = 0x8d5;
/** Results are collected here, and copied when no exception is unmasked. */
const RESULT: number = SCRATCH + 0x110;
const PRODUCTS: number = SCRATCH + 0x120;
const SUMS: number = SCRATCH + 0x130;

/** An operation on one element: addresses of result and operands, MXCSR, immediate; gives the exceptions it raised. */
type Element = (unit: SseFloat, dst: number, a: number, b: number, mxcsr: number, immediate: number) => number;

/** Sets the flags; an unmasked exception is #XM, or #UD if the system does not expect #XM (SDM volume 3, 2.5). */
function report(cpu: Cpu, flags: number): void {
  const mxcsr = cpu.get32(MXCSR);
  const outcome = SseFloat.trap(flags, mxcsr);
  cpu.set32(MXCSR, mxcsr | (outcome & EXCEPTIONS));
  if (outcome < 0) cpu.fault(cpu.get32(CR4) & CR4_OSXMMEXCPT ? XM : UD);
}

/** Reports, then copies `bytes` of RESULT to a register. */
function finish(cpu: Cpu, flags: number, register: number, bytes: number): undefined {
  report(cpu, flags);
  cpu.memory.u8.copyWithin(register, RESULT, RESULT + bytes);
  return undefined;
}

/** Applies an operation to `count` elements of `size` bytes of destination and source. */
const elementwise =
  (count: number, size: number, element: Element): HelperFunction =>
  (cpu, record) => {
    const a = cpu.reg(record);
    const b = cpu.get32(SSE_SOURCE);
    const mxcsr = cpu.get32(MXCSR);
    const immediate = cpu.immediate(record);
    let flags = 0;
    for (let at = 0; at < count * size; at += size) flags |= element(cpu.fpu.sse, RESULT + at, a + at, b + at, mxcsr, immediate);
    return finish(cpu, flags, a, count * size);
  };

/** The four forms of an operation. */
const fourForms = (name: string, single: Element, double: Element): Record<string, HelperFunction> => ({
  [`${name}PS`]: elementwise(4, 4, single),
  [`${name}SS`]: elementwise(1, 4, single),
  [`${name}PD`]: elementwise(2, 8, double),
  [`${name}SD`]: elementwise(1, 8, double),
});

const ARITHMETIC: Readonly<Record<string, HelperFunction>> = {
  ...fourForms(
    'ADD',
    (u, d, a, b, m) => u.add32(d, a, b, m),
    (u, d, a, b, m) => u.add64(d, a, b, m),
  ),
  ...fourForms(
    'SUB',
    (u, d, a, b, m) => u.sub32(d, a, b, m),
    (u, d, a, b, m) => u.sub64(d, a, b, m),
  ),
  ...fourForms(
    'MUL',
    (u, d, a, b, m) => u.mul32(d, a, b, m),
    (u, d, a, b, m) => u.mul64(d, a, b, m),
  ),
  ...fourForms(
    'DIV',
    (u, d, a, b, m) => u.div32(d, a, b, m),
    (u, d, a, b, m) => u.div64(d, a, b, m),
  ),
  ...fourForms(
    'MIN',
    (u, d, a, b, m) => u.min32(d, a, b, m),
    (u, d, a, b, m) => u.min64(d, a, b, m),
  ),
  ...fourForms(
    'MAX',
    (u, d, a, b, m) => u.max32(d, a, b, m),
    (u, d, a, b, m) => u.max64(d, a, b, m),
  ),
  ...fourForms(
    'SQRT',
    (u, d, _a, b, m) => u.sqrt32(d, b, m),
    (u, d, _a, b, m) => u.sqrt64(d, b, m),
  ),
  ...fourForms(
    'CMP',
    (u, d, a, b, m, i) => u.cmp32(d, a, b, i & 7, m),
    (u, d, a, b, m, i) => u.cmp64(d, a, b, i & 7, m),
  ),
  ...fourForms(
    'ROUND',
    (u, d, _a, b, m, i) => u.round32(d, b, i, m),
    (u, d, _a, b, m, i) => u.round64(d, b, i, m),
  ),
};

// ------------------------------------------------------------------ SSE3 and dot products

/** HADD and HSUB: neighbours of the destination, then of the source. */
const horizontal =
  (size: 4 | 8, element: Element): HelperFunction =>
  (cpu, record) => {
    const destination = cpu.reg(record);
    const source = cpu.get32(SSE_SOURCE);
    const mxcsr = cpu.get32(MXCSR);
    let flags = 0;
    for (let at = 0; at < 16; at += size) {
      const from = at < 8 ? destination + 2 * at : source + 2 * (at - 8);
      flags |= element(cpu.fpu.sse, RESULT + at, from, from + size, mxcsr, 0);
    }
    return finish(cpu, flags, destination, 16);
  };

/** ADDSUB: differences in even elements, sums in odd ones. */
const alternating =
  (size: 4 | 8, difference: Element, sum: Element): HelperFunction =>
  (cpu, record) => {
    const a = cpu.reg(record);
    const b = cpu.get32(SSE_SOURCE);
    const mxcsr = cpu.get32(MXCSR);
    let flags = 0;
    for (let at = 0; at < 16; at += size) {
      const element = at & size ? sum : difference;
      flags |= element(cpu.fpu.sse, RESULT + at, a + at, b + at, mxcsr, 0);
    }
    return finish(cpu, flags, a, 16);
  };

/** DPPS, DPPD: products chosen by immediate bits 7:4 are added in pairs; bits 3:0 say where the sum goes. */
const dotProduct =
  (size: 4 | 8, multiply: Element, add: Element): HelperFunction =>
  (cpu, record) => {
    const destination = cpu.reg(record);
    const mask = cpu.immediate(record);
    products(cpu, size, multiply, destination, mask >> 4);
    pairSums(cpu, size, add);
    const { u8 } = cpu.memory;
    u8.fill(0, RESULT, RESULT + 16);
    for (let n = 0; n < 16 / size; n++) if ((mask >> n) & 1) u8.copyWithin(RESULT + n * size, SUMS, SUMS + size);
    u8.copyWithin(destination, RESULT, RESULT + 16);
    return undefined;
  };

function products(cpu: Cpu, size: number, multiply: Element, destination: number, mask: number): void {
  const source = cpu.get32(SSE_SOURCE);
  const mxcsr = cpu.get32(MXCSR);
  let flags = 0;
  cpu.memory.u8.fill(0, PRODUCTS, PRODUCTS + 16);
  for (let n = 0; n < 16 / size; n++) {
    const at = n * size;
    if ((mask >> n) & 1) flags |= multiply(cpu.fpu.sse, PRODUCTS + at, destination + at, source + at, mxcsr, 0);
  }
  report(cpu, flags);
}

function pairSums(cpu: Cpu, size: number, add: Element): void {
  const mxcsr = cpu.get32(MXCSR);
  const { sse } = cpu.fpu;
  if (size === 8) return report(cpu, add(sse, SUMS, PRODUCTS, PRODUCTS + 8, mxcsr, 0));
  const first = add(sse, SUMS + 4, PRODUCTS, PRODUCTS + 4, mxcsr, 0);
  report(cpu, first | add(sse, SUMS + 8, PRODUCTS + 8, PRODUCTS + 12, mxcsr, 0));
  report(cpu, add(sse, SUMS, SUMS + 4, SUMS + 8, mxcsr, 0));
}

const add32: Element = (u, d, a, b, m) => u.add32(d, a, b, m);
const add64: Element = (u, d, a, b, m) => u.add64(d, a, b, m);
const sub32: Element = (u, d, a, b, m) => u.sub32(d, a, b, m);
const sub64: Element = (u, d, a, b, m) => u.sub64(d, a, b, m);

const COMBINED: Readonly<Record<string, HelperFunction>> = {
  HADDPS: horizontal(4, add32),
  HADDPD: horizontal(8, add64),
  HSUBPS: horizontal(4, sub32),
  HSUBPD: horizontal(8, sub64),
  ADDSUBPS: alternating(4, sub32, add32),
  ADDSUBPD: alternating(8, sub64, add64),
  DPPS: dotProduct(4, (u, d, a, b, m) => u.mul32(d, a, b, m), add32),
  DPPD: dotProduct(8, (u, d, a, b, m) => u.mul64(d, a, b, m), add64),
};

// ------------------------------------------------------------------ comparisons

const compare =
  (order: (unit: SseFloat, a: number, b: number, mxcsr: number) => number): HelperFunction =>
  (cpu, record) => {
    const outcome = order(cpu.fpu.sse, cpu.reg(record), cpu.get32(SSE_SOURCE), cpu.get32(MXCSR));
    report(cpu, outcome >> 8);
    cpu.setFlags((cpu.flags() & ~STATUS) | (outcome & 0xff));
    return undefined;
  };

const COMPARISONS: Readonly<Record<string, HelperFunction>> = {
  COMISS: compare((u, a, b, m) => u.comi32(a, b, false, m)),
  COMISD: compare((u, a, b, m) => u.comi64(a, b, false, m)),
  UCOMISS: compare((u, a, b, m) => u.comi32(a, b, true, m)),
  UCOMISD: compare((u, a, b, m) => u.comi64(a, b, true, m)),
};

// ------------------------------------------------------------------ conversions

/** A conversion of one element: result, source, MXCSR. */
type Conversion = (unit: SseFloat, dst: number, from: number, mxcsr: number, cpu: Cpu) => number;

/** Converts `count` elements of `from` bytes to ones of `to` bytes; writes `width` bytes, zeros above the elements. */
const convert =
  (count: number, from: number, to: number, width: number, conversion: Conversion): HelperFunction =>
  (cpu, record) => {
    const source = cpu.get32(SSE_SOURCE);
    const mxcsr = cpu.get32(MXCSR);
    let flags = 0;
    cpu.memory.u8.fill(0, RESULT, RESULT + 16);
    for (let n = 0; n < count; n++) flags |= conversion(cpu.fpu.sse, RESULT + to * n, source + from * n, mxcsr, cpu);
    return finish(cpu, flags, cpu.reg(record), width);
  };

const int32 = (cpu: Cpu, at: number): number => cpu.memory.i32[at >> 2]!;

const intToSingle: Conversion = (u, d, s, m, cpu) => u.cvtIntTo32(d, int32(cpu, s), int32(cpu, s) >> 31, m);
const intToDouble: Conversion = (u, d, s, m, cpu) => u.cvtIntTo64(d, int32(cpu, s), int32(cpu, s) >> 31, m);
const longToSingle: Conversion = (u, d, s, m, cpu) => u.cvtIntTo32(d, int32(cpu, s), int32(cpu, s + 4), m);
const longToDouble: Conversion = (u, d, s, m, cpu) => u.cvtIntTo64(d, int32(cpu, s), int32(cpu, s + 4), m);
const singleToInt =
  (bytes: 4 | 8, truncate: boolean): Conversion =>
  (u, d, s, m) =>
    u.cvt32toInt(d, s, bytes, truncate, m);
const doubleToInt =
  (bytes: 4 | 8, truncate: boolean): Conversion =>
  (u, d, s, m) =>
    u.cvt64toInt(d, s, bytes, truncate, m);
const toDouble: Conversion = (u, d, s, m) => u.cvt32to64(d, s, m);
const toSingle: Conversion = (u, d, s, m) => u.cvt64to32(d, s, m);

const CONVERSIONS: Readonly<Record<string, HelperFunction>> = {
  CVTPS2PD: convert(2, 4, 8, 16, toDouble),
  CVTPD2PS: convert(2, 8, 4, 16, toSingle),
  CVTSS2SD: convert(1, 4, 8, 8, toDouble),
  CVTSD2SS: convert(1, 8, 4, 4, toSingle),
  CVTDQ2PS: convert(4, 4, 4, 16, intToSingle),
  CVTPS2DQ: convert(4, 4, 4, 16, singleToInt(4, false)),
  CVTTPS2DQ: convert(4, 4, 4, 16, singleToInt(4, true)),
  CVTDQ2PD: convert(2, 4, 8, 16, intToDouble),
  CVTPD2DQ: convert(2, 8, 4, 16, doubleToInt(4, false)),
  CVTTPD2DQ: convert(2, 8, 4, 16, doubleToInt(4, true)),
  CVTSI2SS32: convert(1, 4, 4, 4, intToSingle),
  CVTSI2SS64: convert(1, 8, 4, 4, longToSingle),
  CVTSI2SD32: convert(1, 4, 8, 8, intToDouble),
  CVTSI2SD64: convert(1, 8, 8, 8, longToDouble),
  CVTSS2SI32: convert(1, 4, 4, 8, singleToInt(4, false)),
  CVTSS2SI64: convert(1, 4, 8, 8, singleToInt(8, false)),
  CVTTSS2SI32: convert(1, 4, 4, 8, singleToInt(4, true)),
  CVTTSS2SI64: convert(1, 4, 8, 8, singleToInt(8, true)),
  CVTSD2SI32: convert(1, 8, 4, 8, doubleToInt(4, false)),
  CVTSD2SI64: convert(1, 8, 8, 8, doubleToInt(8, false)),
  CVTTSD2SI32: convert(1, 8, 4, 8, doubleToInt(4, true)),
  CVTTSD2SI64: convert(1, 8, 8, 8, doubleToInt(8, true)),
  CVTPI2PS: convert(2, 4, 4, 8, intToSingle),
  CVTPI2PD: convert(2, 4, 8, 16, intToDouble),
  CVTPS2PI: convert(2, 4, 4, 8, singleToInt(4, false)),
  CVTTPS2PI: convert(2, 4, 4, 8, singleToInt(4, true)),
  CVTPD2PI: convert(2, 8, 4, 8, doubleToInt(4, false)),
  CVTTPD2PI: convert(2, 8, 4, 8, doubleToInt(4, true)),
};

const APPROXIMATIONS: Readonly<Record<string, HelperFunction>> = {
  RCPPS: convert(4, 4, 4, 16, (_u, d, s, _m, cpu) => reciprocal(cpu.memory.view, d, s)),
  RCPSS: convert(1, 4, 4, 4, (_u, d, s, _m, cpu) => reciprocal(cpu.memory.view, d, s)),
  RSQRTPS: convert(4, 4, 4, 16, (_u, d, s, _m, cpu) => reciprocalRoot(cpu.memory.view, d, s)),
  RSQRTSS: convert(1, 4, 4, 4, (_u, d, s, _m, cpu) => reciprocalRoot(cpu.memory.view, d, s)),
};

/** SSE floating point by mnemonic, and by the general register's width where one takes part. */
export const SSE_HELPERS: Readonly<Record<string, HelperFunction>> = {
  ...ARITHMETIC,
  ...COMBINED,
  ...COMPARISONS,
  ...CONVERSIONS,
  ...APPROXIMATIONS,
};
