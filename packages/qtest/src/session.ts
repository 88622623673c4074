import { Arguments, excerpt, QtestError } from './arguments.js';
import { COMMANDS, type CommandContext } from './commands.js';
import type { QtestTarget } from './target.js';

/** Bounds of what a client may ask for. */
export interface QtestLimits {
  /** Longest line, characters. A longer one is answered with FAIL and skipped. */
  readonly line: number;
  /** Longest range of memory of one command, bytes. */
  readonly range: number;
}

export const DEFAULT_QTEST_LIMITS: QtestLimits = { line: 64 << 20, range: 16 << 20 };

export interface QtestSessionOptions {
  readonly limits?: QtestLimits;
  /** Hears every line: `R` received, `S` sent. */
  readonly log?: (direction: 'R' | 'S', line: string) => void;
}

/**
 * One client of the qtest protocol: a command a line, `OK`, `OK VALUE` or `FAIL TEXT` a line back, and `IRQ raise N` or `IRQ lower N`
 * whenever an intercepted wire changes. Needs no host: bytes in, text out. Whatever is received, nothing is thrown.
 */
export class QtestSession {
  readonly #target: QtestTarget;
  readonly #send: (text: string) => void;
  readonly #limits: QtestLimits;
  readonly #log: ((direction: 'R' | 'S', line: string) => void) | undefined;
  readonly #decoder = new TextDecoder('latin1');
  readonly #context: CommandContext;
  #pending: string[] = [];
  #pendingLength = 0;
  #skipping = false;
  #intercepted: { readonly device: string; readonly end: () => void } | undefined;

  /** `send` takes whole lines, each with its LF. */
  constructor(target: QtestTarget, send: (text: string) => void, options: QtestSessionOptions = {}) {
    this.#target = target;
    this.#send = send;
    this.#limits = options.limits ?? DEFAULT_QTEST_LIMITS;
    this.#log = options.log;
    this.#context = {
      target,
      longestRange: this.#limits.range,
      intercept: (path, direction) => this.#intercept(path, direction),
    };
  }

  /** Takes what the client sent, in pieces of any size. */
  receive(bytes: Uint8Array | string): void {
    const lines = (typeof bytes === 'string' ? bytes : this.#decoder.decode(bytes)).split('\n');
    const last = lines.pop() as string;
    for (const line of lines) {
      this.#keep(line);
      this.#endOfLine();
    }
    this.#keep(last);
  }

  /** The client is gone: its interception ends. */
  end(): void {
    this.#intercepted?.end();
    this.#intercepted = undefined;
  }

  #keep(piece: string): void {
    if (this.#skipping || piece === '') return;
    this.#pending.push(piece);
    this.#pendingLength += piece.length;
    if (this.#pendingLength <= this.#limits.line) return;
    this.#skipping = true;
    this.#pending = [];
  }

  #endOfLine(): void {
    const line = this.#skipping ? undefined : this.#pending.join('').replace(/\r$/, '');
    this.#pending = [];
    this.#pendingLength = 0;
    this.#skipping = false;
    if (line === undefined) return this.#reply('FAIL Line too long');
    this.#log?.('R', line);
    this.#reply(this.#obey(line));
  }

  #obey(line: string): string {
    const [name = '', ...words] = line.split(' ');
    const command = COMMANDS.get(name);
    if (!command) return `FAIL Unknown command '${excerpt(name)}'`;
    try {
      const value = command(new Arguments(words), this.#context);
      return value === undefined ? 'OK' : `OK ${value}`;
    } catch (error) {
      return `FAIL ${error instanceof QtestError ? error.message : `Internal error: ${excerpt(String(error).replaceAll('\n', ' '))}`}`;
    }
  }

  /** One device at a time, as in QEMU; the same device again is no error. */
  #intercept(path: string, direction: 'in' | 'out'): void {
    const tap = this.#target.irqs(path, direction);
    if (!tap) throw new QtestError('Unknown device');
    const device = `${direction} ${tap.device}`;
    if (this.#intercepted?.device === device) return;
    if (this.#intercepted) throw new QtestError('IRQ intercept already enabled');
    this.#intercepted = { device, end: tap.listen((number, high) => this.#reply(`IRQ ${high ? 'raise' : 'lower'} ${number}`)) };
  }

  #reply(line: string): void {
    this.#log?.('S', line);
    this.#send(`${line}\n`);
  }
}
