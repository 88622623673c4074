import { VirtualClock } from './virtual-clock.js';

/** A clock that moves only when told to: for tests and for servers that drive time by command. */
export class ManualClock extends VirtualClock {
  readonly #time: { nowNs: number };

  constructor(startNs = 0) {
    const time = { nowNs: startNs };
    super(() => time.nowNs);
    this.#time = time;
  }

  /** Moves time on by `ns`, firing each timer at its own deadline. */
  advance(ns: number): void {
    this.advanceTo(this.now() + ns);
  }

  /** Moves time on to `targetNs` (never back), firing each timer at its own deadline. */
  advanceTo(targetNs: number): void {
    for (let next = this.nextDeadline(); next <= targetNs; next = this.nextDeadline()) {
      this.#time.nowNs = Math.max(this.now(), next);
      this.runExpired();
    }
    this.#time.nowNs = Math.max(this.now(), targetNs);
  }
}
