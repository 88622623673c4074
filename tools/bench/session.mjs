// One run of an emulator: its console, with the time at which each word came, and what its process used.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const NANOSECONDS = 1e9;
const KEPT = 1 << 16;

/** Why a run gave no measurement, in one line. */
export class RunError extends Error {
  name = 'RunError';
}

/** CPU seconds of all threads of a process; NaN on a host without /proc. */
function cpuSecondsOf(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const times = threads.map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]));
    return times.reduce((sum, time) => sum + time, 0) / NANOSECONDS;
  } catch {
    return Number.NaN;
  }
}

/** Peak resident memory of a process in MiB; NaN on a host without /proc. */
function peakMibOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** An emulator that runs, seen from its console. */
export class Session {
  /** Host time of the start in milliseconds. */
  startedAt = performance.now();
  #child;
  #text = '';
  #failure;
  #waiting;

  /** Starts a command. */
  constructor([command, args]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdout.setEncoding('latin1').on('data', (part) => this.#received(part));
    let errors = '';
    this.#child.stderr.setEncoding('utf8').on('data', (part) => (errors += part));
    this.#child.stdin.on('error', () => {});
    this.#child.on('error', (error) => this.#fail(error.message));
    this.#child.on('close', (status, signal) =>
      this.#fail(errors.trim().split('\n').at(-1) || `ended with ${signal ?? `status ${status}`}`),
    );
  }

  /** Number of the process. */
  get pid() {
    return this.#child.pid;
  }

  /** What the process has used so far; `atMs` is the host's time. */
  now() {
    return { atMs: performance.now(), cpuSeconds: cpuSecondsOf(this.pid) };
  }

  /** Peak resident memory so far, MiB. */
  peakMib() {
    return peakMibOf(this.pid);
  }

  /**
   * Waits until the console shows a pattern; what stands before its end is then dropped. Resolves with the match and what the
   * process had used when it came. Rejects with RunError after `limitMs`, or when the process ends.
   */
  expect(pattern, limitMs) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(`no ${pattern} within ${limitMs / 1000} s; the console's end: ${this.#end()}`), limitMs);
      const settle = (outcome) => (value) => {
        clearTimeout(timer);
        this.#waiting = undefined;
        outcome(value);
      };
      this.#waiting = { pattern, resolve: settle(resolve), reject: settle(reject) };
      this.#look();
    });
  }

  /** Types on the console. */
  type(text) {
    this.#child.stdin.write(text);
  }

  /** Kills the process and waits for its end. */
  async end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGKILL');
    await closed;
  }

  #received(part) {
    this.#text = (this.#text + part).slice(-KEPT);
    this.#look();
  }

  #look() {
    if (this.#waiting === undefined) return;
    if (this.#failure !== undefined) return this.#waiting.reject(this.#failure);
    const match = this.#waiting.pattern.exec(this.#text);
    if (match === null) return;
    const usage = this.now();
    this.#text = this.#text.slice(match.index + match[0].length);
    this.#waiting.resolve({ ...usage, match });
  }

  #fail(reason) {
    this.#failure ??= new RunError(reason);
    this.#waiting?.reject(this.#failure);
  }

  #end() {
    return JSON.stringify(this.#text.slice(-200));
  }
}

/** Wall and CPU seconds between two moments of a session. */
export const between = (before, after) => ({
  wall: (after.atMs - before.atMs) / 1000,
  cpu: after.cpuSeconds - before.cpuSeconds,
});
