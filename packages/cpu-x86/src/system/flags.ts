import type { Cpu, HelperFunction } from '../cpu.js';
import { STATUS_EXIT } from '../emit/core-functions.js';
import { GP } from '../fault.js';
import { ACTIVITY, ACTIVITY_HALTED, CPL, EFLAGS, EVENT_YIELD, EVENTS, SHADOW } from '../layout.js';
import { isRealMode, isVirtual8086 } from '../mode.js';
import { ALWAYS_POPPED, afterFlags, poppedMask, replaceFlags, UPPER_POPPED } from './interrupt-return.js';
import { hasEvents, leaveAfter, privileged } from './operands.js';
import { StackCursor } from './stack-cursor.js';
import { FLAG_AC, FLAG_IF, FLAG_IOPL, FLAG_RF, FLAG_VM, SHADOW_RIP } from './state.js';

const stack = new StackCursor();
const iopl = (cpu: Cpu): number => (cpu.get32(EFLAGS) & FLAG_IOPL) >>> 12;

/** CLI and STI need IOPL >= CPL; virtual-8086 mode has CPL 3. */
function requireIopl(cpu: Cpu): void {
  if (!isRealMode(cpu) && cpu.get32(CPL) > iopl(cpu)) cpu.fault(GP, 0);
}

function clearInterruptFlag(cpu: Cpu): undefined {
  requireIopl(cpu);
  cpu.set32(EFLAGS, cpu.get32(EFLAGS) & ~FLAG_IF);
}

/** STI: interrupts wait for one more instruction when IF was 0. */
function setInterruptFlag(cpu: Cpu, record: number): number | undefined {
  requireIopl(cpu);
  const flags = cpu.get32(EFLAGS);
  if ((flags & FLAG_IF) !== 0) return undefined;
  cpu.set32(EFLAGS, flags | FLAG_IF);
  cpu.set32(SHADOW, 1);
  cpu.setLong(SHADOW_RIP, cpu.nextRip(record));
  return hasEvents(cpu) ? leaveAfter(cpu, record) : undefined;
}

/** PUSHF: VM and RF are pushed as 0. */
function pushFlags(cpu: Cpu, record: number): undefined {
  if (isVirtual8086(cpu) && iopl(cpu) < 3) cpu.fault(GP, 0);
  stack.useCurrent(cpu).push(cpu, cpu.flags() & ~(FLAG_VM | FLAG_RF), cpu.shape(record).operandBytes);
  stack.commit(cpu);
}

/** POPF: IOPL changes at privilege 0 only, IF with IOPL >= CPL; what may not change is kept without a fault. */
function popFlags(cpu: Cpu, record: number): number | undefined {
  const bytes = cpu.shape(record).operandBytes;
  const virtual = isVirtual8086(cpu);
  if (virtual && iopl(cpu) < 3) cpu.fault(GP, 0);
  const image = stack.useCurrent(cpu).pop(cpu, bytes);
  const mask = virtual ? ALWAYS_POPPED | FLAG_IF | (bytes === 2 ? 0 : UPPER_POPPED) : poppedMask(cpu, bytes);
  stack.commit(cpu);
  replaceFlags(cpu, image, mask);
  const status = afterFlags(cpu);
  if (status !== STATUS_EXIT) return undefined;
  return leaveAfter(cpu, record);
}

/** HLT: until the next interrupt, NMI or INIT. */
function halt(cpu: Cpu, record: number): number {
  cpu.set32(ACTIVITY, ACTIVITY_HALTED);
  return leaveAfter(cpu, record);
}

/**
 * PAUSE: the CPU waits for another one, often by taking a lock that it released a moment ago. Slices that only ended at the loop's jump
 * would end with the lock held each time, and the others would never get it: so the turn of the next CPU begins right here.
 */
function pause(cpu: Cpu, record: number): number | undefined {
  if (cpu.services.sharesTime?.() !== true) return undefined;
  cpu.set32(EVENTS, cpu.get32(EVENTS) | EVENT_YIELD);
  return leaveAfter(cpu, record);
}

const changeAlignmentCheck =
  (set: boolean): HelperFunction =>
  (cpu) => {
    cpu.set32(EFLAGS, set ? cpu.get32(EFLAGS) | FLAG_AC : cpu.get32(EFLAGS) & ~FLAG_AC);
    return undefined;
  };

export const FLAG_HELPERS: Readonly<Record<string, HelperFunction>> = {
  clearInterruptFlag,
  setInterruptFlag,
  pushFlags,
  popFlags,
  halt: privileged(halt),
  pause,
  clearAlignmentCheck: privileged(changeAlignmentCheck(false)),
  setAlignmentCheck: privileged(changeAlignmentCheck(true)),
};
