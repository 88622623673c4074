import { complexAddress } from '../addressing.js';
import type { Cpu, HelperFunction } from '../cpu.js';
import { STATUS_EXIT, STATUS_JUMP } from '../emit/core-functions.js';
import type { Operand } from '../emit/shape.js';
import { GP, STACK } from '../fault.js';
import { EVENTS, EXIT_REQUEST, MODE_KEY, REC_RM, RECORD_STACK, RIP, SLOW_ADDRESS } from '../layout.js';
import { isCanonical } from './state.js';

/** Linear address of the memory operand for an access of `bytes`; faults of its segment are raised. */
export function memoryAddress(cpu: Cpu, record: number, bytes: number, write: boolean): number {
  complexAddress(cpu, record, bytes, write);
  const address = cpu.getLong(SLOW_ADDRESS);
  if (!isCanonical(address)) cpu.fault(cpu.hasFlag(record, RECORD_STACK) ? STACK : GP, 0);
  return address;
}

/** Address of the register that a register operand names. */
export const registerOf = (cpu: Cpu, record: number, operand: Operand): number =>
  cpu.get16(record + (operand.kind === 'register' ? operand.field : REC_RM));

/** 16 bits of the operand in ModRM.rm. */
export function readWord(cpu: Cpu, record: number): number {
  return cpu.shape(record).memory ? cpu.read16(memoryAddress(cpu, record, 2, false)) : cpu.get16(cpu.rm(record));
}

/** Writes a selector or status word: memory gets 16 bits, a register the operand size, zero-extended. */
export function writeWord(cpu: Cpu, record: number, value: number): void {
  const shape = cpu.shape(record);
  if (shape.memory) cpu.write16(memoryAddress(cpu, record, 2, true), value);
  else cpu.setRegister(cpu.rm(record), value, shape.operandBytes);
}

/** Goes on at the next instruction through a new look-up, for changes that concern how code is decoded or fetched. */
export function continueAfter(cpu: Cpu, record: number): number {
  cpu.setLong(RIP, cpu.nextRip(record));
  return STATUS_JUMP;
}

/** Leaves the slice after the instruction, so that the run loop looks at events, traps and the CPU's activity. */
export function leaveAfter(cpu: Cpu, record: number): number {
  cpu.setLong(RIP, cpu.nextRip(record));
  return STATUS_EXIT;
}

/** What a device asked for (a reset, the A20 gate, an interrupt) happens right after the instruction. */
export const afterDevice = (cpu: Cpu, record: number): number | undefined =>
  cpu.get32(EXIT_REQUEST) !== 0 ? leaveAfter(cpu, record) : undefined;

/** How an instruction ends that may have changed MODE_KEY since it was `oldKey`. */
export function afterModeChange(cpu: Cpu, record: number, oldKey: number): number | undefined {
  return cpu.get32(MODE_KEY) === oldKey ? undefined : continueAfter(cpu, record);
}

/** Events wait: the run loop should see that they are no longer held off. */
export const hasEvents = (cpu: Cpu): boolean => cpu.get32(EVENTS) !== 0;

/** The instruction is #GP(0) at any privilege but 0. */
export const privileged =
  (work: HelperFunction): HelperFunction =>
  (cpu, record) =>
    cpu.cpl === 0 ? work(cpu, record) : cpu.fault(GP, 0);
