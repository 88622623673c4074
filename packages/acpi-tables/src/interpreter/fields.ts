import { AmlRuntimeError } from './aml-runtime-error.js';
import type { Node } from './namespace.js';
import type { BufferField, Field, IndexField, Region, Value } from './objects.js';
import { bytesOf, extractBits, insertBits, littleEndian, toBuffer } from './values.js';

/** Serves an address space, byte addresses from 0. */
export interface RegionSpace {
  read(address: number, size: 1 | 2 | 4): number;
  write(address: number, size: 1 | 2 | 4, value: number): void;
}

/** Serves PCI configuration space: a register of the device whose _ADR is `address`. */
export interface PciConfigSpace {
  read(address: number, offset: number, size: 1 | 2 | 4): number;
  write(address: number, offset: number, size: 1 | 2 | 4, value: number): void;
}

/** The address spaces that regions may be in. */
export interface AmlSpaces {
  readonly systemMemory?: RegionSpace;
  readonly systemIo?: RegionSpace;
  readonly pciConfig?: PciConfigSpace;
}

const SPACE_NAMES: Readonly<Record<number, string>> = { 0: 'system memory', 1: 'system I/O', 2: 'PCI configuration' };
const PRESERVE = 0;
const WRITE_AS_ONES = 1;

type AnyField = Field | IndexField | BufferField;

/** Reads and writes named bits, of regions in whole units of their access width. ACPI 19.6.46 and 19.6.62. */
export class FieldAccess {
  readonly #spaces: AmlSpaces;
  readonly #addressOf: (node: Node) => number;

  /** `addressOf` gives the _ADR of the device in which a region stands. */
  constructor(spaces: AmlSpaces, addressOf: (node: Node) => number) {
    this.#spaces = spaces;
    this.#addressOf = addressOf;
  }

  /** An integer, or a buffer for what is wider than one. */
  read(field: AnyField, integerBytes: number): Value {
    const bits = field.kind === 'buffer-field' ? extractBits(field.bytes, field.bit, field.bits) : this.#readBits(field);
    return field.bits > 8 * integerBytes ? bits : littleEndian(bits);
  }

  write(field: AnyField, value: Value, integerBytes: number): void {
    const bits = toBuffer(value, integerBytes);
    if (field.kind === 'buffer-field') insertBits(field.bytes, field.bit, field.bits, bits);
    else this.#writeBits(field, bits);
  }

  #readBits(field: Field | IndexField): Uint8Array {
    const { first, count } = unitsOf(field);
    const span = new Uint8Array(count * field.width);
    for (let at = 0; at < span.length; at += field.width) span.set(this.#readUnit(field, first + at), at);
    return extractBits(span, field.bit - 8 * first, field.bits);
  }

  #writeBits(field: Field | IndexField, bits: Uint8Array): void {
    const { first, count } = unitsOf(field);
    const start = field.bit - 8 * first;
    const span = new Uint8Array(count * field.width);
    for (let at = 0; at < span.length; at += field.width)
      if (!covers(start, field.bits, 8 * at, 8 * field.width)) span.set(this.#others(field, first + at), at);
    insertBits(span, start, field.bits, bits);
    for (let at = 0; at < span.length; at += field.width) this.#writeUnit(field, first + at, span.subarray(at, at + field.width));
  }

  /** The bits of a unit that belong to others: as they are, all ones, or all zeros. */
  #others(field: Field | IndexField, unit: number): Uint8Array {
    if (field.update === PRESERVE) return this.#readUnit(field, unit);
    return new Uint8Array(field.width).fill(field.update === WRITE_AS_ONES ? 0xff : 0);
  }

  #readUnit(field: Field | IndexField, unit: number): Uint8Array {
    if (field.kind === 'field') return bytesOf(this.#access(field.region, unit, field.width), field.width);
    this.#writeBits(field.index, bytesOf(BigInt(unit), 4));
    return this.#readBits(field.data).slice(0, field.width);
  }

  #writeUnit(field: Field | IndexField, unit: number, value: Uint8Array): void {
    if (field.kind === 'field') return void this.#access(field.region, unit, field.width, littleEndian(value));
    this.#writeBits(field.index, bytesOf(BigInt(unit), 4));
    this.#writeBits(field.data, value);
  }

  /** One access to a region; a quarter word goes as two double words. */
  #access(region: Region, offset: number, width: 1 | 2 | 4 | 8, value?: bigint): bigint {
    if (BigInt(offset + width) > region.length) throw new AmlRuntimeError('RANGE', `${width} bytes at ${offset} leave ${region.node.path}`);
    if (width === 8) {
      const low = this.#access(region, offset, 4, value === undefined ? undefined : value & 0xffff_ffffn);
      return low | (this.#access(region, offset + 4, 4, value === undefined ? undefined : value >> 32n) << 32n);
    }
    const address = Number(region.offset) + offset;
    const space = this.#spaceOf(region);
    if (value === undefined) return BigInt(space.read(address, width) >>> 0);
    space.write(address, width, Number(value));
    return 0n;
  }

  #spaceOf({ space, node }: Region): RegionSpace {
    const { systemMemory, systemIo, pciConfig } = this.#spaces;
    const device = space === 2 && pciConfig ? pciSpace(pciConfig, this.#addressOf(node)) : undefined;
    const served = [systemMemory, systemIo, device][space];
    if (!served)
      throw new AmlRuntimeError('NO_SPACE', `nobody serves the ${SPACE_NAMES[space] ?? `address space ${space}`} of ${node.path}`);
    return served;
  }
}

const pciSpace = (config: PciConfigSpace, address: number): RegionSpace => ({
  read: (offset, size) => config.read(address, offset, size),
  write: (offset, size, value) => config.write(address, offset, size, value),
});

/** Byte offset of the first unit that a field touches, and how many it touches. */
function unitsOf({ bit, bits, width }: Field | IndexField): { readonly first: number; readonly count: number } {
  const first = Math.floor(bit / (8 * width)) * width;
  return { first, count: Math.ceil((bit + bits - 8 * first) / (8 * width)) };
}

/** Whether bits from `start` on hold all of the unit at `unit`. */
const covers = (start: number, bits: number, unit: number, unitBits: number): boolean => start <= unit && unit + unitBits <= start + bits;
