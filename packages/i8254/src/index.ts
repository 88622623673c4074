export { I8254, type I8254Services } from './i8254.js';
export { PortB } from './port-b.js';
export type { CounterState, I8254State } from './saved-state.js';
export { PIT_HZ } from './spec.js';
