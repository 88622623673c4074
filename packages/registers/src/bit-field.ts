/** How a guest may use a field, as datasheets print it. */
export type Access = 'rw' | 'ro' | 'wo' | 'w1c' | 'rsvd';

/** A field before its register names it: bits `high`..`low`, access and reset value (unshifted). */
export interface FieldSpec {
  readonly high: number;
  readonly low: number;
  readonly access: Access;
  readonly reset: number;
}

/** Bits `high`..`low` of a value of at most 32 bits. */
export class BitField {
  readonly name: string;
  readonly high: number;
  readonly low: number;
  readonly access: Access;
  readonly reset: number;
  /** The field's bits, in place, unsigned. */
  readonly mask: number;
  readonly #ones: number;

  constructor(name: string, spec: FieldSpec) {
    const width = spec.high - spec.low + 1;
    this.name = name;
    this.high = spec.high;
    this.low = spec.low;
    this.access = spec.access;
    this.reset = spec.reset;
    this.#ones = width === 32 ? 0xffff_ffff : 2 ** width - 1;
    this.mask = (this.#ones << spec.low) >>> 0;
  }

  /** The field's value, shifted down. */
  get(value: number): number {
    return ((value >>> this.low) & this.#ones) >>> 0;
  }

  /** True when any bit of the field is set. */
  test(value: number): boolean {
    return (value & this.mask) !== 0;
  }

  /** `value` with the field replaced by `field`, unsigned; bits of `field` beyond the width are dropped. */
  put(value: number, field: number | boolean): number {
    return ((value & ~this.mask) | ((Number(field) & this.#ones) << this.low)) >>> 0;
  }
}

const spec =
  (access: Access) =>
  (high: number, low: number = high, reset = 0): FieldSpec => ({ high, low, access, reset });

/** Read and write. Bits as the book prints them: high, low. */
export const rw: (high: number, low?: number, reset?: number) => FieldSpec = spec('rw');
/** Read only. */
export const ro: (high: number, low?: number, reset?: number) => FieldSpec = spec('ro');
/** Write only: acts when written, reads as zero. */
export const wo: (high: number, low?: number, reset?: number) => FieldSpec = spec('wo');
/** Read, write one to clear. */
export const w1c: (high: number, low?: number, reset?: number) => FieldSpec = spec('w1c');
/** Reserved: reads as its reset value, writes are dropped. */
export const rsvd: (high: number, low?: number, reset?: number) => FieldSpec = spec('rsvd');
