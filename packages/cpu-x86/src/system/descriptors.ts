import type { Cpu } from '../cpu.js';
import { GP, NP } from '../fault.js';
import { CPL, EFER, GDTR_BASE, GDTR_LIMIT, LDTR, SEG_ATTR, SEG_BASE, SEG_LIMIT, SEG_SELECTOR, segment } from '../layout.js';
import {
  ATTR_ACCESSED,
  ATTR_CODE,
  ATTR_G,
  ATTR_KEPT,
  ATTR_L,
  ATTR_PRESENT,
  ATTR_S,
  DESC_ADDRESS,
  DESC_HIGH,
  DESC_LOW,
  DESC_UPPER,
  EFER_LMA,
  EXTERNAL,
} from './state.js';

/** True while IA-32e mode is active, in 64-bit or compatibility code. */
export const isLongMode = (cpu: Cpu): boolean => (cpu.get32(EFER) & EFER_LMA) !== 0;

/** Raises a fault whose error code names a selector (or 0), with EXT while an event is delivered. */
export function fail(cpu: Cpu, vector: number, selector: number): never {
  return cpu.fault(vector, (selector & 0xfffc) | cpu.get32(EXTERNAL));
}

export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;

/**
 * Fetches the 8 bytes of the descriptor that `selector` names into `slot`; `vector` with the selector when it is outside its table.
 * The selector is not null.
 */
export function fetchDescriptor(cpu: Cpu, selector: number, slot: number, vector: number = GP): void {
  if (!tryFetch(cpu, selector, slot, 8)) fail(cpu, vector, selector);
}

/** A descriptor of 8 bytes, or 16 of a system descriptor in IA-32e mode; false when it is outside its table. */
export function tryFetch(cpu: Cpu, selector: number, slot: number, bytes: number): boolean {
  const local = (selector & 4) !== 0;
  if (local && (cpu.segmentAttributes(LDTR) & ATTR_PRESENT) === 0) return false;
  const limit = local ? cpu.segmentLimit(LDTR) : cpu.get32(GDTR_LIMIT);
  const index = selector & 0xfff8;
  if (index + bytes - 1 > limit) return false;
  const address = (local ? cpu.segmentBase(LDTR) : cpu.getLong(GDTR_BASE)) + index;
  cpu.set32(slot + DESC_UPPER, 0);
  cpu.mmu.readInto(address, bytes, slot, false);
  cpu.setLong(slot + DESC_ADDRESS, address);
  return true;
}

/** The upper 8 bytes of a call gate, LDT or TSS descriptor of IA-32e mode; their type field must be 0. */
export function fetchUpper(cpu: Cpu, selector: number, slot: number): void {
  if (!tryFetch(cpu, selector, slot, 16)) fail(cpu, GP, selector);
  if ((cpu.get32(slot + 12) & 0x1f00) !== 0) fail(cpu, GP, selector);
}

export const attributesOf = (cpu: Cpu, slot: number): number => cpu.get32(slot + DESC_HIGH);

export function baseOf(cpu: Cpu, slot: number): number {
  const high = cpu.get32(slot + DESC_HIGH);
  return ((cpu.get32(slot + DESC_LOW) >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;
}

/** Limit in bytes. */
export function limitOf(cpu: Cpu, slot: number): number {
  const high = cpu.get32(slot + DESC_HIGH);
  const limit = (cpu.get32(slot + DESC_LOW) & 0xffff) | (high & 0xf_0000);
  return high & ATTR_G ? ((limit << 12) | 0xfff) >>> 0 : limit;
}

/** Sets the accessed bit in the table, as a load of the segment does. */
export function setAccessed(cpu: Cpu, slot: number): void {
  const high = cpu.get32(slot + DESC_HIGH);
  if ((high & (ATTR_ACCESSED | ATTR_S)) !== ATTR_S) return;
  cpu.write8(cpu.getLong(slot + DESC_ADDRESS) + 5, (high | ATTR_ACCESSED) >>> 8, false);
  cpu.set32(slot + DESC_HIGH, high | ATTR_ACCESSED);
}

/** Sets the type field of a system descriptor in its table (busy or available TSS). */
export function setType(cpu: Cpu, slot: number, type: number): void {
  const high = (cpu.get32(slot + DESC_HIGH) & ~0xf00) | (type << 8);
  cpu.write8(cpu.getLong(slot + DESC_ADDRESS) + 5, (high >>> 8) & 0xff, false);
  cpu.set32(slot + DESC_HIGH, high);
}

export function requirePresent(cpu: Cpu, slot: number, selector: number, vector: number = NP): void {
  if ((attributesOf(cpu, slot) & ATTR_PRESENT) === 0) fail(cpu, vector, selector);
}

/** Loads segment register `index` from a fetched descriptor. */
export function loadFromSlot(cpu: Cpu, index: number, slot: number, selector: number): void {
  const attributes = attributesOf(cpu, slot);
  const long = isLongMode(cpu) && (attributes & (ATTR_L | ATTR_CODE | ATTR_S)) === (ATTR_L | ATTR_CODE | ATTR_S);
  if (long) setSegment(cpu, index, selector, 0, 0xffff_ffff, attributes);
  else setSegment(cpu, index, selector, baseOf(cpu, slot), limitOf(cpu, slot), attributes);
}

export function setSegment(cpu: Cpu, index: number, selector: number, base: number, limit: number, attributes: number): void {
  const address = segment(index);
  cpu.setLong(address + SEG_BASE, base);
  cpu.set32(address + SEG_LIMIT, limit);
  cpu.set32(address + SEG_ATTR, attributes & ATTR_KEPT);
  cpu.set16(address + SEG_SELECTOR, selector);
}

/** Real-address and virtual-8086 mode: base = 16 times the selector. */
export function setRealSegment(cpu: Cpu, index: number, selector: number): void {
  cpu.setHalves(segment(index) + SEG_BASE, (selector & 0xffff) << 4, 0);
  cpu.set16(segment(index) + SEG_SELECTOR, selector);
}

/** A segment of virtual-8086 mode: 64 KiB, writable, privilege 3. */
export function setVirtual8086Segment(cpu: Cpu, index: number, selector: number): void {
  setSegment(cpu, index, selector, (selector & 0xffff) << 4, 0xffff, 0xf300);
}

export function setNullSegment(cpu: Cpu, index: number, selector: number, dpl = 0): void {
  setSegment(cpu, index, selector, 0, 0, dpl << 13);
}

/** Changes the privilege level; TLB halves follow it. */
export function setCpl(cpu: Cpu, cpl: number): void {
  cpu.set32(CPL, cpl);
  cpu.mmu.selectTlb(cpu.index);
}
