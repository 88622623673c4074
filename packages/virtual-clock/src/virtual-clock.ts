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
    const earlier = this.#clock.rearming(this.#deadlineNs, deadlineNs);
    this.#deadlineNs = deadlineNs;
    if (earlier) this.#clock.rearmed(deadlineNs);
  }

  disarm(): void {
    this.arm(Number.POSITIVE_INFINITY);
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
  /** The earliest deadline; undefined when the timer that had it was put off. */
  #earliestNs: number | undefined = Number.POSITIVE_INFINITY;
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

  /** The earliest deadline, or infinity. Cheap: timers are looked at again only after the earliest was put off. */
  nextDeadline(): number {
    this.#earliestNs ??= this.#timers.reduce((earliest, { deadlineNs }) => Math.min(earliest, deadlineNs), Number.POSITIVE_INFINITY);
    return this.#earliestNs;
  }

  /** Fires what is due now, earliest first; a timer that re-arms itself into the past fires again at the next call. */
  runExpired(): void {
    const nowNs = this.now();
    if (this.nextDeadline() > nowNs) return;
    for (const timer of this.#due(nowNs)) if (timer.deadlineNs <= nowNs) timer.fire();
    this.#earliestNs = undefined;
  }

  /** The run loop listens here (one listener), to shorten a slice when a device arms a deadline before all others. */
  onEarlierDeadline(listener: (deadlineNs: number) => void): void {
    this.#earlier = listener;
  }

  /** Called by timers before their deadline changes; says whether the new one comes before all others. */
  rearming(previousNs: number, deadlineNs: number): boolean {
    const earliestNs = this.nextDeadline();
    if (deadlineNs < earliestNs) this.#earliestNs = deadlineNs;
    else if (previousNs === earliestNs && deadlineNs !== previousNs) this.#earliestNs = undefined;
    return deadlineNs < earliestNs;
  }

  /** Called by timers whose new deadline comes before all others. */
  rearmed(deadlineNs: number): void {
    this.#earlier(deadlineNs);
  }

  #due(nowNs: number): Timer[] {
    return this.#timers.filter((timer) => timer.deadlineNs <= nowNs).sort((a, b) => a.deadlineNs - b.deadlineNs);
  }
}
