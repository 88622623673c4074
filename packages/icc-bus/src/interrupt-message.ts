import { MSI_ADDRESS, MSI_DATA } from './spec.js';

/** What travels on the bus. */
export interface InterruptMessage {
  /** Local APIC id, or a logical destination; FFh is every local APIC, FFFFFFFFh in an extended one. */
  readonly destination: number;
  /** The destination has 32 bits: the sender is in x2APIC mode. */
  readonly extended?: boolean;
  readonly logical: boolean;
  /** One of `DELIVERY`, 0 to 7. */
  readonly deliveryMode: number;
  readonly vector: number;
  readonly levelTriggered: boolean;
}

/** The message that a write of `data` to `offset` of the APIC window stands for. */
export const messageOfMsi = (offset: number, data: number): InterruptMessage => ({
  destination: MSI_ADDRESS.DESTINATION.get(offset),
  logical: MSI_ADDRESS.DM.test(offset),
  deliveryMode: MSI_DATA.DELIVERY_MODE.get(data),
  vector: MSI_DATA.VECTOR.get(data),
  levelTriggered: MSI_DATA.TRIGGER.test(data),
});
