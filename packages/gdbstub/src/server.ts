import type { DebugControl, MachineControl } from '@hotsocket/machine/control';
import type { Description } from './registers.js';
import { GdbSession, type GdbSink } from './session.js';

/** How a gdb server is set up. Only the machine is needed. */
export interface GdbServerOptions {
  /** A machine with `debug`. */
  readonly machine: MachineControl;
  /** Runs the lines of `monitor`; without it gdb says that the target does not support the command. */
  readonly humanMonitor?: { execute(line: string, cpuIndex?: number): string };
  /** Registers and architecture that gdb is told of; default `x86-64`. */
  readonly description?: Description;
  /** What happens to a machine that stands when its client vanishes without `detach`; default `pause`: it stays as it is. */
  readonly onDisconnect?: 'pause' | 'continue';
  /** One line for the operator. */
  readonly log?: (message: string) => void;
}

/** The machine cannot be debugged from outside. */
export class NotDebuggableError extends Error {
  readonly code = 'NOT_DEBUGGABLE';
}

/** The gdb side of one machine: one client at a time, over any transport. */
export class GdbServer {
  readonly #options: GdbServerOptions;
  readonly #debug: DebugControl;
  #session: GdbSession | undefined;

  /** Throws NotDebuggableError. */
  constructor(options: GdbServerOptions) {
    if (!options.machine.debug) throw new NotDebuggableError('this machine has no debug interface');
    this.#options = options;
    this.#debug = options.machine.debug;
  }

  /** A client is served. */
  get busy(): boolean {
    return this.#session !== undefined;
  }

  /** Starts a session, which stops the machine; undefined while another client is served. The caller feeds it and calls `release`. */
  connect(sink: GdbSink): GdbSession | undefined {
    if (this.#session) return undefined;
    const { machine, humanMonitor, description = 'x86-64', onDisconnect = 'pause' } = this.#options;
    this.#session = new GdbSession(
      { machine, debug: this.#debug, humanMonitor, description, onDisconnect, log: (message) => this.log(message) },
      sink,
    );
    return this.#session;
  }

  /** The client of a session is gone. */
  release(session: GdbSession): void {
    if (this.#session === session) this.#session = undefined;
    session.close();
  }

  /** Writes a line to the operator's log. */
  log(message: string): void {
    this.#options.log?.(message);
  }
}
