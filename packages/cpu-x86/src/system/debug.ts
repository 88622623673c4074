import type { Cpu } from '../cpu.js';
import { DB, UD } from '../fault.js';
import { CR4, DR, EFLAGS } from '../layout.js';
import { leaveAfter } from './operands.js';
import { CR4_DE, DEBUG_HITS, FLAG_RF, FLAG_TF } from './state.js';

/** Debug status and control (SDM volume 3, 17.2). */
export const DR6: number = DR + 48;
export const DR7: number = DR + 56;
export const DR6_BD = 0x2000;
export const DR6_BS = 0x4000;
export const DR6_BT = 0x8000;
const DR6_ONES = 0xffff_0ff0;
const DR6_WRITABLE = 0xe00f;
const DR7_ONES = 0x400;
const DR7_WRITABLE = 0xffff_23ff;
const DR7_GD = 0x2000;
/** L0..L3: a task switch clears them. */
export const DR7_LOCAL = 0x55;
/** L0..G3. */
const DR7_ENABLES = 0xff;

/** R/W fields of DR7. */
const ON_EXECUTION = 0;
const ON_WRITE = 1;
const ON_IO = 2;
const LENGTHS: readonly number[] = [1, 2, 8, 4];

export const resetDebugRegisters = (cpu: Cpu): void => {
  for (let n = 0; n < 4; n++) cpu.setHalves(DR + 8 * n, 0, 0);
  cpu.setHalves(DR6, DR6_ONES, 0);
  cpu.setHalves(DR7, DR7_ONES, 0);
  cpu.set32(DEBUG_HITS, 0);
};

/** MOV to or from a debug register. */
export function moveDebug(cpu: Cpu, record: number, bytes: number, toRegister: boolean): number | undefined {
  const number = aliased(cpu, cpu.reg(record));
  if ((cpu.get32(DR7) & DR7_GD) !== 0) {
    noteCause(cpu, DR6_BD);
    cpu.set32(DR7, cpu.get32(DR7) & ~DR7_GD);
    cpu.fault(DB);
  }
  const rm = cpu.rm(record);
  const address = DR + 8 * number;
  if (!toRegister) {
    cpu.setRegister(rm, cpu.get32(address), bytes, cpu.get32(address + 4));
    return undefined;
  }
  writeDebug(cpu, number, cpu.get32(rm), bytes === 8 ? cpu.get32(rm + 4) : 0);
  return hasBreakpoints(cpu) ? leaveAfter(cpu, record) : undefined;
}

/** DR4 and DR5 are DR6 and DR7, unless CR4.DE forbids it. */
function aliased(cpu: Cpu, number: number): number {
  if (number > 7) cpu.fault(UD);
  if (number !== 4 && number !== 5) return number;
  if ((cpu.get32(CR4) & CR4_DE) !== 0) cpu.fault(UD);
  return number + 2;
}

function writeDebug(cpu: Cpu, number: number, low: number, high: number): void {
  if (number < 4) return cpu.setHalves(DR + 8 * number, low, high);
  if (high !== 0) cpu.fault(13, 0);
  if (number === 6) return cpu.setHalves(DR6, (low & DR6_WRITABLE) | DR6_ONES, 0);
  cpu.setHalves(DR7, (low & DR7_WRITABLE) | DR7_ONES, 0);
  watchData(cpu);
}

/** True while instructions must be executed one by one: a breakpoint is enabled. */
export const hasBreakpoints = (cpu: Cpu): boolean => (cpu.get32(DR7) & DR7_ENABLES) !== 0;

/** Lets the MMU report data accesses while the current CPU has breakpoints. Call when another CPU is selected and when DR7 changes. */
export function watchData(cpu: Cpu): void {
  const wanted = hasBreakpoints(cpu);
  if (wanted === (cpu.mmu.watch !== undefined)) return;
  cpu.mmu.watch = wanted ? (la, bytes, write) => dataAccessed(cpu, la, bytes, write) : undefined;
  if (wanted) cpu.mmu.flush(cpu.index);
}

const isEnabled = (dr7: number, n: number): boolean => (dr7 & (3 << (2 * n))) !== 0;
const kindOf = (dr7: number, n: number): number => (dr7 >>> (16 + 4 * n)) & 3;
const lengthOf = (dr7: number, n: number): number => LENGTHS[(dr7 >>> (18 + 4 * n)) & 3]!;

function matches(cpu: Cpu, dr7: number, n: number, address: number, bytes: number): boolean {
  const length = lengthOf(dr7, n);
  const start = Math.floor(cpu.getLong(DR + 8 * n) / length) * length;
  return address < start + length && start < address + bytes;
}

function dataAccessed(cpu: Cpu, la: number, bytes: number, write: boolean): void {
  const dr7 = cpu.get32(DR7);
  for (let n = 0; n < 4; n++) {
    const kind = kindOf(dr7, n);
    const concerned = kind === ON_WRITE ? write : kind === 3;
    if (concerned && isEnabled(dr7, n) && matches(cpu, dr7, n, la, bytes)) cpu.set32(DEBUG_HITS, cpu.get32(DEBUG_HITS) | (1 << n));
  }
}

/** Breakpoints on ports, with CR4.DE. */
export function portAccessed(cpu: Cpu, port: number, bytes: number): void {
  if (!hasBreakpoints(cpu) || (cpu.get32(CR4) & CR4_DE) === 0) return;
  const dr7 = cpu.get32(DR7);
  for (let n = 0; n < 4; n++) {
    if (kindOf(dr7, n) === ON_IO && isEnabled(dr7, n) && matches(cpu, dr7, n, port, bytes))
      cpu.set32(DEBUG_HITS, cpu.get32(DEBUG_HITS) | (1 << n));
  }
}

/** Instruction breakpoints at a linear address: their DR6 bits, 0 while RF is set. */
export function executionHits(cpu: Cpu, la: number): number {
  if ((cpu.get32(EFLAGS) & FLAG_RF) !== 0) return 0;
  const dr7 = cpu.get32(DR7);
  let hits = 0;
  for (let n = 0; n < 4; n++) {
    if (kindOf(dr7, n) === ON_EXECUTION && isEnabled(dr7, n) && cpu.getLong(DR + 8 * n) === la) hits |= 1 << n;
  }
  return hits;
}

/** B0..B3. */
const DR6_HITS = 0xf;

/**
 * Notes in DR6 what a debug exception is for: B0 to B3 are those of this exception, the others stay until software clears them (SDM volume
 * 3, 17.2.3: 'certain debug exceptions may clear bits 0-3'; processors do).
 */
export const noteCause = (cpu: Cpu, bits: number): void => cpu.set32(DR6, (cpu.get32(DR6) & ~DR6_HITS) | bits);

/** DR6 bits of the trap that an instruction has earned, `traced` when TF was set before it; 0 for none. Forgets the hits. */
export function takeTrapBits(cpu: Cpu, traced: boolean): number {
  const hits = cpu.get32(DEBUG_HITS) | (traced ? DR6_BS : 0);
  cpu.set32(DEBUG_HITS, 0);
  return hits;
}

export const isTraced = (cpu: Cpu): boolean => (cpu.get32(EFLAGS) & FLAG_TF) !== 0;
