import type { AccessSize } from '@hotsocket/address-space';
import type { Arguments } from './arguments.js';
import { QtestError } from './arguments.js';
import { fromBase64, fromHex, toBase64, toHex } from './bytes.js';
import type { QtestTarget } from './target.js';

/** What a command works with. */
export interface CommandContext {
  readonly target: QtestTarget;
  /** Longest range of one command, bytes. */
  readonly longestRange: number;
  intercept(path: string, direction: 'in' | 'out'): void;
}

/** Obeys; the text, if any, follows the word OK. Throws QtestError. */
export type Command = (args: Arguments, context: CommandContext) => string | undefined;

const LARGEST: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };
const LARGEST_QUAD = 2n ** 64n - 1n;
/** Guest time counts whole nanoseconds exactly up to here: 104 days. */
const LATEST_NS = Number.MAX_SAFE_INTEGER;

const hex = (value: number | bigint, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

const readPort =
  (size: AccessSize): Command =>
  (args, { target }) =>
    hex(target.readPort(args.port(), size), 4);

const writePort =
  (size: AccessSize): Command =>
  (args, { target }) => {
    const port = args.port();
    target.writePort(port, size, truncated(args, size));
    return undefined;
  };

const readMemory =
  (size: AccessSize): Command =>
  (args, { target }) =>
    hex(target.readMemory(args.address(), size), 16);

const writeMemory =
  (size: AccessSize): Command =>
  (args, { target }) => {
    const gpa = args.address();
    target.writeMemory(gpa, size, truncated(args, size));
    return undefined;
  };

/** Values wider than the access lose their upper bits. */
const truncated = (args: Arguments, size: AccessSize): number => Number(args.integer('value', LARGEST_QUAD) & BigInt(LARGEST[size]));

function readQuad(args: Arguments, { target }: CommandContext): string {
  const gpa = args.address();
  const low = BigInt(target.readMemory(gpa, 4));
  return hex((BigInt(target.readMemory(gpa + 4, 4)) << 32n) | low, 16);
}

function writeQuad(args: Arguments, { target }: CommandContext): undefined {
  const gpa = args.address();
  const value = args.integer('value', LARGEST_QUAD);
  target.writeMemory(gpa, 4, Number(value & 0xffff_ffffn));
  target.writeMemory(gpa + 4, 4, Number(value >> 32n));
  return undefined;
}

function readRange(args: Arguments, context: CommandContext): Uint8Array {
  const { gpa, length } = args.range(context.longestRange);
  const bytes = new Uint8Array(length);
  context.target.readBytes(gpa, bytes);
  return bytes;
}

function write(args: Arguments, { target, longestRange }: CommandContext): undefined {
  const { gpa, length } = args.range(longestRange);
  target.writeBytes(gpa, fromHex(args.word('data'), length));
  return undefined;
}

function writeBase64(args: Arguments, { target, longestRange }: CommandContext): undefined {
  const { gpa, length } = args.range(longestRange);
  target.writeBytes(gpa, fromBase64(args.word('data')).subarray(0, length));
  return undefined;
}

function fill(args: Arguments, { target, longestRange }: CommandContext): undefined {
  const { gpa, length } = args.range(longestRange);
  target.writeBytes(gpa, new Uint8Array(length).fill(truncated(args, 1)));
  return undefined;
}

/** Without an argument: to the next timer of any device. Answers the time that it is then. */
function clockStep(args: Arguments, { target }: CommandContext): string {
  const next = target.nextDeadline();
  const ns = args.left > 0 ? target.now() + args.number('ns', LATEST_NS) : Number.isFinite(next) ? next : target.now();
  return advance(target, ns);
}

function advance(target: QtestTarget, ns: number): string {
  if (ns > LATEST_NS) throw new QtestError('Time leaves the range of the clock');
  target.advanceTo(ns);
  return String(target.now());
}

const intercept =
  (direction: 'in' | 'out'): Command =>
  (args, context) => {
    context.intercept(args.word('path'), direction);
    return undefined;
  };

function setIrqIn(args: Arguments, { target }: CommandContext): undefined {
  const path = args.word('path');
  const name = args.word('name');
  const number = args.number('number', 0xffff);
  if (!target.setIrqIn(path, name, number, args.number('level', 0xffff_ffff) !== 0)) throw new QtestError('Unknown device');
  return undefined;
}

/** The commands of the protocol. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['inb', readPort(1)],
  ['inw', readPort(2)],
  ['inl', readPort(4)],
  ['outb', writePort(1)],
  ['outw', writePort(2)],
  ['outl', writePort(4)],
  ['readb', readMemory(1)],
  ['readw', readMemory(2)],
  ['readl', readMemory(4)],
  ['readq', readQuad],
  ['writeb', writeMemory(1)],
  ['writew', writeMemory(2)],
  ['writel', writeMemory(4)],
  ['writeq', writeQuad],
  ['read', (args, context) => `0x${toHex(readRange(args, context))}`],
  ['write', write],
  ['b64read', (args, context) => toBase64(readRange(args, context))],
  ['b64write', writeBase64],
  ['memset', fill],
  ['endianness', () => 'little'],
  ['clock_step', clockStep],
  ['clock_set', (args, { target }) => advance(target, args.number('ns', LATEST_NS))],
  ['irq_intercept_in', intercept('in')],
  ['irq_intercept_out', intercept('out')],
  ['set_irq_in', setIrqIn],
]);
