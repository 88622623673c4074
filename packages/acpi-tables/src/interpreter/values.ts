import { AmlRuntimeError } from './aml-runtime-error.js';
import type { Value } from './objects.js';

/** Conversions between types. ACPI 19.3.5. Integers are of 32 bits in tables of revision 1, of 64 bits in others. */

const typeError = (value: Value, wanted: string): AmlRuntimeError =>
  new AmlRuntimeError('TYPE', `${describe(value)} where ${wanted} is needed`);

export function describe(value: Value): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return 'an integer';
  if (typeof value === 'string') return 'a string';
  if (value instanceof Uint8Array) return 'a buffer';
  if (Array.isArray(value)) return 'a package';
  if (value.kind === 'node') return value.path;
  return value.kind === 'name' ? value.text : 'a reference';
}

export const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

export function bytesOf(value: bigint, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** As many digits, from the first on, as fit an integer of so many bytes. */
export function numberOf(digits: string, radix: 10 | 16, bytes: number): bigint {
  const limit = 1n << BigInt(8 * bytes);
  let value = 0n;
  for (const digit of digits) {
    const longer = value * BigInt(radix) + BigInt(Number.parseInt(digit, radix));
    if (longer >= limit) break;
    value = longer;
  }
  return value;
}

/** A buffer counts by its first bytes, a string by its hexadecimal digits up to what is none. */
export function toInteger(value: Value, bytes: number): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Uint8Array) return littleEndian(value.subarray(0, bytes));
  if (typeof value !== 'string') throw typeError(value, 'an integer');
  const digits = /^(?:0[xX])?([0-9a-fA-F]*)/.exec(value)?.[1] ?? '';
  return numberOf(digits, 16, bytes);
}

export const hexByte = (byte: number): string => `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`;

/** A string gets its closing zero. */
export function toBuffer(value: Value, bytes: number): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'bigint') return bytesOf(value, bytes);
  if (typeof value === 'string') return ascii(`${value}\0`);
  throw typeError(value, 'a buffer');
}

/** Integers with all their hexadecimal digits, buffers as bytes with blanks between, as ACPICA prints them. */
export function toText(value: Value, bytes: number): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint')
    return value
      .toString(16)
      .toUpperCase()
      .padStart(2 * bytes, '0');
  if (value instanceof Uint8Array) return Array.from(value, hexByte).join(' ');
  throw typeError(value, 'a string');
}

/** Made of the type of what it replaces, as an implicit conversion of the result. ACPI 19.3.5.5. */
export function likeTarget(old: Value, value: Value, bytes: number, charge: Charge): Value {
  if (typeof old === 'bigint') return toInteger(value, bytes);
  if (typeof old === 'string') return toText(value, bytes);
  if (!(old instanceof Uint8Array)) return copyOf(value, charge);
  const filled = new Uint8Array(old.length);
  filled.set(toBuffer(value, bytes).subarray(0, old.length));
  return filled;
}

/** Told before bytes are made. */
export type Charge = (bytes: number) => void;

/** Bytes that an element of a package counts as. */
export const ELEMENT_BYTES = 16;

export function copyOf(value: Value, charge: Charge): Value {
  if (value instanceof Uint8Array) {
    charge(value.length);
    return value.slice();
  }
  if (!Array.isArray(value)) return value;
  charge(ELEMENT_BYTES * value.length);
  return value.map((element) => copyOf(element, charge));
}

/** Elements, bytes or characters of a value: what it costs to look at all of it. */
export const sizeOf = (value: Value): number =>
  typeof value === 'string' || value instanceof Uint8Array || Array.isArray(value) ? value.length : 0;

/** Less than 0, 0, or more: the second is converted to the type of the first. */
export function compare(left: Value, right: Value, bytes: number): number {
  if (typeof left === 'string') return order(left, toText(right, bytes));
  if (left instanceof Uint8Array) return compareBytes(left, toBuffer(right, bytes));
  return order(toInteger(left, bytes), toInteger(right, bytes));
}

const order = <T extends bigint | string>(left: T, right: T): number => (left < right ? -1 : left > right ? 1 : 0);

/** As strings are compared: by the first byte that differs, then by length. */
function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) if (left[at] !== right[at]) return (left[at] ?? 0) - (right[at] ?? 0);
  return left.length - right.length;
}

/** `bits` bits of a buffer from bit `bit` on; what the buffer does not have reads as 0. */
export function extractBits(bytes: Uint8Array, bit: number, bits: number): Uint8Array {
  const [first, shift] = [bit >> 3, bit & 7];
  const taken = new Uint8Array((bits + 7) >> 3);
  for (let at = 0; at < taken.length; at++) taken[at] = ((bytes[first + at] ?? 0) | ((bytes[first + at + 1] ?? 0) << 8)) >> shift;
  const spare = 8 * taken.length - bits;
  if (spare > 0) taken[taken.length - 1]! &= 0xff >> spare;
  return taken;
}

/** Puts `bits` bits into a buffer at bit `bit`; what `from` does not have is 0. */
export function insertBits(bytes: Uint8Array, bit: number, bits: number, from: Uint8Array): void {
  const shift = bit & 7;
  for (let at = bit >> 3, done = -shift; done < bits; at++, done += 8) {
    const mask = (0xff << Math.max(0, -done)) & (0xff >> Math.max(0, done + 8 - bits));
    const source = done < 0 ? (from[0] ?? 0) << shift : ((from[done >> 3] ?? 0) | ((from[(done >> 3) + 1] ?? 0) << 8)) >> (done & 7);
    bytes[at] = ((bytes[at] ?? 0) & ~mask) | (source & mask);
  }
}
