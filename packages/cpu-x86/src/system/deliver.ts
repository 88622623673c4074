import type { Cpu } from '../cpu.js';
import { STATUS_EXIT } from '../emit/core-functions.js';
import { DE, DF, FAULT, GP, NP, PF, STACK, TS } from '../fault.js';
import {
  ACTIVITY,
  ACTIVITY_SHUTDOWN,
  CS,
  DS,
  EFLAGS,
  ES,
  FAULT_ERROR,
  FAULT_VECTOR,
  FS,
  GS,
  IDTR_BASE,
  IDTR_LIMIT,
  RIP,
  RSP,
  SS,
  TR,
} from '../layout.js';
import { isRealMode, isVirtual8086, refreshMode } from '../mode.js';
import {
  attributesOf,
  baseOf,
  fail,
  fetchDescriptor,
  isLongMode,
  isNull,
  limitOf,
  loadFromSlot,
  requirePresent,
  setAccessed,
  setCpl,
  setNullSegment,
  setRealSegment,
} from './descriptors.js';
import { checkStackSegment } from './segments.js';
import { StackCursor } from './stack-cursor.js';
import {
  ATTR_CODE,
  ATTR_DB,
  ATTR_DC,
  ATTR_L,
  ATTR_PRESENT,
  ATTR_S,
  DELIVERIES,
  DESC_HIGH,
  DESC_LOW,
  DESC_UPPER,
  DESCRIPTOR,
  dplOf,
  EXTERNAL,
  FLAG_AC,
  FLAG_IF,
  FLAG_NT,
  FLAG_RF,
  FLAG_TF,
  FLAG_VM,
  FRAME,
  GATE,
  isCanonical,
  STACK_DESCRIPTOR,
  TEMPORARY,
  TRAP_SUPPRESSED,
  TYPE_INTERRUPT,
  TYPE_INTERRUPT16,
  TYPE_TASK,
  TYPE_TRAP,
  TYPE_TRAP16,
  TYPE_TSS,
  typeOf,
} from './state.js';
import { switchTask, TASK_CALL, takeSwitchFault } from './task.js';

const stack = new StackCursor();

/** #DE #TS #NP #SS #GP: two of them, or one after a page fault, make a double fault (SDM volume 3, 6.15, "Interrupt 8"). */
const isContributory = (vector: number): boolean => vector === DE || (vector >= TS && vector <= GP);

/** What is delivered when delivering `first` raises `second`; -1 when the CPU shuts down. */
function combined(first: number, second: number): number {
  const severe = isContributory(second) || second === PF;
  if (first === DF) return severe ? -1 : second;
  if (isContributory(first) ? isContributory(second) : first === PF && severe) return DF;
  return second;
}

/** Delivers the pending fault: 0 when the guest goes on in its handler, 1 when the CPU has stopped (shutdown). */
export function deliverFault(cpu: Cpu): number {
  return deliverPending(cpu) ? 0 : 1;
}

function deliverPending(cpu: Cpu): boolean {
  return deliverEvent(cpu, cpu.get32(FAULT_VECTOR), cpu.memory.i32[FAULT_ERROR >> 2]!, FLAG_RF);
}

/** Ends an instruction that has switched tasks: what went wrong in the new task is delivered there. */
export function afterTaskSwitch(cpu: Cpu): number {
  if (takeSwitchFault()) deliverPending(cpu);
  return STATUS_EXIT;
}

/**
 * Delivers an exception, NMI or external interrupt, and what goes wrong with it, at RIP. `error` is -1 for none; `resume` is FLAG_RF for
 * faults. False when the CPU has shut down.
 */
export function deliverEvent(cpu: Cpu, vector: number, error: number, resume: number): boolean {
  let current = vector;
  let code = error;
  let flag = resume;
  for (;;) {
    if (tryDeliver(cpu, current, code, flag)) return true;
    const second = cpu.get32(FAULT_VECTOR);
    const next = combined(current, second);
    if (next < 0) return shutDown(cpu);
    code = next === DF ? 0 : cpu.memory.i32[FAULT_ERROR >> 2]!;
    flag = FLAG_RF;
    current = next;
  }
}

function shutDown(cpu: Cpu): false {
  cpu.observer?.tripleFault();
  cpu.set32(ACTIVITY, ACTIVITY_SHUTDOWN);
  return false;
}

function tryDeliver(cpu: Cpu, vector: number, error: number, resume: number): boolean {
  cpu.set32(EXTERNAL, 1);
  try {
    interrupt(cpu, vector, error, false, resume);
    return true;
  } catch (signal) {
    if (signal !== FAULT) throw signal;
    return false;
  } finally {
    cpu.set32(EXTERNAL, 0);
  }
}

/**
 * Enters the handler of `vector`; RIP holds the return address. Faults are raised with nothing changed. `software`: an INT
 * instruction, which needs the gate's privilege.
 */
export function interrupt(cpu: Cpu, vector: number, error: number, software: boolean, resume: number): void {
  cpu.observer?.interrupt(vector, error, software);
  const flags = (cpu.flags() | resume) >>> 0;
  if (isRealMode(cpu)) interruptReal(cpu, vector, flags);
  else if (isLongMode(cpu)) interruptLong(cpu, vector, error, software, flags);
  else interruptProtected(cpu, vector, error, software, flags);
  cpu.set32(TRAP_SUPPRESSED, 1);
  cpu.set32(DELIVERIES, cpu.get32(DELIVERIES) + 1);
}

function clearFlags(cpu: Cpu, mask: number): void {
  cpu.set32(EFLAGS, cpu.get32(EFLAGS) & ~mask);
}

// ------------------------------------------------------------------ real-address mode

/** Through the vector table (SDM volume 3, 20.1.4). */
function interruptReal(cpu: Cpu, vector: number, flags: number): void {
  if (vector * 4 + 3 > cpu.get32(IDTR_LIMIT)) cpu.fault(GP, 0);
  const entry = cpu.read32(cpu.getLong(IDTR_BASE) + vector * 4, false);
  stack.useCurrent(cpu);
  stack.push(cpu, flags, 2);
  stack.push(cpu, cpu.selector(CS), 2);
  stack.pushFrom(cpu, RIP, 2);
  stack.commit(cpu);
  clearFlags(cpu, FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
  setRealSegment(cpu, CS, entry >>> 16);
  cpu.setLong(RIP, entry & 0xffff);
  refreshMode(cpu);
}

// ------------------------------------------------------------------ gates

function failGate(cpu: Cpu, vector: number, number: number): never {
  return cpu.fault(vector, number * 8 + 2 + cpu.get32(EXTERNAL));
}

/** Fetches a gate of `bytes` into GATE and checks it; gives its type. */
function fetchGate(cpu: Cpu, number: number, bytes: number, software: boolean): number {
  if (number * bytes + bytes - 1 > cpu.get32(IDTR_LIMIT)) failGate(cpu, GP, number);
  cpu.mmu.readInto(cpu.getLong(IDTR_BASE) + number * bytes, bytes, GATE, false);
  const attributes = cpu.get32(GATE + DESC_HIGH);
  const type = typeOf(attributes);
  const is32 = type === TYPE_INTERRUPT || type === TYPE_TRAP;
  const isSmall = type === TYPE_INTERRUPT16 || type === TYPE_TRAP16 || type === TYPE_TASK;
  if ((attributes & ATTR_S) !== 0 || !(is32 || (isSmall && bytes === 8))) failGate(cpu, GP, number);
  if (software && dplOf(attributes) < cpu.cpl) failGate(cpu, GP, number);
  if ((attributes & ATTR_PRESENT) === 0) failGate(cpu, NP, number);
  return type;
}

/** Fetches and checks the gate's code segment into DESCRIPTOR; gives the privilege of the handler. */
function fetchHandlerSegment(cpu: Cpu, selector: number): number {
  if (isNull(selector)) fail(cpu, GP, 0);
  fetchDescriptor(cpu, selector, DESCRIPTOR);
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const isCode = (attributes & (ATTR_S | ATTR_CODE)) === (ATTR_S | ATTR_CODE);
  if (!isCode || dplOf(attributes) > cpu.cpl) fail(cpu, GP, selector);
  if (isLongMode(cpu) && (attributes & (ATTR_L | ATTR_DB)) !== ATTR_L) fail(cpu, GP, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
  return (attributes & ATTR_DC) !== 0 ? cpu.cpl : dplOf(attributes);
}

function flagsAfterGate(cpu: Cpu, type: number): void {
  const interruptGate = type === TYPE_INTERRUPT || type === TYPE_INTERRUPT16;
  clearFlags(cpu, FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (interruptGate ? FLAG_IF : 0));
}

/** Loads CS from DESCRIPTOR with `cpl`, and RIP. */
function enterHandler(cpu: Cpu, selector: number, cpl: number, rip: number): void {
  setAccessed(cpu, DESCRIPTOR);
  loadFromSlot(cpu, CS, DESCRIPTOR, (selector & 0xfffc) | cpl);
  if (cpl !== cpu.cpl) setCpl(cpu, cpl);
  cpu.setLong(RIP, rip);
  refreshMode(cpu);
}

// ------------------------------------------------------------------ protected and virtual-8086 mode

function interruptProtected(cpu: Cpu, vector: number, error: number, software: boolean, flags: number): void {
  const type = fetchGate(cpu, vector, 8, software);
  const low = cpu.get32(GATE + DESC_LOW);
  const selector = low >>> 16;
  if (type === TYPE_TASK) return interruptTask(cpu, selector, error);
  const wide = type === TYPE_INTERRUPT || type === TYPE_TRAP;
  const offset = wide ? ((low & 0xffff) | (cpu.get32(GATE + DESC_HIGH) & 0xffff_0000)) >>> 0 : low & 0xffff;
  const cpl = fetchHandlerSegment(cpu, selector);
  const virtual = isVirtual8086(cpu);
  if (virtual && cpl !== 0) fail(cpu, GP, selector);
  const inner = cpl < cpu.cpl;
  if (inner) useInnerStack(cpu, cpl);
  else stack.useCurrent(cpu);
  if (offset > limitOf(cpu, DESCRIPTOR)) fail(cpu, GP, 0);
  pushFrame(cpu, wide ? 4 : 2, flags, error, inner, virtual);
  const stackSelector = inner ? newStackSelector : 0;
  if (inner) setAccessed(cpu, STACK_DESCRIPTOR);
  setAccessed(cpu, DESCRIPTOR);
  flagsAfterGate(cpu, type);
  if (virtual) for (const index of DATA_SEGMENTS) setNullSegment(cpu, index, 0);
  if (inner) loadFromSlot(cpu, SS, STACK_DESCRIPTOR, stackSelector);
  stack.commit(cpu);
  enterHandler(cpu, selector, cpl, offset);
}

const DATA_SEGMENTS: readonly number[] = [ES, DS, FS, GS];

let newStackSelector = 0;

/** Selector and pointer of the stack for `cpl` in the current TSS, its descriptor in STACK_DESCRIPTOR. */
function useInnerStack(cpu: Cpu, cpl: number): void {
  const pointer = innerStackPointer(cpu, cpl);
  const selector = newStackSelector;
  if (isNull(selector)) fail(cpu, TS, 0);
  fetchDescriptor(cpu, selector, STACK_DESCRIPTOR, TS);
  checkStackSegment(cpu, STACK_DESCRIPTOR, selector, cpl, TS);
  const attributes = attributesOf(cpu, STACK_DESCRIPTOR);
  stack.useSegment(baseOf(cpu, STACK_DESCRIPTOR), limitOf(cpu, STACK_DESCRIPTOR), attributes, pointer, cpl, selector);
}

/** ESP for `cpl` in the TSS; leaves SS in newStackSelector. */
function innerStackPointer(cpu: Cpu, cpl: number): number {
  const wide = (typeOf(cpu.segmentAttributes(TR)) & ~2) === TYPE_TSS;
  const offset = wide ? 4 + cpl * 8 : 2 + cpl * 4;
  if (offset + (wide ? 5 : 3) > cpu.segmentLimit(TR)) fail(cpu, TS, cpu.selector(TR));
  const address = cpu.segmentBase(TR) + offset;
  newStackSelector = cpu.read16(address + (wide ? 4 : 2), false);
  return wide ? cpu.read32(address, false) : cpu.read16(address, false);
}

/** The inner stack of a call through a gate: gives the selector; the stack is set up in `into`. */
export function innerStack(cpu: Cpu, cpl: number): { readonly cursor: StackCursor; readonly selector: number } {
  useInnerStack(cpu, cpl);
  return { cursor: stack, selector: newStackSelector };
}

function pushFrame(cpu: Cpu, bytes: number, flags: number, error: number, inner: boolean, virtual: boolean): void {
  if (virtual) for (const index of PUSHED_SEGMENTS) stack.push(cpu, cpu.selector(index), bytes);
  if (inner) {
    stack.push(cpu, cpu.selector(SS), bytes);
    stack.pushFrom(cpu, RSP, bytes);
  }
  stack.push(cpu, flags, bytes);
  stack.push(cpu, cpu.selector(CS), bytes);
  stack.pushFrom(cpu, RIP, bytes);
  if (error !== -1) stack.push(cpu, error, bytes);
}

const PUSHED_SEGMENTS: readonly number[] = [GS, FS, DS, ES];

function interruptTask(cpu: Cpu, selector: number, error: number): void {
  const wide = switchTask(cpu, selector, TASK_CALL, cpu.getLong(RIP));
  if (takeSwitchFault()) return void deliverPending(cpu);
  if (error === -1) return;
  stack.useCurrent(cpu).push(cpu, error, wide ? 4 : 2);
  stack.commit(cpu);
}

// ------------------------------------------------------------------ IA-32e mode

/** 16-byte gates, handlers in 64-bit code, a frame that always holds SS:RSP (SDM volume 3, 6.14). */
function interruptLong(cpu: Cpu, vector: number, error: number, software: boolean, flags: number): void {
  const type = fetchGate(cpu, vector, 16, software);
  const low = cpu.get32(GATE + DESC_LOW);
  const high = cpu.get32(GATE + DESC_HIGH);
  const selector = low >>> 16;
  const rip = (cpu.get32(GATE + DESC_UPPER) | 0) * 2 ** 32 + (((low & 0xffff) | (high & 0xffff_0000)) >>> 0);
  const cpl = fetchHandlerSegment(cpu, selector);
  const pointer = longStackPointer(cpu, cpl, high & 7);
  if (!isCanonical(rip)) fail(cpu, GP, 0);
  const bytes = error === -1 ? 40 : 48;
  buildLongFrame(cpu, flags, error);
  if (!isCanonical(pointer - bytes)) fail(cpu, STACK, 0);
  cpu.mmu.writeFrom(pointer - bytes, bytes, FRAME + 48 - bytes, cpl === 3);
  setAccessed(cpu, DESCRIPTOR);
  flagsAfterGate(cpu, type);
  if (cpl !== cpu.cpl) setNullSegment(cpu, SS, cpl, cpl);
  cpu.setLong(RSP, pointer - bytes);
  enterHandler(cpu, selector, cpl, rip);
}

/** Top of the handler's stack: an IST entry, RSPn of the TSS, or the current one; 16-byte aligned. */
function longStackPointer(cpu: Cpu, cpl: number, ist: number): number {
  const offset = ist !== 0 ? 28 + ist * 8 : 4 + cpl * 8;
  if (ist === 0 && cpl === cpu.cpl) return cpu.getLong(RSP) - (cpu.get32(RSP) & 15);
  if (offset + 7 > cpu.segmentLimit(TR)) fail(cpu, TS, cpu.selector(TR));
  cpu.read64(cpu.segmentBase(TR) + offset, TEMPORARY, false);
  const pointer = cpu.getLong(TEMPORARY);
  if (!isCanonical(pointer)) fail(cpu, STACK, 0);
  return pointer - (cpu.get32(TEMPORARY) & 15);
}

/** Error code at FRAME, then RIP CS RFLAGS RSP SS. */
function buildLongFrame(cpu: Cpu, flags: number, error: number): void {
  cpu.setHalves(FRAME, error, 0);
  cpu.copyLong(FRAME + 8, RIP);
  cpu.setHalves(FRAME + 16, cpu.selector(CS), 0);
  cpu.setHalves(FRAME + 24, flags, 0);
  cpu.copyLong(FRAME + 32, RSP);
  cpu.setHalves(FRAME + 40, cpu.selector(SS), 0);
}
