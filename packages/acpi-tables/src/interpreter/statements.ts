import { AmlRuntimeError } from './aml-runtime-error.js';
import { Cursor } from './cursor.js';
import type { Execution, Frame } from './execution.js';
import type { Mutex, Value } from './objects.js';
import type { Handler } from './opcodes.js';
import { describe } from './values.js';

const ELSE = 0xa1;

function iff(run: Execution, code: Cursor, frame: Frame): Value {
  const body = code.block();
  const holds = run.integer(body, frame) !== 0n;
  if (holds) run.block(body, frame);
  if (code.done || code.peek() !== ELSE) return undefined;
  code.byte();
  const otherwise = code.block();
  if (!holds) run.block(otherwise, frame);
  return undefined;
}

/** An Else that follows no If: nothing decides for it. */
function strayElse(): Value {
  throw new AmlRuntimeError('BAD_OPCODE', 'an Else without an If');
}

function loop(run: Execution, code: Cursor, frame: Frame): Value {
  const body = code.block();
  const again = (): Cursor => new Cursor(body.bytes, body.at, body.end);
  for (let pass = again(); frame.flow === 'on' && run.integer(pass, frame) !== 0n; pass = again()) {
    run.step();
    run.block(pass, frame);
    arrive(frame, 'continue');
  }
  arrive(frame, 'break');
  return undefined;
}

/** Control has come to where a Break or Continue leads. */
function arrive(frame: Frame, flow: Frame['flow']): void {
  if (frame.flow === flow) frame.flow = 'on';
}

function goes(flow: Frame['flow']): Handler {
  return (_, __, frame) => {
    frame.flow = flow;
    return undefined;
  };
}

function returns(run: Execution, code: Cursor, frame: Frame): Value {
  frame.result = run.operand(code, frame);
  frame.flow = 'return';
  return undefined;
}

function notify(run: Execution, code: Cursor, frame: Frame): Value {
  const object = run.term(code, frame);
  const value = Number(run.integer(code, frame));
  if (typeof object !== 'object' || !('kind' in object) || object.kind !== 'node')
    throw new AmlRuntimeError('TYPE', `${describe(object)} cannot be notified`);
  run.effects.notified?.(object.path, value);
  return undefined;
}

function mutexAt(run: Execution, code: Cursor, frame: Frame): { readonly mutex: Mutex; readonly path: string } {
  const { object, path } = run.look(code.name(), frame);
  if (object.kind !== 'mutex') throw new AmlRuntimeError('TYPE', `${path} is a ${object.kind}, no mutex`);
  return { mutex: object, path };
}

/** There is one thread: a mutex is always free for it. 0 says that it was acquired. */
function acquire(run: Execution, code: Cursor, frame: Frame): Value {
  run.take(mutexAt(run, code, frame).mutex);
  code.take(2);
  return 0n;
}

function release(run: Execution, code: Cursor, frame: Frame): Value {
  const { mutex, path } = mutexAt(run, code, frame);
  if (mutex.held === 0) throw new AmlRuntimeError('MUTEX', `${path} is released, and not held`);
  mutex.held--;
  return undefined;
}

function fatal(run: Execution, code: Cursor, frame: Frame): Value {
  const type = code.byte();
  const number = code.integer(4);
  throw new AmlRuntimeError('FATAL', `the code stops with type ${type}, code ${number}, argument ${run.integer(code, frame)}`);
}

function pause(perMillisecond: number): Handler {
  return (run, code, frame) => {
    run.effects.slept?.(Number(run.integer(code, frame)) / perMillisecond);
    return undefined;
  };
}

/** Terms that have no value. ACPI 20.2.5.3. */
export const STATEMENTS: readonly (readonly [number, Handler])[] = [
  [0x86, notify],
  [0x9f, goes('continue')],
  [0xa0, iff],
  [ELSE, strayElse],
  [0xa2, loop],
  [0xa3, () => undefined],
  [0xa4, returns],
  [0xa5, goes('break')],
  [0xcc, () => undefined],
  [0x5b21, pause(1000)],
  [0x5b22, pause(1)],
  [0x5b23, acquire],
  [0x5b27, release],
  [0x5b32, fatal],
];
