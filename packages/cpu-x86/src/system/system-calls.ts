import type { Cpu, HelperFunction } from '../cpu.js';
import { STATUS_JUMP } from '../emit/core-functions.js';
import { GP, UD } from '../fault.js';
import {
  CS,
  EFER,
  GPR,
  MSR_CSTAR,
  MSR_FMASK,
  MSR_LSTAR,
  MSR_STAR,
  MSR_SYSENTER_CS,
  MSR_SYSENTER_EIP,
  MSR_SYSENTER_ESP,
  RCX,
  RDX,
  RIP,
  RSP,
  SS,
} from '../layout.js';
import { isCode64, isRealMode, isVirtual8086, refreshMode } from '../mode.js';
import { modelOf } from './cpuid.js';
import { DR6_BS, isTraced } from './debug.js';
import { isLongMode, setCpl, setSegment } from './descriptors.js';
import { afterFlags } from './interrupt-return.js';
import { DEBUG_HITS, EFER_SCE, FLAG_IF, FLAG_RF, FLAG_VM, isCanonical, TRAP_SUPPRESSED } from './state.js';

const R11: number = GPR + 8 * 11;
/** Flat segments that these instructions load without a look at the tables. */
const CODE64 = 0xa0_9b00;
const CODE32 = 0xc0_9b00;
const DATA = 0xc0_9300;
const DPL3 = 0x6000;
const ALL = 0xffff_ffff;

function setFlat(cpu: Cpu, code: number, codeAttributes: number, data: number): void {
  const dpl = (code & 3) === 3 ? DPL3 : 0;
  setSegment(cpu, CS, code, 0, ALL, codeAttributes | dpl);
  setSegment(cpu, SS, data, 0, ALL, DATA | dpl);
  setCpl(cpu, code & 3);
}

/** SYSCALL (AMD64 volume 3; SDM volume 2 for 64-bit mode). */
function systemCall(cpu: Cpu, record: number): number {
  if ((cpu.get32(EFER) & EFER_SCE) === 0 || isRealMode(cpu)) cpu.fault(UD);
  const selector = cpu.get16(MSR_STAR + 4) & 0xfffc;
  const next = cpu.nextRip(record);
  const traced = cpu.flags() & ~FLAG_RF;
  if (isLongMode(cpu)) {
    const target = isCode64(cpu) ? MSR_LSTAR : MSR_CSTAR;
    cpu.setLong(RCX, next);
    cpu.setHalves(R11, traced, 0);
    cpu.setFlags((traced & ~cpu.get32(MSR_FMASK)) | 2);
    setFlat(cpu, selector, CODE64, selector + 8);
    cpu.copyLong(RIP, target);
  } else {
    cpu.setHalves(RCX, next, 0);
    cpu.setFlags(traced & ~(FLAG_VM | FLAG_IF));
    setFlat(cpu, selector, CODE32, selector + 8);
    cpu.setHalves(RIP, cpu.get32(MSR_STAR), 0);
  }
  trapByNewFlags(cpu);
  refreshMode(cpu);
  return afterFlags(cpu);
}

/**
 * SYSCALL and SYSRET trap by TF as it is after them, so that a system masks it in FMASK, and the trap of a user program's SYSCALL comes when
 * SYSRET has brought its flags back.
 */
function trapByNewFlags(cpu: Cpu): void {
  cpu.set32(TRAP_SUPPRESSED, 1);
  if (isTraced(cpu)) cpu.set32(DEBUG_HITS, cpu.get32(DEBUG_HITS) | DR6_BS);
}

/** Flags that SYSRET takes from R11: all but RF and VM. */
const RETURNED_FLAGS = 0x3c_7fd7;

/** SYSRET: to 64-bit code with REX.W, else to 32-bit code. */
function systemReturn(cpu: Cpu, record: number): number {
  if ((cpu.get32(EFER) & EFER_SCE) === 0 || isRealMode(cpu)) cpu.fault(UD);
  if (cpu.cpl !== 0) cpu.fault(GP, 0);
  const base = cpu.get16(MSR_STAR + 6) & 0xfffc;
  const wide = cpu.shape(record).operandBytes === 8;
  if (wide && !isCanonical(cpu.getLong(RCX))) cpu.fault(GP, 0);
  if (isLongMode(cpu)) cpu.setFlags((cpu.get32(R11) & RETURNED_FLAGS) | 2);
  else cpu.setFlags(cpu.flags() | FLAG_IF);
  if (wide) cpu.copyLong(RIP, RCX);
  else cpu.setHalves(RIP, cpu.get32(RCX), 0);
  setFlat(cpu, (base + (wide ? 16 : 0)) | 3, wide ? CODE64 : CODE32, (base + 8) | 3);
  trapByNewFlags(cpu);
  refreshMode(cpu);
  return afterFlags(cpu);
}

/** AMD's processors have SYSENTER and SYSEXIT outside of long mode only (APM volume 3). */
const lacksFastCalls = (cpu: Cpu): boolean => isLongMode(cpu) && modelOf(cpu).vendor === 'amd';

/** SYSENTER: to privilege 0 at the addresses of three registers. */
function systemEnter(cpu: Cpu): number {
  if (lacksFastCalls(cpu)) cpu.fault(UD);
  const selector = cpu.get16(MSR_SYSENTER_CS) & 0xfffc;
  if (isRealMode(cpu) || selector === 0) cpu.fault(GP, 0);
  const long = isLongMode(cpu);
  cpu.setFlags(cpu.flags() & ~(FLAG_VM | FLAG_IF));
  cpu.setHalves(RSP, cpu.get32(MSR_SYSENTER_ESP), long ? cpu.get32(MSR_SYSENTER_ESP + 4) : 0);
  cpu.setHalves(RIP, cpu.get32(MSR_SYSENTER_EIP), long ? cpu.get32(MSR_SYSENTER_EIP + 4) : 0);
  setFlat(cpu, selector, long ? CODE64 : CODE32, selector + 8);
  refreshMode(cpu);
  return STATUS_JUMP;
}

/** SYSEXIT: back to privilege 3 at rDX with the stack rCX. */
function systemExit(cpu: Cpu, record: number): number {
  if (lacksFastCalls(cpu)) cpu.fault(UD);
  const selector = cpu.get16(MSR_SYSENTER_CS) & 0xfffc;
  if (isRealMode(cpu) || isVirtual8086(cpu) || cpu.cpl !== 0 || selector === 0) cpu.fault(GP, 0);
  const wide = cpu.shape(record).operandBytes === 8;
  if (wide && !(isCanonical(cpu.getLong(RCX)) && isCanonical(cpu.getLong(RDX)))) cpu.fault(GP, 0);
  const offset = wide ? 32 : 16;
  cpu.setHalves(RSP, cpu.get32(RCX), wide ? cpu.get32(RCX + 4) : 0);
  cpu.setHalves(RIP, cpu.get32(RDX), wide ? cpu.get32(RDX + 4) : 0);
  setFlat(cpu, (selector + offset) | 3, wide ? CODE64 : CODE32, (selector + offset + 8) | 3);
  refreshMode(cpu);
  return STATUS_JUMP;
}

export const SYSTEM_CALL_HELPERS: Readonly<Record<string, HelperFunction>> = { systemCall, systemReturn, systemEnter, systemExit };
