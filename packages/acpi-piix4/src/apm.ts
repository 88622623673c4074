/** Advanced power management ports: a command byte and a scratch byte. */
import { type Mmio, mmio } from '@hotsocket/address-space';
import { APM_LENGTH, APMC } from './spec.js';

/** The two bytes. */
export interface ApmState {
  command: number;
  status: number;
}

/** Ports B2h and B3h. */
export class Apm {
  readonly region: Mmio;
  state: ApmState = { command: 0, status: 0 };

  /** `commanded` hears each write to the command port. */
  constructor(commanded: (command: number) => void) {
    this.region = mmio('acpi-piix4.apm', APM_LENGTH, {
      maxSize: 1,
      read: (offset) => (offset === APMC ? this.state.command : this.state.status),
      write: (offset, _size, value) => {
        if (offset !== APMC) this.state.status = value;
        else {
          this.state.command = value;
          commanded(value);
        }
      },
    });
  }

  reset(): void {
    this.state = { command: 0, status: 0 };
  }
}
