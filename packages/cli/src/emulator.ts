import { unlinkSync, writeFileSync } from 'node:fs';
import type { GdbEndpoint } from '@hotsocket/gdbstub/node';
import { CpuAddError, type MachineControl, type ShutdownReason } from '@hotsocket/machine/control';
import { missingFeatures, type Pc } from '@hotsocket/machine-pc';
import { Monitor } from '@hotsocket/monitor';
import { cpuAddText, QmpServer } from '@hotsocket/qmp';
import { Trace, type TraceRecord } from '@hotsocket/trace';
import { buildMachine } from './build-machine.js';
import { type CharBackend, NullBackend } from './char/char-backend.js';
import { FileBackend } from './char/file.js';
import { SocketBackend } from './char/socket.js';
import { type StandardStreams, StdioBackend } from './char/stdio.js';
import type { CharUse, MachineConfig, QmpSocket } from './command-line.js';
import { attachDebugConsole, attachMonitor, attachQmp, attachSerial, attachShared } from './consoles.js';
import { Log, TraceLog } from './log.js';
import { MACHINE_TYPES } from './machine-types.js';
import type { CharDevice } from './options/char-device.js';
import { cpuModelText } from './options/cpu-model.js';
import { bind, openQmpSocket } from './qmp-sockets.js';
import { openQtest } from './qtest.js';
import { systemText, UsageError } from './usage-error.js';
import { VERSION_TEXT } from './version.js';

const TRIPLE_FAULT = 'cpu_triple_fault';
/** Records about a CPU whose registers are of interest. */
const DUMPED: ReadonlySet<string> = new Set([TRIPLE_FAULT, 'cpu_reset']);

interface Closable {
  close(): Promise<void> | void;
}

/** One machine with its frontends: what `hotsocket` runs. */
export class Emulator {
  readonly machine: Pc;
  /** Resolves with the exit status when the machine has ended. */
  readonly ended: Promise<number>;
  readonly #config: MachineConfig;
  readonly #streams: StandardStreams;
  readonly #log: Log;
  readonly #trace = new Trace();
  readonly #monitor: Monitor;
  /** Its QMP server, for clients in this process. */
  readonly qmp: QmpServer;
  readonly #open: Closable[] = [];
  readonly #flushes: (() => void)[] = [];

  /** Builds the machine; nothing runs and nothing is open yet. Throws UsageError. */
  constructor(config: MachineConfig, streams: StandardStreams, log: Log = new Log(streams.stderr)) {
    this.#config = config;
    this.#streams = streams;
    this.#log = log;
    log.timestamps = config.timestamps;
    this.machine = buildMachine(config, this.#trace);
    for (const feature of config.cpu === undefined ? [] : missingFeatures(cpuModelText(config.cpu)))
      log.line(`warning: the CPU feature '${feature}' is not emulated and left out`);
    this.ended = endOf(this.machine);
    this.#monitor = makeMonitor(this.machine, config, log);
    this.qmp = new QmpServer({
      machine: this.machine,
      machineTypes: MACHINE_TYPES,
      dialect: config.qmpDialect,
      humanMonitor: this.#monitor,
      packageName: VERSION_TEXT,
      log: log.line,
    });
  }

  /** Opens everything and starts the machine. Rejects with UsageError. */
  async start(): Promise<void> {
    await this.open();
    this.run();
  }

  /** Opens sockets, files and the terminal, and waits for clients where it was told to. Rejects with UsageError. */
  async open(): Promise<void> {
    this.#startTrace();
    this.#tellTripleFaults();
    this.#writePidFile();
    await this.#openQtest();
    await this.#openGdb();
    for (const socket of this.#config.qmpSockets) await this.#openQmp(socket);
    for (const uses of groupByDevice(this.#config.charUses)) await this.#attach(uses);
  }

  /** Starts the machine, unless it was told to wait. */
  run(): void {
    if (!this.#config.paused && this.machine.runState === 'prelaunch') this.machine.cont();
  }

  /** Gives the terminal to serial port and monitor together. */
  async openTerminal(): Promise<void> {
    const device: CharDevice = { id: 'terminal', mux: true, label: 'terminal', backend: { kind: 'stdio', signals: false } };
    await this.#attach((['serial', 'monitor'] as const).map((user) => ({ user, device, label: device.label })));
  }

  /** Ends the machine as a signal does. */
  terminate(signal: number): void {
    this.#log.line(`terminating on signal ${signal}`);
    this.machine.quit('host-signal');
  }

  /** Shows what is still to be shown, closes everything and removes sockets. */
  async close(): Promise<void> {
    for (const flush of this.#flushes) flush();
    for (const part of this.#open.splice(0).reverse()) await part.close();
    this.qmp.dispose();
    await this.machine[Symbol.asyncDispose]();
  }

  #startTrace(): void {
    const { trace, logFile } = this.#config;
    if (trace.patterns.length === 0) return;
    for (const pattern of trace.patterns)
      if (this.#trace.enable(pattern) === 0) this.#log.line(`warning: trace event '${pattern}' does not exist`);
    const now = (): number => this.machine.board.clock.now();
    const detail = (record: TraceRecord): string => (DUMPED.has(record.name) ? this.#registersOf(record) : '');
    this.#open.push(new TraceLog(this.#trace, { now, log: this.#log, path: trace.file ?? logFile, detail }));
  }

  /** A triple fault that ends the machine would leave no trace of where it came from. */
  #tellTripleFaults(): void {
    const { noReboot, trace } = this.#config;
    if (!noReboot || trace.patterns.includes(TRIPLE_FAULT)) return;
    this.#trace.enable(TRIPLE_FAULT);
    const stop = this.#trace.listen((record) => {
      if (record.name !== TRIPLE_FAULT) return;
      this.#log.line(`CPU ${record.values[0]}: triple fault at ${record.values[1]}; with -no-reboot this ends the machine`);
      this.#log.raw(this.#registersOf(record));
    });
    this.#open.push({ close: stop });
  }

  /** The registers of the CPU that a record names first. */
  #registersOf({ values }: TraceRecord): string {
    return this.#monitor.execute('info registers', Number(values[0])).replaceAll('\r\n', '\n');
  }

  #writePidFile(): void {
    const { pidFile } = this.#config;
    if (pidFile === undefined) return;
    try {
      writeFileSync(pidFile, `${process.pid}\n`);
    } catch (error) {
      throw new UsageError(`-pidfile ${pidFile}: cannot create PID file: ${systemText(error)}`);
    }
    this.#open.push({ close: () => unlinkIfThere(pidFile) });
  }

  async #openQtest(): Promise<void> {
    const server = await openQtest(this.#config, ({ PcQtestTarget }) => new PcQtestTarget(this.machine));
    if (server !== undefined) this.#open.push(server);
  }

  async #openGdb(): Promise<void> {
    const { gdb, allowRemote } = this.#config;
    if (gdb === undefined) return;
    const [{ GdbServer }, node] = await Promise.all([import('@hotsocket/gdbstub'), import('@hotsocket/gdbstub/node')]);
    const endpoint = parseEndpoint(gdb, node);
    if (endpoint === undefined) return;
    const { address, ...options } = endpoint;
    const server = new GdbServer({ machine: this.machine, humanMonitor: this.#monitor, log: this.#log.line, ...options });
    this.#open.push(await bind(`-gdb ${gdb}`, address, () => node.listenGdb(server, address, { allowRemote })));
  }

  async #openQmp(socket: QmpSocket): Promise<void> {
    const services = { allowRemote: this.#config.allowRemote, log: this.#log.line, ended: this.ended };
    this.#open.push(await openQmpSocket(this.qmp, socket, services));
  }

  /** One device and whoever uses it. */
  async #attach(uses: readonly CharUse[]): Promise<void> {
    const backend = this.#backend(uses[0]!.device);
    this.#open.push(backend);
    const peers = this.#connect(uses, backend);
    await Promise.race([backend.open(peers), this.ended]);
  }

  #connect(uses: readonly CharUse[], backend: CharBackend): Parameters<CharBackend['open']>[0] {
    const users = uses.map(({ user }) => user);
    const attached = uses.flatMap((use) => {
      if (use.user === 'debugcon') return [attachDebugConsole(this.machine, backend, use.port)];
      if (use.user === 'serial' && !users.includes('monitor')) return [attachSerial(this.machine, backend)];
      if (use.user === 'monitor' && users.includes('serial')) return [this.#share(backend)];
      if (use.user === 'monitor') return [{ peer: attachMonitor(this.#monitor, backend), flush: () => {} }];
      return use.user === 'qmp' ? [{ peer: attachQmp(this.qmp, backend), flush: () => {} }] : [];
    });
    this.#flushes.push(...attached.map(({ flush }) => flush));
    return attached[0]!.peer;
  }

  #share(backend: CharBackend): ReturnType<typeof attachShared> {
    return attachShared({ machine: this.machine, monitor: this.#monitor, backend, exit: () => this.machine.quit('host-signal') });
  }

  #backend({ backend, label, mux }: CharDevice): CharBackend {
    if (backend.kind === 'null') return new NullBackend();
    if (backend.kind === 'file') return new FileBackend(label, backend.path, backend.append);
    if (backend.kind === 'socket') return new SocketBackend(backend, { label, allowRemote: this.#config.allowRemote, log: this.#log.line });
    return new StdioBackend(this.#streams, backend.signals && !mux ? { interrupted: () => this.terminate(2) } : {});
  }
}

function parseEndpoint(text: string, node: typeof import('@hotsocket/gdbstub/node')): GdbEndpoint | undefined {
  try {
    return node.parseGdbEndpoint(text);
  } catch (error) {
    throw error instanceof node.GdbEndpointError ? new UsageError(error.message) : error;
  }
}

/** An exit status for each way to end; the status of a debug exit device is the guest's. */
function endOf(machine: Pc): Promise<number> {
  return new Promise((resolve) => {
    machine.ended = (reason: ShutdownReason, exitCode) => resolve(exitCode ?? (reason === 'host-error' ? 1 : 0));
  });
}

/** The monitor, with the words of the QMP dialect for refused hot-adds. */
function makeMonitor(machine: MachineControl, { qmpDialect }: MachineConfig, log: Log): Monitor {
  return new Monitor({
    machine,
    version: VERSION_TEXT,
    log: log.line,
    errorText: (error) => (error instanceof CpuAddError ? cpuAddText(error, qmpDialect) : error.message),
  });
}

const groupByDevice = (uses: readonly CharUse[]): CharUse[][] =>
  [...new Set(uses.map(({ device }) => device))].map((device) => uses.filter((use) => use.device === device));

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // somebody else removed it
  }
}
