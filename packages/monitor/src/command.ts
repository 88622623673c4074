import type { MachineControl } from '@hotsocket/machine/control';
import { MonitorError } from './errors.js';
import { ExpressionReader } from './expression.js';

/** What a command may use. Its text ends lines in LF. */
export interface CommandContext {
  readonly machine: MachineControl;
  /** Program name and version. */
  readonly version: string;
  /** The CPU that register and memory commands mean. */
  readonly cpuIndex: number;
  selectCpu(index: number): void;
}

/** One command of the monitor or one topic of `info`. */
export interface MonitorCommand {
  readonly name: string;
  readonly alias?: string;
  /** Arguments as the help shows them. */
  readonly usage?: string;
  readonly help: string;
  /** Words that may stand as first argument, for completion. */
  words?(context: CommandContext): readonly string[];
  /** Throws MonitorError or ControlError. */
  run(context: CommandContext, args: string): string;
}

/** Refuses arguments of a command that has none. */
export function noArguments({ name }: Pick<MonitorCommand, 'name'>, args: string): void {
  if (args.trim() !== '') throw new MonitorError(`${name} takes no arguments`);
}

/** A command without arguments and without text. */
export function button(name: string, help: string, press: (machine: MachineControl) => void, alias?: string): MonitorCommand {
  return {
    name,
    alias,
    help,
    run({ machine }, args) {
      noArguments({ name }, args);
      press(machine);
      return '';
    },
  };
}

/** An expression reader that knows the registers of the selected CPU; `$pc` is the linear address of its next instruction. */
export function expressions({ machine, cpuIndex }: CommandContext, text: string): ExpressionReader {
  const read = (name: string): bigint | undefined =>
    machine
      .registers(cpuIndex)
      .flatMap(({ registers }) => registers)
      .find((register) => register.name === name)?.value;
  const pc = (): bigint | undefined => machine.cpus.find(({ index }) => index === cpuIndex)?.pc;
  return new ExpressionReader(text, (name) => (name === 'pc' ? pc() : (read(name) ?? readAlias(name, read))));
}

/** `$eax` and the like are the lower halves of 64-bit registers. */
function readAlias(name: string, read: (name: string) => bigint | undefined): bigint | undefined {
  const whole = /^e([a-z]{2}|flags)$/.test(name) ? read(`r${name.slice(1)}`) : undefined;
  return whole === undefined ? undefined : BigInt.asUintN(32, whole);
}

/** The only expression of `text`. */
export function oneExpression(context: CommandContext, text: string): bigint {
  const reader = expressions(context, text);
  const value = reader.next();
  reader.end();
  return value;
}
