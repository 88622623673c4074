/** Gives the present guest time in integer nanoseconds; never goes back. */
export type TimeSource = () => number;

/** A callback at a guest time. At most one deadline is armed at a time. */
export class Timer {
  readonly label: string;
  readonly #clock: VirtualClock;
  readonly #expired: () => void;
  #deadlineNs = Number.POSITIVE_INFINITY;

  constructor(label: string, clock: VirtualClock, expired: () => void) {
    this.label = label;
    this.#clock = clock;
    this.#expired = expired;
  }

  /** When it fires, or infinity while disarmed. */
  get deadlineNs(): number {
    return this.#deadlineNs;
  }

  get armed(): boolean {
    return this.#deadlineNs !== Number.POSITIVE_INFINITY;
  }

  /** Fires once at guest time `deadlineNs`; a deadline in the past fires at the next opportunity. */
  arm(deadlineNs: number): void {
    this.#deadlineNs = deadlineNs;
    this.#clock.rearmed(deadlineNs);
  }

  disarm(): void {
    this.#deadlineNs = Number.POSITIVE_INFINITY;
  }

  /** Called by the clock when the deadline has come. */
  fire(): void {
    this.disarm();
    this.#expired();
  }
}

/**
 * Guest time of one machine. The time source belongs to the run loop (instructions executed, or the host's clock);
 * devices read `now()` and arm timers.
 */
export class VirtualClock {
  readonly #source: TimeSource;
  readonly #timers: Timer[] = [];
  #earlier: (deadlineNs: number) => void = () => {};

  constructor(source: TimeSource) {
    this.#source = source;
  }

  /** Guest time in integer nanoseconds since power-on. */
  now(): number {
    return this.#source();
  }

  /** Makes a timer that calls `expired`; it starts disarmed. */
  timer(label: string, expired: () => void): Timer {
    const timer = new Timer(label, this, expired);
    this.#timers.push(timer);
    return timer;
  }

  /** Forgets a timer (unplugged devices). */
  remove(timer: Timer): void {
    timer.disarm();
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  /** The earliest deadline, or infinity. */
  nextDeadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const timer of this.#timers) if (timer.deadlineNs < earliest) earliest = timer.deadlineNs;
    return earliest;
  }

  /** Fires what is due now, earliest first; a timer that re-arms itself into the past fires again at the next call. */
  runExpired(): void {
    const nowNs = this.now();
    for (const timer of this.#due(nowNs)) if (timer.deadlineNs <= nowNs) timer.fire();
  }

  /** The run loop listens here, to shorten a slice when a device arms an earlier deadline. */
  onEarlierDeadline(listener: (deadlineNs: number) => void): void {
    this.#earlier = listener;
  }

  /** Called by timers. */
  rearmed(deadlineNs: number): void {
    this.#earlier(deadlineNs);
  }

  #due(nowNs: number): Timer[] {
    return this.#timers.filter((timer) => timer.deadlineNs <= nowNs).sort((a, b) => a.deadlineNs - b.deadlineNs);
  }
}
