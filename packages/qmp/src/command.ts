import type { MachineControl, MachineType } from '@hotsocket/machine/control';
import type { EventSpec } from './events.js';
import type { JsonObject, JsonOutput } from './json-value.js';
import { type Checks, type Members, type QapiType, readMembers, type ValuesOf } from './qapi-types.js';

/** Runs a line of the human monitor; the lines of the result end in CR LF. */
export interface HumanMonitor {
  execute(line: string, cpuIndex?: number): string;
}

/** What `query-version` and the greeting say. */
export interface QmpVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
  /** Name and version of the program that speaks. */
  readonly package: string;
}

/** What a command may use. */
export interface CommandContext {
  readonly machine: MachineControl;
  readonly humanMonitor: HumanMonitor | undefined;
  /** The types of machine that the program can build. */
  readonly machineTypes: readonly MachineType[];
  readonly version: QmpVersion;
  readonly checks: Checks;
  /** The commands and events of this server. */
  readonly commands: readonly Command[];
  readonly events: readonly EventSpec[];
  /** Ends the negotiation of the connection that runs the command. */
  negotiate(capabilities: readonly string[]): void;
  /** Runs a task when the reply has been handed to the connection: for what may end the process. */
  afterReply(task: () => void): void;
}

/** One command: declaration and behaviour. `query-commands` and a schema are made from the declaration. */
export interface Command {
  readonly name: string;
  /** First QEMU release that had it (for `device_add`: that took CPUs). */
  readonly since: string;
  readonly doc: string;
  readonly args: Members;
  /** Absent for a command that returns nothing, which is `{}` on the wire. */
  readonly returns?: QapiType<unknown>;
  /** When the command exists on a server; absent means always. */
  available?(context: Pick<CommandContext, 'machine' | 'humanMonitor' | 'machineTypes'>): boolean;
  /** Checks the arguments and runs. Throws QmpError or ControlError, and then has changed nothing. */
  execute(context: CommandContext, input: JsonObject): JsonOutput;
}

/** Declaration of a command as it is written down; `args` may be left out for a command without arguments. */
export interface CommandSpec<M extends Members> extends Omit<Command, 'args' | 'execute' | 'returns'> {
  readonly args?: M;
  /** Arguments that are not declared are left to `run`. */
  readonly open?: boolean;
}

/** A command that returns nothing; `run` gets checked arguments in their TypeScript form. */
export interface ActionSpec<M extends Members> extends CommandSpec<M> {
  run(context: CommandContext, args: ValuesOf<M>, input: JsonObject): void;
}

/** A command that returns a value of the type `returns`. */
export interface QuerySpec<M extends Members> extends CommandSpec<M> {
  readonly returns: QapiType<unknown>;
  run(context: CommandContext, args: ValuesOf<M>, input: JsonObject): JsonOutput;
}

const NO_MEMBERS = {};

/** Puts the argument check in front of a command that returns nothing. */
export function action<M extends Members = typeof NO_MEMBERS>(spec: ActionSpec<M>): Command {
  const { args = NO_MEMBERS as M, open, run, ...declaration } = spec;
  return {
    ...declaration,
    args,
    execute(context, input) {
      run(context, readMembers(args, input, context.checks, open), input);
      return {};
    },
  };
}

/** Puts the argument check in front of a command that returns a value. */
export function query<M extends Members = typeof NO_MEMBERS>(spec: QuerySpec<M>): Command {
  const { args = NO_MEMBERS as M, open, run, ...declaration } = spec;
  return { ...declaration, args, execute: (context, input) => run(context, readMembers(args, input, context.checks, open), input) };
}
