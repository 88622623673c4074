import { insn, type RowDraft } from '../row.js';

export const BIT: readonly RowDraft[] = [
  insn('0F A3 /r', 'BT Ev,Gv'),
  insn('0F AB /r', 'BTS Ev,Gv', 'lock'),
  insn('0F B3 /r', 'BTR Ev,Gv', 'lock'),
  insn('0F BB /r', 'BTC Ev,Gv', 'lock'),
  insn('0F BA /4 ib', 'BT Ev,Ib'),
  insn('0F BA /5 ib', 'BTS Ev,Ib', 'lock'),
  insn('0F BA /6 ib', 'BTR Ev,Ib', 'lock'),
  insn('0F BA /7 ib', 'BTC Ev,Ib', 'lock'),
  insn('0F BC /r', 'BSF Gv,Ev'),
  insn('0F BD /r', 'BSR Gv,Ev'),
  insn('F3 0F BC /r', 'TZCNT Gv,Ev', 'bmi1', 'falls-back'),
  insn('F3 0F BD /r', 'LZCNT Gv,Ev', 'lzcnt', 'falls-back'),
  insn('F3 0F B8 /r', 'POPCNT Gv,Ev', 'popcnt'),
];
