/** The ISA form of the pvpanic device (QEMU documentation, 'pvpanic device'). Not emulated: the PCI form. */
import { type Mmio, mmio } from '@hotsocket/address-space';
import type { Device, Property } from '@hotsocket/qom';
import type { SavedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import { load, save } from './saved-state.js';
import { EVENTS, PORTS, PVPANIC_PORT } from './spec.js';
import { TRACE_POINTS } from './trace-points.js';

/** Where the device is and which events it takes. */
export interface PvpanicOptions {
  /** Default 505h. The board maps `io` there. */
  readonly ioport?: number;
  /** Bits of EVENTS; default all. */
  readonly events?: number;
}

/** A port by which a guest tells its host that it has panicked. */
export class Pvpanic implements Device {
  readonly typeName = 'pvpanic';
  readonly ioport: number;
  readonly events: number;
  readonly properties: Readonly<Record<string, Property>>;
  readonly #points: Points<typeof TRACE_POINTS>;
  /** Called when the guest has panicked. */
  panicked: () => void = () => {};
  /** Called when the guest has panicked and goes on by itself. */
  crashLoaded: () => void = () => {};
  /** One port of one byte. */
  readonly io: Mmio;

  /** Throws RangeError when the port is not in the I/O space or an event is unknown. */
  constructor(services: { readonly trace?: Trace } = {}, { ioport = PVPANIC_PORT, events = EVENTS.resetValue }: PvpanicOptions = {}) {
    if (!Number.isInteger(ioport) || ioport < 0 || ioport > 0xffff) throw new RangeError(`pvpanic: there is no port ${ioport}`);
    if ((events & ~EVENTS.resetValue) !== 0) throw new RangeError(`pvpanic: the events ${events} are not known`);
    this.ioport = ioport;
    this.events = events;
    this.#points = (services.trace ?? new Trace()).points(TRACE_POINTS);
    this.properties = {
      ioport: { type: 'uint16', get: () => ioport },
      events: { type: 'uint8', get: () => events },
    };
    this.io = mmio('pvpanic', PORTS, { maxSize: 1, read: () => events, write: (_offset, _size, value) => this.#write(value) });
  }

  reset(): void {}

  /** Of two events at once a panic counts. */
  #write(value: number): void {
    if (this.#points.pvpanic_event.on) this.#points.pvpanic_event.emit(value);
    if (EVENTS.PANICKED.test(value & this.events)) this.panicked();
    else if (EVENTS.CRASH_LOADED.test(value & this.events)) this.crashLoaded();
  }

  save(): SavedState {
    return save();
  }

  restore(saved: SavedState): void {
    load(saved);
  }
}
