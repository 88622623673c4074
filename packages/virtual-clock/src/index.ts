export { Crystal } from './crystal.js';
export { ManualClock } from './manual-clock.js';
export { Timer, type TimeSource, VirtualClock } from './virtual-clock.js';
