export { Pvpanic, type PvpanicOptions } from './pvpanic.js';
export * from './spec.js';
export { TRACE_POINTS } from './trace-points.js';
