/**
 * A JSON number that keeps its text. QMP integers have 64 bits and an `id` must come back as it was sent, so a double is not enough.
 */
export class JsonNumber {
  /** The number as it stood in the input, valid by the JSON grammar. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** True for a number without fraction and exponent: `2.0` and `1e2` are not integers in QMP. */
  get isInteger(): boolean {
    return !/[.eE]/.test(this.text);
  }
}

/** A parsed JSON value. Objects are maps, so that no member name (`__proto__`) is special and order is kept. */
export type JsonValue = null | boolean | string | JsonNumber | JsonValue[] | JsonObject;
/** A parsed JSON object. */
export type JsonObject = Map<string, JsonValue>;

/** What `stringify` takes: parsed values and ordinary JavaScript data. Members that are undefined are left out. */
export type JsonOutput =
  | null
  | boolean
  | number
  | bigint
  | string
  | JsonNumber
  | readonly JsonOutput[]
  | ReadonlyMap<string, JsonOutput>
  | { readonly [member: string]: JsonOutput | undefined };

/**
 * One line of ASCII in the reference's spacing: `{"a": 1, "b": [2, 3]}`. Everything outside printable ASCII is escaped, so the result holds
 * no line end and is valid in any encoding. A number that JSON cannot hold (NaN, Infinity) throws RangeError.
 */
export function stringify(value: JsonOutput): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return numberText(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      return compound(value);
  }
}

function compound(value: Exclude<JsonOutput, null | boolean | number | bigint | string>): string {
  if (value instanceof JsonNumber) return value.text;
  if (isArray(value)) return `[${value.map(stringify).join(', ')}]`;
  const members = value instanceof Map ? [...value] : Object.entries(value as { [member: string]: JsonOutput | undefined });
  return `{${members.flatMap(([name, member]) => (member === undefined ? [] : `${quote(name)}: ${stringify(member)}`)).join(', ')}}`;
}

function isArray(value: unknown): value is readonly JsonOutput[] {
  return Array.isArray(value);
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} has no JSON form`);
  return Object.is(value, -0) ? '0' : String(value);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function quote(text: string): string {
  return `"${text.replace(/["\\]|[^ -~]/g, escapeUnit)}"`;
}

function escapeUnit(unit: string): string {
  return ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}
