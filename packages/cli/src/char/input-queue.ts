/** A source of bytes that can be held back, such as a stream. */
export interface Source {
  pause(): void;
  resume(): void;
}

/** Input on its way to a peer that takes only so much at a time. The source is held back while anything waits. */
export class InputQueue {
  readonly #offer: (bytes: Uint8Array) => number;
  readonly #source: Source;
  #waiting: Uint8Array = new Uint8Array();
  #draining = false;

  constructor(offer: (bytes: Uint8Array) => number, source: Source) {
    this.#offer = offer;
    this.#source = source;
  }

  /** Bytes that nobody has taken yet. */
  get length(): number {
    return this.#waiting.length;
  }

  push(bytes: Uint8Array): void {
    this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
    this.drain();
  }

  /** Offers what waits. May be called from inside the peer. */
  drain(): void {
    if (this.#draining || this.#waiting.length === 0) return;
    this.#draining = true;
    let taken = 1;
    while (taken > 0 && this.#waiting.length > 0) {
      taken = this.#offer(this.#waiting);
      this.#waiting = this.#waiting.subarray(taken);
    }
    this.#draining = false;
    if (this.#waiting.length > 0) this.#source.pause();
    else this.#source.resume();
  }
}
