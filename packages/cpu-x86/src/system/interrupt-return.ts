import type { Cpu } from '../cpu.js';
import { STATUS_EXIT, STATUS_JUMP } from '../emit/core-functions.js';
import { GP, NP, STACK } from '../fault.js';
import {
  CS,
  DS,
  EFLAGS,
  ES,
  EVENT_INTERRUPT,
  EVENTS,
  FS,
  GS,
  NMI_BLOCKED,
  RIP,
  RSP,
  SEG_ATTR,
  SEG_SELECTOR,
  SS,
  segment,
} from '../layout.js';
import { isCode64, isRealMode, isVirtual8086, refreshMode } from '../mode.js';
import { hasBreakpoints } from './debug.js';
import { afterTaskSwitch } from './deliver.js';
import {
  attributesOf,
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
  setVirtual8086Segment,
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
  DESCRIPTOR,
  dplOf,
  FLAG_AC,
  FLAG_DF,
  FLAG_ID,
  FLAG_IF,
  FLAG_IOPL,
  FLAG_NT,
  FLAG_RF,
  FLAG_TF,
  FLAG_VIF,
  FLAG_VIP,
  FLAG_VM,
  FRAME,
  isCanonical,
  STACK_DESCRIPTOR,
  STATUS_FLAGS,
} from './state.js';
import { returnToPreviousTask } from './task.js';

const stack = new StackCursor();

/** Flags that any return or POPF may change; those of the upper half need a 32-bit image. */
export const ALWAYS_POPPED: number = STATUS_FLAGS | FLAG_TF | FLAG_DF | FLAG_NT;
export const UPPER_POPPED: number = FLAG_AC | FLAG_ID;

/** Bits of the flags that a popped image of `bytes` changes at the current privilege. */
export function poppedMask(cpu: Cpu, bytes: number): number {
  const iopl = (cpu.get32(EFLAGS) & FLAG_IOPL) >>> 12;
  let mask = ALWAYS_POPPED | (bytes === 2 ? 0 : UPPER_POPPED);
  if (cpu.cpl <= iopl) mask |= FLAG_IF;
  if (cpu.cpl === 0) mask |= FLAG_IOPL;
  return mask;
}

/** Replaces the flags in `mask` by those of `image`. RF stays away unless breakpoints use it. */
export function replaceFlags(cpu: Cpu, image: number, mask: number): void {
  const kept = cpu.flags() & ~mask;
  cpu.setFlags(kept | (image & mask));
}

/** How an instruction ends that has set RIP and the flags: the run loop must see events and TF that are no longer held off. */
export function afterFlags(cpu: Cpu): number {
  const flags = cpu.get32(EFLAGS);
  if ((flags & FLAG_AC) !== 0) cpu.mmu.alignmentChanged(cpu.index);
  if ((flags & FLAG_TF) !== 0) return STATUS_EXIT;
  const events = cpu.get32(EVENTS);
  if (events === 0) return STATUS_JUMP;
  return (flags & FLAG_IF) !== 0 || (events & ~EVENT_INTERRUPT) !== 0 ? STATUS_EXIT : STATUS_JUMP;
}

/** IRET IRETD IRETQ (SDM volume 2). */
export function interruptReturn(cpu: Cpu, record: number): number {
  const bytes = cpu.shape(record).operandBytes;
  if (isRealMode(cpu)) returnReal(cpu, bytes, 0);
  else if (isVirtual8086(cpu)) returnVirtual8086(cpu, bytes);
  else if ((cpu.get32(EFLAGS) & FLAG_NT) !== 0) return returnNested(cpu, record);
  else if (isCode64(cpu)) returnLong(cpu, bytes);
  else returnProtected(cpu, bytes);
  cpu.set32(NMI_BLOCKED, 0);
  return afterFlags(cpu);
}

const maskedRf = (cpu: Cpu, bytes: number): number => (bytes !== 2 && hasBreakpoints(cpu) ? FLAG_RF : 0);

/** Same in real and virtual-8086 mode but for the flags in `kept`, which do not change. */
function returnReal(cpu: Cpu, bytes: number, kept: number): void {
  stack.useCurrent(cpu);
  const ip = stack.pop(cpu, bytes);
  const selector = stack.pop(cpu, bytes) & 0xffff;
  const flags = stack.pop(cpu, bytes);
  if (ip > cpu.segmentLimit(CS)) cpu.fault(GP, 0);
  const upper = bytes === 2 ? 0 : UPPER_POPPED;
  replaceFlags(cpu, flags, (ALWAYS_POPPED | FLAG_IF | FLAG_IOPL | upper | maskedRf(cpu, bytes)) & ~kept);
  stack.commit(cpu);
  if (kept === 0) setRealSegment(cpu, CS, selector);
  else setVirtual8086Segment(cpu, CS, selector);
  cpu.setLong(RIP, ip);
  refreshMode(cpu);
}

function returnVirtual8086(cpu: Cpu, bytes: number): void {
  if ((cpu.get32(EFLAGS) & FLAG_IOPL) !== FLAG_IOPL) cpu.fault(GP, 0);
  returnReal(cpu, bytes, FLAG_IOPL);
}

function returnNested(cpu: Cpu, record: number): number {
  if (isLongMode(cpu)) cpu.fault(GP, 0);
  returnToPreviousTask(cpu, cpu.nextRip(record));
  cpu.set32(NMI_BLOCKED, 0);
  return afterTaskSwitch(cpu);
}

// ------------------------------------------------------------------ protected mode

function returnProtected(cpu: Cpu, bytes: number): void {
  stack.useCurrent(cpu);
  const ip = stack.pop(cpu, bytes);
  const selector = stack.pop(cpu, bytes) & 0xffff;
  const flags = stack.pop(cpu, bytes);
  if ((flags & FLAG_VM) !== 0 && cpu.cpl === 0 && bytes === 4 && !isLongMode(cpu)) return enterVirtual8086(cpu, ip, selector, flags);
  fetchReturnSegment(cpu, selector);
  checkReturnAddress(cpu, ip);
  const cpl = selector & 3;
  if (cpl === cpu.cpl) {
    setAccessed(cpu, DESCRIPTOR);
    replaceFlags(cpu, flags, returnedFlags(cpu, bytes));
    stack.commit(cpu);
    return enterReturned(cpu, selector, ip);
  }
  const pointer = stack.pop(cpu, bytes);
  const stackSelector = stack.pop(cpu, bytes) & 0xffff;
  fetchReturnStack(cpu, stackSelector, cpl);
  setAccessed(cpu, DESCRIPTOR);
  replaceFlags(cpu, flags, returnedFlags(cpu, bytes));
  enterOuter(cpu, selector, ip, stackSelector, pointer, bytes);
}

const returnedFlags = (cpu: Cpu, bytes: number): number => {
  const virtual = cpu.cpl === 0 && bytes !== 2 ? FLAG_VIF | FLAG_VIP : 0;
  return poppedMask(cpu, bytes) | virtual | maskedRf(cpu, bytes);
};

/** Fetches and checks the code segment of a return into DESCRIPTOR; RPL of the selector is the new privilege. */
export function fetchReturnSegment(cpu: Cpu, selector: number): void {
  if (isNull(selector)) fail(cpu, GP, 0);
  fetchDescriptor(cpu, selector, DESCRIPTOR);
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const rpl = selector & 3;
  const dpl = dplOf(attributes);
  const isCode = (attributes & (ATTR_S | ATTR_CODE)) === (ATTR_S | ATTR_CODE);
  const matches = (attributes & ATTR_DC) !== 0 ? dpl <= rpl : dpl === rpl;
  if (!isCode || rpl < cpu.cpl || !matches) fail(cpu, GP, selector);
  if (isLongMode(cpu) && (attributes & (ATTR_L | ATTR_DB)) === (ATTR_L | ATTR_DB)) fail(cpu, GP, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
}

/** True when the segment in DESCRIPTOR is 64-bit code. */
export const isLongTarget = (cpu: Cpu): boolean => isLongMode(cpu) && (attributesOf(cpu, DESCRIPTOR) & ATTR_L) !== 0;

/** RIP must fit the segment in DESCRIPTOR. */
export function checkReturnAddress(cpu: Cpu, rip: number): void {
  if (isLongTarget(cpu) ? !isCanonical(rip) : rip < 0 || rip > limitOf(cpu, DESCRIPTOR)) fail(cpu, GP, 0);
}

/** Fetches and checks the stack segment of a return to `cpl` into STACK_DESCRIPTOR. Null is for 64-bit code below privilege 3 only. */
export function fetchReturnStack(cpu: Cpu, selector: number, cpl: number): void {
  if (isNull(selector)) {
    if (!isLongTarget(cpu) || cpl === 3 || (selector & 3) !== cpl) fail(cpu, GP, 0);
    return;
  }
  fetchDescriptor(cpu, selector, STACK_DESCRIPTOR);
  checkStackSegment(cpu, STACK_DESCRIPTOR, selector, cpl, GP);
  setAccessed(cpu, STACK_DESCRIPTOR);
}

/** Loads CS from DESCRIPTOR, and RIP. */
export function enterReturned(cpu: Cpu, selector: number, rip: number): void {
  loadFromSlot(cpu, CS, DESCRIPTOR, selector);
  cpu.setLong(RIP, rip);
  refreshMode(cpu);
}

/** Loads SS from STACK_DESCRIPTOR or as null. */
export function loadReturnStack(cpu: Cpu, selector: number, cpl: number): void {
  if (isNull(selector)) setNullSegment(cpu, SS, selector, cpl);
  else loadFromSlot(cpu, SS, STACK_DESCRIPTOR, selector);
}

/** Finishes a return to an outer privilege; `pointer` has `bytes`. */
export function enterOuter(cpu: Cpu, selector: number, rip: number, stackSelector: number, pointer: number, bytes: number): void {
  const cpl = selector & 3;
  const wide = isLongTarget(cpu) || (!isNull(stackSelector) && (attributesOf(cpu, STACK_DESCRIPTOR) & ATTR_DB) !== 0);
  loadReturnStack(cpu, stackSelector, cpl);
  if (bytes === 8) cpu.setLong(RSP, pointer);
  else if (wide) cpu.setHalves(RSP, pointer, 0);
  else cpu.set16(RSP, pointer);
  setCpl(cpu, cpl);
  dropInnerSegments(cpu);
  enterReturned(cpu, selector, rip);
}

/** Data segments that the outer privilege may not use become null; their bases stay for 64-bit code. */
export function dropInnerSegments(cpu: Cpu): void {
  for (const index of DATA_SEGMENTS) {
    const attributes = cpu.segmentAttributes(index);
    if ((attributes & ATTR_PRESENT) === 0 || dplOf(attributes) >= cpu.cpl) continue;
    if ((attributes & (ATTR_CODE | ATTR_DC)) === (ATTR_CODE | ATTR_DC)) continue;
    cpu.set32(segment(index) + SEG_ATTR, 0);
    cpu.set16(segment(index) + SEG_SELECTOR, 0);
  }
}

const DATA_SEGMENTS: readonly number[] = [ES, DS, FS, GS];

const V86_SEGMENTS: readonly number[] = [SS, ES, DS, FS, GS];
const selectors: number[] = [0, 0, 0, 0, 0];

/** IRETD at privilege 0 to virtual-8086 mode: ESP SS ES DS FS GS follow the frame. */
function enterVirtual8086(cpu: Cpu, ip: number, selector: number, flags: number): void {
  const pointer = stack.pop(cpu, 4);
  for (let n = 0; n < 5; n++) selectors[n] = stack.pop(cpu, 4) & 0xffff;
  if (ip > 0xffff) cpu.fault(GP, 0);
  replaceFlags(cpu, flags, returnedFlags(cpu, 4) | FLAG_VM | FLAG_IF | FLAG_IOPL);
  for (let n = 0; n < 5; n++) setVirtual8086Segment(cpu, V86_SEGMENTS[n]!, selectors[n]!);
  setVirtual8086Segment(cpu, CS, selector);
  cpu.setHalves(RSP, pointer, 0);
  setCpl(cpu, 3);
  cpu.setLong(RIP, ip);
  refreshMode(cpu);
}

// ------------------------------------------------------------------ 64-bit mode

/** From 64-bit code: SS:RSP are always part of the frame. */
function returnLong(cpu: Cpu, bytes: number): void {
  readLongFrame(cpu, bytes);
  const rip = frameValue(cpu, 0, bytes);
  const selector = cpu.get16(FRAME + bytes);
  const flags = bytes === 2 ? cpu.get16(FRAME + 4) : cpu.get32(FRAME + 2 * bytes);
  const stackSelector = cpu.get16(FRAME + 4 * bytes);
  const cpl = selector & 3;
  fetchReturnSegment(cpu, selector);
  checkReturnAddress(cpu, rip);
  fetchReturnStack(cpu, stackSelector, cpl);
  setAccessed(cpu, DESCRIPTOR);
  replaceFlags(cpu, flags, returnedFlags(cpu, bytes));
  loadReturnStack(cpu, stackSelector, cpl);
  if (bytes === 8) cpu.copyLong(RSP, FRAME + 24);
  else cpu.setLong(RSP, frameValue(cpu, 3, bytes));
  const outer = cpl !== cpu.cpl;
  if (outer) {
    setCpl(cpu, cpl);
    dropInnerSegments(cpu);
  }
  enterReturned(cpu, selector, rip);
}

function readLongFrame(cpu: Cpu, bytes: number): void {
  const pointer = cpu.getLong(RSP);
  if (!isCanonical(pointer) || !isCanonical(pointer + 5 * bytes - 1)) fail(cpu, STACK, 0);
  cpu.mmu.readInto(pointer, 5 * bytes, FRAME, cpu.mmu.user);
}

function frameValue(cpu: Cpu, slot: number, bytes: number): number {
  const address = FRAME + slot * bytes;
  if (bytes === 8) return cpu.getLong(address);
  return bytes === 4 ? cpu.get32(address) : cpu.get16(address);
}
