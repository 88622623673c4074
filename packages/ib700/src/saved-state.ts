import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';

const KIND = 'ib700';
const VERSION = 1;

/** Everything the watchdog remembers. */
export interface Ib700State {
  /** Guest time at which it runs out, nanoseconds; −1 while it is stopped. */
  deadlineNs: number;
}

export const STOPPED = -1;
export const initialState = (): Ib700State => ({ deadlineNs: STOPPED });

export const save = (state: Ib700State): SavedState => savedState(KIND, VERSION, state);

/** Throws SavedStateError when it is not a state of this watchdog. */
export const load = (saved: SavedState): Ib700State =>
  restoreLike(saved, KIND, VERSION, initialState(), { deadlineNs: [STOPPED, Number.MAX_SAFE_INTEGER] });
