// Resource descriptors, the content of _CRS, _PRS and _SRS. ACPI Specification 6.4, section 6.4.

import { buffer, type Term } from './aml.js';
import { concat, u16, u32, u64 } from './bytes.js';

/** One encoded resource descriptor. */
export type Resource = Uint8Array;

/** I/O ports, decoded to 16 bits: the first port, how many, and the alignment (1 for fixed ports). */
export const ioPorts = (first: number, count: number, alignment = 1): Resource =>
  concat(0x47, 0x01, u16(first), u16(first), alignment, count);

/** ISA interrupts: edge, active high, exclusive. */
export const isaIrqs = (...irqs: readonly number[]): Resource => concat(0x22, u16(irqs.reduce((mask, irq) => mask | (1 << irq), 0)));

/** Global system interrupts by number: level, active high, shared, consumed. */
export const sharedInterrupts = (...gsis: readonly number[]): Resource =>
  concat(
    0x89,
    u16(2 + gsis.length * 4),
    0x09,
    gsis.length,
    gsis.flatMap((gsi) => [...u32(gsi)]),
  );

/** Memory at a fixed 32-bit address. */
export const fixedMemory = (base: number, bytes: number, writable = true): Resource =>
  concat(0x86, u16(9), writable ? 1 : 0, u32(base), u32(bytes));

/** What an address range of a bridge is: the resource type and its type-specific flags. */
const KIND = {
  /** entire ISA and non-ISA range */
  io: [1, 0x03],
  bus: [2, 0x00],
  /** read-write, not cacheable */
  memory: [0, 0x01],
  /** read-write, cacheable */
  cacheableMemory: [0, 0x03],
} as const;

export type WindowKind = keyof typeof KIND;

/** Producer, minimum and maximum fixed, positive decode. */
const WINDOW_FLAGS = 0x0c;

/** A range that a bridge passes down, first to last address, both included; 16-, 32- or 64-bit by the last one. */
export function window(kind: WindowKind, first: number, last: number): Resource {
  const [type, flags] = KIND[kind];
  const [tag, size, word] = descriptorFor(kind, last);
  const values = [0, first, last, 0, last - first + 1].flatMap((value) => [...word(value)]);
  return concat(tag, u16(size), type, WINDOW_FLAGS, flags, values);
}

function descriptorFor(kind: WindowKind, last: number): readonly [tag: number, bytes: number, word: (value: number) => readonly number[]] {
  if (kind === 'io' || kind === 'bus') return [0x88, 0x0d, u16];
  return last <= 0xffff_ffff ? [0x87, 0x17, u32] : [0x8a, 0x2b, u64];
}

/** Descriptors as the buffer that _CRS names or returns, ended by the end tag (checksum byte 0 = not checked). */
export const resourceTemplate = (...resources: readonly Resource[]): Term => buffer(concat(...resources, [0x79, 0x00]));
