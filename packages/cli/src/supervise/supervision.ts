import { readFileSync } from 'node:fs';
import type { Pc } from '@hotsocket/machine-pc';
import { OUTPUT_ONLY } from '../char/char-backend.js';
import { FileBackend } from '../char/file.js';
import type { StandardStreams } from '../char/stdio.js';
import type { Emulator } from '../emulator.js';
import type { Log } from '../log.js';
import { QmpClient } from '../qmp-client.js';
import { systemText, UsageError } from '../usage-error.js';
import { JsonLines } from './json-lines.js';
import type { TextPattern } from './patterns.js';
import { runScenario, type ScenarioHost, StepError, startTimer } from './run-scenario.js';
import { parseScenario, type Scenario } from './scenario.js';
import { SerialWatch } from './serial-watch.js';

/** When a run is a success and when a failure, and what is kept of it. */
export interface SupervisionConfig {
  /** To be printed one after the other; the last one ends the run with success. */
  readonly expect: readonly TextPattern[];
  /** Any of them ends the run with failure. */
  readonly fail: readonly TextPattern[];
  /** Guest time that the run may take. */
  readonly timeoutNs: number | undefined;
  readonly timeoutStatus: number;
  readonly serialLog: string | undefined;
  /** Path of a scenario; its last step ends the run with success. */
  readonly scenario: string | undefined;
  /** Tell what happens as JSON, one object a line, on standard output. */
  readonly json: boolean;
}

const FAILURE = 1;
/** Characters before the present ones that a pattern to fail on may begin in. */
const OVERLAP = 4096;

/** The end of a run: exit status and why. */
interface Verdict {
  readonly status: number;
  readonly reason: string;
}

/** Watches a machine for a test: ends it when what was expected has happened, or cannot happen any more. */
export class Supervision {
  readonly #config: SupervisionConfig;
  readonly #log: Log;
  readonly #scenario: Scenario | undefined;
  readonly #lines: JsonLines | undefined;
  readonly #serialLog: FileBackend | undefined;
  #pending: readonly TextPattern[];
  #steps: 'none' | 'under way' | 'done';
  #recent = '';
  #verdict: Verdict | undefined;

  /** Reads the scenario. Throws UsageError. */
  constructor(config: SupervisionConfig, { stdout }: StandardStreams, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#pending = config.expect;
    this.#scenario = config.scenario === undefined ? undefined : readScenario(config.scenario);
    this.#steps = this.#scenario ? 'under way' : 'none';
    this.#lines = config.json ? new JsonLines(stdout) : undefined;
    if (config.serialLog !== undefined) this.#serialLog = new FileBackend(`-serial-log ${config.serialLog}`, config.serialLog, false);
  }

  /**
   * Watches a machine whose ports have their users, runs it, and resolves with the exit status when it has ended. Rejects with
   * UsageError.
   */
  async watch(emulator: Emulator): Promise<number> {
    const { machine } = emulator;
    await this.#serialLog?.open(OUTPUT_ONLY);
    this.#lines?.follow(machine);
    const serial = new SerialWatch(machine);
    serial.heard = (bytes, text) => this.#heard(bytes, text);
    this.#quit = () => machine.quit('host-qmp-quit');
    this.#limitTime(machine, serial);
    const qmp = this.#scenario ? await QmpClient.inProcess(emulator.qmp) : undefined;
    emulator.run();
    if (this.#scenario && qmp) this.#follow(this.#scenario, { machine, serial, qmp });
    const status = await emulator.ended;
    serial.flush();
    return this.#judge(status);
  }

  async #judge(status: number): Promise<number> {
    const verdict = this.#verdict ?? this.#verdictOfEnd(status);
    if (verdict.status !== 0) this.#log.line(verdict.reason);
    this.#lines?.end(verdict.status, verdict.reason);
    await this.#serialLog?.close();
    return verdict.status;
  }

  #quit: () => void = () => {};

  #heard(bytes: Uint8Array, text: string): void {
    this.#serialLog?.write(bytes);
    this.#lines?.serial(text);
    this.#recent = (this.#recent + text).slice(-OVERLAP - text.length);
    const found = this.#config.fail.find(({ matcher }) => matcher.test(this.#recent));
    if (found) return this.#end({ status: FAILURE, reason: `the guest printed '${found.text}'` });
    this.#expect();
  }

  /** What is up to the end of a match is used up. */
  #expect(): void {
    const found = this.#pending[0]?.matcher.exec(this.#recent);
    if (!found) return;
    this.#recent = this.#recent.slice(found.index + found[0].length);
    this.#pending = this.#pending.slice(1);
    if (this.#pending.length === 0) this.#succeed();
    else this.#expect();
  }

  /** The texts and the scenario, whichever there are, have all come about. */
  #succeed(): void {
    if (this.#pending.length === 0 && this.#steps !== 'under way') this.#end({ status: 0, reason: 'everything expected has happened' });
  }

  #limitTime(machine: Pc, serial: SerialWatch): void {
    const { timeoutNs, timeoutStatus } = this.#config;
    if (timeoutNs === undefined) return;
    startTimer(machine, timeoutNs, () => {
      serial.flush();
      this.#end({ status: timeoutStatus, reason: `${this.#missing()} within ${timeoutNs / 1e9} s of guest time` });
    });
  }

  #missing(): string {
    const [next] = this.#pending;
    if (next !== undefined) return `'${next.text}' was not printed`;
    return this.#steps === 'under way' ? 'the scenario did not end' : 'the machine did not end';
  }

  #follow(scenario: Scenario, host: Omit<ScenarioHost, 'done'>): void {
    runScenario(scenario, { ...host, done: (index, what) => this.#lines?.step(index, what) }).then(
      () => {
        this.#steps = 'done';
        this.#succeed();
      },
      (error: unknown) => this.#end({ status: FAILURE, reason: `scenario: ${error instanceof StepError ? error.message : String(error)}` }),
    );
  }

  #verdictOfEnd(status: number): Verdict {
    if (this.#pending.length === 0 && this.#steps !== 'under way') return { status, reason: 'the machine ended' };
    return { status: FAILURE, reason: `the machine ended: ${this.#missing()}` };
  }

  #end(verdict: Verdict): void {
    if (this.#verdict) return;
    this.#verdict = verdict;
    // in the midst of an instruction that prints, the machine cannot be ended
    queueMicrotask(() => this.#quit());
  }
}

function readScenario(path: string): Scenario {
  const label = `-scenario ${path}`;
  try {
    return parseScenario(label, readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${label}: could not read the file: ${systemText(error)}`);
  }
}
