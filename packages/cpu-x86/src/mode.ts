import type { Cpu } from './cpu.js';
import {
  ADDRESS_MASK,
  CODE_LIMIT,
  CR0,
  CS,
  DS,
  EFER,
  EFLAGS,
  ES,
  MODE_CODE16,
  MODE_CODE32,
  MODE_CODE64,
  MODE_FLAT,
  MODE_KEY,
  SS,
  STACK_BASE,
  STACK_CHECK,
  STACK_MASK,
} from './layout.js';

const ATTR_L = 0x20_0000;
const ATTR_DB = 0x40_0000;
const ATTR_CODE = 0x800;
const ATTR_EXPAND_DOWN = 0x400;
const ATTR_WRITABLE = 0x200;
const ATTR_PRESENT = 0x8000;
const EFER_LMA = 0x400;
const CR0_PE = 1;
const FLAG_VM = 0x2_0000;

/** True in 64-bit code: long mode and CS.L. */
export const isCode64 = (cpu: Cpu): boolean => (cpu.get32(EFER) & EFER_LMA) !== 0 && (cpu.segmentAttributes(CS) & ATTR_L) !== 0;
/** True in real-address mode. */
export const isRealMode = (cpu: Cpu): boolean => (cpu.get32(CR0) & CR0_PE) === 0;
/** True in virtual-8086 mode. */
export const isVirtual8086 = (cpu: Cpu): boolean => (cpu.get32(CR0) & CR0_PE) !== 0 && (cpu.get32(EFLAGS) & FLAG_VM) !== 0;

/**
 * Derives what generated code reads from segment registers and modes: MODE_KEY, ADDRESS_MASK, CODE_LIMIT and the stack's. Call it after
 * every change of CS, SS, DS, ES, CR0.PE, EFER.LMA or RFLAGS.VM; then select the TLB half if CPL changed.
 */
export function refreshMode(cpu: Cpu): void {
  if (isCode64(cpu)) return refresh64(cpu);
  const size = cpu.segmentAttributes(CS) & ATTR_DB ? MODE_CODE32 : MODE_CODE16;
  const flat = isFlat(cpu);
  cpu.set32(MODE_KEY, size | (flat && size === MODE_CODE32 ? MODE_FLAT : 0));
  cpu.setHalves(ADDRESS_MASK, -1, 0);
  cpu.setHalves(CODE_LIMIT, cpu.segmentLimit(CS), 0);
  cpu.setHalves(STACK_MASK, cpu.segmentAttributes(SS) & ATTR_DB ? -1 : 0xffff, 0);
  cpu.setHalves(STACK_BASE, cpu.segmentBase(SS), 0);
  cpu.set32(STACK_CHECK, isFlatData(cpu, SS) ? 0 : 1);
}

function refresh64(cpu: Cpu): void {
  cpu.set32(MODE_KEY, MODE_CODE64 | MODE_FLAT);
  cpu.setHalves(ADDRESS_MASK, -1, -1);
  cpu.setHalves(CODE_LIMIT, -1, -1);
  cpu.setHalves(STACK_MASK, -1, -1);
  cpu.setHalves(STACK_BASE, 0, 0);
  cpu.set32(STACK_CHECK, 0);
}

/** CS SS DS ES need no checks and add nothing. */
const isFlat = (cpu: Cpu): boolean => isFlatCode(cpu) && isFlatData(cpu, SS) && isFlatData(cpu, DS) && isFlatData(cpu, ES);

const spansAll = (cpu: Cpu, index: number): boolean => cpu.segmentBase(index) === 0 && cpu.segmentLimit(index) === 0xffff_ffff;

/** A readable code segment over all 4 GiB. */
const isFlatCode = (cpu: Cpu): boolean =>
  spansAll(cpu, CS) && (cpu.segmentAttributes(CS) & (ATTR_PRESENT | ATTR_WRITABLE)) === (ATTR_PRESENT | ATTR_WRITABLE);

/** A writable expand-up data segment over all 4 GiB. */
function isFlatData(cpu: Cpu, index: number): boolean {
  const wanted = ATTR_PRESENT | ATTR_WRITABLE;
  return spansAll(cpu, index) && (cpu.segmentAttributes(index) & (wanted | ATTR_CODE | ATTR_EXPAND_DOWN)) === wanted;
}
