import { type AccessSize, type Mapping, type Mmio, mmio } from '@hotsocket/address-space';
import type { Device } from '@hotsocket/qom';
import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';
import { type Points, Trace } from '@hotsocket/trace';
import type { IccBus } from './icc-bus.js';
import { messageOfMsi } from './interrupt-message.js';
import { APIC_PAGE_SIZE, APIC_SPACE_BASE, APIC_SPACE_SIZE, ICC_BRIDGE_TYPE, IO_APIC_SIZE, REGISTER_STRIDE } from './spec.js';
import { ICC_TRACE_POINTS } from './trace-points.js';

const VERSION = 1;
const ONES: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

/** Gives the bus its two windows in memory. */
export class IccBridge implements Device {
  readonly typeName: string = ICC_BRIDGE_TYPE;
  readonly bus: IccBus;
  /** 1 MiB: the registers of the running CPU's local APIC, and message signalled interrupts. */
  readonly apicContainer: Mmio;
  /** 4 KiB: the I/O APIC. */
  readonly ioApicContainer: Mmio;
  readonly #trace: Points<typeof ICC_TRACE_POINTS>;
  /** Windows of local APICs that guests moved, by address. */
  readonly #moved = new Map<number, Mapping>();

  constructor(services: { readonly bus: IccBus; readonly trace?: Trace }) {
    this.bus = services.bus;
    this.#trace = (services.trace ?? new Trace()).points(ICC_TRACE_POINTS);
    this.apicContainer = mmio('icc-apic-container', APIC_SPACE_SIZE, {
      read: (offset, size) => this.#readApic(offset, size),
      write: (offset, size, value) => this.#writeApic(offset, size, value),
    });
    this.ioApicContainer = mmio('icc-ioapic-container', IO_APIC_SIZE, {
      read: (offset, size) => this.bus.ioApic?.region.read(offset, size) ?? this.#unclaimed(offset, size),
      write: (offset, size, value) => this.bus.ioApic?.region.write(offset, size, value),
    });
  }

  /**
   * Shows local APICs where guests move them; `map` puts a page of registers into memory. A CPU whose APIC is elsewhere reads ones there and
   * not what lies beneath.
   */
  attachWindows(map: (gpa: number, registers: Mmio) => Mapping): void {
    this.bus.apicMoved = () => this.#follow(map);
  }

  #follow(map: (gpa: number, registers: Mmio) => Mapping): void {
    const bases = new Set(this.bus.localApics.map(({ base }) => base).filter((base) => base !== APIC_SPACE_BASE));
    for (const [base, mapping] of this.#moved) {
      if (bases.has(base)) continue;
      mapping.remove();
      this.#moved.delete(base);
    }
    for (const base of bases) if (!this.#moved.has(base)) this.#moved.set(base, map(base, this.#registersAt(base)));
  }

  #registersAt(base: number): Mmio {
    return mmio('icc-apic-moved', APIC_PAGE_SIZE, {
      read: (offset, size) => this.#readRegister(base, offset, size),
      write: (offset, size, value) => {
        if (size === 4 && this.bus.current?.base === base) this.bus.current.writeRegister(Math.floor(offset / REGISTER_STRIDE), value);
      },
    });
  }

  /** The bridge holds nothing: messages are delivered while they are sent. */
  reset(): void {}

  save(): SavedState {
    return savedState(ICC_BRIDGE_TYPE, VERSION, {});
  }

  restore(saved: SavedState): void {
    restoreLike(saved, ICC_BRIDGE_TYPE, VERSION, {});
  }

  /** QUIRK: registers are 16 bytes apart and 32 bits wide; narrower reads give 0, as QEMU 7.2 does. */
  #readApic(offset: number, size: AccessSize): number {
    return offset < APIC_PAGE_SIZE ? this.#readRegister(APIC_SPACE_BASE, offset, size) : this.#unclaimed(offset, size);
  }

  #readRegister(base: number, offset: number, size: AccessSize): number {
    const apic = this.bus.current;
    if (apic?.base !== base) return this.#unclaimed(offset, size);
    return size === 4 ? apic.readRegister(Math.floor(offset / REGISTER_STRIDE)) : 0;
  }

  /**
   * The first 16 bytes hold no register: a write there is the message for destination 0. Devices have no local APIC, so
   * all their writes are messages. Narrow writes are dropped.
   */
  #writeApic(offset: number, size: AccessSize, value: number): void {
    if (size !== 4) return;
    const apic = this.bus.current;
    if (apic?.base === APIC_SPACE_BASE && offset >= REGISTER_STRIDE && offset < APIC_PAGE_SIZE)
      apic.writeRegister(Math.floor(offset / REGISTER_STRIDE), value);
    else this.bus.deliver(messageOfMsi(offset, value));
  }

  #unclaimed(offset: number, size: AccessSize): number {
    if (this.#trace.icc_unclaimed.on) this.#trace.icc_unclaimed.emit(offset, size);
    return ONES[size];
  }
}
