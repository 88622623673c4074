import { insn, type RowDraft } from '../row.js';

/** String and port instructions. With F2 or F3 the former repeat. The disassembler appends B, W, D or Q. */
export const STRING: readonly RowDraft[] = [
  insn('A4', 'MOVS Yb,Xb', 'string', 'rep'),
  insn('A5', 'MOVS Yv,Xv', 'string', 'rep'),
  insn('A6', 'CMPS Xb,Yb', 'string', 'repz'),
  insn('A7', 'CMPS Xv,Yv', 'string', 'repz'),
  insn('AA', 'STOS Yb,AL', 'string', 'rep'),
  insn('AB', 'STOS Yv,rAX', 'string', 'rep'),
  insn('AC', 'LODS AL,Xb', 'string', 'rep'),
  insn('AD', 'LODS rAX,Xv', 'string', 'rep'),
  insn('AE', 'SCAS AL,Yb', 'string', 'repz'),
  insn('AF', 'SCAS rAX,Yv', 'string', 'repz'),
  insn('6C', 'INS Yb,DX', 'string', 'rep'),
  insn('6D', 'INS Yz,DX', 'string', 'rep'),
  insn('6E', 'OUTS DX,Xb', 'string', 'rep'),
  insn('6F', 'OUTS DX,Xz', 'string', 'rep'),
  insn('E4 ib', 'IN AL,Ib'),
  insn('E5 ib', 'IN eAX,Ib'),
  insn('E6 ib', 'OUT Ib,AL'),
  insn('E7 ib', 'OUT Ib,eAX'),
  insn('EC', 'IN AL,DX'),
  insn('ED', 'IN eAX,DX'),
  insn('EE', 'OUT DX,AL'),
  insn('EF', 'OUT DX,eAX'),
];
