import { AmlRuntimeError } from './aml-runtime-error.js';
import { type AmlName, Cursor } from './cursor.js';
import { type AmlEffects, type AmlLimits, Execution, newFrame } from './execution.js';
import { type AmlSpaces, FieldAccess } from './fields.js';
import { Node } from './namespace.js';
import type { NamedObject, Value } from './objects.js';
import { toInteger } from './values.js';

/** A value as a program sees it. A device, a method or another object that is no data is `{ path }`; a
 * reference within a package is one without a path. */
export type AmlValue = bigint | string | Uint8Array | { readonly path: string } | readonly AmlValue[] | undefined;

/** What the code may reach, and how far it may go. */
export interface AmlInterpreterOptions extends AmlEffects {
  readonly spaces?: AmlSpaces;
  /** Of each call and each table: by default 1,000,000 terms, 256 terms deep, 1 MiB of new data. */
  readonly limits?: Partial<AmlLimits>;
}

const HEADER_BYTES = 36;
const LENGTH_AT = 4;
const REVISION_AT = 8;
const DEFAULT_LIMITS: AmlLimits = { steps: 1_000_000, depth: 256, bytes: 2 ** 20 };
/** Scopes that are always there. ACPI 5.3.1. */
const SCOPES = ['_GPE', '_PR_', '_SB_', '_SI_', '_TZ_'];

/**
 * Executes ACPI Machine Language: loads definition blocks, then evaluates objects by path. There is one thread, and nothing waits. Whatever
 * the code does, a call ends: within its limits by its value, else by an AmlRuntimeError with a `code`.
 *
 * Not executed: bank fields, data table regions, `Load`, events, and methods that tables make at run time from other tables.
 */
export class AmlInterpreter {
  readonly #root = new Node('', undefined, { kind: 'scope' });
  readonly #effects: AmlEffects;
  readonly #limits: AmlLimits;
  readonly #fields: FieldAccess;
  #integerBytes: 4 | 8 | undefined;

  constructor({ spaces = {}, limits = {}, ...effects }: AmlInterpreterOptions = {}) {
    this.#effects = effects;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#fields = new FieldAccess(spaces, (node) => this.#addressOf(node));
    for (const segment of SCOPES) this.#define(segment, { kind: 'scope' });
    this.#define('_GL_', { kind: 'mutex', held: 0 });
    this.#define('_REV', { kind: 'data', value: 2n });
    this.#define('_OS_', { kind: 'data', value: 'Hotsocket' });
    this.#define('_OSI', { kind: 'native', args: 1, call: () => 0n });
  }

  /**
   * Loads a DSDT or SSDT with its header: the names it makes are there from then on. The revision of the first table decides the width of
   * integers. Throws AmlRuntimeError; then nothing of the table stays.
   */
  load(table: Uint8Array): void {
    checkHeader(table);
    this.#integerBytes ??= (table[REVISION_AT] ?? 0) < 2 ? 4 : 8;
    const frame = newFrame(this.#root);
    try {
      this.#execution().block(new Cursor(table, HEADER_BYTES), frame);
    } catch (error) {
      for (const node of frame.made.reverse()) node.remove();
      throw error;
    }
  }

  /** Evaluates an object by its absolute path: a method is called, a name or field is read. Throws AmlRuntimeError. */
  evaluate(path: string, ...args: readonly (bigint | number | string | Uint8Array)[]): AmlValue {
    const node = this.#find(path);
    const execution = this.#execution();
    const given = args.map((arg) => (typeof arg === 'number' ? BigInt(arg) : arg));
    const { object } = node;
    if (object.kind !== 'method' && object.kind !== 'native') return plain(execution.read(node));
    if (given.length !== object.args)
      throw new AmlRuntimeError('TYPE', `${path} takes ${object.args} arguments, ${given.length} are given`);
    try {
      return plain(object.kind === 'native' ? object.call(given) : execution.call(node, object, given));
    } finally {
      execution.releaseAll();
    }
  }

  /** Paths of everything below a place, the place itself left out, in order of declaration. */
  paths(below = '\\'): string[] {
    const walk = (node: Node): string[] => [...node.children.values()].flatMap((child) => [child.path, ...walk(child)]);
    return walk(this.#find(below));
  }

  #execution(): Execution {
    return new Execution(this.#fields, this.#limits, this.#effects, this.#integerBytes ?? 8);
  }

  #define(segment: string, object: NamedObject): void {
    this.#root.add({ absolute: true, up: 0, segments: [segment] }, object);
  }

  #find(path: string): Node {
    const node = this.#root.find(nameOf(path));
    if (!node) throw new AmlRuntimeError('NOT_FOUND', `there is no ${path}`);
    return node;
  }

  /** _ADR of the nearest scope that has one. */
  #addressOf(node: Node): number {
    const object = node.find({ absolute: false, up: 0, segments: ['_ADR'] })?.object;
    return object?.kind === 'data' ? Number(toInteger(object.value, 8)) : 0;
  }
}

function nameOf(path: string): AmlName {
  const segments = path
    .replace(/^\\/, '')
    .split('.')
    .filter((segment) => segment !== '');
  return { absolute: true, up: 0, segments: segments.map((segment) => segment.padEnd(4, '_')) };
}

function checkHeader(table: Uint8Array): void {
  const length = table.length < HEADER_BYTES ? 0 : new DataView(table.buffer, table.byteOffset).getUint32(LENGTH_AT, true);
  if (length !== table.length) throw new AmlRuntimeError('TABLE', `a table of ${table.length} bytes says that it has ${length}`);
  const sum = table.reduce((total, byte) => (total + byte) & 0xff, 0);
  if (sum !== 0) throw new AmlRuntimeError('TABLE', `the checksum of the table is off by ${sum}`);
}

/** A copy that the program may keep. A reference is followed once: what it leads to may hold it. */
function plain(value: Value): AmlValue {
  if (typeof value === 'object' && 'kind' in value && value.kind === 'reference') return withoutReferences(value.get());
  return withoutReferences(value);
}

function withoutReferences(value: Value): AmlValue {
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(withoutReferences);
  if (typeof value !== 'object') return value;
  if (value.kind === 'reference') return { path: '' };
  return { path: value.kind === 'name' ? value.text : value.path };
}
