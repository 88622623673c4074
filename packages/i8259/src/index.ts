export { I8259, type I8259Role } from './i8259.js';
export { I8259Pair } from './i8259-pair.js';
export type { I8259PairState, I8259State } from './saved-state.js';
