import type { StateLimits } from '@hotsocket/saved-state';
import { IOREDTBL_HIGH, IOREDTBL_LOW, PINS } from './spec.js';

export const KIND = 'ioapic';
export const VERSION = 1;

export interface IoApicState {
  id: number;
  arbitrationId: number;
  /** The index register. */
  select: number;
  /** Redirection entries, low and high halves. */
  low: number[];
  high: number[];
  /** Levels of the pins: bit n for pin n. */
  inputs: number;
}

export const LIMITS: StateLimits = { id: 0xf, arbitrationId: 0xf, select: 0xff, low: 0x1_ffff, high: 0xffff_ffff, inputs: 0xff_ffff };

export const initialState = (): IoApicState => ({
  id: 0,
  arbitrationId: 0,
  select: 0,
  low: Array.from({ length: PINS }, () => IOREDTBL_LOW.resetValue),
  high: Array.from({ length: PINS }, () => IOREDTBL_HIGH.resetValue),
  inputs: 0,
});
