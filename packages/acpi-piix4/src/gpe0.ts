/** General purpose event block 0. */
import { type Mmio, mmio } from '@hotsocket/address-space';
import { GPE0_EN_OFFSET, GPE0_LENGTH } from './spec.js';

/** Status and enable, two bytes each. */
export interface Gpe0State {
  sts: [number, number];
  en: [number, number];
}

/** What the block tells its owner. */
export interface Gpe0Notices {
  /** The guest has switched on events that were off, in byte 0. */
  enabled(events: number): void;
  /** The SCI follows. */
  changed(): void;
}

/** Two bytes of status, written with ones to clear, and two of enable. Any access is a sequence of bytes. */
export class Gpe0 {
  readonly region: Mmio;
  state: Gpe0State = initialState();
  readonly #notices: Gpe0Notices;

  constructor(notices: Gpe0Notices) {
    this.#notices = notices;
    this.region = mmio('acpi-piix4.gpe0', GPE0_LENGTH, {
      maxSize: 1,
      read: (offset) => this.#read(offset),
      write: (offset, _size, value) => this.#write(offset, value),
    });
  }

  reset(): void {
    this.state = initialState();
  }

  /** Events of byte 0 that are set and enabled. Byte 1 has no event and no wire. */
  get pending(): number {
    return this.state.sts[0] & this.state.en[0];
  }

  /** Sets events of byte 0, enabled or not. */
  raise(events: number): void {
    this.state.sts[0] |= events;
    this.#notices.changed();
  }

  #read(offset: number): number {
    const bytes = offset < GPE0_EN_OFFSET ? this.state.sts : this.state.en;
    return bytes[offset & 1] ?? 0xff;
  }

  #write(offset: number, value: number): void {
    const index = (offset & 1) as 0 | 1;
    if (offset < GPE0_EN_OFFSET) this.state.sts[index] &= ~value;
    else this.#writeEnable(index, value);
    this.#notices.changed();
  }

  #writeEnable(index: 0 | 1, value: number): void {
    const switchedOn = value & ~this.state.en[index];
    this.state.en[index] = value;
    if (index === 0 && switchedOn !== 0) this.#notices.enabled(switchedOn);
  }
}

const initialState = (): Gpe0State => ({ sts: [0, 0], en: [0, 0] });
