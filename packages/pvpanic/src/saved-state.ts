import { restoreLike, type SavedState, savedState } from '@hotsocket/saved-state';

const KIND = 'pvpanic';
const VERSION = 1;

/** The device remembers nothing. */
export const save = (): SavedState => savedState(KIND, VERSION, {});

/** Throws SavedStateError when it is not a state of this device. */
export const load = (saved: SavedState): void => void restoreLike(saved, KIND, VERSION, {});
