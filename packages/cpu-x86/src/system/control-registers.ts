import { complexAddress } from '../addressing.js';
import type { Cpu, HelperFunction } from '../cpu.js';
import { GP, UD } from '../fault.js';
import { refreshFpuTraps } from '../fpu/traps.js';
import { CR0, CR2, CR3, CR4, CS, EFER, SEG_ATTR, SLOW_ADDRESS, segment, TR } from '../layout.js';
import { isCode64, refreshMode } from '../mode.js';
import { modelOf } from './cpuid.js';
import { moveDebug } from './debug.js';
import { setCpl } from './descriptors.js';
import { continueAfter, memoryAddress, privileged, readWord } from './operands.js';
import {
  ATTR_L,
  CR0_AM,
  CR0_CD,
  CR0_EM,
  CR0_ET,
  CR0_MP,
  CR0_NE,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR0_WP,
  CR4_DE,
  CR4_FSGSBASE,
  CR4_MCE,
  CR4_OSFXSR,
  CR4_OSXMMEXCPT,
  CR4_OSXSAVE,
  CR4_PAE,
  CR4_PCE,
  CR4_PGE,
  CR4_PSE,
  CR4_PVI,
  CR4_SMEP,
  CR4_TSD,
  CR4_VME,
  EFER_LMA,
  EFER_LME,
  isCanonical,
} from './state.js';

const CR0_BITS = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
const CR0_FLUSHING = CR0_PE | CR0_PG | CR0_WP;
const CR4_FLUSHING = CR4_PGE | CR4_PAE | CR4_PSE | CR4_SMEP;

/** Bits of CR4 by the feature that brings them; those without a name here always exist. */
const CR4_FEATURES: readonly (readonly [string, number])[] = [
  ['vme', CR4_VME | CR4_PVI],
  ['tsc', CR4_TSD],
  ['de', CR4_DE],
  ['pse', CR4_PSE],
  ['pae', CR4_PAE],
  ['mce', CR4_MCE],
  ['pge', CR4_PGE],
  ['fxsr', CR4_OSFXSR],
  ['sse', CR4_OSXMMEXCPT],
  ['fsgsbase', CR4_FSGSBASE],
  ['xsave', CR4_OSXSAVE],
  ['smep', CR4_SMEP],
];

const allowedCr4 = new WeakMap<object, number>();

/** Bits of CR4 that may be set on a CPU's model. */
function cr4Bits(cpu: Cpu): number {
  const model = modelOf(cpu);
  let bits = allowedCr4.get(model);
  if (bits === undefined) {
    bits = CR4_FEATURES.reduce((sum, [feature, mask]) => (model.has(feature) ? sum | mask : sum), CR4_PCE);
    allowedCr4.set(model, bits);
  }
  return bits;
}

/** Writes CR0 with all its rules (SDM volume 3, 2.5 and volume 2, MOV to control registers); nothing changes when it faults. */
export function writeCr0(cpu: Cpu, value: number): void {
  const old = cpu.get32(CR0);
  const next = ((value & CR0_BITS) | CR0_ET) >>> 0;
  if ((next & (CR0_PG | CR0_PE)) === (CR0_PG | 0) || (next & (CR0_NW | CR0_CD)) === CR0_NW) cpu.fault(GP, 0);
  if (((old ^ next) & CR0_PG) !== 0) switchPaging(cpu, (next & CR0_PG) !== 0);
  cpu.setHalves(CR0, next, 0);
  if (((old ^ next) & CR0_FLUSHING) !== 0) cpu.mmu.flush(cpu.index);
  if (((old ^ next) & CR0_PE) !== 0) setCpl(cpu, 0);
  refreshMode(cpu);
  refreshFpuTraps(cpu);
}

/** Busy or not. */
const isTss16 = (attributes: number): boolean => ((attributes >> 8) & 0x1d) === 1;

/** Enters or leaves IA-32e mode with paging; neither from 64-bit code, nor into it, nor with a 16-bit TSS. */
function switchPaging(cpu: Cpu, on: boolean): void {
  const efer = cpu.get32(EFER);
  const longCode = (cpu.get32(segment(CS) + SEG_ATTR) & ATTR_L) !== 0;
  if (on) {
    if ((efer & EFER_LME) === 0) return;
    if ((cpu.get32(CR4) & CR4_PAE) === 0 || longCode || isTss16(cpu.get32(segment(TR) + SEG_ATTR))) cpu.fault(GP, 0);
    cpu.set32(EFER, efer | EFER_LMA);
  } else {
    if (isCode64(cpu)) cpu.fault(GP, 0);
    cpu.set32(EFER, efer & ~EFER_LMA);
  }
}

/** Bits 40 and up of CR3 address memory that does not exist. */
const CR3_RESERVED_HIGH = 0xffff_ff00;

function writeCr3(cpu: Cpu, low: number, high: number): void {
  if ((high & CR3_RESERVED_HIGH) !== 0) cpu.fault(GP, 0);
  cpu.setHalves(CR3, low, high);
  cpu.mmu.flush(cpu.index, (cpu.get32(CR4) & CR4_PGE) !== 0);
}

function writeCr4(cpu: Cpu, low: number, high: number): void {
  const old = cpu.get32(CR4);
  if (high !== 0 || (low & ~cr4Bits(cpu)) !== 0) cpu.fault(GP, 0);
  if ((cpu.get32(EFER) & EFER_LMA) !== 0 && (low & CR4_PAE) === 0) cpu.fault(GP, 0);
  cpu.setHalves(CR4, low, 0);
  refreshFpuTraps(cpu);
  if (((old ^ low) & CR4_FLUSHING) !== 0) cpu.mmu.flush(cpu.index);
}

function writeCr8(cpu: Cpu, low: number, high: number): void {
  if (high !== 0 || low > 15) cpu.fault(GP, 0);
  cpu.services.writeTpr?.(cpu.index, low << 4);
}

function readControl(cpu: Cpu, number: number, target: number, bytes: number): void {
  if (number === 0) return cpu.setRegister(target, cpu.get32(CR0), bytes);
  if (number === 2) return cpu.setRegister(target, cpu.get32(CR2), bytes, cpu.get32(CR2 + 4));
  if (number === 3) return cpu.setRegister(target, cpu.get32(CR3), bytes, cpu.get32(CR3 + 4));
  if (number === 4) return cpu.setRegister(target, cpu.get32(CR4), bytes);
  if (number !== 8) cpu.fault(UD);
  cpu.setRegister(target, (cpu.services.readTpr?.(cpu.index) ?? 0) >>> 4, bytes);
}

function writeControl(cpu: Cpu, number: number, low: number, high: number): void {
  if (number === 0) {
    if (high !== 0) cpu.fault(GP, 0);
    writeCr0(cpu, low);
  } else if (number === 2) cpu.setHalves(CR2, low, high);
  else if (number === 3) writeCr3(cpu, low, high);
  else if (number === 4) writeCr4(cpu, low, high);
  else if (number === 8) writeCr8(cpu, low, high);
  else cpu.fault(UD);
}

/** MOV to and from control and debug registers. */
function moveControl(cpu: Cpu, record: number): number | undefined {
  const { operands, operandBytes } = cpu.shape(record);
  const bytes = operandBytes === 8 ? 8 : 4;
  const target = operands[0]!;
  const source = operands[1]!;
  if ((target.kind === 'register' && target.file === 'debug') || (source.kind === 'register' && source.file === 'debug'))
    return moveDebug(cpu, record, bytes, target.kind === 'register' && target.file === 'debug');
  if (target.kind === 'register' && target.file === 'control') {
    const rm = cpu.rm(record);
    writeControl(cpu, cpu.reg(record), cpu.get32(rm), bytes === 8 ? cpu.get32(rm + 4) : 0);
    return continueAfter(cpu, record);
  }
  readControl(cpu, cpu.reg(record), cpu.rm(record), bytes);
  return undefined;
}

function clearTaskSwitched(cpu: Cpu): undefined {
  cpu.set32(CR0, cpu.get32(CR0) & ~CR0_TS);
  refreshFpuTraps(cpu);
}

/** SMSW: the low half of CR0; a register operand of 32 or 64 bits gets all of it. */
function storeMachineStatus(cpu: Cpu, record: number): undefined {
  const { memory, operandBytes } = cpu.shape(record);
  if (memory) cpu.write16(memoryAddress(cpu, record, 2, true), cpu.get32(CR0));
  else cpu.setRegister(cpu.rm(record), cpu.get32(CR0), operandBytes);
}

/** LMSW: PE MP EM TS; PE can be set, not cleared. */
function loadMachineStatus(cpu: Cpu, record: number): number {
  const value = readWord(cpu, record) & 0xf;
  writeCr0(cpu, (cpu.get32(CR0) & ~0xe) | value);
  return continueAfter(cpu, record);
}

/** INVLPG: nothing happens for an address that is not canonical. */
function invalidatePage(cpu: Cpu, record: number): undefined {
  complexAddress(cpu, record, 1, false);
  const address = cpu.getLong(SLOW_ADDRESS);
  if (isCanonical(address)) cpu.mmu.flushPage(cpu.index, address);
}

/** INVPCID: without PCIDs every type may drop everything. */
function invalidatePcid(cpu: Cpu, record: number): undefined {
  memoryAddress(cpu, record, 16, false);
  if (cpu.get32(cpu.reg(record)) > 3) cpu.fault(GP, 0);
  cpu.mmu.flush(cpu.index);
}

/** There are no caches to write back. */
function invalidateCaches(): undefined {}

/** CLFLUSH CLFLUSHOPT CLWB: faults like a read of one byte. */
function flushLine(cpu: Cpu, record: number): undefined {
  cpu.read8(memoryAddress(cpu, record, 1, false));
}

export const CONTROL_REGISTER_HELPERS: Readonly<Record<string, HelperFunction>> = {
  moveControl: privileged(moveControl),
  clearTaskSwitched: privileged(clearTaskSwitched),
  storeMachineStatus,
  loadMachineStatus: privileged(loadMachineStatus),
  invalidatePage: privileged(invalidatePage),
  invalidatePcid: privileged(invalidatePcid),
  invalidateCaches: privileged(invalidateCaches),
  flushLine,
};
