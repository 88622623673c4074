/** SMBus host controller of a bus on which nobody answers. */
import { type Mmio, mmio } from '@hotsocket/address-space';
import { SMBHSTCNT, SMBHSTSTS, SMBUS_LENGTH } from './spec.js';

/** The host registers; those without behaviour are storage. */
export interface SmbusState {
  bytes: Uint8Array;
}

/** A window of 64 ports: a transaction ends at once with a device error. */
export class Smbus {
  readonly region: Mmio;
  state: SmbusState = { bytes: new Uint8Array(SMBUS_LENGTH) };

  constructor() {
    this.region = mmio('acpi-piix4.smbus', SMBUS_LENGTH, {
      maxSize: 1,
      read: (offset) => this.state.bytes[offset] ?? 0xff,
      write: (offset, _size, value) => this.#write(offset, value),
    });
  }

  reset(): void {
    this.state = { bytes: new Uint8Array(SMBUS_LENGTH) };
  }

  #write(offset: number, value: number): void {
    const { bytes } = this.state;
    if (offset === SMBHSTSTS.offset) bytes[offset] = SMBHSTSTS.write(bytes[offset] ?? 0, value);
    else bytes[offset] = offset === SMBHSTCNT.offset ? SMBHSTCNT.write(bytes[offset] ?? 0, value) : value;
    if (offset === SMBHSTCNT.offset && SMBHSTCNT.START.test(value)) bytes[SMBHSTSTS.offset] = SMBHSTSTS.DEV_ERR.mask;
  }
}
