import type { Cpu } from './cpu.js';
import { GP, STACK } from './fault.js';
import {
  REC_ADDRESS_BYTES,
  REC_BASE,
  REC_DISPLACEMENT,
  REC_IMMEDIATE,
  REC_INDEX,
  REC_SCALE,
  REC_SEGMENT,
  RECORD_OFFSET,
  SLOW_ADDRESS,
  SS,
} from './layout.js';
import { isCode64, isRealMode, isVirtual8086 } from './mode.js';

const ATTR_CODE = 0x800;
const ATTR_EXPAND_DOWN = 0x400;
/** Writable for data, readable for code. */
const ATTR_RW = 0x200;
const ATTR_PRESENT = 0x8000;
const ATTR_DB = 0x40_0000;
const TWO_32 = 0x1_0000_0000;

/** Adds up base, index and displacement of a record with its address size; a number, exact where it matters. */
export function effectiveOffset(cpu: Cpu, record: number): number {
  const bytes = cpu.get8(record + REC_ADDRESS_BYTES);
  if (cpu.hasFlag(record, RECORD_OFFSET)) return cpu.getLong(record + REC_IMMEDIATE);
  const scale = cpu.get8(record + REC_SCALE);
  const displacement = cpu.memory.i32[(record + REC_DISPLACEMENT) >> 2]!;
  const base = cpu.get16(record + REC_BASE);
  const index = cpu.get16(record + REC_INDEX);
  if (bytes === 8) return sum64(cpu, base, index, scale, displacement);
  const sum = (cpu.get32(base) + (cpu.get32(index) << scale) + displacement) >>> 0;
  return bytes === 2 ? sum & 0xffff : sum;
}

/** Adds in halves: base and index may be any 64-bit numbers whose sum is canonical. */
function sum64(cpu: Cpu, base: number, index: number, scale: number, displacement: number): number {
  const indexLow = cpu.get32(index);
  const shiftedHigh = (cpu.get32(index + 4) << scale) | (scale === 0 ? 0 : indexLow >>> (32 - scale));
  const low = cpu.get32(base) + ((indexLow << scale) >>> 0) + (displacement >>> 0);
  const high = cpu.get32(base + 4) + shiftedHigh + (displacement >> 31) + Math.floor(low / TWO_32);
  return (high | 0) * TWO_32 + (low >>> 0);
}

/** Keeps a sum of addresses within 64 bits (used for canonical values, where it is exact). */
const wrap64 = (value: number): number => (value >= 2 ** 63 ? value - 2 ** 64 : value < -(2 ** 63) ? value + 2 ** 64 : value);

/** Linear address of a record's memory operand into SLOW_ADDRESS. */
export function complexAddress(cpu: Cpu, record: number, bytes: number, write: boolean): void {
  cpu.setLong(SLOW_ADDRESS, segmentedAddress(cpu, cpu.get8(record + REC_SEGMENT), effectiveOffset(cpu, record), bytes, write));
}

/** Linear address of `offset` in a segment for an access of `bytes`; raises #GP or #SS as the segment demands (SDM volume 3, 5.3). */
export function segmentedAddress(cpu: Cpu, index: number, offset: number, bytes: number, write: boolean): number {
  if (isCode64(cpu)) return wrap64(offset + (index >= 4 ? cpu.segmentBase(index) : 0));
  checkSegment(cpu, index, offset, bytes, write);
  return (cpu.segmentBase(index) + offset) >>> 0;
}

function checkSegment(cpu: Cpu, index: number, offset: number, bytes: number, write: boolean): void {
  const attributes = cpu.segmentAttributes(index);
  const vector = index === SS ? STACK : GP;
  if (!isRealMode(cpu) && !isVirtual8086(cpu)) {
    if ((attributes & ATTR_PRESENT) === 0) cpu.fault(GP, 0);
    const code = (attributes & ATTR_CODE) !== 0;
    if (write ? code || (attributes & ATTR_RW) === 0 : code && (attributes & ATTR_RW) === 0) cpu.fault(GP, 0);
  }
  if (!withinLimit(cpu, index, attributes, offset, bytes)) cpu.fault(vector, 0);
}

function withinLimit(cpu: Cpu, index: number, attributes: number, offset: number, bytes: number): boolean {
  const limit = cpu.segmentLimit(index);
  const last = offset + bytes - 1;
  const expandDown = (attributes & (ATTR_CODE | ATTR_EXPAND_DOWN)) === ATTR_EXPAND_DOWN;
  if (!expandDown) return limit === 0xffff_ffff || last <= limit;
  return offset > limit && last <= (attributes & ATTR_DB ? 0xffff_ffff : 0xffff);
}

/** Checks an offset (SLOW_ADDRESS) on the stack. */
export function checkStack(cpu: Cpu, bytes: number, write: boolean): void {
  checkSegment(cpu, SS, cpu.get32(SLOW_ADDRESS), bytes, write);
}
