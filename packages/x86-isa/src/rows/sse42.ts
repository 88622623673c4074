import { insn, type RowDraft } from '../row.js';

/** PCMPESTRM and PCMPESTRI take the lengths from RAX and RDX with REX.W (operand size 8), else from EAX and EDX. */
export const SSE42: readonly RowDraft[] = [
  insn('66 0F 38 37 /r', 'PCMPGTQ Vdq,Wdq', 'sse42'),
  insn('66 0F 3A 60 /r ib', 'PCMPESTRM Vdq,Wdq,Ib', 'sse42'),
  insn('66 0F 3A 61 /r ib', 'PCMPESTRI Vdq,Wdq,Ib', 'sse42'),
  insn('66 0F 3A 62 /r ib', 'PCMPISTRM Vdq,Wdq,Ib', 'sse42'),
  insn('66 0F 3A 63 /r ib', 'PCMPISTRI Vdq,Wdq,Ib', 'sse42'),
  insn('F2 0F 38 F0 /r', 'CRC32 Gy,Eb', 'sse42'),
  insn('F2 0F 38 F1 /r', 'CRC32 Gy,Ev', 'sse42'),
];
