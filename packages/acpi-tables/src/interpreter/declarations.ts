import { AmlRuntimeError } from './aml-runtime-error.js';
import type { AmlName, Cursor } from './cursor.js';
import type { Execution, Frame } from './execution.js';
import { newFrame } from './execution.js';
import type { Node } from './namespace.js';
import type { Field, NamedObject, Region, Value } from './objects.js';
import type { Handler } from './opcodes.js';

type Container = 'device' | 'processor' | 'power-resource' | 'thermal-zone';
const WIDTHS: Readonly<Record<number, 1 | 2 | 4 | 8>> = { 0: 1, 1: 1, 2: 2, 3: 4, 4: 8, 5: 1 };

/** Terms of a scope: they see its names, and what they make stays with the term that holds them. */
function inside(run: Execution, code: Cursor, scope: Node, frame: Frame): void {
  const inner = { ...newFrame(scope, frame.args), locals: frame.locals, made: frame.made };
  run.block(code, inner);
}

function container(kind: Container, extraBytes: number): Handler {
  return (run, code, frame) => {
    const body = code.block();
    const node = run.declare(body.name(), { kind }, frame);
    body.take(extraBytes);
    inside(run, body, node, frame);
    return undefined;
  };
}

function scope(run: Execution, code: Cursor, frame: Frame): Value {
  const body = code.block();
  inside(run, body, run.look(body.name(), frame), frame);
  return undefined;
}

function name(run: Execution, code: Cursor, frame: Frame): Value {
  const path = code.name();
  run.declare(path, { kind: 'data', value: run.copy(run.operand(code, frame)) }, frame);
  return undefined;
}

function method(run: Execution, code: Cursor, frame: Frame): Value {
  const body = code.block();
  const path = body.name();
  const args = body.byte() & 7;
  run.declare(path, { kind: 'method', args, body }, frame);
  return undefined;
}

function region(run: Execution, code: Cursor, frame: Frame): Value {
  const path = code.name();
  const space = code.byte();
  const [offset, length] = [run.integer(code, frame), run.integer(code, frame)];
  const node = run.declare(path, { kind: 'scope' }, frame);
  node.object = { kind: 'region', space, offset, length, node };
  return undefined;
}

function regionNamed(run: Execution, path: AmlName, frame: Frame): Region {
  const { object, path: where } = run.look(path, frame);
  if (object.kind !== 'region') throw new AmlRuntimeError('TYPE', `${where} is a ${object.kind}, no region`);
  return object;
}

function fieldNamed(run: Execution, path: AmlName, frame: Frame): Field {
  const { object, path: where } = run.look(path, frame);
  if (object.kind !== 'field') throw new AmlRuntimeError('TYPE', `${where} is a ${object.kind}, no field of a region`);
  return object;
}

interface Unit {
  readonly bit: number;
  readonly bits: number;
  readonly width: 1 | 2 | 4 | 8;
  readonly update: number;
}

/** Elements of a field list: a name and its bits, bits to skip, a change of access. ACPI 20.2.5.2. */
function fieldList(run: Execution, body: Cursor, frame: Frame, make: (unit: Unit) => NamedObject): void {
  let flags = body.byte();
  for (let bit = 0; !body.done; ) {
    const lead = body.peek();
    if (lead === 0x00) {
      body.byte();
      bit += body.length();
    } else if (lead === 0x01) {
      body.byte();
      flags = (flags & 0xf0) | (body.byte() & 0x0f);
      body.byte();
    } else bit += fieldUnit(run, body, frame, { bit, flags }, make);
  }
}

function fieldUnit(
  run: Execution,
  body: Cursor,
  frame: Frame,
  { bit, flags }: { readonly bit: number; readonly flags: number },
  make: (unit: Unit) => NamedObject,
): number {
  const segment = String.fromCharCode(...body.take(4));
  const bits = body.length();
  const width = WIDTHS[flags & 0x0f] ?? 1;
  run.declare({ absolute: false, up: 0, segments: [segment] }, make({ bit, bits, width, update: (flags >> 5) & 3 }), frame);
  return bits;
}

function field(run: Execution, code: Cursor, frame: Frame): Value {
  const body = code.block();
  const of = regionNamed(run, body.name(), frame);
  fieldList(run, body, frame, (unit) => ({ kind: 'field', region: of, ...unit }));
  return undefined;
}

function indexField(run: Execution, code: Cursor, frame: Frame): Value {
  const body = code.block();
  const [index, data] = [fieldNamed(run, body.name(), frame), fieldNamed(run, body.name(), frame)];
  fieldList(run, body, frame, (unit) => ({ kind: 'index-field', index, data, ...unit }));
  return undefined;
}

function bufferField(unitBits: number, bits: number | undefined): Handler {
  return (run, code, frame) => {
    const bytes = run.operand(code, frame);
    if (!(bytes instanceof Uint8Array)) throw new AmlRuntimeError('TYPE', 'a field of a buffer is made of something else');
    const bit = unitBits * run.count(code, frame, 0x0fff_ffff);
    const length = bits ?? run.count(code, frame, 0x0fff_ffff);
    if (length === 0 || bit + length > 8 * bytes.length)
      throw new AmlRuntimeError('RANGE', `a field of ${length} bits at bit ${bit} leaves its buffer of ${bytes.length} bytes`);
    run.declare(code.name(), { kind: 'buffer-field', bytes, bit, bits: length }, frame);
    return undefined;
  };
}

function simple(make: (code: Cursor) => NamedObject): Handler {
  return (run, code, frame) => {
    const path = code.name();
    run.declare(path, make(code), frame);
    return undefined;
  };
}

/** Its level of synchronisation says nothing where there is one thread. */
function mutex(code: Cursor): NamedObject {
  code.byte();
  return { kind: 'mutex', held: 0 };
}

function alias(run: Execution, code: Cursor, frame: Frame): Value {
  const source = run.look(code.name(), frame);
  run.declare(code.name(), source.object, frame);
  return undefined;
}

/** A promise that another table has the name. */
function external(_: Execution, code: Cursor): Value {
  code.name();
  code.take(2);
  return undefined;
}

/** Terms that put something into the namespace. ACPI 20.2.5.1 and 20.2.5.2. */
export const DECLARATIONS: readonly (readonly [number, Handler])[] = [
  [0x06, alias],
  [0x08, name],
  [0x10, scope],
  [0x14, method],
  [0x15, external],
  [0x5b01, simple(mutex)],
  [0x5b02, simple(() => ({ kind: 'event' }))],
  [0x5b13, bufferField(1, undefined)],
  [0x5b80, region],
  [0x5b81, field],
  [0x5b82, container('device', 0)],
  [0x5b83, container('processor', 6)],
  [0x5b84, container('power-resource', 3)],
  [0x5b85, container('thermal-zone', 0)],
  [0x5b86, indexField],
  [0x8a, bufferField(8, 32)],
  [0x8b, bufferField(8, 16)],
  [0x8c, bufferField(8, 8)],
  [0x8d, bufferField(1, 1)],
  [0x8f, bufferField(8, 64)],
];
