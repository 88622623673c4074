import { insn, type RowDraft } from '../row.js';

/** BMI1 and BMI2: the only instructions here with a VEX prefix. */
export const BMI: readonly RowDraft[] = [
  insn('VEX.LZ.NP.0F38 F2 /r', 'ANDN Gy,By,Ey', 'bmi1'),
  insn('VEX.LZ.NP.0F38 F3 /1', 'BLSR By,Ey', 'bmi1'),
  insn('VEX.LZ.NP.0F38 F3 /2', 'BLSMSK By,Ey', 'bmi1'),
  insn('VEX.LZ.NP.0F38 F3 /3', 'BLSI By,Ey', 'bmi1'),
  insn('VEX.LZ.NP.0F38 F7 /r', 'BEXTR Gy,Ey,By', 'bmi1'),
  insn('VEX.LZ.NP.0F38 F5 /r', 'BZHI Gy,Ey,By', 'bmi2'),
  insn('VEX.LZ.F3.0F38 F5 /r', 'PEXT Gy,By,Ey', 'bmi2'),
  insn('VEX.LZ.F2.0F38 F5 /r', 'PDEP Gy,By,Ey', 'bmi2'),
  insn('VEX.LZ.F2.0F38 F6 /r', 'MULX Gy,By,Ey', 'bmi2'),
  insn('VEX.LZ.66.0F38 F7 /r', 'SHLX Gy,Ey,By', 'bmi2'),
  insn('VEX.LZ.F3.0F38 F7 /r', 'SARX Gy,Ey,By', 'bmi2'),
  insn('VEX.LZ.F2.0F38 F7 /r', 'SHRX Gy,Ey,By', 'bmi2'),
  insn('VEX.LZ.F2.0F3A F0 /r ib', 'RORX Gy,Ey,Ib', 'bmi2'),
];
