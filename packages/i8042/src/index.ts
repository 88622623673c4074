export { I8042, type I8042Options } from './i8042.js';
export type { Ps2Keyboard } from './keyboard.js';
export type { MouseMovement, Ps2Mouse } from './mouse.js';
export { COMMAND_PORT, DATA_PORT, SYSTEM_CONTROL_PORT } from './spec.js';
export { TRACE_POINTS } from './trace-points.js';
