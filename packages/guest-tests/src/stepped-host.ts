import type { HostScheduler } from '@hotsocket/machine';

/**
 * A host on which nothing depends on host time: each look at its clock is one millisecond, so that a batch of the run loop is one round,
 * and turns of the event loop do not come until `release`. The machine then executes only inside `Pc.runFor`, and every run is alike.
 */
export class SteppedHost implements HostScheduler {
  #looks = 0;
  #released = false;
  #parked: (() => void)[] = [];

  now(): number {
    return ++this.#looks;
  }

  turn(): Promise<void> {
    return this.#park();
  }

  sleep(): { readonly done: Promise<void>; wake(): void } {
    return { done: this.#park(), wake: () => {} };
  }

  /** Lets a machine that has been stopped come to rest. */
  release(): void {
    this.#released = true;
    for (const resume of this.#parked.splice(0)) resume();
  }

  #park(): Promise<void> {
    return this.#released ? Promise.resolve() : new Promise((resolve) => this.#parked.push(resolve));
  }
}
