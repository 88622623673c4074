import { i32 } from '@hotsocket/wasm-builder';
import type { Bits } from '../emit/emitter.js';
import { GP } from '../fault.js';
import { MXCSR } from '../layout.js';
import type { Semantic, SemanticTable } from './semantic.js';
import { checkMmx, checkSse, enterMmx, sseSource } from './vector-operands.js';

const MXCSR_RESERVED = ~0xffff;

/** Floating-point arithmetic is a helper's, on a source of `bits`. */
const arithmetic =
  (name: string, bits: Bits | 128): Semantic =>
  (x) => {
    checkSse(x);
    sseSource(x, 1, bits);
    x.callHelper(name);
  };

const WIDTHS = { PS: 128, PD: 128, SS: 32, SD: 64 } as const;
type Form = keyof typeof WIDTHS;

/** An operation by its forms: ADDPS, ADDPD, … */
const forms = (name: string, suffixes: readonly Form[] = ['PS', 'PD', 'SS', 'SD']): SemanticTable =>
  Object.fromEntries(suffixes.map((suffix) => [name + suffix, arithmetic(name + suffix, WIDTHS[suffix])]));

/** CVTSI2SS, CVTSI2SD, CVTSS2SI …: the helper's name ends with the width of the general register. */
const convertInteger =
  (name: string, index: 0 | 1): Semantic =>
  (x) => {
    checkSse(x);
    const source = x.operandBits(1);
    sseSource(x, 1, source);
    x.callHelper(name + x.operandBits(index));
  };

/** Conversions from MMX registers; a memory source leaves the x87 state alone. */
const convertFromMmx =
  (name: string): Semantic =>
  (x) => {
    checkSse(x);
    if (!x.isMemory(1)) checkMmx(x);
    sseSource(x, 1, 64);
    if (!x.isMemory(1)) enterMmx(x);
    x.callHelper(name);
  };

/** The x87 state changes even if the conversion traps. */
const convertToMmx =
  (name: string, bits: Bits | 128): Semantic =>
  (x) => {
    checkSse(x);
    checkMmx(x);
    sseSource(x, 1, bits);
    enterMmx(x);
    x.callHelper(name);
    x.f.store('i32_16', x.registerAddress(0), i32.const(0xffff), 8);
  };

/** LDMXCSR: #GP(0) for reserved bits. */
const loadControl: Semantic = (x) => {
  checkSse(x);
  x.changesSteady();
  const value = x.read(0, 32);
  x.f.if(i32.and(value, i32.const(MXCSR_RESERVED)), () => x.raise(GP, 0));
  x.f.store('i32', i32.const(MXCSR), value);
};

const storeControl: Semantic = (x) => {
  checkSse(x);
  x.write(0, i32.load(i32.const(MXCSR)), 32);
};

export const SSE_FLOAT: SemanticTable = {
  ...forms('ADD'),
  ...forms('SUB'),
  ...forms('MUL'),
  ...forms('DIV'),
  ...forms('MIN'),
  ...forms('MAX'),
  ...forms('SQRT'),
  ...forms('CMP'),
  ...forms('ROUND'),
  ...forms('RCP', ['PS', 'SS']),
  ...forms('RSQRT', ['PS', 'SS']),
  ...forms('HADD', ['PS', 'PD']),
  ...forms('HSUB', ['PS', 'PD']),
  ...forms('ADDSUB', ['PS', 'PD']),
  ...forms('DP', ['PS', 'PD']),
  ...forms('COMI', ['SS', 'SD']),
  ...forms('UCOMI', ['SS', 'SD']),
  CVTPS2PD: arithmetic('CVTPS2PD', 64),
  CVTPD2PS: arithmetic('CVTPD2PS', 128),
  CVTSS2SD: arithmetic('CVTSS2SD', 32),
  CVTSD2SS: arithmetic('CVTSD2SS', 64),
  CVTDQ2PS: arithmetic('CVTDQ2PS', 128),
  CVTPS2DQ: arithmetic('CVTPS2DQ', 128),
  CVTTPS2DQ: arithmetic('CVTTPS2DQ', 128),
  CVTDQ2PD: arithmetic('CVTDQ2PD', 64),
  CVTPD2DQ: arithmetic('CVTPD2DQ', 128),
  CVTTPD2DQ: arithmetic('CVTTPD2DQ', 128),
  CVTSI2SS: convertInteger('CVTSI2SS', 1),
  CVTSI2SD: convertInteger('CVTSI2SD', 1),
  CVTSS2SI: convertInteger('CVTSS2SI', 0),
  CVTTSS2SI: convertInteger('CVTTSS2SI', 0),
  CVTSD2SI: convertInteger('CVTSD2SI', 0),
  CVTTSD2SI: convertInteger('CVTTSD2SI', 0),
  CVTPI2PS: convertFromMmx('CVTPI2PS'),
  CVTPI2PD: convertFromMmx('CVTPI2PD'),
  CVTPS2PI: convertToMmx('CVTPS2PI', 64),
  CVTTPS2PI: convertToMmx('CVTTPS2PI', 64),
  CVTPD2PI: convertToMmx('CVTPD2PI', 128),
  CVTTPD2PI: convertToMmx('CVTTPD2PI', 128),
  LDMXCSR: loadControl,
  STMXCSR: storeControl,
};
