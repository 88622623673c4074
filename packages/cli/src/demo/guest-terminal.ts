import type { Pc } from '@hotsocket/machine-pc';
import { InputQueue } from '../char/input-queue.js';
import { SerialConsole } from '../consoles.js';
import { UsageError } from '../usage-error.js';

/** Escape sequences by which a shell asks the terminal for the cursor's place, or moves it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals speak in control characters
const CONTROL_SEQUENCES = /\x1b(?:\[[0-9;?]*[A-Za-z]|[a-z])|\r/g;
const KEPT = 1 << 20;
const SHOWN_OF_FAILURE = 200;

/** The guest's serial console in the hands of a program: waits for words, types lines. */
export class GuestTerminal {
  readonly #serial: SerialConsole;
  readonly #keys: InputQueue;
  readonly #listener: (text: string) => void;
  readonly #decoder = new TextDecoder();
  #text = '';
  #check: () => void = () => {};

  /** `listener` hears all that the guest prints. */
  constructor(machine: Pc, listener: (text: string) => void = () => {}) {
    this.#listener = listener;
    this.#serial = new SerialConsole(machine, (bytes) => this.#heard(bytes));
    this.#keys = new InputQueue((bytes) => this.#serial.receive(bytes), { pause: () => {}, resume: () => {} });
    this.#serial.onRoom(() => this.#keys.drain());
  }

  /** What the guest has printed since the last match, without control sequences. */
  get text(): string {
    return this.#text;
  }

  type(keys: string): void {
    this.#keys.push(Buffer.from(keys));
  }

  /** Waits until the guest has printed something that matches; what is up to its end is then used up. Rejects with UsageError. */
  async waitFor(pattern: RegExp, seconds: number, what: string): Promise<RegExpExecArray> {
    const timeout = AbortSignal.timeout(seconds * 1000);
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match !== null) return this.#use(match);
      if (timeout.aborted)
        throw new UsageError(`demo: ${what} did not happen within ${seconds} s; the guest's last words: ${this.#lastWords()}`);
      await this.#more(timeout);
    }
  }

  #use(match: RegExpExecArray): RegExpExecArray {
    this.#text = this.#text.slice(match.index + match[0].length);
    return match;
  }

  #lastWords(): string {
    return JSON.stringify(this.#text.slice(-SHOWN_OF_FAILURE));
  }

  #more(timeout: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#check = resolve;
      timeout.onabort = () => resolve();
    });
  }

  #heard(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    this.#listener(text);
    this.#text = (this.#text + text.replace(CONTROL_SEQUENCES, '')).slice(-KEPT);
    this.#check();
  }
}
