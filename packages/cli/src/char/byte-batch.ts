const FULL = 64 << 10;

/** Collects single bytes and hands them on once per turn of the event loop, or when many have come. */
export class ByteBatch {
  readonly #deliver: (bytes: Uint8Array) => void;
  #bytes = new Uint8Array(FULL);
  #length = 0;
  #scheduled = false;

  constructor(deliver: (bytes: Uint8Array) => void) {
    this.#deliver = deliver;
  }

  put(byte: number): void {
    this.#bytes[this.#length++] = byte;
    if (this.#length === FULL) this.flush();
    else if (!this.#scheduled) this.#schedule();
  }

  flush(): void {
    if (this.#length === 0) return;
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    this.#deliver(bytes);
  }

  #schedule(): void {
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}
