import { type Access, BitField, type FieldSpec } from './bit-field.js';

/** A register of 8, 16 or 32 bits with named fields; masks and the reset value are derived from them. */
export class Register {
  readonly name: string;
  /** Offset of its first byte in its block, or its index where registers are indexed. */
  readonly offset: number;
  readonly bits: number;
  readonly fields: readonly BitField[];
  readonly resetValue: number;
  /** Bits a guest may set and clear by writing. */
  readonly writableMask: number;
  /** Bits that a written one clears. */
  readonly clearMask: number;
  /** Bits that read back; write-only bits read as zero. */
  readonly readableMask: number;

  constructor(name: string, offset: number, bits: number, fields: readonly BitField[]) {
    this.name = name;
    this.offset = offset;
    this.bits = bits;
    this.fields = fields;
    this.resetValue = fields.reduce((value, field) => field.put(value, field.reset), 0);
    this.writableMask = maskOf(fields, 'rw');
    this.clearMask = maskOf(fields, 'w1c');
    this.readableMask = ~maskOf(fields, 'wo') >>> 0;
  }

  /** The register after a guest wrote `written` while it held `current`. */
  write(current: number, written: number): number {
    const kept = current & ~this.writableMask & ~(written & this.clearMask);
    return (kept | (written & this.writableMask)) >>> 0;
  }

  /** What a guest reads while the register holds `current`. */
  read(current: number): number {
    return (current & this.readableMask) >>> 0;
  }
}

/** A register whose fields are properties: `PM1_CNT.SCI_EN.test(value)`. */
export type DefinedRegister<F> = Register & { readonly [K in keyof F]: BitField };

/** The same by the names of the fields: `NamedRegister<'SCI_EN' | 'SLP_TYP'>`. */
export type NamedRegister<Fields extends string> = DefinedRegister<Readonly<Record<Fields, FieldSpec>>>;

const maskOf = (fields: readonly BitField[], access: Access): number =>
  fields.filter((field) => field.access === access).reduce((mask, field) => (mask | field.mask) >>> 0, 0);

/**
 * Declares a register. Throws RangeError when a field leaves the register's width, overlaps another or has a reset value that
 * does not fit, so that a wrong table fails when it is loaded.
 */
export function register<F extends Record<string, FieldSpec>>(
  name: string,
  offset: number,
  bits: 8 | 16 | 32,
  specs: F,
): DefinedRegister<F> {
  const fields = Object.entries(specs).map(([field, spec]) => new BitField(field, spec));
  checkFields(name, bits, fields);
  const named = Object.fromEntries(fields.map((field) => [field.name, field]));
  return Object.assign(new Register(name, offset, bits, fields), named) as DefinedRegister<F>;
}

function checkFields(name: string, bits: number, fields: readonly BitField[]): void {
  let taken = 0;
  for (const field of fields) {
    if (field.low < 0 || field.high < field.low || field.high >= bits) throw new RangeError(`${name}.${field.name}: outside ${bits} bits`);
    if (field.get(field.mask) < field.reset || field.reset < 0) throw new RangeError(`${name}.${field.name}: reset value too wide`);
    if ((taken & field.mask) !== 0) throw new RangeError(`${name}.${field.name}: overlaps another field`);
    if (field.name in Register.prototype || RESERVED.has(field.name))
      throw new RangeError(`${name}.${field.name}: not usable as a field name`);
    taken |= field.mask;
  }
}

const RESERVED: ReadonlySet<string> = new Set([
  'name',
  'offset',
  'bits',
  'fields',
  'resetValue',
  'writableMask',
  'clearMask',
  'readableMask',
]);
