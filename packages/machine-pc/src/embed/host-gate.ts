import type { HostScheduler } from '@hotsocket/machine';

/**
 * The host as the run loop sees it, with a gate between two batches: while somebody holds it, the guest does not run. So a reader of the
 * serial port that is slow slows the guest down, and nothing piles up.
 */
export class HostGate implements HostScheduler {
  readonly #host: HostScheduler;
  readonly #betweenBatches: () => void;
  readonly #holders = new Set<object>();
  #open: (() => void) | undefined;
  #bypassed = false;

  constructor(host: HostScheduler, betweenBatches: () => void) {
    this.#host = host;
    this.#betweenBatches = betweenBatches;
  }

  /** Nobody runs the guest from the next batch on, until `release`. */
  hold(holder: object): void {
    this.#holders.add(holder);
  }

  release(holder: object): void {
    this.#holders.delete(holder);
    if (this.#holders.size === 0) this.#wake();
  }

  /** While bypassed, holders are not heard: a machine that is to stop or reset must come to its next boundary. */
  bypass(bypassed: boolean): void {
    this.#bypassed = bypassed;
    if (bypassed) this.#wake();
  }

  now(): number {
    return this.#host.now();
  }

  async turn(): Promise<void> {
    this.#betweenBatches();
    await this.#host.turn();
    while (this.#holders.size > 0 && !this.#bypassed) await this.#released();
  }

  sleep(milliseconds: number): ReturnType<HostScheduler['sleep']> {
    this.#betweenBatches();
    return this.#host.sleep(milliseconds);
  }

  #released(): Promise<void> {
    return new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  #wake(): void {
    this.#open?.();
    this.#open = undefined;
  }
}
