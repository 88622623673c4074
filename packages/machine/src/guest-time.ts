/** How guest time passes. */
export interface GuestTimeOptions {
  /** `icount`: by instructions executed, every run alike. `realtime`: at the host's pace. */
  readonly drive: 'icount' | 'realtime';
  /** Guest nanoseconds per instruction in `icount`. Kernels calibrate well with 16 to 64. */
  readonly nsPerInstruction: number;
}

/** A moment of guest time. */
export interface GuestMoment {
  readonly passedNs: number;
  readonly instructions: number;
  readonly nsPerInstruction: number;
}

/** No instruction of any drive takes longer. */
const LONGEST_NS = 1_000_000;
const SLOWEST_NS = 64;
const FASTEST_NS = 1;

/**
 * Guest time in integer nanoseconds: what has passed, plus the instructions of the slice that is executing. In `realtime` the length of an
 * instruction follows the host's measured speed, so that all clocks of the guest agree with each other at every moment.
 */
export class GuestTime {
  readonly drive: GuestTimeOptions['drive'];
  #executed: () => number;
  #nsPerInstruction: number;
  #passedNs = 0;
  #instructions = 0;

  /** `executed` gives the instructions of the present slice that are not yet accounted. */
  constructor(options: GuestTimeOptions, executed: () => number = () => 0) {
    this.drive = options.drive;
    this.#nsPerInstruction = options.nsPerInstruction;
    this.#executed = executed;
  }

  /** Counts what an executor executes, which needs a clock before it can be made. */
  follow(executor: { readonly executed: number }): void {
    this.#executed = () => executor.executed;
  }

  /** Instructions executed since power-on by all CPUs. */
  get instructions(): number {
    return this.#instructions + this.#executed();
  }

  now(): number {
    return Math.floor(this.#passedNs + this.#executed() * this.#nsPerInstruction);
  }

  /** Accounts a finished slice; `hostNs` is what it took, for the pace of `realtime`. */
  account(instructions: number, hostNs: number): void {
    this.#instructions += instructions;
    this.#passedNs += instructions * this.#nsPerInstruction;
    if (this.drive === 'realtime' && instructions > 1000) this.#pace(hostNs / instructions);
  }

  /** Lets time pass while no CPU executes. */
  warpTo(ns: number): void {
    this.#passedNs = Math.max(this.#passedNs, ns);
  }

  /** Instructions that fit before guest time `ns`, at least 1. */
  instructionsUntil(ns: number): number {
    return Math.max(1, Math.ceil((ns - this.now()) / this.#nsPerInstruction));
  }

  /** What `restore` takes: nanoseconds that have passed, instructions, and the pace. Between two slices. */
  save(): GuestMoment {
    return { passedNs: this.#passedNs, instructions: this.#instructions, nsPerInstruction: this.#nsPerInstruction };
  }

  /** Goes to a saved moment, earlier or later. Throws RangeError when it is none. */
  restore({ passedNs, instructions, nsPerInstruction }: GuestMoment): void {
    const possible = Number.isSafeInteger(instructions) && instructions >= 0 && passedNs >= 0 && passedNs <= Number.MAX_SAFE_INTEGER;
    if (!possible || !(nsPerInstruction > 0 && nsPerInstruction <= LONGEST_NS))
      throw new RangeError('a moment that guest time cannot be at');
    this.#passedNs = passedNs;
    this.#instructions = instructions;
    this.#nsPerInstruction = nsPerInstruction;
  }

  #pace(nsPerInstruction: number): void {
    const smoothed = this.#nsPerInstruction * 0.9 + nsPerInstruction * 0.1;
    this.#nsPerInstruction = Math.min(SLOWEST_NS, Math.max(FASTEST_NS, smoothed));
  }
}
