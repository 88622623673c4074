import { insn, type RowDraft } from '../row.js';

/** AES, carry-less multiplication and SHA. */
export const CRYPTO: readonly RowDraft[] = [
  insn('66 0F 38 DB /r', 'AESIMC Vdq,Wdq', 'aes'),
  insn('66 0F 38 DC /r', 'AESENC Vdq,Wdq', 'aes'),
  insn('66 0F 38 DD /r', 'AESENCLAST Vdq,Wdq', 'aes'),
  insn('66 0F 38 DE /r', 'AESDEC Vdq,Wdq', 'aes'),
  insn('66 0F 38 DF /r', 'AESDECLAST Vdq,Wdq', 'aes'),
  insn('66 0F 3A DF /r ib', 'AESKEYGENASSIST Vdq,Wdq,Ib', 'aes'),
  insn('66 0F 3A 44 /r ib', 'PCLMULQDQ Vdq,Wdq,Ib', 'pclmulqdq'),
  insn('NP 0F 38 C8 /r', 'SHA1NEXTE Vdq,Wdq', 'sha'),
  insn('NP 0F 38 C9 /r', 'SHA1MSG1 Vdq,Wdq', 'sha'),
  insn('NP 0F 38 CA /r', 'SHA1MSG2 Vdq,Wdq', 'sha'),
  insn('NP 0F 38 CB /r', 'SHA256RNDS2 Vdq,Wdq,XMM0', 'sha'),
  insn('NP 0F 38 CC /r', 'SHA256MSG1 Vdq,Wdq', 'sha'),
  insn('NP 0F 38 CD /r', 'SHA256MSG2 Vdq,Wdq', 'sha'),
  insn('NP 0F 3A CC /r ib', 'SHA1RNDS4 Vdq,Wdq,Ib', 'sha'),
];
