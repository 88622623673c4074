import { PcError } from './pc-error.js';
import { type WaitOptions, type WaitSubject, wait } from './wait.js';

/** What stands at the other end: a UART. */
export interface SerialLine {
  transmitted: (byte: number) => void;
  writable: () => void;
  receive(bytes: Uint8Array): number;
}

/** Holds the guest back while the reader of its output is behind. */
export interface Brake {
  hold(holder: object): void;
  release(holder: object): void;
}

/** Characters of output kept for `expect`, and bytes kept until the stream is asked for. */
const KEPT = 2 ** 20;
/** Bytes in the stream at which the guest is held back. */
const HIGH_WATER = 2 ** 16;
const SHOWN = 200;

interface Outgoing {
  rest: Uint8Array;
  readonly sent: () => void;
}

/** A serial port of a machine, from outside. */
export class SerialPort {
  readonly #name: string;
  readonly #life: AbortSignal;
  readonly #brake: Brake;
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  readonly #outgoing: Outgoing[] = [];
  readonly #expecting = new Set<() => void>();
  #line: SerialLine | undefined;
  #chunk: number[] = [];
  #unmatched = '';
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #stream: ReadableStream<Uint8Array> | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #sink: WritableStream<Uint8Array> | undefined;

  constructor(name: string, life: AbortSignal, brake: Brake) {
    this.#name = name;
    this.#life = life;
    this.#brake = brake;
    life.addEventListener('abort', () => this.#end(), { once: true });
  }

  /** Connects the UART. */
  attach(line: SerialLine): void {
    this.#line = line;
    line.transmitted = (byte) => this.#transmitted(byte);
    line.writable = () => this.#pump();
    this.#pump();
  }

  /**
   * What the guest prints, from power-on (the last MiB, when it is first asked for late). While 64 KiB wait to be read, the guest does not
   * run. Closes when the machine ends.
   */
  get readable(): ReadableStream<Uint8Array> {
    this.#stream ??= this.#makeStream();
    return this.#stream;
  }

  /** What the guest is to read; a write is done when the UART has taken it. */
  get writable(): WritableStream<Uint8Array> {
    this.#sink ??= new WritableStream<Uint8Array>({ write: (bytes) => this.send(bytes) });
    return this.#sink;
  }

  /** What has been printed since the last match of `expect`, at most the last MiB. */
  get unmatched(): string {
    return this.#unmatched;
  }

  /** Sends characters as fast as the guest takes them; resolves when its UART has taken the last. A wait that ends early takes back the rest. */
  send(data: string | Uint8Array, options: WaitOptions = {}): Promise<void> {
    const bytes = typeof data === 'string' ? this.#encoder.encode(data) : data.slice();
    const lastSeen = (): string => `${item.rest.length} of ${bytes.length} bytes are left`;
    const item: Outgoing = { rest: bytes, sent: () => {} };
    return wait<void>(this.#subject(`${this.#name} taking what was sent`, lastSeen), options, (resolve) => {
      this.#outgoing.push(Object.assign(item, { sent: resolve }));
      this.#pump();
      return () => this.#takeBack(item);
    });
  }

  /**
   * Resolves with the first match in what was printed since the last match (power-on at first); what comes after it is left for the next
   * call. The error of a wait that ends early shows the last that was printed.
   */
  expect(pattern: RegExp | string, options: WaitOptions = {}): Promise<RegExpExecArray> {
    const wanted = typeof pattern === 'string' ? literal(pattern) : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    const lastSeen = (): string => `last printed: ${JSON.stringify(this.#unmatched.slice(-SHOWN))}`;
    return wait<RegExpExecArray>(this.#subject(`${pattern} on ${this.#name}`, lastSeen), options, (resolve) => {
      const look = (): void => {
        const found = wanted.exec(this.#unmatched);
        if (!found || !this.#expecting.delete(look)) return;
        this.#unmatched = this.#unmatched.slice(found.index + found[0].length);
        resolve(found);
      };
      this.#expecting.add(look);
      look();
      return () => this.#expecting.delete(look);
    });
  }

  #subject(what: string, lastSeen: () => string): WaitSubject {
    return { what, lastSeen, life: this.#life };
  }

  /** Characters come one by one within an instruction; they are passed on together when the guest pauses for breath. */
  #transmitted(byte: number): void {
    if (this.#chunk.push(byte) === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const bytes = Uint8Array.from(this.#chunk);
    if (bytes.length === 0) return;
    this.#chunk = [];
    this.#unmatched = (this.#unmatched + this.#decoder.decode(bytes, { stream: true })).slice(-KEPT);
    this.#offer(bytes);
    for (const look of [...this.#expecting]) look();
  }

  #offer(bytes: Uint8Array): void {
    if (this.#controller) {
      this.#controller.enqueue(bytes);
      this.#pace(this.#controller);
    } else if (!this.#stream) this.#keep(bytes);
  }

  #pace({ desiredSize }: ReadableStreamDefaultController<Uint8Array>): void {
    if ((desiredSize ?? 0) <= 0) this.#brake.hold(this);
    else this.#brake.release(this);
  }

  #keep(bytes: Uint8Array): void {
    this.#backlog.push(bytes);
    this.#backlogBytes += bytes.length;
    while (this.#backlogBytes > KEPT) this.#backlogBytes -= this.#backlog.shift()?.length ?? 0;
  }

  #makeStream(): ReadableStream<Uint8Array> {
    this.#flush();
    const source: UnderlyingDefaultSource<Uint8Array> = {
      start: (controller) => this.#startStream(controller),
      pull: (controller) => this.#pace(controller),
      cancel: () => this.#letGo(),
    };
    return new ReadableStream(source, new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER }));
  }

  #startStream(controller: ReadableStreamDefaultController<Uint8Array>): void {
    for (const bytes of this.#backlog.splice(0)) controller.enqueue(bytes);
    if (this.#life.aborted) return controller.close();
    this.#controller = controller;
    this.#pace(controller);
  }

  /** Nobody reads the stream any more. */
  #letGo(): void {
    this.#controller = undefined;
    this.#brake.release(this);
  }

  #end(): void {
    this.#flush();
    this.#controller?.close();
    this.#letGo();
  }

  /** Gives the UART what it takes; it calls again when there is room. */
  #pump(): void {
    const next = this.#outgoing[0];
    if (!next || !this.#line) return;
    next.rest = next.rest.subarray(this.#line.receive(next.rest));
    if (next.rest.length > 0) return;
    this.#outgoing.shift();
    next.sent();
    this.#pump();
  }

  #takeBack(item: Outgoing): void {
    const at = this.#outgoing.indexOf(item);
    if (at >= 0) this.#outgoing.splice(at, 1);
  }
}

const literal = (text: string): RegExp => new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));

/** The only serial port of the board is COM1. */
export const noSuchPort = (index: number): PcError =>
  new PcError('NO_SUCH_PORT', `this machine has no serial port ${index}, only 0 (COM1)`);
