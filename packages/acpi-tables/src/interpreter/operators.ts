import { AmlRuntimeError } from './aml-runtime-error.js';
import type { Cursor } from './cursor.js';
import type { Execution, Frame } from './execution.js';
import type { Reference, Value } from './objects.js';
import type { Handler } from './opcodes.js';
import { compare, describe, hexByte, numberOf, toBuffer, toInteger, toText } from './values.js';

const isReference = (value: Value): value is Reference => typeof value === 'object' && 'kind' in value && value.kind === 'reference';

/** Stores a result where the term says, if it does; the term has the result as its value, too. */
function deliver(run: Execution, code: Cursor, frame: Frame, value: Value): Value {
  run.target(code, frame)?.set(value);
  return value;
}

function binary(compute: (left: bigint, right: bigint, bits: bigint) => bigint): Handler {
  return (run, code, frame) => {
    const [left, right] = [run.integer(code, frame), run.integer(code, frame)];
    return deliver(run, code, frame, run.wrap(compute(left, right, BigInt(8 * run.integerBytes))));
  };
}

function unary(compute: (value: bigint) => bigint): Handler {
  return (run, code, frame) => deliver(run, code, frame, run.wrap(compute(run.integer(code, frame))));
}

const nonZero = (divisor: bigint): bigint => {
  if (divisor === 0n) throw new AmlRuntimeError('DIVIDE_BY_ZERO', 'a division by zero');
  return divisor;
};

function divide(run: Execution, code: Cursor, frame: Frame): Value {
  const dividend = run.integer(code, frame);
  const divisor = nonZero(run.integer(code, frame));
  run.target(code, frame)?.set(dividend % divisor);
  return deliver(run, code, frame, dividend / divisor);
}

function step(by: bigint): Handler {
  return (run, code, frame) => {
    const place = run.place(code, frame);
    const value = run.wrap(toInteger(place.get(), run.integerBytes) + by);
    place.set(value);
    return value;
  };
}

/** True is all ones. */
const truth = (run: Execution, holds: boolean): bigint => (holds ? run.wrap(-1n) : 0n);

function comparison(holds: (order: number) => boolean): Handler {
  return (run, code, frame) => {
    const [left, right] = [run.operand(code, frame), run.operand(code, frame)];
    return truth(run, holds(compare(left, right, run.integerBytes)));
  };
}

function logical(holds: (left: boolean, right: boolean) => boolean): Handler {
  return (run, code, frame) => {
    const [left, right] = [run.integer(code, frame), run.integer(code, frame)];
    return truth(run, holds(left !== 0n, right !== 0n));
  };
}

function store(run: Execution, code: Cursor, frame: Frame): Value {
  const value = run.operand(code, frame);
  return deliver(run, code, frame, value);
}

/** A copy takes the place over with its type. */
function copyObject(run: Execution, code: Cursor, frame: Frame): Value {
  const value = run.copy(run.operand(code, frame));
  if (!code.atName) return deliver(run, code, frame, value);
  const node = run.look(code.name(), frame);
  if (node.object.kind !== 'data') throw new AmlRuntimeError('TYPE', `${node.path} is a ${node.object.kind}, nothing can be copied to it`);
  node.object.value = value;
  return value;
}

/** Both as the type of the first. */
function concatenate(run: Execution, code: Cursor, frame: Frame): Value {
  const [left, right] = [run.operand(code, frame), run.operand(code, frame)];
  const { integerBytes } = run;
  if (typeof left === 'string') return deliver(run, code, frame, run.text(left + toText(right, integerBytes)));
  const [head, tail] = [
    toBuffer(left, integerBytes),
    typeof left === 'bigint' ? bufferLike(right, integerBytes) : toBuffer(right, integerBytes),
  ];
  const joined = run.newBuffer(head.length + tail.length);
  joined.set(head);
  joined.set(tail, head.length);
  return deliver(run, code, frame, joined);
}

const bufferLike = (value: Value, bytes: number): Uint8Array => toBuffer(toInteger(value, bytes), bytes);

function index(run: Execution, code: Cursor, frame: Frame): Value {
  const object = run.operand(code, frame);
  const at = run.count(code, frame);
  const element = elementOf(run, isReference(object) ? object.get() : object, at);
  run.target(code, frame)?.set(element);
  return element;
}

function elementOf(run: Execution, object: Value, at: number): Reference {
  if (Array.isArray(object)) {
    checkIndex(at, object.length, 'package');
    return { kind: 'reference', get: () => object[at], set: (value) => void (object[at] = run.copy(value)) };
  }
  if (object instanceof Uint8Array) {
    checkIndex(at, object.length, 'buffer');
    const set = (value: Value): void => void (object[at] = Number(toInteger(value, run.integerBytes) & 0xffn));
    return { kind: 'reference', get: () => BigInt(object[at] ?? 0), set };
  }
  if (typeof object !== 'string') throw new AmlRuntimeError('TYPE', `${describe(object)} has no elements`);
  checkIndex(at, object.length, 'string');
  return { kind: 'reference', get: () => BigInt(object.charCodeAt(at)), set: () => {} };
}

function checkIndex(at: number, length: number, what: string): void {
  if (at >= length) throw new AmlRuntimeError('RANGE', `element ${at} of a ${what} of ${length}`);
}

function derefOf(run: Execution, code: Cursor, frame: Frame): Value {
  const value = run.operand(code, frame);
  if (isReference(value)) return resolve(run, value.get());
  throw new AmlRuntimeError('TYPE', `${describe(value)} is no reference`);
}

/** A name in a package stands for what it names. */
function resolve(run: Execution, value: Value): Value {
  if (typeof value !== 'object' || !('kind' in value) || value.kind !== 'name') return value;
  const node = value.node();
  if (!node) throw new AmlRuntimeError('NOT_FOUND', `there is no ${value.text}`);
  return run.read(node);
}

function sizeOf(run: Execution, code: Cursor, frame: Frame): Value {
  const value = run.place(code, frame).get();
  if (typeof value === 'string' || value instanceof Uint8Array || Array.isArray(value)) return BigInt(value.length);
  throw new AmlRuntimeError('TYPE', `${describe(value)} has no size`);
}

const TYPES: Readonly<Record<string, bigint>> = {
  field: 5n,
  'index-field': 5n,
  device: 6n,
  event: 7n,
  method: 8n,
  native: 8n,
  mutex: 9n,
  region: 10n,
  'power-resource': 11n,
  processor: 12n,
  'thermal-zone': 13n,
  'buffer-field': 14n,
};

function typeOf(value: Value): bigint {
  if (typeof value === 'bigint') return 1n;
  if (typeof value === 'string') return 2n;
  if (value instanceof Uint8Array) return 3n;
  if (Array.isArray(value)) return 4n;
  if (value?.kind !== 'node') return 0n;
  return value.object.kind === 'data' ? typeOf(value.object.value) : (TYPES[value.object.kind] ?? 0n);
}

/** The object itself, not what it holds: a name gives its node. */
function objectType(run: Execution, code: Cursor, frame: Frame): Value {
  if (code.atName) return typeOf(run.look(code.name(), frame));
  const value = run.term(code, frame);
  return typeOf(isReference(value) ? value.get() : value);
}

/** Whether a name is there; then a reference to it is stored. */
function condRefOf(run: Execution, code: Cursor, frame: Frame): Value {
  if (!code.atName) {
    const place = run.place(code, frame);
    run.target(code, frame)?.set(place);
    return truth(run, true);
  }
  const node = frame.scope.find(code.name());
  const target = run.target(code, frame);
  if (node) target?.set(run.placeOf(node));
  return truth(run, node !== undefined);
}

function convert(to: (run: Execution, value: Value) => Value): Handler {
  return (run, code, frame) => deliver(run, code, frame, to(run, run.operand(code, frame)));
}

function toPlainInteger(run: Execution, value: Value): bigint {
  if (typeof value !== 'string') return run.wrap(toInteger(value, run.integerBytes));
  const [, hexadecimal, decimal = ''] = /^\s*(?:0[xX]([0-9a-fA-F]+)|(\d*))/.exec(value) ?? [];
  return hexadecimal === undefined ? numberOf(decimal, 10, run.integerBytes) : numberOf(hexadecimal, 16, run.integerBytes);
}

function toDecimal(run: Execution, value: Value): string {
  if (value instanceof Uint8Array) return run.text(Array.from(value).join(','));
  return typeof value === 'bigint' ? run.text(value.toString()) : toText(value, run.integerBytes);
}

function toHexadecimal(run: Execution, value: Value): string {
  return run.text(value instanceof Uint8Array ? Array.from(value, hexByte).join(',') : toText(value, run.integerBytes));
}

function toBufferCopy(run: Execution, value: Value): Uint8Array {
  const bytes = toBuffer(value, run.integerBytes);
  run.allocate(bytes.length);
  return bytes.slice();
}

/** Position of the bit, counted from 1; 0 when there is none. */
const highestBit = (value: bigint): bigint => (value === 0n ? 0n : BigInt(value.toString(2).length));
const lowestBit = (value: bigint): bigint => (value === 0n ? 0n : BigInt(value.toString(2).length - value.toString(2).lastIndexOf('1')));

/** Terms that have a value. ACPI 20.2.5.4. */
export const OPERATORS: readonly (readonly [number, Handler])[] = [
  [0x70, store],
  [0x71, (run, code, frame) => run.place(code, frame)],
  [0x72, binary((left, right) => left + right)],
  [0x73, concatenate],
  [0x74, binary((left, right) => left - right)],
  [0x75, step(1n)],
  [0x76, step(-1n)],
  [0x77, binary((left, right) => left * right)],
  [0x78, divide],
  [0x79, binary((left, right, bits) => (right >= bits ? 0n : left << right))],
  [0x7a, binary((left, right, bits) => (right >= bits ? 0n : left >> right))],
  [0x7b, binary((left, right) => left & right)],
  [0x7c, binary((left, right) => ~(left & right))],
  [0x7d, binary((left, right) => left | right)],
  [0x7e, binary((left, right) => ~(left | right))],
  [0x7f, binary((left, right) => left ^ right)],
  [0x80, unary((value) => ~value)],
  [0x81, unary(highestBit)],
  [0x82, unary(lowestBit)],
  [0x83, derefOf],
  [0x85, binary((left, right) => left % nonZero(right))],
  [0x87, sizeOf],
  [0x88, index],
  [0x8e, objectType],
  [0x90, logical((left, right) => left && right)],
  [0x91, logical((left, right) => left || right)],
  [0x92, (run, code, frame) => truth(run, run.integer(code, frame) === 0n)],
  [0x93, comparison((order) => order === 0)],
  [0x94, comparison((order) => order > 0)],
  [0x95, comparison((order) => order < 0)],
  [0x96, convert(toBufferCopy)],
  [0x97, convert(toDecimal)],
  [0x98, convert(toHexadecimal)],
  [0x99, convert(toPlainInteger)],
  [0x9d, copyObject],
  [0x5b12, condRefOf],
];
