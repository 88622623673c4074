import { type Dialect, type DialectTexts, dialectTexts, type TypeWords } from './dialect.js';
import { QmpError } from './errors.js';
import { JsonNumber, type JsonObject, type JsonValue } from './json-value.js';

/** What the checks of one connection need to know. */
export interface Checks {
  readonly dialect: Dialect;
  readonly texts: DialectTexts;
}

/** The checks of a dialect. */
export function checksOf(dialect: Dialect): Checks {
  return { dialect, texts: dialectTexts(dialect) };
}

/** The shape of a type as data, from which `query-commands` and a schema are made. */
export type TypeShape =
  | { readonly kind: 'builtin'; readonly name: string; readonly json: 'int' | 'number' | 'string' | 'boolean' | 'value' }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly string[] }
  | { readonly kind: 'array'; readonly element: QapiType<unknown> }
  | { readonly kind: 'struct'; readonly name: string; readonly members: Members };

/** A QAPI type: its shape, and a reader that checks a JSON value and turns it into its TypeScript form. */
export interface QapiType<T> {
  readonly shape: TypeShape;
  /** True for a member that may be absent. */
  readonly optional?: boolean;
  /** Throws QmpError (GenericError) when the value does not fit; `name` is the parameter that the text names. */
  read(value: JsonValue, name: string, checks: Checks): T;
}

/** The members of a struct or the arguments of a command. */
export type Members = { readonly [name: string]: QapiType<unknown> };

/** The TypeScript form of members. */
export type ValuesOf<M extends Members> = { readonly [Name in keyof M]: M[Name] extends QapiType<infer T> ? T : never };

const WORDS = {
  int: { '1.5': 'int', '3.1': 'integer' },
  string: { '1.5': 'string', '3.1': 'string' },
  boolean: { '1.5': 'boolean', '3.1': 'boolean' },
  array: { '1.5': 'list', '3.1': 'array' },
  object: { '1.5': 'QDict', '3.1': 'object' },
} satisfies Record<string, TypeWords>;

function mismatch(value: JsonValue, name: string, words: TypeWords, checks: Checks): never {
  const beyond15 = value === null || (value instanceof JsonNumber && value.isInteger);
  throw new QmpError('GenericError', checks.texts.wrongType(name, words, beyond15));
}

const INT64_MAX = 2n ** 63n - 1n;
/** Digits of the longest 64-bit integer with its sign; longer texts are out of range without being converted. */
const INT64_TEXT = 20;

function outOfRange(text: string): boolean {
  return text.length > INT64_TEXT || BigInt.asIntN(64, BigInt(text)) !== BigInt(text);
}

/** A signed 64-bit integer. 1.5 cut larger numbers to the nearest such integer; later releases refuse them. */
export const int: QapiType<bigint> = {
  shape: { kind: 'builtin', name: 'int', json: 'int' },
  read(value, name, checks) {
    if (!(value instanceof JsonNumber) || !value.isInteger) return mismatch(value, name, WORDS.int, checks);
    if (!outOfRange(value.text)) return BigInt(value.text);
    if (checks.dialect !== '1.5') return mismatch(value, name, WORDS.int, checks);
    return value.text.startsWith('-') ? -INT64_MAX - 1n : INT64_MAX;
  },
};

/** A string. */
export const str: QapiType<string> = {
  shape: { kind: 'builtin', name: 'str', json: 'string' },
  read: (value, name, checks) => (typeof value === 'string' ? value : mismatch(value, name, WORDS.string, checks)),
};

/** A truth value. */
export const bool: QapiType<boolean> = {
  shape: { kind: 'builtin', name: 'bool', json: 'boolean' },
  read: (value, name, checks) => (typeof value === 'boolean' ? value : mismatch(value, name, WORDS.boolean, checks)),
};

/** Any JSON value. */
export const any: QapiType<JsonValue> = { shape: { kind: 'builtin', name: 'any', json: 'value' }, read: (value) => value };

/** One of a few strings. */
export function enumeration<const Values extends readonly string[]>(typeName: string, values: Values): QapiType<Values[number]> {
  return {
    shape: { kind: 'enum', name: typeName, values },
    read(value, name, checks) {
      const text = str.read(value, name, checks);
      if (!values.includes(text)) throw new QmpError('GenericError', `Parameter '${name}' does not accept value '${text.slice(0, 200)}'`);
      return text;
    },
  };
}

/** A list of values of one type. */
export function array<T>(element: QapiType<T>): QapiType<readonly T[]> {
  return {
    shape: { kind: 'array', element },
    read: (value, name, checks) =>
      Array.isArray(value) ? value.map((item) => element.read(item, name, checks)) : mismatch(value, name, WORDS.array, checks),
  };
}

/** An object with known members. */
export function struct<M extends Members>(typeName: string, members: M): QapiType<ValuesOf<M>> {
  return {
    shape: { kind: 'struct', name: typeName, members },
    read: (value, name, checks) =>
      value instanceof Map ? readMembers(members, value, checks) : mismatch(value, name, WORDS.object, checks),
  };
}

/** A member that may be absent. */
export function optional<T>(type: QapiType<T>): QapiType<T | undefined> {
  return { ...type, optional: true };
}

/** Checks members in the order of their declaration, then refuses those that are not declared, unless `open`. */
export function readMembers<M extends Members>(members: M, input: JsonObject, checks: Checks, open = false): ValuesOf<M> {
  const values = Object.fromEntries(Object.entries(members).map(([name, type]) => [name, readMember(type, input, name, checks)]));
  const extra = open ? undefined : [...input.keys()].find((name) => !Object.hasOwn(members, name));
  if (extra !== undefined) throw new QmpError('GenericError', checks.texts.unexpectedParameter(extra));
  return values as ValuesOf<M>;
}

function readMember(type: QapiType<unknown>, input: JsonObject, name: string, checks: Checks): unknown {
  const value = input.get(name);
  if (value !== undefined) return type.read(value, name, checks);
  if (!type.optional) throw new QmpError('GenericError', checks.texts.missingParameter(name));
  return undefined;
}
