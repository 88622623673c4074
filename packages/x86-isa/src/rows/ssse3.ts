import { insn, type RowDraft } from '../row.js';

const OPERATIONS: Readonly<Record<string, string>> = {
  '00': 'PSHUFB',
  '01': 'PHADDW',
  '02': 'PHADDD',
  '03': 'PHADDSW',
  '04': 'PMADDUBSW',
  '05': 'PHSUBW',
  '06': 'PHSUBD',
  '07': 'PHSUBSW',
  '08': 'PSIGNB',
  '09': 'PSIGNW',
  '0A': 'PSIGND',
  '0B': 'PMULHRSW',
  '1C': 'PABSB',
  '1D': 'PABSW',
  '1E': 'PABSD',
};

const bothForms = ([byte, name]: readonly [string, string]): RowDraft[] => [
  insn(`NP 0F 38 ${byte} /r`, `${name} Pq,Qq`, 'ssse3'),
  insn(`66 0F 38 ${byte} /r`, `${name} Vdq,Wdq`, 'ssse3'),
];

export const SSSE3: readonly RowDraft[] = [
  ...Object.entries(OPERATIONS).flatMap(bothForms),
  insn('NP 0F 3A 0F /r ib', 'PALIGNR Pq,Qq,Ib', 'ssse3'),
  insn('66 0F 3A 0F /r ib', 'PALIGNR Vdq,Wdq,Ib', 'ssse3'),
];
