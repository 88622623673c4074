import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StandardStreams } from '../char/stdio.js';
import { Emulator } from '../emulator.js';
import { Information } from '../options/option.js';
import { parseCommandLine } from '../parse.js';
import { QmpClient } from '../qmp-client.js';
import { closeSoon, onSignals } from '../signals.js';
import { UsageError } from '../usage-error.js';
import { DEMO_HELP, type DemoOptions, parseDemoOptions } from './demo-options.js';
import { GuestTerminal } from './guest-terminal.js';
import { chooseGuest, type Guest } from './guests.js';
import { type Happening, Timeline } from './timeline.js';

const NEW_CPU = 1;

/** Runs the guided tour. Returns the exit status; rejects with UsageError when a step does not come about. */
export async function demo(args: readonly string[], streams: StandardStreams): Promise<number> {
  const options = parseDemoOptions(args);
  if (options === 'help') {
    streams.stdout.write(DEMO_HELP);
    return 0;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'hotsocket-'));
  try {
    return await new Tour(options, streams, scratch).run();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

class Tour {
  readonly #options: DemoOptions;
  readonly #streams: StandardStreams;
  readonly #socket: string;
  /** Everything was shown. */
  #over = false;

  constructor(options: DemoOptions, streams: StandardStreams, scratch: string) {
    this.#options = options;
    this.#streams = streams;
    this.#socket = join(scratch, 'qmp.sock');
  }

  async run(): Promise<number> {
    const guest = await chooseGuest(this.#options, (text) => this.#say(text));
    const emulator = new Emulator(machineConfig([...guest.args, ...this.#commonArgs()]), this.#streams);
    let signalled = false;
    const removeSignals = onSignals((signal) => {
      signalled = true;
      emulator.terminate(signal);
    });
    try {
      const status = await Promise.race([this.#show(emulator, guest), emulator.ended]);
      if (!this.#over && !signalled) throw new UsageError('demo: the guest ended the machine before the tour was over');
      return status;
    } finally {
      await closeSoon(emulator.close());
      removeSignals();
    }
  }

  #commonArgs(): string[] {
    const path = this.#socket.replaceAll(',', ',,');
    return [
      '-name',
      'demo',
      '-smp',
      `1,maxcpus=${this.#options.maxCpus}`,
      '-nodefaults',
      '-display',
      'none',
      '-qmp',
      `unix:${path},server=on,wait=off`,
    ];
  }

  async #show(emulator: Emulator, guest: Guest): Promise<number> {
    const { machine } = emulator;
    const terminal = new GuestTerminal(machine, (text) => this.#options.verbose && this.#print(text));
    this.#say(`1 CPU, room for ${this.#options.maxCpus}; guest: ${guest.title}`);
    await this.#boot(emulator, guest, terminal);
    await this.#hotAdd(machine, guest, terminal);
    return this.#finish(emulator, guest);
  }

  async #boot(emulator: Emulator, guest: Guest, terminal: GuestTerminal): Promise<void> {
    const { machine } = emulator;
    const started = performance.now();
    const stopProgress = this.#showProgress(machine);
    try {
      await emulator.start();
      await guest.ready(terminal);
    } finally {
      stopProgress();
    }
    const seconds = (performance.now() - started) / 1000;
    const million = machine.instructions / 1e6;
    this.#say(`up after ${seconds.toFixed(1)} s: ${million.toFixed(1)} million instructions`);
  }

  /** A line that is redrawn, on a terminal. */
  #showProgress(machine: Emulator['machine']): () => void {
    const { stdout } = this.#streams;
    if (this.#options.verbose || !('isTTY' in stdout) || stdout.isTTY !== true) return () => {};
    const timer = setInterval(() => {
      const seconds = (machine.board.clock.now() / 1e9).toFixed(1);
      this.#print(`\r\x1b[Kbooting: ${seconds} s of guest time, ${Math.round(machine.instructions / 1e6)} million instructions`);
    }, 250);
    return () => {
      clearInterval(timer);
      this.#print('\r\x1b[K');
    };
  }

  async #hotAdd(machine: Emulator['machine'], guest: Guest, terminal: GuestTerminal): Promise<void> {
    const client = await QmpClient.connect(this.#socket);
    const timeline = new Timeline(machine, (happening) => this.#print(`${timelineLine(happening)}\n`));
    const id = { id: NEW_CPU };
    this.#say(`a QMP client on ${this.#socket} asks for CPU ${NEW_CPU}; seconds are the guest's`);
    timeline.start();
    timeline.add('QMP', `→ ${QmpClient.text('cpu-add', id)}`);
    const reply = await client.execute('cpu-add', id);
    timeline.add('QMP', `the client reads ${JSON.stringify({ return: reply })}`);
    await guest.noticed(terminal);
    timeline.add('guest', `has CPU ${NEW_CPU}`);
    terminal.type(guest.line);
    const answer = await guest.answered(terminal);
    timeline.add('guest', `runs on CPU ${NEW_CPU}`);
    timeline.stop();
    client.close();
    this.#quote(guest.line, answer);
  }

  /** The guest's own words. */
  #quote(typed: string, answer: string): void {
    this.#say(`typed on the serial console: ${typed.trim()}`);
    for (const line of answer.trimEnd().split('\n')) this.#print(`      | ${line}\n`);
  }

  async #finish(emulator: Emulator, guest: Guest): Promise<number> {
    this.#over = true;
    if (this.#streams.stdin.isTTY !== true) {
      this.#say('done');
      emulator.machine.quit('host-qmp-quit');
      return 0;
    }
    this.#say(`the terminal is yours. QMP socket: ${this.#socket}`);
    this.#say(`another CPU: Ctrl-A c, then cpu-add 2; ${guest.hint}`);
    this.#say('Ctrl-A h shows the keys, Ctrl-A x ends');
    await emulator.openTerminal();
    emulator.machine.board.com1.receive(Buffer.from('\r'));
    return emulator.ended;
  }

  #say(text: string): void {
    this.#print(`==> ${text}\n`);
  }

  #print(text: string): void {
    this.#streams.stdout.write(text);
  }
}

function machineConfig(args: readonly string[]): Exclude<ReturnType<typeof parseCommandLine>, Information> {
  const parsed = parseCommandLine(args);
  if (parsed instanceof Information) throw new UsageError(parsed.text);
  return parsed;
}

const timelineLine = ({ ns, who, what }: Happening): string => `  ${(ns / 1e9).toFixed(6).padStart(11)}  ${who.padEnd(9)} ${what}`;
