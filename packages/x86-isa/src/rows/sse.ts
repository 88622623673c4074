import { insn, type RowDraft } from '../row.js';

/** Arithmetic with four forms: packed and scalar, single (SSE) and double (SSE2). */
const FOUR_FORMS: Readonly<Record<string, string>> = {
  '51': 'SQRT',
  '58': 'ADD',
  '59': 'MUL',
  '5C': 'SUB',
  '5D': 'MIN',
  '5E': 'DIV',
  '5F': 'MAX',
};

const fourForms = ([byte, name]: readonly [string, string]): RowDraft[] => [
  insn(`NP 0F ${byte} /r`, `${name}PS Vps,Wps`, 'sse'),
  insn(`66 0F ${byte} /r`, `${name}PD Vpd,Wpd`, 'sse2'),
  insn(`F3 0F ${byte} /r`, `${name}SS Vss,Wss`, 'sse'),
  insn(`F2 0F ${byte} /r`, `${name}SD Vsd,Wsd`, 'sse2'),
];

/** Logic and shuffles with two forms. */
const TWO_FORMS: Readonly<Record<string, string>> = { '14': 'UNPCKL', '15': 'UNPCKH', '54': 'AND', '55': 'ANDN', '56': 'OR', '57': 'XOR' };

const twoForms = ([byte, name]: readonly [string, string]): RowDraft[] => [
  insn(`NP 0F ${byte} /r`, `${name}PS Vps,Wps`, 'sse'),
  insn(`66 0F ${byte} /r`, `${name}PD Vpd,Wpd`, 'sse2'),
];

/** SSE and, where both share an opcode, the SSE2 form beside it. */
export const SSE: readonly RowDraft[] = [
  ...Object.entries(FOUR_FORMS).flatMap(fourForms),
  ...Object.entries(TWO_FORMS).flatMap(twoForms),
  insn('NP 0F 10 /r', 'MOVUPS Vps,Wps', 'sse'),
  insn('NP 0F 11 /r', 'MOVUPS Wps,Vps', 'sse'),
  insn('F3 0F 10 /r', 'MOVSS Vss,Wss', 'sse'),
  insn('F3 0F 11 /r', 'MOVSS Wss,Vss', 'sse'),
  insn('NP 0F 12 /r', 'MOVLPS Vq,Mq', 'sse'),
  insn('NP 0F 12 /r', 'MOVHLPS Vq,Uq', 'sse'),
  insn('NP 0F 13 /r', 'MOVLPS Mq,Vq', 'sse'),
  insn('NP 0F 16 /r', 'MOVHPS Vq,Mq', 'sse'),
  insn('NP 0F 16 /r', 'MOVLHPS Vq,Uq', 'sse'),
  insn('NP 0F 17 /r', 'MOVHPS Mq,Vq', 'sse'),
  insn('NP 0F 28 /r', 'MOVAPS Vps,Wps', 'sse'),
  insn('NP 0F 29 /r', 'MOVAPS Wps,Vps', 'sse'),
  insn('NP 0F 2A /r', 'CVTPI2PS Vps,Qpi', 'sse'),
  insn('F3 0F 2A /r', 'CVTSI2SS Vss,Ey', 'sse'),
  insn('NP 0F 2B /r', 'MOVNTPS Mps,Vps', 'sse'),
  insn('NP 0F 2C /r', 'CVTTPS2PI Ppi,Wq', 'sse'),
  insn('F3 0F 2C /r', 'CVTTSS2SI Gy,Wss', 'sse'),
  insn('NP 0F 2D /r', 'CVTPS2PI Ppi,Wq', 'sse'),
  insn('F3 0F 2D /r', 'CVTSS2SI Gy,Wss', 'sse'),
  insn('NP 0F 2E /r', 'UCOMISS Vss,Wss', 'sse'),
  insn('NP 0F 2F /r', 'COMISS Vss,Wss', 'sse'),
  insn('NP 0F 50 /r', 'MOVMSKPS Gd,Ups', 'sse'),
  insn('NP 0F 52 /r', 'RSQRTPS Vps,Wps', 'sse'),
  insn('F3 0F 52 /r', 'RSQRTSS Vss,Wss', 'sse'),
  insn('NP 0F 53 /r', 'RCPPS Vps,Wps', 'sse'),
  insn('F3 0F 53 /r', 'RCPSS Vss,Wss', 'sse'),
  insn('NP 0F C2 /r ib', 'CMPPS Vps,Wps,Ib', 'sse'),
  insn('F3 0F C2 /r ib', 'CMPSS Vss,Wss,Ib', 'sse'),
  insn('NP 0F C6 /r ib', 'SHUFPS Vps,Wps,Ib', 'sse'),
  insn('NP 0F AE /2', 'LDMXCSR Md', 'sse'),
  insn('NP 0F AE /3', 'STMXCSR Md', 'sse'),
];
