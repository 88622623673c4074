import { insn, type RowDraft } from '../row.js';

const fpu = (opcode: string, text: string, ...words: string[]): RowDraft => insn(opcode, text, ...words, 'fpu');

/** Dyadic operations by ModRM.reg of D8, DA, DC and DE. SDM volume 2D, tables. */
const ARITHMETIC = ['ADD', 'MUL', 'COM', 'COMP', 'SUB', 'SUBR', 'DIV', 'DIVR'] as const;

/** In DC and DE, where the destination is ST(i), SUB and SUBR, DIV and DIVR change places. */
const REVERSED = ['ADD', 'MUL', 'COM', 'COMP', 'SUBR', 'SUB', 'DIVR', 'DIV'] as const;

const hex = (n: number): string => (0xc0 + n * 8).toString(16).toUpperCase();

const memoryForms = (name: string, n: number): RowDraft[] => [
  fpu(`D8 /${n}`, `F${name} m32fp`),
  fpu(`DA /${n}`, `FI${name} m32int`),
  fpu(`DC /${n}`, `F${name} m64fp`),
  fpu(`DE /${n}`, `FI${name} m16int`),
];

const toTop = (name: string, n: number): RowDraft => fpu(`D8 ${hex(n)}+i`, `F${name} ST0,STi`);

/** COM and COMP exist only as undocumented aliases here, and still compare with ST(0). */
const toStack = (name: string, n: number): RowDraft =>
  name.startsWith('COM') ? fpu(`DC ${hex(n)}+i`, `F${name} ST0,STi`, 'alias') : fpu(`DC ${hex(n)}+i`, `F${name} STi,ST0`);

const toStackAndPop = REVERSED.filter((name) => !name.startsWith('COM')).map((name) =>
  fpu(`DE ${hex(REVERSED.indexOf(name))}+i`, `F${name}P STi,ST0`),
);

const MOVES: readonly RowDraft[] = [
  fpu('D9 /0', 'FLD m32fp'),
  fpu('D9 /2', 'FST m32fp'),
  fpu('D9 /3', 'FSTP m32fp'),
  fpu('DD /0', 'FLD m64fp'),
  fpu('DD /2', 'FST m64fp'),
  fpu('DD /3', 'FSTP m64fp'),
  fpu('DB /5', 'FLD m80fp'),
  fpu('DB /7', 'FSTP m80fp'),
  fpu('DB /0', 'FILD m32int'),
  insn('DB /1', 'FISTTP m32int', 'sse3'),
  fpu('DB /2', 'FIST m32int'),
  fpu('DB /3', 'FISTP m32int'),
  fpu('DF /0', 'FILD m16int'),
  insn('DF /1', 'FISTTP m16int', 'sse3'),
  fpu('DF /2', 'FIST m16int'),
  fpu('DF /3', 'FISTP m16int'),
  fpu('DF /5', 'FILD m64int'),
  insn('DD /1', 'FISTTP m64int', 'sse3'),
  fpu('DF /7', 'FISTP m64int'),
  fpu('DF /4', 'FBLD m80bcd'),
  fpu('DF /6', 'FBSTP m80bcd'),
  fpu('D9 C0+i', 'FLD STi'),
  fpu('D9 C8+i', 'FXCH STi'),
  fpu('DD C0+i', 'FFREE STi'),
  fpu('DD D0+i', 'FST STi'),
  fpu('DD D8+i', 'FSTP STi'),
  fpu('DA C0+i', 'FCMOVB ST0,STi'),
  fpu('DA C8+i', 'FCMOVE ST0,STi'),
  fpu('DA D0+i', 'FCMOVBE ST0,STi'),
  fpu('DA D8+i', 'FCMOVU ST0,STi'),
  fpu('DB C0+i', 'FCMOVNB ST0,STi'),
  fpu('DB C8+i', 'FCMOVNE ST0,STi'),
  fpu('DB D0+i', 'FCMOVNBE ST0,STi'),
  fpu('DB D8+i', 'FCMOVNU ST0,STi'),
];

const COMPARES: readonly RowDraft[] = [
  fpu('DA E9', 'FUCOMPP'),
  fpu('DE D9', 'FCOMPP'),
  fpu('DD E0+i', 'FUCOM ST0,STi'),
  fpu('DD E8+i', 'FUCOMP ST0,STi'),
  fpu('DB E8+i', 'FUCOMI ST0,STi'),
  fpu('DB F0+i', 'FCOMI ST0,STi'),
  fpu('DF E8+i', 'FUCOMIP ST0,STi'),
  fpu('DF F0+i', 'FCOMIP ST0,STi'),
];

/** D9 with a fixed second byte. */
const D9_FIXED: Readonly<Record<string, string>> = {
  D0: 'FNOP',
  E0: 'FCHS',
  E1: 'FABS',
  E4: 'FTST',
  E5: 'FXAM',
  E8: 'FLD1',
  E9: 'FLDL2T',
  EA: 'FLDL2E',
  EB: 'FLDPI',
  EC: 'FLDLG2',
  ED: 'FLDLN2',
  EE: 'FLDZ',
  F0: 'F2XM1',
  F1: 'FYL2X',
  F2: 'FPTAN',
  F3: 'FPATAN',
  F4: 'FXTRACT',
  F5: 'FPREM1',
  F6: 'FDECSTP',
  F7: 'FINCSTP',
  F8: 'FPREM',
  F9: 'FYL2XP1',
  FA: 'FSQRT',
  FB: 'FSINCOS',
  FC: 'FRNDINT',
  FD: 'FSCALE',
  FE: 'FSIN',
  FF: 'FCOS',
};

const CONTROL: readonly RowDraft[] = [
  fpu('9B', 'FWAIT'),
  fpu('D9 /4', 'FLDENV m14/28byte'),
  fpu('D9 /5', 'FLDCW m2byte'),
  fpu('D9 /6', 'FNSTENV m14/28byte'),
  fpu('D9 /7', 'FNSTCW m2byte'),
  fpu('DD /4', 'FRSTOR m94/108byte'),
  fpu('DD /6', 'FNSAVE m94/108byte'),
  fpu('DD /7', 'FNSTSW m2byte'),
  fpu('DF E0', 'FNSTSW AX'),
  fpu('DB E2', 'FNCLEX'),
  fpu('DB E3', 'FNINIT'),
  fpu('DB E0', 'FNENI', 'alias'),
  fpu('DB E1', 'FNDISI', 'alias'),
  fpu('DB E4', 'FNSETPM', 'alias'),
];

/** Undocumented second encodings, which processors execute like the named instruction. */
const ALIASES: readonly RowDraft[] = [
  fpu('D9 D8+i', 'FSTPNCE STi', 'alias'),
  fpu('DD C8+i', 'FXCH STi', 'alias'),
  fpu('DE D0+i', 'FCOMP ST0,STi', 'alias'),
  fpu('DF C0+i', 'FFREEP STi', 'alias'),
  fpu('DF C8+i', 'FXCH STi', 'alias'),
  fpu('DF D0+i', 'FSTP STi', 'alias'),
  fpu('DF D8+i', 'FSTP STi', 'alias'),
];

export const X87: readonly RowDraft[] = [
  ...ARITHMETIC.flatMap(memoryForms),
  ...ARITHMETIC.map(toTop),
  ...REVERSED.map(toStack),
  ...toStackAndPop,
  ...MOVES,
  ...COMPARES,
  ...Object.entries(D9_FIXED).map(([byte, name]) => fpu(`D9 ${byte}`, name)),
  ...CONTROL,
  ...ALIASES,
];
