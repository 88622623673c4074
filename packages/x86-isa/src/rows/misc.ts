import { insn, type RowDraft } from '../row.js';

/** Opcodes that the manual reserves as hint NOPs with a ModRM byte. SDM volume 2A, "NOP"; volume 2D, table A-3. */
const HINT_NOPS = ['18', '19', '1A', '1B', '1C', '1D', '1E', '1F'] as const;

/** Caches, fences, hints, random numbers. */
export const MISC: readonly RowDraft[] = [
  ...HINT_NOPS.map((byte) => insn(`0F ${byte} /r`, 'NOP Ev')),
  insn('0F 18 /0', 'PREFETCHNTA M', 'sse', 'falls-back'),
  insn('0F 18 /1', 'PREFETCHT0 M', 'sse', 'falls-back'),
  insn('0F 18 /2', 'PREFETCHT1 M', 'sse', 'falls-back'),
  insn('0F 18 /3', 'PREFETCHT2 M', 'sse', 'falls-back'),
  insn('F3 0F 1E FA', 'ENDBR64'),
  insn('F3 0F 1E FB', 'ENDBR32'),
  insn('0F 0D /r', 'PREFETCH M', 'prefetchw'),
  insn('0F 0D /1', 'PREFETCHW M', 'prefetchw'),
  insn('NP 0F AE /7', 'CLFLUSH M', 'clflush'),
  insn('66 0F AE /7', 'CLFLUSHOPT M', 'clflushopt'),
  insn('66 0F AE /6', 'CLWB M', 'clwb'),
  insn('NP 0F AE E8+i', 'LFENCE', 'sse2'),
  insn('NP 0F AE F0+i', 'MFENCE', 'sse2'),
  insn('NP 0F AE F8+i', 'SFENCE', 'sse'),
  insn('NFx 0F C7 /6', 'RDRAND Rv', 'rdrand'),
  insn('NFx 0F C7 /7', 'RDSEED Rv', 'rdseed'),
  insn('F3 0F C7 /7', 'RDPID Ry', 'f64', 'rdpid'),
];
