import { AmlRuntimeError } from './aml-runtime-error.js';

const DUAL_NAME = 0x2e;
const MULTI_NAME = 0x2f;
const ROOT = 0x5c;
const PARENT = 0x5e;
const EXTENDED = 0x5b;

/** A name as it stands in AML: absolute, or so many scopes up, and its segments of four characters. */
export interface AmlName {
  readonly absolute: boolean;
  readonly up: number;
  readonly segments: readonly string[];
}

export const nameText = ({ absolute, up, segments }: AmlName): string => `${absolute ? '\\' : '^'.repeat(up)}${segments.join('.')}`;

/** A reading position in a piece of AML. Reading past the end throws `TRUNCATED`. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  peek(): number {
    if (this.done) throw new AmlRuntimeError('TRUNCATED', `the code ends at offset ${this.end}, inside a term`);
    return this.bytes[this.at] ?? 0;
  }

  byte(): number {
    const value = this.peek();
    this.at++;
    return value;
  }

  /** Little-endian, 1 to 8 bytes. */
  integer(bytes: number): bigint {
    let value = 0n;
    for (let at = 0; at < bytes; at++) value |= BigInt(this.byte()) << BigInt(8 * at);
    return value;
  }

  take(count: number): Uint8Array {
    if (count < 0 || this.at + count > this.end)
      throw new AmlRuntimeError('TRUNCATED', `${count} bytes at offset ${this.at} leave the code`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** One byte, or two of which the first is the extension prefix: then 0x5b00 and the second. */
  opcode(): number {
    const first = this.byte();
    return first === EXTENDED ? (EXTENDED << 8) | this.byte() : first;
  }

  /** The bare number of a PkgLength. ACPI 20.2.4. */
  length(): number {
    const lead = this.byte();
    const extra = lead >> 6;
    if (extra === 0) return lead & 0x3f;
    let value = lead & 0x0f;
    for (let at = 0; at < extra; at++) value |= this.byte() << (4 + 8 * at);
    return value;
  }

  /** What a PkgLength spans, from behind it; this cursor goes on after it. */
  block(): Cursor {
    const start = this.at;
    const end = start + this.length();
    if (end > this.end || end < this.at)
      throw new AmlRuntimeError('TRUNCATED', `the block at offset ${start} leaves the code that holds it`);
    const inside = new Cursor(this.bytes, this.at, end);
    this.at = end;
    return inside;
  }

  /** A NameString. ACPI 20.2.2. */
  name(): AmlName {
    const absolute = this.peek() === ROOT;
    if (absolute) this.at++;
    let up = 0;
    for (; !this.done && this.peek() === PARENT; up++) this.at++;
    return { absolute, up, segments: this.#segments() };
  }

  /** True when a name stands here: a segment, a prefix, or the mark of several segments. */
  get atName(): boolean {
    const lead = this.peek();
    return lead === ROOT || lead === PARENT || lead === DUAL_NAME || lead === MULTI_NAME || isLeadChar(lead);
  }

  #segments(): string[] {
    const lead = this.peek();
    if (lead === 0) {
      this.at++;
      return [];
    }
    if (lead === DUAL_NAME || lead === MULTI_NAME) this.at++;
    const count = lead === DUAL_NAME ? 2 : lead === MULTI_NAME ? this.byte() : 1;
    return Array.from({ length: count }, () => this.#segment());
  }

  #segment(): string {
    const start = this.at;
    const bytes = this.take(4);
    const valid = isLeadChar(bytes[0] ?? 0) && bytes.every((char) => isLeadChar(char) || (char >= 0x30 && char <= 0x39));
    if (!valid) throw new AmlRuntimeError('BAD_OPCODE', `no name at offset ${start}`);
    return String.fromCharCode(...bytes);
  }
}

const isLeadChar = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
