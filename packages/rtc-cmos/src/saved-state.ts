import { restoreRecord, type SavedState, SavedStateError, savedState } from '@hotsocket/saved-state';
import { CELLS } from './spec.js';

const KIND = 'mc146818rtc';
const VERSION = 1;

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

/** The saved state; throws SavedStateError when it is not one of this device. */
export function load(saved: SavedState): RtcState {
  const state = restoreRecord<RtcState>(saved, KIND, VERSION);
  const numbers = [state.index, state.baseSeconds, state.edgeNs, state.nextPeriodicCycle];
  const fits = numbers.every(Number.isSafeInteger) && ArrayBuffer.isView(state.cells) && state.cells.length === CELLS;
  if (!fits) throw new SavedStateError(`${KIND}: the record is damaged`);
  return state;
}
