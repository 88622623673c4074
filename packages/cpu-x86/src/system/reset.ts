import type { Cpu } from '../cpu.js';
import { refreshFpuTraps } from '../fpu/traps.js';
import {
  ACTIVITY,
  ACTIVITY_RUNNING,
  ACTIVITY_WAIT_FOR_SIPI,
  CPL,
  CR0,
  CR2,
  CR3,
  CR4,
  CS,
  CURRENT_TABLE,
  EFER,
  EVENTS,
  FAULT_RECORD,
  FCW,
  FDP,
  FIP,
  FOP,
  FSW,
  FTW,
  GDTR_BASE,
  GDTR_LIMIT,
  GPR,
  IDTR_BASE,
  IDTR_LIMIT,
  LDTR,
  MSR_CSTAR,
  MSR_FMASK,
  MSR_KERNEL_GS_BASE,
  MSR_LSTAR,
  MSR_STAR,
  MSR_SYSENTER_CS,
  MSR_SYSENTER_EIP,
  MSR_SYSENTER_ESP,
  MSR_TSC_AUX,
  MXCSR,
  NMI_BLOCKED,
  NO_RECORDS,
  RDX,
  RIP,
  SHADOW,
  SIPI_VECTOR,
  TR,
  TSC_OFFSET,
  X87,
  XCR0,
  XMM,
  ZERO,
} from '../layout.js';
import { refreshMode } from '../mode.js';
import { modelOf } from './cpuid.js';
import { resetDebugRegisters, watchData } from './debug.js';
import { setCpl, setSegment } from './descriptors.js';
import { resetMsrs } from './msr.js';
import { CR0_CD, CR0_NW, EXTERNAL, RANDOM_STATE, SHADOW_RIP, TRAP_SUPPRESSED } from './state.js';

/** Segment of real-address mode: present, writable (or readable code), accessed. */
const DATA = 0x9300;
const CODE = 0x9b00;
const LDT = 0x8200;
const TSS_BUSY = 0x8b00;
const CR0_RESET = 0x6000_0010;

/** Registers that power-on clears and INIT keeps. */
const POWER_ON_CLEARED: readonly number[] = [
  MSR_STAR,
  MSR_LSTAR,
  MSR_CSTAR,
  MSR_FMASK,
  MSR_KERNEL_GS_BASE,
  MSR_SYSENTER_CS,
  MSR_SYSENTER_ESP,
  MSR_SYSENTER_EIP,
  MSR_TSC_AUX,
  TSC_OFFSET,
];

/**
 * Power-on or RESET of the current CPU (SDM volume 3, table 9-1). The bootstrap processor starts at the reset vector; the others wait for
 * a SIPI.
 */
export function resetCpu(cpu: Cpu, isBootstrap: boolean): void {
  cpu.observer?.reset(false);
  resetCommon(cpu, CR0_RESET);
  for (const address of POWER_ON_CLEARED) cpu.setHalves(address, 0, 0);
  resetMsrs(cpu);
  resetFloatingPoint(cpu);
  cpu.set32(RANDOM_STATE, 0);
  cpu.setHalves(XCR0, 1, 0);
  cpu.set32(EVENTS, 0);
  cpu.set32(ACTIVITY, isBootstrap ? ACTIVITY_RUNNING : ACTIVITY_WAIT_FOR_SIPI);
}

/** INIT: like reset, but x87, SSE, most model-specific registers and CR0.CD and NW stay. Application processors then wait for a SIPI. */
export function initCpu(cpu: Cpu, isBootstrap: boolean): void {
  cpu.observer?.reset(true);
  resetCommon(cpu, 0x10 | (cpu.get32(CR0) & (CR0_CD | CR0_NW)));
  cpu.set32(ACTIVITY, isBootstrap ? ACTIVITY_RUNNING : ACTIVITY_WAIT_FOR_SIPI);
}

/** Start-up message: runs at vector * 1000h. */
export function startCpu(cpu: Cpu, vector: number): void {
  setSegment(cpu, CS, vector << 8, vector << 12, 0xffff, CODE);
  cpu.setLong(RIP, 0);
  refreshMode(cpu);
  cpu.set32(ACTIVITY, ACTIVITY_RUNNING);
}

/** Registers came from elsewhere: derives what follows from them, and forgets what was of the execution before. */
export function refreshCpu(cpu: Cpu): void {
  cpu.set32(CURRENT_TABLE, NO_RECORDS);
  cpu.set32(FAULT_RECORD, 0);
  cpu.set32(ACTIVITY, cpu.get32(ACTIVITY) & 3);
  cpu.set32(SIPI_VECTOR, cpu.get32(SIPI_VECTOR) & 0xff);
  cpu.setHalves(ZERO, 0, 0);
  cpu.mmu.flush(cpu.index);
  setCpl(cpu, cpu.get32(CPL) & 3);
  refreshMode(cpu);
  refreshFpuTraps(cpu);
}

function resetCommon(cpu: Cpu, cr0: number): void {
  for (let n = 0; n < 16; n++) cpu.setHalves(GPR + 8 * n, 0, 0);
  cpu.setHalves(RDX, modelOf(cpu).signature, 0);
  cpu.setFlags(2);
  cpu.setHalves(CR0, cr0, 0);
  for (const address of [CR2, CR3, CR4, EFER]) cpu.setHalves(address, 0, 0);
  for (let index = 0; index < 6; index++) setSegment(cpu, index, 0, 0, 0xffff, DATA);
  setSegment(cpu, CS, 0xf000, 0xffff_0000, 0xffff, CODE);
  setSegment(cpu, LDTR, 0, 0, 0xffff, LDT);
  setSegment(cpu, TR, 0, 0, 0xffff, TSS_BUSY);
  for (const base of [GDTR_BASE, IDTR_BASE]) cpu.setHalves(base, 0, 0);
  for (const limit of [GDTR_LIMIT, IDTR_LIMIT]) cpu.set32(limit, 0xffff);
  for (const state of [SHADOW, NMI_BLOCKED, EXTERNAL, TRAP_SUPPRESSED]) cpu.set32(state, 0);
  cpu.setHalves(SHADOW_RIP, 0, 0);
  cpu.setLong(RIP, 0xfff0);
  resetDebugRegisters(cpu);
  watchData(cpu);
  cpu.mmu.flush(cpu.index);
  setCpl(cpu, 0);
  refreshMode(cpu);
  refreshFpuTraps(cpu);
}

/** The x87 after power-on: as FNINIT leaves it but with exceptions unmasked and zeros in the registers. */
function resetFloatingPoint(cpu: Cpu): void {
  cpu.memory.u8.fill(0, X87, X87 + 128);
  cpu.memory.u8.fill(0, XMM, XMM + 256);
  cpu.set16(FCW, 0x40);
  cpu.set16(FSW, 0);
  cpu.set16(FTW, 0x5555);
  cpu.set16(FOP, 0);
  cpu.setHalves(FIP, 0, 0);
  cpu.setHalves(FDP, 0, 0);
  cpu.set32(MXCSR, 0x1f80);
}
