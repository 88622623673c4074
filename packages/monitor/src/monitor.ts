import type { MachineControl } from '@hotsocket/machine/control';
import type { CommandContext } from './command.js';
import { findCommand, MONITOR_COMMANDS } from './commands.js';
import { MonitorError } from './errors.js';

/** How a monitor is set up. Only the machine is needed. */
export interface MonitorOptions {
  readonly machine: MachineControl;
  /** Program name and version, for `info version` and the banner. */
  readonly version?: string;
  /** Text of an error that the machine threw; its message by default. A frontend with a dialect puts its own texts here. */
  readonly errorText?: (error: Error) => string;
  /** Receives errors that are nobody's fault but ours. */
  readonly log?: (message: string) => void;
}

/** The human monitor: lines in, text out. Knows no terminal. */
export class Monitor {
  readonly version: string;
  readonly #machine: MachineControl;
  readonly #errorText: (error: Error) => string;
  readonly #log: (message: string) => void;
  #selected = 0;

  constructor({ machine, version, errorText, log }: MonitorOptions) {
    this.#machine = machine;
    this.version = version ?? 'hotsocket';
    this.#errorText = errorText ?? ((error) => error.message);
    this.#log = log ?? (() => {});
  }

  /**
   * Runs one line and returns its text; every line of the text ends in CR LF. Never throws: what is wrong is said in the text. With
   * `cpuIndex` the line means that CPU, without the selection of `cpu` being changed.
   */
  execute(line: string, cpuIndex?: number): string {
    const text = this.#run(line, this.#context(cpuIndex));
    return text.replace(/\r?\n/g, '\r\n');
  }

  /** Ways to go on from the last word of `line`: command names first, then the words of the command. */
  complete(line: string): readonly string[] {
    const [, name, args] = /^\s*(\S+)\s+(.*)$/s.exec(line) ?? [];
    if (name === undefined || args === undefined) return startingWith(commandNames(), line.trimStart());
    if (/\s/.test(args)) return [];
    return startingWith(findCommand(name)?.words?.(this.#context(undefined)) ?? [], args);
  }

  #context(cpuIndex: number | undefined): CommandContext {
    return {
      machine: this.#machine,
      version: this.version,
      cpuIndex: cpuIndex ?? this.#selected,
      selectCpu: (index) => {
        if (cpuIndex === undefined) this.#selected = index;
      },
    };
  }

  #run(line: string, context: CommandContext): string {
    const [, name = '', args = ''] = /^\s*([^\s/]*)(.*)$/s.exec(line) ?? [];
    if (name === '' && args.trim() === '') return '';
    const command = findCommand(name);
    if (command === undefined) return `unknown command: '${(name || args).slice(0, 80)}'\n`;
    try {
      return command.run(context, args);
    } catch (error) {
      return `${this.#explain(error)}\n`;
    }
  }

  #explain(error: unknown): string {
    if (error instanceof MonitorError) return error.message;
    if (error instanceof Error && 'kind' in error && error.kind === 'control') return this.#errorText(error);
    const message = error instanceof Error ? error.message : String(error);
    this.#log(`a monitor command failed: ${message}`);
    return `Internal error: ${message}`;
  }
}

function commandNames(): readonly string[] {
  return MONITOR_COMMANDS.flatMap(({ name, alias }) => (alias === undefined || alias.length < 3 ? [name] : [name, alias]));
}

function startingWith(words: readonly string[], start: string): readonly string[] {
  return words.filter((word) => word.startsWith(start));
}
