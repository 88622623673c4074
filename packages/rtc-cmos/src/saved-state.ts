import { restoreLike, type SavedState, type StateLimits, savedState } from '@hotsocket/saved-state';
import { INDEX_MASK } from './spec.js';

const KIND = 'mc146818rtc';
const VERSION = 1;
/** Dates before 1970 are negative, and the second that is shown may have begun before power-on. */
const SIGNED = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const;
const LIMITS: StateLimits = { index: INDEX_MASK, baseSeconds: SIGNED, edgeNs: SIGNED };

/** Everything the clock remembers. Times are of the virtual clock, in nanoseconds. */
export interface RtcState {
  /** The selected cell. */
  index: number;
  /** All 128 bytes. Time bytes are stale while the clock runs; registers A to D are held without UIP. */
  cells: Uint8Array;
  /** Seconds since 1970 that the clock shows from `edgeNs` on for one second. */
  baseSeconds: number;
  edgeNs: number;
  /** Crystal cycle of the next periodic interrupt; counts while PIE is set and a rate is selected. */
  nextPeriodicCycle: number;
}

export const save = (state: RtcState): SavedState => savedState(KIND, VERSION, state);

/** The saved state; throws SavedStateError when it is not one of this device, which holds `present`. */
export const load = (saved: SavedState, present: RtcState): RtcState => restoreLike(saved, KIND, VERSION, present, LIMITS);
