// Port 61h of the PC/AT: the gate of counter 2 and the speaker. Not emulated: parity and channel-check NMIs (bits 7 and 6 read 0).
import { type Mmio, mmio } from '@hotsocket/address-space';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import type { I8254 } from './i8254.js';
import { PORT_B_KIND, VERSION } from './saved-state.js';
import { PORT_B, REFRESH_TICKS } from './spec.js';

/** System control port B. Map `io` at port 61h. */
export class PortB implements Device {
  readonly typeName: string = PORT_B_KIND;
  readonly io: Mmio;
  readonly #pit: I8254;
  #state: PortBState = initialState();

  constructor(services: { readonly pit: I8254 }) {
    this.#pit = services.pit;
    this.io = mmio('port-b', 1, { maxSize: 1, read: () => this.#read(), write: (_offset, _size, value) => this.#write(value) });
  }

  reset(): void {
    this.#state = initialState();
    this.#pit.setGate2(false);
  }

  /** The period of the tone on the speaker in nanoseconds, or 0 when it is silent. */
  get tonePeriodNs(): number {
    return PORT_B.SPKR_DAT_EN.test(this.#state.control) ? this.#pit.tonePeriodNs : 0;
  }

  /** The refresh bit toggles once per memory refresh, every 15 µs, by which old programs measure time. */
  #read(): number {
    const refresh = Math.floor(this.#pit.tick() / REFRESH_TICKS) % 2;
    return PORT_B.TMR2_OUT.put(PORT_B.REFRESH.put(this.#state.control, refresh), this.#pit.out(2));
  }

  #write(value: number): void {
    this.#state.control = PORT_B.write(0, value);
    this.#pit.setGate2(PORT_B.TIM_CNT2_EN.test(value));
  }

  save(): SavedState {
    return savedState(PORT_B_KIND, VERSION, this.#state);
  }

  /** Counter 2's gate is restored with the timer. */
  restore(saved: SavedState): void {
    this.#state = restoreLike(saved, PORT_B_KIND, VERSION, initialState(), { control: PORT_B.writableMask });
  }
}

interface PortBState {
  /** The writable bits. */
  control: number;
}

const initialState = (): PortBState => ({ control: 0 });
