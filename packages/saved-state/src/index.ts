export { restoreLike, type StateLimits } from './restore-like.js';
export { restoreRecord, type SavedState, SavedStateError, type StateRecord, type StateValue, savedState } from './saved-state.js';
