// Intel SDM volume 3A, 'Extended XAPIC (x2APIC)': which registers exist as MSRs, and how they may be accessed
import { LVT_ENTRIES, REG, SELF_IPI, SVR } from './spec.js';

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, n) => first + n);
const LVT_REGISTERS = range(REG.LVT, LVT_ENTRIES);
const VECTOR_REGISTERS = range(REG.ISR, REG.ESR - REG.ISR);

const READABLE: ReadonlySet<number> = new Set([
  ...[REG.ID, REG.VERSION, REG.TPR, REG.PPR, REG.LDR, REG.SVR, REG.ESR, REG.ICR_LOW],
  ...[REG.INITIAL_COUNT, REG.CURRENT_COUNT, REG.DIVIDE],
  ...VECTOR_REGISTERS,
  ...LVT_REGISTERS,
]);

/** Bits that may be written as ones, by register. */
const WRITABLE: ReadonlyMap<number, number> = new Map<number, number>([
  [REG.TPR, 0xff],
  [REG.EOI, 0],
  [REG.SVR, SVR.writableMask],
  [REG.ESR, 0],
  [REG.ICR_LOW, 0xc_dfff],
  ...LVT_REGISTERS.map((index) => [index, 0xffff_ffff] as const),
  [REG.INITIAL_COUNT, 0xffff_ffff],
  [REG.DIVIDE, 0xb],
  [SELF_IPI, 0xff],
]);

/** True when RDMSR of the register with this number is no #GP(0). */
export const isReadable = (index: number): boolean => READABLE.has(index);

/** True when WRMSR of this value is no #GP(0); all but the interrupt command register have 32 bits. */
export function isWritable(index: number, high: number, low: number): boolean {
  const bits = WRITABLE.get(index);
  return bits !== undefined && (low & ~bits) === 0 && (high === 0 || index === REG.ICR_LOW);
}

/** The read-only logical id: cluster in the upper half, one bit of sixteen in the lower ('Logical Destination Mode in x2APIC Mode'). */
export const logicalIdOf = (id: number): number => ((id >>> 4) << 16) | (1 << (id & 15));

/** Does a 32-bit logical destination name the processor with this id. */
export const isLogicalTarget = (destination: number, id: number): boolean =>
  destination >>> 16 === id >>> 4 && (destination & (1 << (id & 15))) !== 0;
