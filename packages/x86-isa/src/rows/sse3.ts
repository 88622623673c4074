import { insn, type RowDraft } from '../row.js';

const sse3 = (opcode: string, text: string): RowDraft => insn(opcode, text, 'sse3');

/** SSE3. FISTTP is with the x87, MONITOR and MWAIT with the system instructions. */
export const SSE3: readonly RowDraft[] = [
  sse3('F2 0F 12 /r', 'MOVDDUP Vpd,Wq'),
  sse3('F3 0F 12 /r', 'MOVSLDUP Vps,Wps'),
  sse3('F3 0F 16 /r', 'MOVSHDUP Vps,Wps'),
  sse3('66 0F 7C /r', 'HADDPD Vpd,Wpd'),
  sse3('F2 0F 7C /r', 'HADDPS Vps,Wps'),
  sse3('66 0F 7D /r', 'HSUBPD Vpd,Wpd'),
  sse3('F2 0F 7D /r', 'HSUBPS Vps,Wps'),
  sse3('66 0F D0 /r', 'ADDSUBPD Vpd,Wpd'),
  sse3('F2 0F D0 /r', 'ADDSUBPS Vps,Wps'),
  sse3('F2 0F F0 /r', 'LDDQU Vdq,Mdq'),
];
