import type { Region } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';

/** A wire end or window of a part, with the name by which people know it: `com1.irq`, `piix3.irq[9]`. */
export interface Named<T> {
  readonly name: string;
  readonly value: T;
}

/** What the public fields of the parts of a machine hold, by name. */
export class Ends {
  readonly lines: readonly Named<IrqLine>[];
  readonly regions: readonly Named<Region>[];
  readonly #names: ReadonlyMap<unknown, string>;

  constructor(parts: object) {
    const fields = Object.entries(parts).flatMap(([name, part]) => (isObject(part) ? fieldsOf(name, part) : []));
    this.lines = unique(fields.filter((field): field is Named<IrqLine> => field.value instanceof IrqLine));
    this.regions = unique(fields.filter((field): field is Named<Region> => isRegion(field.value)));
    const named = [...Object.entries(parts).map(([name, value]) => ({ name, value })), ...fields].reverse();
    this.#names = new Map(named.filter(({ value }) => isObject(value)).map(({ name, value }) => [value, name]));
  }

  /** The name of something that a part holds; undefined for what no part shows. */
  nameOf(value: unknown): string | undefined {
    return this.#names.get(value);
  }
}

function fieldsOf(part: string, object: object): Named<unknown>[] {
  if (isRegion(object) || object instanceof IrqLine) return [{ name: part, value: object }];
  return keysOf(object).flatMap((key) => {
    const value = peek(object, key);
    const name = `${part}.${key}`;
    return Array.isArray(value) ? value.map((element, at) => ({ name: `${name}[${at}]`, value: element })) : [{ name, value }];
  });
}

/** Own fields, and getters of the classes it is made of. */
function keysOf(object: object): string[] {
  const keys = new Set(Object.keys(object));
  for (let at = Object.getPrototypeOf(object); at && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const [key, { get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) if (get) keys.add(key);
  return [...keys];
}

/** A getter may refuse before the machine is complete; then it shows no wire and no window. */
function peek(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is object => (typeof value === 'object' && value !== null) || typeof value === 'function';

function isRegion(value: unknown): value is Region {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, name, length } = value as Partial<Region>;
  return ['mmio', 'ram', 'rom'].includes(String(kind)) && typeof name === 'string' && typeof length === 'number';
}

const unique = <T>(list: readonly Named<T>[]): Named<T>[] =>
  list.filter(({ value }, at) => list.findIndex((other) => other.value === value) === at);
