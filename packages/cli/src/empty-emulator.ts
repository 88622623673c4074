import { EmptyMachine } from '@hotsocket/machine';
import { QmpServer } from '@hotsocket/qmp';
import { smallestPc } from './build-machine.js';
import type { MachineConfig } from './command-line.js';
import type { Log } from './log.js';
import { MACHINE_TYPES } from './machine-types.js';
import { openQmpSocket } from './qmp-sockets.js';
import { openQtest } from './qtest.js';
import { VERSION_TEXT } from './version.js';

/** `-machine none` with its QMP sockets and its qtest endpoint: clients start it to ask what this program offers. It has no console. */
export class EmptyEmulator {
  readonly machine: EmptyMachine;
  /** Resolves with the exit status when the machine has ended. */
  readonly ended: Promise<number>;
  readonly #config: MachineConfig;
  readonly #log: Log;
  readonly #qmp: QmpServer;
  readonly #opened: { close(): Promise<void> }[] = [];

  constructor(config: MachineConfig, log: Log) {
    const { name, uuid, qmpDialect } = config;
    this.#config = config;
    this.#log = log;
    log.timestamps = config.timestamps;
    this.machine = new EmptyMachine({
      types: smallestPc().qom.types(),
      ...(name === undefined ? {} : { name }),
      ...(uuid === undefined ? {} : { uuid }),
    });
    this.ended = new Promise((resolve) => {
      this.machine.ended = () => resolve(0);
    });
    this.#qmp = new QmpServer({
      machine: this.machine,
      machineTypes: MACHINE_TYPES,
      dialect: qmpDialect,
      packageName: VERSION_TEXT,
      log: log.line,
    });
  }

  /** Opens its sockets. Rejects with UsageError. */
  async open(): Promise<void> {
    const qtest = await openQtest(this.#config, ({ EmptyQtestTarget }) => new EmptyQtestTarget());
    if (qtest !== undefined) this.#opened.push(qtest);
    const services = { allowRemote: this.#config.allowRemote, log: this.#log.line, ended: this.ended };
    for (const socket of this.#config.qmpSockets) this.#opened.push(await openQmpSocket(this.#qmp, socket, services));
  }

  /** Starts the machine, unless it was told to wait. */
  run(): void {
    if (!this.#config.paused && this.machine.runState === 'prelaunch') this.machine.cont();
  }

  /** Ends the machine as a signal does. */
  terminate(signal: number): void {
    this.#log.line(`terminating on signal ${signal}`);
    this.machine.quit('host-signal');
  }

  async close(): Promise<void> {
    this.#qmp.dispose();
    for (const part of this.#opened.splice(0).reverse()) await part.close();
  }
}
