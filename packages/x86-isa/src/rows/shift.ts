import { insn, type RowDraft } from '../row.js';

/** Group 2 by ModRM.reg. Number 6 is SAL, an undocumented second SHL. */
const ROTATES = ['ROL', 'ROR', 'RCL', 'RCR', 'SHL', 'SHR', 'SAL', 'SAR'] as const;

function group2(name: string, n: number): RowDraft[] {
  const alias = name === 'SAL' ? ['alias'] : [];
  return [
    insn(`C0 /${n} ib`, `${name} Eb,Ib`, ...alias),
    insn(`C1 /${n} ib`, `${name} Ev,Ib`, ...alias),
    insn(`D0 /${n}`, `${name} Eb,1`, ...alias),
    insn(`D1 /${n}`, `${name} Ev,1`, ...alias),
    insn(`D2 /${n}`, `${name} Eb,CL`, ...alias),
    insn(`D3 /${n}`, `${name} Ev,CL`, ...alias),
  ];
}

export const SHIFT: readonly RowDraft[] = [
  ...ROTATES.flatMap(group2),
  insn('0F A4 /r ib', 'SHLD Ev,Gv,Ib'),
  insn('0F A5 /r', 'SHLD Ev,Gv,CL'),
  insn('0F AC /r ib', 'SHRD Ev,Gv,Ib'),
  insn('0F AD /r', 'SHRD Ev,Gv,CL'),
];
