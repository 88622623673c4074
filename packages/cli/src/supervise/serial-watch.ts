import type { Pc } from '@hotsocket/machine-pc';
import { ByteBatch } from '../char/byte-batch.js';
import { InputQueue } from '../char/input-queue.js';
import type { TextPattern } from './patterns.js';

const NEWLINE = 0x0a;
/** Characters kept for patterns that are still to come. */
const KEPT = 1 << 20;

/** Listens to the serial port and types on it, beside whoever has it. Made after the port has its user. */
export class SerialWatch {
  /** Hears what was printed, as bytes and as text, a line or more at a time. */
  heard: (bytes: Uint8Array, text: string) => void = () => {};
  /** Called when `text` has grown. */
  grown: () => void = () => {};
  readonly #batch: ByteBatch;
  readonly #keys: InputQueue;
  readonly #decoder = new TextDecoder();
  #text = '';

  constructor(machine: Pc) {
    const { com1 } = machine.board;
    const { transmitted, writable } = com1;
    this.#batch = new ByteBatch((bytes) => this.#take(bytes));
    this.#keys = new InputQueue((bytes) => com1.receive(bytes), { pause: () => {}, resume: () => {} });
    com1.transmitted = (byte) => {
      transmitted(byte);
      this.#batch.put(byte);
      // guest time goes on within a turn: what is waited for by guest time must be seen when it is printed
      if (byte === NEWLINE) this.#batch.flush();
    };
    com1.writable = () => {
      writable();
      this.#keys.drain();
    };
  }

  /** What was printed and has not been used up by `match`. */
  get text(): string {
    return this.#text;
  }

  /** Looks for a pattern; what is up to the end of the match is used up. */
  match({ matcher }: TextPattern): boolean {
    const found = matcher.exec(this.#text);
    if (found === null) return false;
    this.#text = this.#text.slice(found.index + found[0].length);
    return true;
  }

  type(text: string): void {
    this.#keys.push(Buffer.from(text));
  }

  flush(): void {
    this.#batch.flush();
  }

  #take(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    this.#text = (this.#text + text).slice(-KEPT);
    this.heard(bytes, text);
    this.grown();
  }
}
