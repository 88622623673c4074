import type { Cpu } from '../cpu.js';
import { NM, UD } from '../fault.js';
import { CR0, CR4, MMX_TRAP, SSE_TRAP, WAIT_TRAP, X87_TRAP } from '../layout.js';

const CR0_MP = 2;
const CR0_EM = 4;
const CR0_TS = 8;
const CR4_OSFXSR = 0x200;

/**
 * Derives what x87, WAIT, MMX and SSE instructions raise (SDM volume 3, 2.5 and 13.1). Call it after every change of CR0 or CR4,
 * that is after MOV, LMSW, CLTS, reset and a restored state.
 */
export function refreshFpuTraps(cpu: Cpu): void {
  const cr0 = cpu.get32(CR0);
  const switched = cr0 & CR0_TS ? NM : 0;
  const emulated = (cr0 & CR0_EM) !== 0;
  cpu.set32(X87_TRAP, emulated ? NM : switched);
  cpu.set32(WAIT_TRAP, cr0 & CR0_MP ? switched : 0);
  cpu.set32(MMX_TRAP, emulated ? UD : switched);
  cpu.set32(SSE_TRAP, emulated || (cpu.get32(CR4) & CR4_OSFXSR) === 0 ? UD : switched);
}
