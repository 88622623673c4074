import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineEvent } from '@hotsocket/machine';
import { Pc, type PcOptions } from '@hotsocket/machine-pc';
import { QmpServer } from '@hotsocket/qmp';
import { listenQmp, type QmpListener } from '@hotsocket/qmp/node';
import { FIRMWARE, type KernelName, readKernel, UEFI } from './images.js';
import { QmpClient } from './qmp-client.js';
import { SteppedHost } from './stepped-host.js';

/** A machine for a test. Defaults: one CPU of four possible ones, a CPU a socket, 256 MiB, SeaBIOS's own ACPI tables. */
export interface GuestOptions extends Partial<Omit<PcOptions, 'kernel' | 'initrd' | 'host'>> {
  /** What to boot: a kernel of the image cache, or nothing but `firmware`. */
  readonly kernel?: KernelName;
  /** UEFI firmware in the place of SeaBIOS; it takes ACPI tables from the machine only. */
  readonly uefi?: boolean;
  /** Words added to the kernel's command line. */
  readonly words?: string;
  /** The machine runs by itself at the host's pace, as for a user, instead of step by step. */
  readonly live?: boolean;
  /** Everything is interpreted; also by the environment variable GUEST_TIER=interpreter. */
  readonly interpreted?: boolean;
}

/** How long to wait for a guest: whichever is used up first. */
export interface Patience {
  readonly instructions?: number;
  /** Seconds of guest time. */
  readonly seconds?: number;
}

/** The guest did not do what was expected of it in time. */
export class GuestError extends Error {}

const PATIENCE = { instructions: 4e9, seconds: 120 };
const BASE_WORDS = 'console=ttyS0 cryptomgr.notests nokaslr';
const SHELL_READY = /INIT-READY [^\n]*\n[\s\S]*# /;
const KERNEL_MESSAGE = /\[ *\d+\.\d{6}\] [^\n]*\n/g;

/** A whole machine with its serial console and a QMP client on a real Unix socket. */
export class Guest {
  readonly pc: Pc;
  readonly qmp: QmpClient;
  /** All that came over COM1. */
  output = '';
  readonly events: MachineEvent[] = [];
  readonly #host: SteppedHost | undefined;
  readonly #listener: QmpListener;
  readonly #directory: string;
  /** Up to here output has been matched. */
  #cursor = 0;
  #commands = 0;
  #decoder = new TextDecoder();

  private constructor(pc: Pc, host: SteppedHost | undefined, listener: QmpListener, directory: string, qmp: QmpClient) {
    this.pc = pc;
    this.#host = host;
    this.#listener = listener;
    this.#directory = directory;
    this.qmp = qmp;
    pc.board.com1.transmitted = (byte) => {
      this.output += this.#decoder.decode(Uint8Array.of(byte), { stream: true });
    };
    pc.events$.subscribe((event) => this.events.push(event));
  }

  /** Builds a machine in state `prelaunch`. Rejects with MissingImagesError. */
  static async create(options: GuestOptions = {}): Promise<Guest> {
    const { kernel, uefi = false, words = '', live = false, interpreted = process.env.GUEST_TIER === 'interpreter', ...rest } = options;
    const host = live ? undefined : new SteppedHost();
    const images = kernel === undefined ? {} : { ...(await readKernel(kernel, uefi ? UEFI : FIRMWARE)), append: `${BASE_WORDS} ${words}` };
    const pc = new Pc({ ...DEFAULTS, ...images, ...rest, ...(host ? { host } : {}) } as PcOptions);
    pc.board.core.translates = !interpreted;
    const directory = mkdtempSync(join(tmpdir(), 'guest-'));
    const path = join(directory, 'qmp.sock');
    const listener = await listenQmp(new QmpServer({ machine: pc }), { kind: 'unix', path });
    return new Guest(pc, host, listener, directory, await QmpClient.connect(path));
  }

  /** Builds a machine and boots its Linux to the shell. */
  static async boot(options: GuestOptions): Promise<Guest> {
    const guest = await Guest.create(options);
    guest.pc.cont();
    guest.toShell();
    return guest;
  }

  // ---------------------------------------------------------------- time

  /** Seconds of guest time since power-on. */
  get seconds(): number {
    return this.pc.board.clock.now() / 1e9;
  }

  /** Executes until `until` holds; false when patience is used up or the machine no longer runs. */
  runUntil(until: () => boolean, patience: Patience = {}): boolean {
    const { instructions, seconds } = { ...PATIENCE, ...patience };
    const end = this.seconds + seconds;
    this.pc.runFor(instructions, () => until() || this.seconds >= end);
    return until();
  }

  /** Executes for some milliseconds of guest time. */
  run(milliseconds: number): void {
    this.runUntil(() => false, { seconds: milliseconds / 1000 });
  }

  // ---------------------------------------------------------------- console

  /** Executes until the console shows `pattern` behind what was matched last. Throws GuestError. */
  expect(pattern: RegExp, patience: Patience = {}): RegExpExecArray {
    let match = this.#match(pattern);
    let seen = this.output.length;
    const look = (): boolean => {
      if (match === null && this.output.length > seen) match = this.#match(pattern);
      seen = this.output.length;
      return match !== null;
    };
    this.runUntil(look, patience);
    return this.#found(pattern, match);
  }

  /** The same for a machine that runs by itself: waits for some seconds of host time. */
  async wait(pattern: RegExp, seconds = 60): Promise<RegExpExecArray> {
    const end = performance.now() + seconds * 1000;
    let match = this.#match(pattern);
    while (match === null && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      match = this.#match(pattern);
    }
    return this.#found(pattern, match);
  }

  /** Boots on to the shell of the initramfs. */
  toShell(patience: Patience = { instructions: 12e9, seconds: 600 }): void {
    this.expect(SHELL_READY, patience);
  }

  /** Types text on the serial console. */
  send(text: string): void {
    let rest = new TextEncoder().encode(text);
    const push = (): void => {
      rest = rest.subarray(this.pc.board.com1.receive(rest));
    };
    this.pc.board.com1.writable = push;
    push();
  }

  /** Runs a shell command line and gives what it printed. Throws GuestError when its status is not 0. */
  shell(line: string, patience: Patience = {}): string {
    const [, text, status] = this.expect(this.#type(line), patience);
    return this.#result(line, text, status);
  }

  /** `shell` for a machine that runs by itself. */
  async liveShell(line: string, seconds = 60): Promise<string> {
    const [, text, status] = await this.wait(this.#type(line), seconds);
    return this.#result(line, text, status);
  }

  // ---------------------------------------------------------------- machine

  /** Hot-adds a CPU over the QMP socket. */
  async cpuAdd(index: number): Promise<void> {
    await this.qmp.execute('cpu-add', { id: index });
  }

  /** Ends the machine and closes its socket. */
  async dispose(): Promise<void> {
    this.pc.quit('host-qmp-quit');
    this.#host?.release();
    await this.pc.idle();
    this.qmp.close();
    await this.#listener.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The last lines of the console and what the CPUs are doing, for messages. */
  describe(): string {
    const cpus = this.pc.board.cpus.list.map((cpu) => `cpu${cpu.index} at ${cpu.pc.toString(16)}${cpu.halted ? ' halted' : ''}`);
    const time = `${this.seconds.toFixed(3)} s, ${(this.pc.instructions / 1e6).toFixed(1)} M instructions`;
    return `${this.pc.runState} after ${time}; ${cpus.slice(0, 8).join(', ')}\n${this.output.slice(-1500)}`;
  }

  /** Types a command between marks that its echo does not show. */
  #type(line: string): RegExp {
    const mark = ++this.#commands;
    this.send(`echo "<""<${mark}"; ${line}; echo "${mark}>"">$?"\n`);
    return new RegExp(`<<${mark}\\r?\\n([\\s\\S]*?)${mark}>>(\\d+)\\r?\\n`);
  }

  #result(line: string, text = '', status = ''): string {
    const printed = text.replaceAll('\r', '').replace(KERNEL_MESSAGE, '').trim();
    if (status !== '0') throw new GuestError(`'${line}' ended with status ${status}: ${printed}`);
    return printed;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    const match = pattern.exec(this.output.slice(this.#cursor));
    if (match) this.#cursor += match.index + match[0].length;
    return match;
  }

  #found(pattern: RegExp, match: RegExpExecArray | null): RegExpExecArray {
    if (match === null) throw new GuestError(`${pattern} did not appear: ${this.describe()}`);
    return match;
  }
}

const DEFAULTS = {
  cpus: 1,
  maxCpus: 4,
  topology: { cores: 1, threads: 1 },
  ramBytes: 256 << 20,
} as const;
