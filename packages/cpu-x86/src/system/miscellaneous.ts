import type { Cpu, Halves, HelperFunction } from '../cpu.js';
import { GP, UD } from '../fault.js';
import {
  CR4,
  FLAG_AUX,
  FLAG_CARRY,
  FLAG_SIGN,
  FLAG_ZERO,
  MSR_TSC_AUX,
  RAX,
  RBP,
  RBX,
  RCX,
  RDX,
  REC_EXTRA,
  REC_IMMEDIATE,
  STACK_MASK,
  XCR0,
} from '../layout.js';
import { isCode64, isRealMode, isVirtual8086 } from '../mode.js';
import { attributesOf, isLongMode, isNull, limitOf, tryFetch } from './descriptors.js';
import { readTimeStamp } from './msr.js';
import { memoryAddress, privileged, readWord } from './operands.js';
import { StackCursor } from './stack-cursor.js';
import {
  ATTR_CODE,
  ATTR_DC,
  ATTR_RW,
  ATTR_S,
  CR4_OSXSAVE,
  CR4_PCE,
  CR4_TSD,
  DESCRIPTOR,
  dplOf,
  FLAG_ZF,
  RANDOM_STATE,
  TEMPORARY,
  TYPE_CALL,
  TYPE_CALL16,
  TYPE_LDT,
  TYPE_TASK,
  TYPE_TSS,
  TYPE_TSS_BUSY,
  TYPE_TSS16,
  TYPE_TSS16_BUSY,
  typeOf,
} from './state.js';

const stack = new StackCursor();

/** ENTER: pushes rBP, copies the display of outer frames, makes room for locals; the new stack must be writable down to its end. */
function enter(cpu: Cpu, record: number): undefined {
  const bytes = cpu.shape(record).operandBytes;
  const level = cpu.get8(record + REC_EXTRA) & 31;
  stack.useCurrent(cpu).pushFrom(cpu, RBP, bytes);
  const frame = stack.pointer;
  if (level > 0) {
    copyDisplay(cpu, level, bytes);
    stack.push(cpu, frame, bytes);
  }
  const end = stack.moved(-(cpu.get32(record + REC_IMMEDIATE) & 0xffff));
  cpu.mmu.probe(stack.linear(cpu, end, 1), 1, 2, cpu.mmu.user);
  stack.pointer = end;
  stack.commit(cpu);
  setFrame(cpu, frame, bytes);
}

function copyDisplay(cpu: Cpu, level: number, bytes: number): void {
  const wide = isCode64(cpu);
  let source = wide ? cpu.getLong(RBP) : (cpu.get32(RBP) & cpu.get32(STACK_MASK)) >>> 0;
  for (let n = 1; n < level; n++) {
    source = wide ? source - bytes : ((source - bytes) & cpu.get32(STACK_MASK)) >>> 0;
    cpu.mmu.readInto(stack.linear(cpu, source, bytes), bytes, TEMPORARY, cpu.mmu.user);
    stack.pushFrom(cpu, TEMPORARY, bytes);
  }
}

/** rBP := frame, as wide as the operand. */
function setFrame(cpu: Cpu, frame: number, bytes: number): void {
  if (bytes === 8) cpu.setLong(RBP, frame);
  else cpu.setRegister(RBP, frame, bytes);
}

// ------------------------------------------------------------------ questions about selectors

function setZero(cpu: Cpu, zero: boolean): void {
  const flags = cpu.flags();
  cpu.setFlags(zero ? flags | FLAG_ZF : flags & ~FLAG_ZF);
}

function requireProtected(cpu: Cpu): void {
  if (isRealMode(cpu) || isVirtual8086(cpu)) cpu.fault(UD);
}

/** Fetches the descriptor if the selector is visible from CPL and RPL; `ofSystem` are the system types that count. */
function fetchVisible(cpu: Cpu, selector: number, ofSystem: readonly number[]): boolean {
  if (isNull(selector) || !tryFetch(cpu, selector, DESCRIPTOR, 8)) return false;
  const attributes = attributesOf(cpu, DESCRIPTOR);
  const isSegment = (attributes & ATTR_S) !== 0;
  if (!isSegment && !ofSystem.includes(typeOf(attributes))) return false;
  const conforming = isSegment && (attributes & (ATTR_CODE | ATTR_DC)) === (ATTR_CODE | ATTR_DC);
  return conforming || Math.max(cpu.cpl, selector & 3) <= dplOf(attributes);
}

const LAR_TYPES: readonly number[] = [TYPE_TSS16, TYPE_LDT, TYPE_TSS16_BUSY, TYPE_CALL16, TYPE_TASK, TYPE_TSS, TYPE_TSS_BUSY, TYPE_CALL];
const LAR_TYPES_LONG: readonly number[] = [TYPE_LDT, TYPE_TSS, TYPE_TSS_BUSY, TYPE_CALL];
const LSL_TYPES: readonly number[] = [TYPE_TSS16, TYPE_LDT, TYPE_TSS16_BUSY, TYPE_TSS, TYPE_TSS_BUSY];
const LSL_TYPES_LONG: readonly number[] = [TYPE_LDT, TYPE_TSS, TYPE_TSS_BUSY];

/** LAR and LSL: the destination and ZF := 1 when the selector is visible, else ZF := 0. */
const inspect =
  (types: readonly number[], longTypes: readonly number[], value: (cpu: Cpu) => number): HelperFunction =>
  (cpu, record) => {
    requireProtected(cpu);
    const { operandBytes } = cpu.shape(record);
    const visible = fetchVisible(cpu, readWord(cpu, record), isLongMode(cpu) ? longTypes : types);
    if (visible) cpu.setRegister(cpu.reg(record), value(cpu), operandBytes);
    setZero(cpu, visible);
    return undefined;
  };

const verify =
  (allows: (attributes: number) => boolean): HelperFunction =>
  (cpu, record) => {
    requireProtected(cpu);
    setZero(cpu, fetchVisible(cpu, readWord(cpu, record), []) && allows(attributesOf(cpu, DESCRIPTOR)));
    return undefined;
  };

const isReadable = (attributes: number): boolean => (attributes & ATTR_CODE) === 0 || (attributes & ATTR_RW) !== 0;
const isWritable = (attributes: number): boolean => (attributes & (ATTR_CODE | ATTR_RW)) === ATTR_RW;

/** ARPL: raises the destination's RPL to the source's; writes only then. */
function adjustRpl(cpu: Cpu, record: number): undefined {
  requireProtected(cpu);
  const { memory } = cpu.shape(record);
  const target = readWord(cpu, record);
  const rpl = cpu.get16(cpu.reg(record)) & 3;
  const raise = (target & 3) < rpl;
  if (raise && memory) cpu.write16(memoryAddress(cpu, record, 2, true), (target & ~3) | rpl);
  else if (raise) cpu.set16(cpu.rm(record), (target & ~3) | rpl);
  setZero(cpu, raise);
}

// ------------------------------------------------------------------ compare and exchange, CRC

/** CMPXCHG8B and CMPXCHG16B; the latter needs an aligned operand. Memory is written in either case. */
function compareExchangeWide(cpu: Cpu, record: number): undefined {
  const wide = cpu.shape(record).row.mnemonic === 'CMPXCHG16B';
  const bytes = wide ? 16 : 8;
  const half = bytes / 2;
  const address = memoryAddress(cpu, record, bytes, true);
  if (wide && (address & 15) !== 0) cpu.fault(GP, 0);
  cpu.mmu.probe(address, bytes, 2, cpu.mmu.user);
  cpu.mmu.readInto(address, bytes, TEMPORARY, cpu.mmu.user);
  const equal = sameHalf(cpu, TEMPORARY, RAX, half) && sameHalf(cpu, TEMPORARY + half, RDX, half);
  if (equal) {
    copyHalf(cpu, TEMPORARY, RBX, half);
    copyHalf(cpu, TEMPORARY + half, RCX, half);
  } else {
    cpu.setRegister(RAX, cpu.get32(TEMPORARY), half, wide ? cpu.get32(TEMPORARY + 4) : 0);
    cpu.setRegister(RDX, cpu.get32(TEMPORARY + half), half, wide ? cpu.get32(TEMPORARY + 12) : 0);
  }
  cpu.mmu.writeFrom(address, bytes, TEMPORARY, cpu.mmu.user);
  setZero(cpu, equal);
}

const sameHalf = (cpu: Cpu, a: number, b: number, bytes: number): boolean =>
  cpu.get32(a) === cpu.get32(b) && (bytes === 4 || cpu.get32(a + 4) === cpu.get32(b + 4));

function copyHalf(cpu: Cpu, to: number, from: number, bytes: number): void {
  cpu.set32(to, cpu.get32(from));
  if (bytes === 8) cpu.set32(to + 4, cpu.get32(from + 4));
}

// ------------------------------------------------------------------ random numbers

/** xorshift32 (Marsaglia), seeded by the CPU's index. */
function nextRandom(cpu: Cpu): number {
  if (cpu.services.random) return cpu.services.random();
  let value = cpu.get32(RANDOM_STATE) || 0x9e37_79b9 ^ (cpu.index + 1);
  value ^= value << 13;
  value ^= value >>> 17;
  value ^= value << 5;
  cpu.set32(RANDOM_STATE, value);
  return value;
}

/** RDRAND and RDSEED: always with success, CF = 1 and the other status flags 0. */
function random(cpu: Cpu, record: number): undefined {
  const low = nextRandom(cpu);
  cpu.setRegister(cpu.rm(record), low, cpu.shape(record).operandBytes, nextRandom(cpu));
  cpu.setHalves(FLAG_CARRY, 0, 0xc000_0000);
  cpu.setHalves(FLAG_ZERO, 1, 0);
  cpu.setHalves(FLAG_SIGN, 1, 0);
  cpu.set32(FLAG_AUX, 0);
}

// ------------------------------------------------------------------ counters, extended control registers

const time: Halves = { low: 0, high: 0 };

function readTsc(cpu: Cpu): undefined {
  if (cpu.cpl !== 0 && (cpu.get32(CR4) & CR4_TSD) !== 0) cpu.fault(GP, 0);
  readTimeStamp(cpu, time);
  cpu.setHalves(RAX, time.low, 0);
  cpu.setHalves(RDX, time.high, 0);
}

function readTscp(cpu: Cpu): undefined {
  readTsc(cpu);
  cpu.setHalves(RCX, cpu.get32(MSR_TSC_AUX), 0);
}

/** RDPMC: counters 0 to 3 exist and stand still. */
function readPmc(cpu: Cpu): undefined {
  if ((cpu.cpl !== 0 && (cpu.get32(CR4) & CR4_PCE) === 0) || cpu.get32(RCX) > 3) cpu.fault(GP, 0);
  cpu.setHalves(RAX, 0, 0);
  cpu.setHalves(RDX, 0, 0);
}

function readPid(cpu: Cpu, record: number): undefined {
  cpu.setRegister(cpu.rm(record), cpu.get32(MSR_TSC_AUX), 8);
}

/** MONITOR: the hint is not used, MWAIT waits for an interrupt. */
function monitor(cpu: Cpu): undefined {
  if (cpu.get32(RCX) !== 0) cpu.fault(GP, 0);
}

function requireXsave(cpu: Cpu): void {
  if ((cpu.get32(CR4) & CR4_OSXSAVE) === 0) cpu.fault(UD);
}

function readXcr(cpu: Cpu): undefined {
  requireXsave(cpu);
  if (cpu.get32(RCX) !== 0) cpu.fault(GP, 0);
  cpu.setHalves(RAX, cpu.get32(XCR0), 0);
  cpu.setHalves(RDX, 0, 0);
}

/** XSETBV: x87 state is always enabled, SSE state may be. */
function writeXcr(cpu: Cpu): undefined {
  requireXsave(cpu);
  if (cpu.cpl !== 0) cpu.fault(GP, 0);
  const value = cpu.get32(RAX);
  if (cpu.get32(RCX) !== 0 || cpu.get32(RDX) !== 0 || (value & 1) === 0 || value > 3) cpu.fault(GP, 0);
  cpu.setHalves(XCR0, value, 0);
}

export const MISCELLANEOUS_HELPERS: Readonly<Record<string, HelperFunction>> = {
  enter,
  loadAccessRights: inspect(LAR_TYPES, LAR_TYPES_LONG, (cpu) => attributesOf(cpu, DESCRIPTOR) & 0x00ff_ff00),
  loadSegmentLimit: inspect(LSL_TYPES, LSL_TYPES_LONG, (cpu) => limitOf(cpu, DESCRIPTOR)),
  verifyRead: verify(isReadable),
  verifyWrite: verify(isWritable),
  adjustRpl,
  compareExchangeWide,
  random,
  readTsc,
  readTscp,
  readPmc,
  readPid,
  monitor: privileged(monitor),
  readXcr,
  writeXcr,
};
