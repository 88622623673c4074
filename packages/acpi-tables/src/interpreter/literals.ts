import { AmlRuntimeError } from './aml-runtime-error.js';
import type { Cursor } from './cursor.js';
import type { Execution, Frame } from './execution.js';
import type { Value } from './objects.js';
import type { Handler } from './opcodes.js';

/** ACPI revision that the Revision object tells. */
const REVISION = 2n;
const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, at) => first + at);

function text(run: Execution, code: Cursor): string {
  const start = code.at;
  while (code.byte() !== 0);
  return run.text(String.fromCharCode(...code.bytes.subarray(start, code.at - 1)));
}

/** The bytes that are there; the rest of the size that is said is 0. */
function buffer(run: Execution, code: Cursor, frame: Frame): Uint8Array {
  const inside = code.block();
  const size = run.count(inside, frame);
  const given = inside.end - inside.at;
  const bytes = run.newBuffer(Math.max(size, given));
  bytes.set(inside.take(given));
  return bytes;
}

function elements(run: Execution, inside: Cursor, count: number, frame: Frame): Value[] {
  const list = run.newPackage(count);
  for (let at = 0; !inside.done; at++) {
    if (at >= count) throw new AmlRuntimeError('RANGE', `a package of ${count} elements is given more`);
    list[at] = element(run, inside, frame);
  }
  return list;
}

/** Names in packages are looked up when they are used: they may be declared later. */
function element(run: Execution, inside: Cursor, frame: Frame): Value {
  if (!inside.atName) return run.operand(inside, frame);
  const name = inside.name();
  const { scope } = frame;
  const written = `${name.absolute ? '\\' : '^'.repeat(name.up)}${name.segments.join('.')}`;
  const node = (): ReturnType<typeof scope.find> => scope.find(name);
  return {
    kind: 'name',
    node,
    get text() {
      return node()?.path ?? written;
    },
  };
}

/** Constants, data, and the variables of a method. ACPI 20.2.3 and 20.2.6. */
export const LITERALS: readonly (readonly [number, Handler])[] = [
  [0x00, () => 0n],
  [0x01, () => 1n],
  [0xff, (run) => run.wrap(-1n)],
  [0x0a, (_, code) => code.integer(1)],
  [0x0b, (_, code) => code.integer(2)],
  [0x0c, (_, code) => code.integer(4)],
  [0x0e, (run, code) => run.wrap(code.integer(8))],
  [0x0d, text],
  [0x11, buffer],
  [0x12, (run, code, frame) => ((inside) => elements(run, inside, inside.byte(), frame))(code.block())],
  [0x13, (run, code, frame) => ((inside) => elements(run, inside, run.count(inside, frame), frame))(code.block())],
  [0x5b30, () => REVISION],
  [0x5b31, (run) => ({ kind: 'reference', get: () => undefined, set: (value: Value) => run.effects.debug?.(String(value)) })],
  [0x5b33, () => 0n],
  ...range(0x60, 8).map((opcode) => [opcode, (_: Execution, __: Cursor, frame: Frame) => frame.locals[opcode - 0x60]] as const),
  ...range(0x68, 7).map((opcode) => [opcode, (_: Execution, __: Cursor, frame: Frame) => frame.args[opcode - 0x68]] as const),
];
