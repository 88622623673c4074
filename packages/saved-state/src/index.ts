export { restoreLike, type StateLimits } from './restore-like.js';
export { restoreRecord, type SavedState, SavedStateError, type StateRecord, type StateValue, savedState } from './saved-state.js';
export { crc32, FILE_VERSION, readSections, type Section, writeSections } from './sections.js';
export { decodeState, encodeState } from './state-text.js';
