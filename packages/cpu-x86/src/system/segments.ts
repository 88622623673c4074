import type { Cpu, HelperFunction } from '../cpu.js';
import { GP, NP, STACK, UD } from '../fault.js';
import {
  CR4,
  CS,
  DS,
  EFLAGS,
  ES,
  FS,
  GDTR_BASE,
  GDTR_LIMIT,
  GS,
  IDTR_BASE,
  IDTR_LIMIT,
  LDTR,
  MODE_KEY,
  MSR_KERNEL_GS_BASE,
  SEG_BASE,
  SEGMENT_BYTES,
  SEGMENTS,
  SHADOW,
  SS,
  segment,
  TR,
} from '../layout.js';
import { isCode64, isRealMode, isVirtual8086, refreshMode } from '../mode.js';
import {
  attributesOf,
  baseOf,
  fail,
  fetchDescriptor,
  fetchUpper,
  isLongMode,
  isNull,
  limitOf,
  loadFromSlot,
  requirePresent,
  setAccessed,
  setNullSegment,
  setRealSegment,
  setSegment,
  setType,
  setVirtual8086Segment,
} from './descriptors.js';
import { afterModeChange, hasEvents, leaveAfter, memoryAddress, privileged, readWord, registerOf, writeWord } from './operands.js';
import { StackCursor } from './stack-cursor.js';
import {
  ATTR_CODE,
  ATTR_DC,
  ATTR_RW,
  ATTR_S,
  CR4_FSGSBASE,
  DESC_UPPER,
  DESCRIPTOR,
  dplOf,
  FLAG_TF,
  isCanonical,
  isCanonicalHigh,
  SHADOW_RIP,
  TEMPORARY,
  TYPE_LDT,
  TYPE_TSS,
  TYPE_TSS16,
  typeOf,
} from './state.js';

const stack = new StackCursor();

/**
 * Loads DS, ES, FS, GS or SS as a move does (SDM volume 2, MOV). Nothing has changed when it faults. The caller refreshes the mode.
 */
export function loadSegment(cpu: Cpu, index: number, selector: number): void {
  if (isRealMode(cpu)) return setRealSegment(cpu, index, selector);
  if (isVirtual8086(cpu)) return setVirtual8086Segment(cpu, index, selector);
  if (index === SS) return loadStackSegment(cpu, selector);
  if (isNull(selector)) return setNullSegment(cpu, index, selector);
  fetchDescriptor(cpu, selector, DESCRIPTOR);
  checkDataSegment(cpu, selector);
  setAccessed(cpu, DESCRIPTOR);
  loadFromSlot(cpu, index, DESCRIPTOR, selector);
}

/** Readable, and not more privileged than CPL and RPL unless it is conforming code. */
function checkDataSegment(cpu: Cpu, selector: number): void {
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const isCode = (attributes & ATTR_CODE) !== 0;
  if ((attributes & ATTR_S) === 0 || (isCode && (attributes & ATTR_RW) === 0)) fail(cpu, GP, selector);
  const conforming = (attributes & (ATTR_CODE | ATTR_DC)) === (ATTR_CODE | ATTR_DC);
  if (!conforming && Math.max(selector & 3, cpu.cpl) > dplOf(attributes)) fail(cpu, GP, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
}

function loadStackSegment(cpu: Cpu, selector: number): void {
  if (isNull(selector)) {
    if (!isCode64(cpu) || cpu.cpl === 3 || (selector & 3) !== cpu.cpl) fail(cpu, GP, 0);
    return setNullSegment(cpu, SS, selector, cpu.cpl);
  }
  fetchDescriptor(cpu, selector, DESCRIPTOR);
  checkStackSegment(cpu, DESCRIPTOR, selector, cpu.cpl, GP);
  setAccessed(cpu, DESCRIPTOR);
  loadFromSlot(cpu, SS, DESCRIPTOR, selector);
}

/** A present writable data segment of exactly privilege `cpl`, as RPL and DPL; `vector` for what is wrong, #SS when it is not present. */
export function checkStackSegment(cpu: Cpu, slot: number, selector: number, cpl: number, vector: number): void {
  const attributes = attributesOf(cpu, slot);
  const writable = (attributes & (ATTR_S | ATTR_CODE | ATTR_RW)) === (ATTR_S | ATTR_RW);
  if ((selector & 3) !== cpl || !writable || dplOf(attributes) !== cpl) fail(cpu, vector, selector);
  requirePresent(cpu, slot, selector, STACK);
}

/** Ends an instruction that has loaded segment register `index`. */
function segmentLoaded(cpu: Cpu, record: number, index: number): number | undefined {
  if (index === FS || index === GS) return undefined;
  const oldKey = cpu.get32(MODE_KEY);
  refreshMode(cpu);
  if (index !== SS) return afterModeChange(cpu, record, oldKey);
  cpu.set32(SHADOW, 2);
  cpu.setLong(SHADOW_RIP, cpu.nextRip(record));
  return hasEvents(cpu) || (cpu.get32(EFLAGS) & FLAG_TF) !== 0 ? leaveAfter(cpu, record) : afterModeChange(cpu, record, oldKey);
}

const indexOf = (address: number): number => (address - SEGMENTS) / SEGMENT_BYTES;

/** MOV Sreg, r/m16. */
function moveToSegment(cpu: Cpu, record: number): number | undefined {
  const index = indexOf(cpu.reg(record));
  if (index === CS || index > GS) cpu.fault(UD);
  loadSegment(cpu, index, readWord(cpu, record));
  return segmentLoaded(cpu, record, index);
}

/** POP Sreg: the operand size is released, 16 bits of it are used. */
function popSegment(cpu: Cpu, record: number): number | undefined {
  const shape = cpu.shape(record);
  const index = indexOf(registerOf(cpu, record, shape.operands[0]!));
  stack.useCurrent(cpu).popInto(cpu, TEMPORARY, shape.operandBytes);
  loadSegment(cpu, index, cpu.get16(TEMPORARY));
  stack.commit(cpu);
  return segmentLoaded(cpu, record, index);
}

const FAR_POINTER_SEGMENTS: Readonly<Record<string, number>> = { LES: ES, LDS: DS, LSS: SS, LFS: FS, LGS: GS };

/** LDS LES LFS LGS LSS: a far pointer into segment register and general register. */
function loadFarPointer(cpu: Cpu, record: number): number | undefined {
  const { operandBytes, row } = cpu.shape(record);
  const index = FAR_POINTER_SEGMENTS[row.mnemonic]!;
  cpu.mmu.readInto(memoryAddress(cpu, record, operandBytes + 2, false), operandBytes + 2, TEMPORARY, cpu.mmu.user);
  const low = operandBytes === 2 ? cpu.get16(TEMPORARY) : cpu.get32(TEMPORARY);
  const high = cpu.get32(TEMPORARY + 4);
  loadSegment(cpu, index, cpu.get16(TEMPORARY + operandBytes));
  cpu.setRegister(cpu.reg(record), low, operandBytes, high);
  return segmentLoaded(cpu, record, index);
}

// ------------------------------------------------------------------ descriptor-table registers

const loadTable =
  (base: number, limit: number): HelperFunction =>
  (cpu, record) => {
    const { operandBytes } = cpu.shape(record);
    const bytes = operandBytes === 8 ? 10 : 6;
    cpu.set32(TEMPORARY + 6, 0);
    cpu.mmu.readInto(memoryAddress(cpu, record, bytes, false), bytes, TEMPORARY, cpu.mmu.user);
    const low = cpu.get16(TEMPORARY + 2) | (cpu.get16(TEMPORARY + 4) << 16);
    const high = operandBytes === 8 ? cpu.get16(TEMPORARY + 6) | (cpu.get16(TEMPORARY + 8) << 16) : 0;
    if (!isCanonical(high * 2 ** 32 + (low >>> 0))) cpu.fault(GP, 0);
    cpu.setHalves(base, operandBytes === 2 ? low & 0xff_ffff : low, high);
    cpu.set32(limit, cpu.get16(TEMPORARY));
    return undefined;
  };

/** SGDT SIDT: the base is stored whole, whatever the operand size (AMD's and today's Intel behaviour). */
const storeTable =
  (base: number, limit: number): HelperFunction =>
  (cpu, record) => {
    const bytes = cpu.shape(record).operandBytes === 8 ? 10 : 6;
    const address = memoryAddress(cpu, record, bytes, true);
    cpu.set16(TEMPORARY, cpu.get32(limit));
    for (let n = 0; n < 8; n += 2) cpu.set16(TEMPORARY + 2 + n, cpu.get16(base + n));
    cpu.mmu.writeFrom(address, bytes, TEMPORARY, cpu.mmu.user);
    return undefined;
  };

/** LDTR, TR and the checks of selectors exist in protected mode only. */
const protectedOnly =
  (work: HelperFunction): HelperFunction =>
  (cpu, record) =>
    isRealMode(cpu) || isVirtual8086(cpu) ? cpu.fault(UD) : work(cpu, record);

/** Base of an LDT or TSS descriptor, 64 bits in IA-32e mode; not canonical is #GP(selector). */
function systemBase(cpu: Cpu, selector: number): number {
  if (!isLongMode(cpu)) return baseOf(cpu, DESCRIPTOR);
  const base = (cpu.get32(DESCRIPTOR + DESC_UPPER) | 0) * 2 ** 32 + baseOf(cpu, DESCRIPTOR);
  if (!isCanonical(base)) fail(cpu, GP, selector);
  return base;
}

/** Fetches a system descriptor from the GDT into DESCRIPTOR. */
function fetchSystem(cpu: Cpu, selector: number, vector: number): void {
  if ((selector & 4) !== 0) fail(cpu, vector, selector);
  fetchDescriptor(cpu, selector, DESCRIPTOR, vector);
  if ((attributesOf(cpu, DESCRIPTOR) & ATTR_S) === 0 && isLongMode(cpu)) fetchUpper(cpu, selector, DESCRIPTOR);
}

/** Loads LDTR; faults of the descriptor are `vector` (#GP, or #TS in a task switch). */
export function loadLdtr(cpu: Cpu, selector: number, vector: number): void {
  if (isNull(selector)) return setNullSegment(cpu, LDTR, selector);
  fetchSystem(cpu, selector, vector);
  const attributes = attributesOf(cpu, DESCRIPTOR);
  if ((attributes & ATTR_S) !== 0 || typeOf(attributes) !== TYPE_LDT) fail(cpu, vector, selector);
  requirePresent(cpu, DESCRIPTOR, selector, vector === GP ? NP : vector);
  setSegment(cpu, LDTR, selector, systemBase(cpu, selector), limitOf(cpu, DESCRIPTOR), attributes);
}

function loadLdt(cpu: Cpu, record: number): undefined {
  loadLdtr(cpu, readWord(cpu, record), GP);
}

function loadTaskRegister(cpu: Cpu, record: number): undefined {
  const selector = readWord(cpu, record);
  if (isNull(selector)) fail(cpu, GP, 0);
  fetchSystem(cpu, selector, GP);
  const type = typeOf(attributesOf(cpu, DESCRIPTOR));
  const available = type === TYPE_TSS || (type === TYPE_TSS16 && !isLongMode(cpu));
  if ((attributesOf(cpu, DESCRIPTOR) & ATTR_S) !== 0 || !available) fail(cpu, GP, selector);
  requirePresent(cpu, DESCRIPTOR, selector, NP);
  const base = systemBase(cpu, selector);
  setType(cpu, DESCRIPTOR, type | 2);
  setSegment(cpu, TR, selector, base, limitOf(cpu, DESCRIPTOR), attributesOf(cpu, DESCRIPTOR));
}

const storeSelector =
  (index: number): HelperFunction =>
  (cpu, record) => {
    writeWord(cpu, record, cpu.selector(index));
    return undefined;
  };

// ------------------------------------------------------------------ FS and GS bases

function swapGs(cpu: Cpu): undefined {
  const base = segment(GS) + SEG_BASE;
  cpu.copyLong(TEMPORARY, base);
  cpu.copyLong(base, MSR_KERNEL_GS_BASE);
  cpu.copyLong(MSR_KERNEL_GS_BASE, TEMPORARY);
}

const baseOperand = (cpu: Cpu, record: number): number => {
  if ((cpu.get32(CR4) & CR4_FSGSBASE) === 0) cpu.fault(UD);
  return segment(cpu.shape(record).row.mnemonic.startsWith('FS', 2) ? FS : GS) + SEG_BASE;
};

function readSegmentBase(cpu: Cpu, record: number): undefined {
  const base = baseOperand(cpu, record);
  cpu.setRegister(cpu.rm(record), cpu.get32(base), cpu.shape(record).operandBytes, cpu.get32(base + 4));
}

function writeSegmentBase(cpu: Cpu, record: number): undefined {
  const base = baseOperand(cpu, record);
  const rm = cpu.rm(record);
  const high = cpu.shape(record).operandBytes === 8 ? cpu.get32(rm + 4) : 0;
  if (!isCanonicalHigh(high)) cpu.fault(GP, 0);
  cpu.setHalves(base, cpu.get32(rm), high);
}

export const SEGMENT_HELPERS: Readonly<Record<string, HelperFunction>> = {
  moveToSegment,
  popSegment,
  loadFarPointer,
  loadGdt: privileged(loadTable(GDTR_BASE, GDTR_LIMIT)),
  loadIdt: privileged(loadTable(IDTR_BASE, IDTR_LIMIT)),
  storeGdt: storeTable(GDTR_BASE, GDTR_LIMIT),
  storeIdt: storeTable(IDTR_BASE, IDTR_LIMIT),
  loadLdt: protectedOnly(privileged(loadLdt)),
  loadTaskRegister: protectedOnly(privileged(loadTaskRegister)),
  storeLdt: protectedOnly(storeSelector(LDTR)),
  storeTaskRegister: protectedOnly(storeSelector(TR)),
  swapGs: privileged(swapGs),
  readSegmentBase,
  writeSegmentBase,
};
