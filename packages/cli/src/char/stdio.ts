import type { CharBackend, CharPeer } from './char-backend.js';
import { InputQueue } from './input-queue.js';

/** A standard input: a terminal, a pipe or a file. */
export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  unref?(): unknown;
}

/** The standard streams of the process, or those of a test. */
export interface StandardStreams {
  readonly stdin: InputStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

export interface StdioOptions {
  /** Called for Ctrl-C on a terminal; undefined: the key goes to the guest. */
  readonly interrupted?: () => void;
}

const CTRL_C = 3;

/** Standard input and output. A terminal is in raw mode while it is open. */
export class StdioBackend implements CharBackend {
  readonly #streams: StandardStreams;
  readonly #options: StdioOptions;
  readonly #onData = (bytes: Buffer | string): void => this.#take(Buffer.from(bytes as string));
  #queue: InputQueue | undefined;
  #broken = false;

  constructor(streams: StandardStreams, options: StdioOptions = {}) {
    this.#streams = streams;
    this.#options = options;
  }

  async open(peer: CharPeer): Promise<void> {
    const { stdin, stdout } = this.#streams;
    this.#queue = new InputQueue((bytes) => peer.receive(bytes), stdin);
    stdout.on('error', () => {
      this.#broken = true;
    });
    stdin.on('error', () => {});
    this.#setRaw(true);
    peer.connected();
    stdin.on('data', this.#onData);
  }

  /** A terminal, a file and, except on Windows, a pipe take it at once, at their own speed. */
  write(bytes: Uint8Array): void {
    if (!this.#broken) this.#streams.stdout.write(bytes);
  }

  resume(): void {
    this.#queue?.drain();
  }

  async close(): Promise<void> {
    const { stdin } = this.#streams;
    this.#setRaw(false);
    stdin.removeListener('data', this.#onData);
    stdin.pause();
    stdin.unref?.();
  }

  #take(bytes: Buffer): void {
    const interrupt = this.#options.interrupted !== undefined && this.#streams.stdin.isTTY === true;
    if (interrupt && bytes.includes(CTRL_C)) this.#options.interrupted?.();
    else this.#queue?.push(bytes);
  }

  #setRaw(raw: boolean): void {
    const { stdin } = this.#streams;
    if (stdin.isTTY) stdin.setRawMode?.(raw);
  }
}
