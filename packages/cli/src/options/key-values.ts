import { UsageError } from '../usage-error.js';

/** What may stand in a key=value list. The first value may come without its key when `implied` names one. */
export interface KeyValueSchema {
  readonly implied?: string;
  readonly keys: readonly string[];
}

const ON = new Set(['on', 'yes', 'true', 'y']);
const OFF = new Set(['off', 'no', 'false', 'n']);
const SUFFIXES = 'bkmgtpe';

/**
 * One value of the command line in the form `[value,]key=value,flag,noflag`. A comma inside a value is written twice. Every reader
 * throws UsageError in the form `-option value: what is wrong`.
 */
export class KeyValues {
  /** The option as the user wrote it, for messages. */
  readonly label: string;
  readonly #values = new Map<string, string>();

  constructor(label: string, values: Iterable<readonly [string, string]> = []) {
    this.label = label;
    for (const [key, value] of values) this.#values.set(key, value);
  }

  /** Reads `text` and refuses keys that the schema does not have. A later value of a key replaces an earlier one. */
  static parse(label: string, text: string, schema: KeyValueSchema): KeyValues {
    const parsed = new KeyValues(label);
    for (const [index, part] of splitCommas(text).entries()) parsed.#put(part, index === 0 ? schema.implied : undefined, schema);
    return parsed;
  }

  get size(): number {
    return this.#values.size;
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  text(key: string): string | undefined {
    return this.#values.get(key);
  }

  /** A value that must be there. */
  required(key: string): string {
    return this.#values.get(key) || this.fail(`parameter '${key}' is missing`);
  }

  flag(key: string): boolean | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (ON.has(value)) return true;
    return OFF.has(value) ? false : this.fail(`parameter '${key}' expects 'on' or 'off'`);
  }

  /** A whole number, decimal or with 0x. */
  integer(key: string, from = 0, to: number = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    const number = parseInteger(value);
    if (number === undefined) return this.fail(`parameter '${key}' expects an integer`);
    return number >= from && number <= to ? number : this.fail(`parameter '${key}' is ${value}, possible are ${from} to ${to}`);
  }

  /** One of some words. */
  word<const W extends string>(key: string, words: readonly W[]): W | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    return (
      words.find((word) => word === value) ?? this.fail(`parameter '${key}' does not accept '${value}' (possible: ${words.join(', ')})`)
    );
  }

  fail(message: string): never {
    throw new UsageError(`${this.label}: ${message}`);
  }

  #put(part: string, implied: string | undefined, schema: KeyValueSchema): void {
    const equals = part.indexOf('=');
    if (equals < 0 && implied !== undefined) this.#set(implied, part, schema);
    else if (equals >= 0) this.#set(part.slice(0, equals), part.slice(equals + 1), schema);
    else if (part === '') this.fail('a parameter is empty');
    else this.#setFlag(part, schema);
  }

  /** The old spelling of flags: `server`, `nowait`. */
  #setFlag(word: string, schema: KeyValueSchema): void {
    const negated = !schema.keys.includes(word) && word.startsWith('no') && schema.keys.includes(word.slice(2));
    this.#set(negated ? word.slice(2) : word, negated ? 'off' : 'on', schema);
  }

  #set(key: string, value: string, { keys }: KeyValueSchema): void {
    if (!keys.includes(key)) this.fail(`invalid parameter '${key}'${keys.length > 0 ? ` (possible: ${keys.join(', ')})` : ''}`);
    this.#values.set(key, value);
  }
}

/** Cuts at commas; two commas are one that belongs to the value. */
export function splitCommas(text: string): string[] {
  return text
    .replaceAll(',,', '\0')
    .split(',')
    .map((part) => part.replaceAll('\0', ','));
}

/** A whole number, decimal or with 0x, with a sign; undefined for anything else. */
export function parseInteger(text: string): number | undefined {
  if (!/^[+-]?(0x[0-9a-f]+|\d+)$/i.test(text)) return undefined;
  const negative = text.startsWith('-');
  const value = Number(text.replace(/^[+-]/, ''));
  return negative ? -value : value;
}

/** Bytes of `128M`, `1.5G`, `4096k`: powers of 1024, `unit` bytes without a suffix; undefined for anything else. */
export function parseSize(text: string, unit = 1): number | undefined {
  const [, hex, decimal, suffix] = /^(?:(0x[0-9a-f]+)|(\d+(?:\.\d+)?)([bkmgtpe])?)$/i.exec(text) ?? [];
  if (hex !== undefined) return Number(hex) * unit;
  if (decimal === undefined) return undefined;
  const bytes = Number(decimal) * (suffix === undefined ? unit : 1024 ** SUFFIXES.indexOf(suffix.toLowerCase()));
  return Math.floor(bytes);
}
