import type { Cpu, HelperFunction } from '../cpu.js';
import { STATUS_JUMP } from '../emit/core-functions.js';
import { GP, NP, STACK, TS } from '../fault.js';
import { CS, REC_IMMEDIATE, REC_REG, RIP, RSP, SS, TR } from '../layout.js';
import { isRealMode, isVirtual8086, refreshMode } from '../mode.js';
import { afterTaskSwitch, innerStack } from './deliver.js';
import {
  attributesOf,
  fail,
  fetchDescriptor,
  fetchUpper,
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
import { checkReturnAddress, enterOuter, enterReturned, fetchReturnSegment, fetchReturnStack } from './interrupt-return.js';
import { memoryAddress } from './operands.js';
import { StackCursor } from './stack-cursor.js';
import {
  ATTR_CODE,
  ATTR_DB,
  ATTR_DC,
  ATTR_L,
  ATTR_S,
  DESC_HIGH,
  DESC_LOW,
  DESC_UPPER,
  DESCRIPTOR,
  dplOf,
  GATE,
  isCanonical,
  STACK_DESCRIPTOR,
  TEMPORARY,
  TYPE_CALL,
  TYPE_CALL16,
  TYPE_TASK,
  TYPE_TSS,
  TYPE_TSS16,
  typeOf,
} from './state.js';
import { switchTask, TASK_CALL, TASK_JUMP } from './task.js';

const stack = new StackCursor();
/** Far pointer of the instruction. */
let targetSelector = 0;
let targetOffset = 0;

/** Reads the far pointer of an immediate or a memory operand. */
function readTarget(cpu: Cpu, record: number): void {
  const { operandBytes, operands } = cpu.shape(record);
  if (operands[0]!.kind === 'relative') {
    targetSelector = cpu.get16(record + REC_REG);
    const offset = cpu.get32(record + REC_IMMEDIATE);
    targetOffset = operandBytes === 2 ? offset & 0xffff : offset;
    return;
  }
  cpu.mmu.readInto(memoryAddress(cpu, record, operandBytes + 2, false), operandBytes + 2, TEMPORARY, cpu.mmu.user);
  targetSelector = cpu.get16(TEMPORARY + operandBytes);
  targetOffset = operandBytes === 8 ? cpu.getLong(TEMPORARY) : operandBytes === 4 ? cpu.get32(TEMPORARY) : cpu.get16(TEMPORARY);
}

const isFlatMode = (cpu: Cpu): boolean => isRealMode(cpu) || isVirtual8086(cpu);

/** Real-address and virtual-8086 mode: the new CS:IP, checked beforehand. */
function enterReal(cpu: Cpu, selector: number, ip: number): number {
  if (isRealMode(cpu)) setRealSegment(cpu, CS, selector);
  else setVirtual8086Segment(cpu, CS, selector);
  cpu.setLong(RIP, ip);
  refreshMode(cpu);
  return STATUS_JUMP;
}

function jumpFar(cpu: Cpu, record: number): number {
  readTarget(cpu, record);
  if (!isFlatMode(cpu)) return transfer(cpu, record, false);
  if (targetOffset > cpu.segmentLimit(CS)) cpu.fault(GP, 0);
  return enterReal(cpu, targetSelector, targetOffset);
}

function callFar(cpu: Cpu, record: number): number {
  readTarget(cpu, record);
  if (!isFlatMode(cpu)) return transfer(cpu, record, true);
  const { operandBytes } = cpu.shape(record);
  pushReturn(cpu, record, stack.useCurrent(cpu), operandBytes);
  if (targetOffset > cpu.segmentLimit(CS)) cpu.fault(GP, 0);
  stack.commit(cpu);
  return enterReal(cpu, targetSelector, targetOffset);
}

function pushReturn(cpu: Cpu, record: number, into: StackCursor, bytes: number): void {
  into.push(cpu, cpu.selector(CS), bytes);
  into.push(cpu, cpu.nextRip(record), bytes);
}

/** JMP or CALL in protected mode, by what the selector names. */
function transfer(cpu: Cpu, record: number, call: boolean): number {
  const selector = targetSelector;
  if (isNull(selector)) fail(cpu, GP, 0);
  fetchDescriptor(cpu, selector, DESCRIPTOR);
  const attributes = attributesOf(cpu, DESCRIPTOR);
  if ((attributes & ATTR_S) !== 0) return transferToCode(cpu, record, call);
  const long = isLongMode(cpu);
  switch (typeOf(attributes)) {
    case TYPE_CALL:
      return transferThroughGate(cpu, record, call);
    case TYPE_CALL16:
      if (!long) return transferThroughGate(cpu, record, call);
      break;
    case TYPE_TASK:
      if (!long) return transferThroughTaskGate(cpu, record, call);
      break;
    case TYPE_TSS:
    case TYPE_TSS16:
      if (!long) return transferToTask(cpu, record, call);
  }
  return fail(cpu, GP, selector);
}

/** A code segment may be entered directly at the same privilege, a conforming one from a lower. */
function checkDirect(cpu: Cpu, selector: number, rpl: number): void {
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const allowed = (attributes & ATTR_DC) !== 0 ? dplOf(attributes) <= cpu.cpl : rpl <= cpu.cpl && dplOf(attributes) === cpu.cpl;
  if ((attributes & ATTR_CODE) === 0 || !allowed) fail(cpu, GP, selector);
  if (isLongMode(cpu) && (attributes & (ATTR_L | ATTR_DB)) === (ATTR_L | ATTR_DB)) fail(cpu, GP, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
}

function transferToCode(cpu: Cpu, record: number, call: boolean): number {
  const { operandBytes } = cpu.shape(record);
  const selector = targetSelector;
  checkDirect(cpu, selector, selector & 3);
  if (call) pushReturn(cpu, record, stack.useCurrent(cpu), operandBytes);
  checkReturnAddress(cpu, targetOffset);
  setAccessed(cpu, DESCRIPTOR);
  if (call) stack.commit(cpu);
  enterReturned(cpu, (selector & 0xfffc) | cpu.cpl, targetOffset);
  return STATUS_JUMP;
}

// ------------------------------------------------------------------ call gates

/** A gate must be reachable from CPL and RPL. */
function checkGate(cpu: Cpu, selector: number): void {
  if (dplOf(attributesOf(cpu, DESCRIPTOR)) < Math.max(cpu.cpl, selector & 3)) fail(cpu, GP, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
}

function transferThroughGate(cpu: Cpu, record: number, call: boolean): number {
  const gate = targetSelector;
  checkGate(cpu, gate);
  const long = isLongMode(cpu);
  if (long) fetchUpper(cpu, gate, DESCRIPTOR);
  const wide = typeOf(attributesOf(cpu, DESCRIPTOR)) === TYPE_CALL;
  const low = cpu.get32(DESCRIPTOR + DESC_LOW);
  const high = cpu.get32(DESCRIPTOR + DESC_HIGH);
  cpu.set32(GATE, high & 0x1f);
  const selector = low >>> 16;
  const offset = wide ? ((low & 0xffff) | (high & 0xffff_0000)) >>> 0 : low & 0xffff;
  targetOffset = long ? (cpu.get32(DESCRIPTOR + DESC_UPPER) | 0) * 2 ** 32 + offset : offset;
  if (isNull(selector)) fail(cpu, GP, 0);
  fetchDescriptor(cpu, selector, DESCRIPTOR);
  const cpl = checkGateTarget(cpu, selector, call);
  const bytes = long ? 8 : wide ? 4 : 2;
  if (cpl < cpu.cpl) return long ? callInnerLong(cpu, record, selector, cpl) : callInner(cpu, record, selector, cpl, bytes);
  if (call) pushReturn(cpu, record, stack.useCurrent(cpu), bytes);
  checkReturnAddress(cpu, targetOffset);
  setAccessed(cpu, DESCRIPTOR);
  if (call) stack.commit(cpu);
  enterReturned(cpu, (selector & 0xfffc) | cpu.cpl, targetOffset);
  return STATUS_JUMP;
}

/** Checks the code segment behind a gate (in DESCRIPTOR); gives the privilege that it runs at. */
function checkGateTarget(cpu: Cpu, selector: number, call: boolean): number {
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const isCode = (attributes & (ATTR_S | ATTR_CODE)) === (ATTR_S | ATTR_CODE);
  const conforming = (attributes & ATTR_DC) !== 0;
  const dpl = dplOf(attributes);
  if (!isCode || (call || conforming ? dpl > cpu.cpl : dpl !== cpu.cpl)) fail(cpu, GP, selector);
  if (isLongMode(cpu) && (attributes & (ATTR_L | ATTR_DB)) !== ATTR_L) fail(cpu, GP, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
  return conforming ? cpu.cpl : dpl;
}

/** CALL to an inner privilege: a stack from the TSS, with the caller's SS:ESP, its parameters and the return address. */
function callInner(cpu: Cpu, record: number, selector: number, cpl: number, bytes: number): number {
  const parameters = cpu.get32(GATE);
  const { cursor, selector: stackSelector } = innerStack(cpu, cpl);
  if (targetOffset > limitOf(cpu, DESCRIPTOR)) fail(cpu, GP, 0);
  cursor.push(cpu, cpu.selector(SS), bytes);
  cursor.pushFrom(cpu, RSP, bytes);
  stack.useCurrent(cpu);
  const top = stack.pointer;
  for (let n = parameters - 1; n >= 0; n--) {
    stack.pointer = top;
    stack.pointer = stack.moved(n * bytes);
    const value = stack.pop(cpu, bytes);
    cursor.push(cpu, value, bytes);
  }
  pushReturn(cpu, record, cursor, bytes);
  setAccessed(cpu, STACK_DESCRIPTOR);
  setAccessed(cpu, DESCRIPTOR);
  loadFromSlot(cpu, SS, STACK_DESCRIPTOR, stackSelector);
  cursor.commit(cpu);
  return enterInner(cpu, selector, cpl);
}

function enterInner(cpu: Cpu, selector: number, cpl: number): number {
  setCpl(cpu, cpl);
  enterReturned(cpu, (selector & 0xfffc) | cpl, targetOffset);
  return STATUS_JUMP;
}

/** The same in IA-32e mode: RSP from the TSS, a null SS, no parameters. */
function callInnerLong(cpu: Cpu, record: number, selector: number, cpl: number): number {
  const offset = 4 + cpl * 8;
  if (offset + 7 > cpu.segmentLimit(TR)) fail(cpu, TS, cpu.selector(TR));
  cpu.read64(cpu.segmentBase(TR) + offset, TEMPORARY, false);
  const pointer = cpu.getLong(TEMPORARY);
  if (!isCanonical(pointer)) fail(cpu, STACK, 0);
  if (!isCanonical(targetOffset)) fail(cpu, GP, 0);
  stack.useLong(pointer, cpl, 0);
  stack.push(cpu, cpu.selector(SS), 8);
  stack.pushFrom(cpu, RSP, 8);
  pushReturn(cpu, record, stack, 8);
  setAccessed(cpu, DESCRIPTOR);
  setNullSegment(cpu, SS, cpl, cpl);
  stack.commit(cpu);
  return enterInner(cpu, selector, cpl);
}

// ------------------------------------------------------------------ tasks

function transferThroughTaskGate(cpu: Cpu, record: number, call: boolean): number {
  checkGate(cpu, targetSelector);
  const selector = cpu.get32(DESCRIPTOR + DESC_LOW) >>> 16;
  switchTask(cpu, selector, call ? TASK_CALL : TASK_JUMP, cpu.nextRip(record));
  return afterTaskSwitch(cpu);
}

function transferToTask(cpu: Cpu, record: number, call: boolean): number {
  checkGate(cpu, targetSelector);
  switchTask(cpu, targetSelector, call ? TASK_CALL : TASK_JUMP, cpu.nextRip(record));
  return afterTaskSwitch(cpu);
}

// ------------------------------------------------------------------ returns

/** RETF: the operand is the number of bytes of parameters to release. */
function returnFar(cpu: Cpu, record: number): number {
  const { operandBytes, operands } = cpu.shape(record);
  const release = operands.length > 0 ? cpu.immediate(record) & 0xffff : 0;
  stack.useCurrent(cpu);
  const ip = stack.pop(cpu, operandBytes);
  const selector = stack.pop(cpu, operandBytes) & 0xffff;
  if (isFlatMode(cpu)) {
    if (ip > cpu.segmentLimit(CS)) cpu.fault(GP, 0);
    stack.pointer = stack.moved(release);
    stack.commit(cpu);
    return enterReal(cpu, selector, ip);
  }
  fetchReturnSegment(cpu, selector);
  checkReturnAddress(cpu, ip);
  stack.pointer = stack.moved(release);
  if ((selector & 3) !== cpu.cpl) return returnOuter(cpu, selector, ip, release, operandBytes);
  setAccessed(cpu, DESCRIPTOR);
  stack.commit(cpu);
  enterReturned(cpu, selector, ip);
  return STATUS_JUMP;
}

function returnOuter(cpu: Cpu, selector: number, ip: number, release: number, bytes: number): number {
  const pointer = stack.pop(cpu, bytes);
  const stackSelector = stack.pop(cpu, bytes) & 0xffff;
  fetchReturnStack(cpu, stackSelector, selector & 3);
  setAccessed(cpu, DESCRIPTOR);
  enterOuter(cpu, selector, ip, stackSelector, pointer + release, bytes);
  return STATUS_JUMP;
}

export const FAR_HELPERS: Readonly<Record<string, HelperFunction>> = { jumpFar, callFar, returnFar };
