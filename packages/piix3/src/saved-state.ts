import type { PciFunctionState } from '@hotsocket/pci-bus';
import type { StateLimits } from '@hotsocket/saved-state';

export const KIND = 'PIIX3';
export const VERSION = 1;

/** What the ISA bridge holds besides configuration space. The levels of PIRQA to PIRQD belong to the devices that drive them. */
export interface Piix3State {
  /** ELCR1 and ELCR2. */
  elcr: [number, number];
  /** Reset control as it reads back: SRST only. */
  rc: number;
}

/** The state at power-on and after reset. */
export const initialState = (): Piix3State => ({ elcr: [0, 0], rc: 0 });

/** Largest values a snapshot may hold. */
export const LIMITS: StateLimits = { elcr: 0xff, rc: 0x02 };

/** The snapshot: the state and configuration space. */
export interface Piix3Saved extends Piix3State {
  pci: PciFunctionState;
}
