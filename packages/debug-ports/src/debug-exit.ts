import { type Mmio, mmio } from '@hotsocket/address-space';
import type { Device, Property } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { DEBUG_EXIT_PORT, DEBUG_EXIT_PORTS } from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

const KIND = 'isa-debug-exit';
const VERSION = 1;

export interface DebugExitOptions {
  /** First port; default 501h. The board maps `io` there. */
  readonly iobase?: number;
  /** Ports, 1 to 65536; default 2. */
  readonly iosize?: number;
}

/** A test guest's way to end its machine with an exit status. It remembers nothing. */
export class DebugExit implements Device {
  readonly typeName: string = KIND;
  readonly iobase: number;
  /** `iosize` ports; every width counts as one write. */
  readonly io: Mmio;
  /** Called with the exit status, (value × 2 + 1) mod 256: odd, so it is never success. */
  exitRequested: (status: number) => void = () => {};
  readonly properties: Readonly<Record<string, Property>>;
  readonly #points: Points<typeof TRACE_POINTS>;

  /** Throws RangeError when the ports leave the I/O space. */
  constructor(services: { readonly trace?: Trace } = {}, options: DebugExitOptions = {}) {
    const { iobase = DEBUG_EXIT_PORT, iosize = DEBUG_EXIT_PORTS } = options;
    if (![iobase, iosize].every(Number.isInteger) || iobase < 0 || iosize < 1 || iobase + iosize > 0x1_0000)
      throw new RangeError(`${KIND}: ${iosize} ports from ${iobase} are not in the I/O space`);
    this.iobase = iobase;
    this.#points = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.io = mmio(KIND, iosize, { read: () => 0, write: (offset, size, value) => this.#write(offset, size, value) });
    this.properties = {
      iobase: { type: 'uint32', get: () => iobase },
      iosize: { type: 'uint32', get: () => iosize },
    };
  }

  reset(): void {}

  save(): SavedState {
    return savedState(KIND, VERSION, {});
  }

  restore(saved: SavedState): void {
    restoreLike(saved, KIND, VERSION, {});
  }

  #write(offset: number, size: number, value: number): void {
    if (this.#points.debug_exit.on) this.#points.debug_exit.emit(offset, size, value);
    this.exitRequested(((value << 1) | 1) & 0xff);
  }
}
