/** The watchdog of iBASE IB700 boards (user manual, 'Watchdog Timer Configuration'). Not emulated: nothing. */
import { type Mmio, mmio } from '@hotsocket/address-space';
import type { Device } from '@hotsocket/qom';
import type { SavedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import type { Timer, VirtualClock } from '@hotsocket/virtual-clock';
import { type Ib700State, initialState, load, STOPPED, save } from './saved-state.js';
import { ENABLE, PORTS, TIMEOUT_SECONDS } from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

const NS_PER_SECOND = 1_000_000_000;

/** What the watchdog needs. */
export interface Ib700Services {
  readonly clock: VirtualClock;
  readonly trace?: Trace;
}

/** A watchdog on the ISA bus: started with a time-out, it runs out unless it is started again or stopped before. */
export class Ib700 implements Device {
  readonly typeName = 'ib700';
  readonly #clock: VirtualClock;
  readonly #points: Points<typeof TRACE_POINTS>;
  /** Called when it has run out; it is stopped then. */
  expired: () => void = () => {};
  /** Reads are all ones: the ports are write-only. */
  readonly io: Mmio;
  #state: Ib700State = initialState();
  readonly #timer: Timer;

  constructor({ clock, trace = new Trace() }: Ib700Services) {
    this.#clock = clock;
    this.#points = trace.points(TRACE_POINTS);
    this.#timer = clock.timer('ib700', () => this.#ranOut());
    this.io = mmio('ib700', PORTS, { maxSize: 1, read: () => 0xff, write: (offset, _size, value) => this.#write(offset, value) });
  }

  reset(): void {
    this.#state = initialState();
    this.#timer.disarm();
  }

  #write(offset: number, value: number): void {
    if (offset < ENABLE) this.#stop();
    else this.#start(TIMEOUT_SECONDS[value & 15] ?? 0);
  }

  #stop(): void {
    if (this.#points.ib700_stop.on) this.#points.ib700_stop.emit();
    this.#state.deadlineNs = STOPPED;
    this.#timer.disarm();
  }

  #start(seconds: number): void {
    if (this.#points.ib700_start.on) this.#points.ib700_start.emit(seconds);
    this.#state.deadlineNs = this.#clock.now() + seconds * NS_PER_SECOND;
    this.#timer.arm(this.#state.deadlineNs);
  }

  #ranOut(): void {
    if (this.#points.ib700_expired.on) this.#points.ib700_expired.emit();
    this.#state.deadlineNs = STOPPED;
    this.expired();
  }

  save(): SavedState {
    return save(this.#state);
  }

  restore(saved: SavedState): void {
    this.#state = load(saved);
    if (this.#state.deadlineNs === STOPPED) this.#timer.disarm();
    else this.#timer.arm(this.#state.deadlineNs);
  }
}
