import type { Cpu, HelperFunction } from '../cpu.js';
import { STATUS_EXIT, STATUS_JUMP } from '../emit/core-functions.js';
import { BP, BR, DB, GP, OF } from '../fault.js';
import { EFLAGS, RIP } from '../layout.js';
import { isVirtual8086 } from '../mode.js';
import { noteCause, takeTrapBits } from './debug.js';
import { deliverEvent, interrupt } from './deliver.js';
import { interruptReturn } from './interrupt-return.js';
import { continueAfter, memoryAddress } from './operands.js';
import { FLAG_IOPL, FLAG_OF, TEMPORARY } from './state.js';

/** Enters a handler through a gate that CPL must be allowed to use. */
function enter(cpu: Cpu, record: number, vector: number): number {
  cpu.setLong(RIP, cpu.nextRip(record));
  interrupt(cpu, vector, -1, true, 0);
  return STATUS_JUMP;
}

/** INT n: in virtual-8086 mode for IOPL 3 only. */
function softwareInterrupt(cpu: Cpu, record: number): number {
  if (isVirtual8086(cpu) && (cpu.get32(EFLAGS) & FLAG_IOPL) !== FLAG_IOPL) cpu.fault(GP, 0);
  return enter(cpu, record, cpu.immediate(record) & 0xff);
}

const breakpoint: HelperFunction = (cpu, record) => enter(cpu, record, BP);

/**
 * INT1 raises #DB like hardware does: without a look at the gate's privilege, DR6 as it is. A data breakpoint that a load of SS before it has
 * held off is part of the same exception.
 */
function debugTrap(cpu: Cpu, record: number): number {
  cpu.setLong(RIP, cpu.nextRip(record));
  const hits = takeTrapBits(cpu, false);
  if (hits !== 0) noteCause(cpu, hits);
  return deliverEvent(cpu, DB, -1, 0) ? STATUS_JUMP : STATUS_EXIT;
}

/** INTO ends a run of decoded instructions, so it always jumps. */
const overflowTrap: HelperFunction = (cpu, record) => ((cpu.flags() & FLAG_OF) !== 0 ? enter(cpu, record, OF) : continueAfter(cpu, record));

/** BOUND: #BR unless lower <= index <= upper, all signed. */
function bound(cpu: Cpu, record: number): undefined {
  const bytes = cpu.shape(record).operandBytes;
  cpu.mmu.readInto(memoryAddress(cpu, record, 2 * bytes, false), 2 * bytes, TEMPORARY, cpu.mmu.user);
  const signed = (address: number): number => (bytes === 2 ? (cpu.get16(address) << 16) >> 16 : cpu.get32(address) | 0);
  const index = signed(cpu.reg(record));
  if (index < signed(TEMPORARY) || index > signed(TEMPORARY + bytes)) cpu.fault(BR);
}

export const INTERRUPT_HELPERS: Readonly<Record<string, HelperFunction>> = {
  softwareInterrupt,
  breakpoint,
  debugTrap,
  overflowTrap,
  bound,
  interruptReturn,
};
