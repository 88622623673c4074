const NS_PER_S = 1_000_000_000;

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/**
 * A clock of `hz` ticks a second, counted from power-on: tick `n` is the first whole nanosecond at or after n / hz.
 * The arithmetic is exact for every time below 2^53 ns (104 days).
 */
export class Crystal {
  readonly hz: number;
  /** After `#spanNs` nanoseconds exactly `#spanTicks` ticks have passed; the two have no common factor. */
  readonly #spanNs: number;
  readonly #spanTicks: number;

  /** Throws RangeError when `hz` is not a positive integer, or too odd for exact arithmetic. */
  constructor(hz: number) {
    const divisor = greatestCommonDivisor(hz, NS_PER_S);
    this.hz = hz;
    this.#spanNs = NS_PER_S / divisor;
    this.#spanTicks = hz / divisor;
    const exact = Number.isInteger(hz) && hz > 0 && Number.isSafeInteger(this.#spanNs * this.#spanTicks);
    if (!exact) throw new RangeError(`a crystal of ${hz} Hz cannot be counted exactly`);
  }

  /** Ticks that have passed at guest time `ns`. */
  ticksAt(ns: number): number {
    const spans = Math.floor(ns / this.#spanNs);
    return spans * this.#spanTicks + Math.floor(((ns - spans * this.#spanNs) * this.#spanTicks) / this.#spanNs);
  }

  /** The guest time at which tick number `ticks` has passed. */
  nsAt(ticks: number): number {
    const spans = Math.floor(ticks / this.#spanTicks);
    return spans * this.#spanNs + Math.ceil(((ticks - spans * this.#spanTicks) * this.#spanNs) / this.#spanTicks);
  }
}
