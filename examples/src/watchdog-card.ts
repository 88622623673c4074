/** A device of one's own: an ISA watchdog card with two ports and one interrupt. */
import { type Mmio, mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import type { Timer, VirtualClock } from '@hotsocket/virtual-clock';

const KIND = 'watchdog-card';
const MS = 1_000_000;
const initialState = (): { timeoutMs: number; deadlineNs: number; bitten: number } => ({ timeoutMs: 0, deadlineNs: 0, bitten: 0 });

/** Port +0: a write of n (1 to 255) starts it with n × 10 ms or feeds it, 0 stops it. Port +1: bit 0 it has bitten; a write clears that. */
export class WatchdogCard implements Device {
  readonly typeName = KIND;
  /** High from the bite until port +1 is written. */
  readonly irq: IrqLine = new IrqLine('watchdog.irq');
  readonly io: Mmio;
  readonly #clock: VirtualClock;
  readonly #timer: Timer;
  #state = initialState();

  constructor({ clock }: { readonly clock: VirtualClock }) {
    this.#clock = clock;
    this.#timer = clock.timer('watchdog', () => this.#bite());
    this.io = mmio(KIND, 2, {
      maxSize: 1,
      read: (port) => (port === 0 ? this.#state.timeoutMs / 10 : this.#state.bitten),
      write: (port, _size, value) => (port === 0 ? this.#feed(value * 10) : this.#acknowledge()),
    });
  }

  reset(): void {
    this.#state = initialState();
    this.#rearm();
  }

  save(): SavedState {
    return savedState(KIND, 1, this.#state);
  }

  restore(saved: SavedState): void {
    this.#state = restoreLike(saved, KIND, 1, initialState(), { timeoutMs: 2550, bitten: 1 });
    this.#rearm();
  }

  #feed(timeoutMs: number): void {
    Object.assign(this.#state, { timeoutMs, deadlineNs: timeoutMs === 0 ? 0 : this.#clock.now() + timeoutMs * MS });
    this.#rearm();
  }

  #bite(): void {
    Object.assign(this.#state, { bitten: 1, deadlineNs: 0 });
    this.#rearm();
  }

  #acknowledge(): void {
    this.#state.bitten = 0;
    this.#rearm();
  }

  /** Timer and wire follow from the state alone, so that reset and restore need nothing else. */
  #rearm(): void {
    if (this.#state.deadlineNs > 0) this.#timer.arm(this.#state.deadlineNs);
    else this.#timer.disarm();
    this.irq.set(this.#state.bitten !== 0);
  }
}
