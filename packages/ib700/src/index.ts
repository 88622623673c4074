export { Ib700, type Ib700Services } from './ib700.js';
export * from './spec.js';
export { TRACE_POINTS } from './trace-points.js';
