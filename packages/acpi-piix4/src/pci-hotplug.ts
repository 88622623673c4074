/** Hot-plug registers of PCI bus 0. */
import { type Mmio, mmio } from '@hotsocket/address-space';
import { PCI_BUS_SELECT, PCI_DOWN, PCI_EJECT, PCI_HOTPLUG_LENGTH, PCI_REMOVABLE, PCI_UP } from './spec.js';

/** One bit a slot. */
export interface PciHotplugState {
  /** Slots whose device came while the machine ran. */
  up: number;
  /** Slots whose device shall go. */
  down: number;
  /** Selected bus; only bus 0 has slots. */
  bus: number;
}

/** 32-bit registers; narrower accesses read their bytes and drop writes. */
export class PciHotplug {
  readonly region: Mmio;
  state: PciHotplugState = { up: 0, down: 0, bus: 0 };
  readonly #removable: number;
  readonly #ejected: (slot: number) => void;

  /** `removable`: slots whose device may be ejected, and empty slots; `ejected` is called when the guest lets one go. */
  constructor(removable: number, ejected: (slot: number) => void) {
    this.#removable = removable >>> 0;
    this.#ejected = ejected;
    this.region = mmio('acpi-piix4.pci-hotplug', PCI_HOTPLUG_LENGTH, {
      minSize: 4,
      read: (offset) => this.#read(offset),
      write: (offset, _size, value) => this.#write(offset, value),
    });
  }

  /** Devices that were asked to go are gone after a reset: nobody is left to keep them. */
  reset(): void {
    const leaving = this.state.down;
    this.state = { up: 0, down: 0, bus: 0 };
    for (let slot = 0; slot < 32; slot++) if (bit(leaving, slot)) this.#ejected(slot);
  }

  /** A device came to a slot. */
  added(slot: number): void {
    this.state.up = (this.state.up | (1 << slot)) >>> 0;
  }

  /** The device in a slot shall go. */
  removalRequested(slot: number): void {
    this.state.down = (this.state.down | (1 << slot)) >>> 0;
  }

  #read(offset: number): number {
    if ((offset & 3) !== 0) return 0xffff_ffff;
    if (offset === PCI_BUS_SELECT) return this.state.bus;
    if (this.state.bus !== 0) return 0;
    if (offset === PCI_UP) return this.state.up;
    if (offset === PCI_DOWN) return this.state.down;
    return offset === PCI_REMOVABLE ? this.#removable : 0;
  }

  #write(offset: number, value: number): void {
    if (offset === PCI_BUS_SELECT) this.state.bus = value;
    else if (offset === PCI_EJECT && this.state.bus === 0 && value !== 0) this.#eject(31 - Math.clz32(value & -value));
  }

  #eject(slot: number): void {
    if (!bit(this.#removable, slot)) return;
    this.state.up = (this.state.up & ~(1 << slot)) >>> 0;
    this.state.down = (this.state.down & ~(1 << slot)) >>> 0;
    this.#ejected(slot);
  }
}

const bit = (mask: number, slot: number): boolean => ((mask >>> slot) & 1) === 1;
