import type { MachineControl, MachineType } from '@hotsocket/machine/control';
import type { HumanMonitor, QmpVersion } from './command.js';
import { COMMANDS } from './commands.js';
import type { Dialect } from './dialect.js';
import { EventFeed, type EventServices, eventsOf } from './events.js';
import { DEFAULT_JSON_LIMITS, type JsonLimits } from './json-parser.js';
import { checksOf } from './qapi-types.js';
import { QmpSession, type QmpSink, type SessionHost } from './session.js';
import { offers } from './since.js';

/** How a QMP server is set up. Only the machine is needed. */
export interface QmpServerOptions {
  readonly machine: MachineControl;
  /** Whose texts and commands; see `Dialect`. */
  readonly dialect?: Dialect;
  /** Serves `human-monitor-command`; without it that command does not exist. */
  readonly humanMonitor?: HumanMonitor;
  /** The types of machine that the program can build; without them `query-machines` does not exist. */
  readonly machineTypes?: readonly MachineType[];
  /** Program name and version for the greeting. */
  readonly packageName?: string;
  /** One line for the operator: refused connections, dropped events, internal errors. */
  readonly log?: (message: string) => void;
  readonly limits?: Partial<QmpLimits>;
  /** Wall clock and timers; the host's by default. */
  readonly services?: EventServices;
}

/** Bounds of one connection. */
export interface QmpLimits extends Omit<JsonLimits, 'allowNull'> {
  /** Unread bytes above which events are dropped and requests wait. Default 4 MiB. */
  readonly maxPendingBytes: number;
}

const RELEASES: Readonly<Record<Dialect, Omit<QmpVersion, 'package'>>> = {
  default: { major: 1, minor: 5, micro: 0 },
  '1.5': { major: 1, minor: 5, micro: 0 },
  '3.1': { major: 3, minor: 1, micro: 0 },
};

const MAX_PENDING_BYTES = 4 << 20;

/** The QMP side of one machine: any number of sessions over any transport, all with the same events. */
export class QmpServer {
  readonly #host: SessionHost;
  readonly #feed: EventFeed;
  readonly #sessions = new Set<QmpSession>();

  constructor(options: QmpServerOptions) {
    this.#host = makeHost(options);
    const { machine, services } = this.#host;
    this.#feed = new EventFeed(machine.events$, this.#host.checks.dialect, services, (event) => {
      for (const session of this.#sessions) session.event(event);
    });
  }

  /** Starts a session: the greeting is written to the sink at once. The caller feeds it and calls `release` when its client is gone. */
  connect(sink: QmpSink): QmpSession {
    const session = new QmpSession(this.#host, sink);
    this.#sessions.add(session);
    return session;
  }

  /** Forgets a session whose client is gone. Nothing happens to the machine. */
  release(session: QmpSession): void {
    this.#sessions.delete(session);
    session.close();
  }

  /** Writes a line to the operator's log. */
  log(message: string): void {
    this.#host.log(message);
  }

  /** Stops listening to the machine and ends all sessions after the reply that is due. */
  dispose(): void {
    this.#feed.dispose();
    for (const session of this.#sessions) session.close();
    this.#sessions.clear();
  }
}

function makeHost(options: QmpServerOptions): SessionHost {
  const { machine, humanMonitor, machineTypes = [], dialect = 'default', limits = {} } = options;
  const offered = { machine, humanMonitor, machineTypes };
  const { maxPendingBytes = MAX_PENDING_BYTES, ...json } = limits;
  return {
    ...offered,
    version: { ...RELEASES[dialect], package: options.packageName ?? 'hotsocket' },
    checks: checksOf(dialect),
    commands: COMMANDS.filter((command) => offers(dialect, command.since) && (command.available?.(offered) ?? true)),
    events: eventsOf(dialect),
    services: options.services ?? hostServices,
    jsonLimits: { ...DEFAULT_JSON_LIMITS, ...json, allowNull: dialect !== '1.5' },
    maxPendingBytes,
    log: options.log ?? (() => {}),
  };
}

/** Wall clock and timers of Node and of browsers; a timer does not keep a Node process alive. */
const hostServices: EventServices = {
  now: () => (performance.timeOrigin + performance.now()) * 1000,
  schedule(ms, task) {
    const timer: unknown = setTimeout(task, ms);
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref();
    return () => clearTimeout(timer as number);
  },
};
