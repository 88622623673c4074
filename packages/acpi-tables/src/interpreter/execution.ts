import { AmlRuntimeError } from './aml-runtime-error.js';
import { type AmlName, Cursor, nameText } from './cursor.js';
import type { FieldAccess } from './fields.js';
import type { Node } from './namespace.js';
import type { Method, Mutex, NamedObject, Reference, Value } from './objects.js';
import { OPCODES } from './opcodes.js';
import { type Charge, copyOf, describe, ELEMENT_BYTES, likeTarget, sizeOf, toInteger } from './values.js';

/** Bounds of one call, or of loading one table. */
export interface AmlLimits {
  /** Terms executed. */
  readonly steps: number;
  /** Terms within terms, calls included. */
  readonly depth: number;
  /** Bytes of all buffers, strings and packages that are made. */
  readonly bytes: number;
}

/** What code does to the world outside. */
export interface AmlEffects {
  /** `Notify`: 1 is a device check, 3 an eject request. ACPI 5.6.6. */
  readonly notified?: (path: string, value: number) => void;
  /** `Sleep` (milliseconds) and `Stall` (thousandths); nothing waits. */
  readonly slept?: (milliseconds: number) => void;
  /** A store to the Debug object. */
  readonly debug?: (text: string) => void;
}

/** Where control stands in a method. */
export interface Frame {
  readonly scope: Node;
  readonly locals: Value[];
  readonly args: Value[];
  /** Objects that the method has made; they go when it ends. */
  readonly made: Node[];
  flow: 'on' | 'break' | 'continue' | 'return';
  result: Value;
}

export const newFrame = (scope: Node, args: readonly Value[] = []): Frame => ({
  scope,
  locals: [],
  args: [...args],
  made: [],
  flow: 'on',
  result: undefined,
});

/** One call from outside, or the loading of one table, and what it may still use up. */
export class Execution {
  readonly effects: AmlEffects;
  /** Width of integers: 4 in tables of revision 1, else 8. */
  readonly integerBytes: 4 | 8;
  readonly #fields: FieldAccess;
  readonly #limits: AmlLimits;
  #steps = 0;
  #depth = 0;
  #bytes = 0;
  readonly #mutexes: Mutex[] = [];

  constructor(fields: FieldAccess, limits: AmlLimits, effects: AmlEffects, integerBytes: 4 | 8) {
    this.#fields = fields;
    this.#limits = limits;
    this.effects = effects;
    this.integerBytes = integerBytes;
  }

  // Bounds

  /** Counts bytes that are about to be made, before they are. */
  readonly allocate: Charge = (bytes) => {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytes) throw new AmlRuntimeError('SIZE_LIMIT', `more than ${this.#limits.bytes} bytes were made`);
  };

  copy(value: Value): Value {
    return copyOf(value, this.allocate);
  }

  /** Counts a term, a turn of a loop, or as many looks at 16 elements of something long. */
  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > this.#limits.steps) throw new AmlRuntimeError('STEP_LIMIT', `more than ${this.#limits.steps} terms were executed`);
  }

  #nested<T>(action: () => T): T {
    if (this.#depth >= this.#limits.depth)
      throw new AmlRuntimeError('DEPTH_LIMIT', `terms are nested more than ${this.#limits.depth} deep`);
    this.#depth++;
    try {
      return action();
    } finally {
      this.#depth--;
    }
  }

  // Mutexes

  take(mutex: Mutex): void {
    mutex.held++;
    this.#mutexes.push(mutex);
  }

  /** Code that failed, or forgot, holds nothing afterwards. */
  releaseAll(): void {
    for (const mutex of this.#mutexes) mutex.held = 0;
  }

  // Code

  /** Executes terms one after the other until they end or control goes elsewhere. */
  block(code: Cursor, frame: Frame): void {
    while (!code.done && frame.flow === 'on') this.term(code, frame);
  }

  /** Executes the term at the cursor; its value, if it has one. */
  term(code: Cursor, frame: Frame): Value {
    this.step();
    return this.#nested(() => (code.atName ? this.#named(code, frame) : this.#operation(code, frame)));
  }

  /** The value of a term: what it refers to is read, a method is called. */
  operand(code: Cursor, frame: Frame): Value {
    const value = this.value(this.term(code, frame));
    this.step(sizeOf(value) >> 4);
    return value;
  }

  integer(code: Cursor, frame: Frame): bigint {
    return toInteger(this.operand(code, frame), this.integerBytes);
  }

  /** A whole number that must be small: an index, a length, a shift. */
  count(code: Cursor, frame: Frame, most = 0xffff_ffff): number {
    const value = this.integer(code, frame);
    if (value > BigInt(most)) throw new AmlRuntimeError('RANGE', `${value} where at most ${most} is possible`);
    return Number(value);
  }

  /** Cuts a number to the width of integers. */
  wrap(value: bigint): bigint {
    return BigInt.asUintN(8 * this.integerBytes, value);
  }

  /** A package's names and fields by what they hold; all else as it is. */
  value(value: Value): Value {
    if (typeof value !== 'object' || value instanceof Uint8Array || Array.isArray(value)) return value;
    if (value.kind === 'node') return this.read(value);
    return value;
  }

  #operation(code: Cursor, frame: Frame): Value {
    const at = code.at;
    const opcode = code.opcode();
    const handler = OPCODES.get(opcode);
    if (!handler) throw new AmlRuntimeError('BAD_OPCODE', `no term begins with 0x${opcode.toString(16)} (offset ${at})`);
    return handler(this, code, frame);
  }

  #named(code: Cursor, frame: Frame): Value {
    const node = this.look(code.name(), frame);
    const { object } = node;
    if (object.kind !== 'method' && object.kind !== 'native') return node;
    const args = Array.from({ length: object.args }, () => this.copy(this.operand(code, frame)));
    return object.kind === 'native' ? object.call(args) : this.call(node, object, args);
  }

  // Names

  look(name: AmlName, { scope }: Frame): Node {
    const node = scope.find(name);
    if (!node) throw new AmlRuntimeError('NOT_FOUND', `there is no ${nameText(name)} in ${scope.path}`);
    return node;
  }

  /** Makes a named object; one that a method makes lives as long as its call. */
  declare(name: AmlName, object: NamedObject, frame: Frame): Node {
    this.allocate(ELEMENT_BYTES);
    const node = frame.scope.add(name, object);
    frame.made.push(node);
    return node;
  }

  /** What a named object holds; objects that are no data stand for themselves. */
  read(node: Node): Value {
    const { object } = node;
    if (object.kind === 'data') return object.value;
    if (object.kind !== 'field' && object.kind !== 'index-field' && object.kind !== 'buffer-field') return node;
    this.#chargeField(object.bits);
    return this.#fields.read(object, this.integerBytes);
  }

  /** Stores to a named object, converting to the type it has; throws `TYPE` for one that cannot be stored to. */
  write(node: Node, value: Value): void {
    const { object } = node;
    if (object.kind === 'data') object.value = likeTarget(object.value, value, this.integerBytes, this.allocate);
    else if (object.kind === 'field' || object.kind === 'index-field' || object.kind === 'buffer-field') {
      this.#chargeField(object.bits);
      this.#fields.write(object, value, this.integerBytes);
    } else throw new AmlRuntimeError('TYPE', `${node.path} is a ${object.kind}, nothing can be stored to it`);
  }

  /** A wide field is as many accesses. */
  #chargeField(bits: number): void {
    this.allocate(bits >> 3);
    this.step(bits >> 3);
  }

  // Calls

  call(node: Node, { body }: Method, args: readonly Value[]): Value {
    const frame = newFrame(node, args);
    try {
      this.#nested(() => this.block(new Cursor(body.bytes, body.at, body.end), frame));
      return frame.result;
    } finally {
      for (const made of frame.made) made.remove();
    }
  }

  // Targets

  /** What stands where a result goes; undefined for nowhere. */
  target(code: Cursor, frame: Frame): Reference | undefined {
    if (code.peek() === 0) {
      code.byte();
      return undefined;
    }
    return this.place(code, frame);
  }

  /** A place that can be read and stored to. */
  place(code: Cursor, frame: Frame): Reference {
    if (code.atName) return this.placeOf(this.look(code.name(), frame));
    const opcode = code.peek();
    if (opcode >= 0x60 && opcode <= 0x67) return this.#variable(frame.locals, code.byte() - 0x60);
    if (opcode >= 0x68 && opcode <= 0x6e) return this.#argument(frame.args, code.byte() - 0x68);
    const value = this.term(code, frame);
    if (typeof value === 'object' && !(value instanceof Uint8Array) && !Array.isArray(value)) {
      if (value.kind === 'reference') return value;
      if (value.kind === 'node') return this.placeOf(value);
    }
    throw new AmlRuntimeError('TYPE', `${describe(value)} where a place to store to is needed`);
  }

  placeOf(node: Node): Reference {
    return { kind: 'reference', get: () => this.read(node), set: (value) => this.write(node, value) };
  }

  #variable(variables: Value[], at: number): Reference {
    return { kind: 'reference', get: () => variables[at], set: (value) => void (variables[at] = this.copy(value)) };
  }

  /** An argument that holds a reference stores to what it refers to. */
  #argument(args: Value[], at: number): Reference {
    const held = args[at];
    if (typeof held === 'object' && !(held instanceof Uint8Array) && !Array.isArray(held) && held.kind === 'reference') return held;
    return this.#variable(args, at);
  }

  // Making values

  newBuffer(bytes: number): Uint8Array {
    this.allocate(bytes);
    return new Uint8Array(bytes);
  }

  newPackage(elements: number): Value[] {
    this.allocate(ELEMENT_BYTES * elements);
    return new Array<Value>(elements).fill(undefined);
  }

  text(value: string): string {
    this.allocate(value.length);
    return value;
  }
}
