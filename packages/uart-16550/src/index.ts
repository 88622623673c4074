export * from './spec.js';
export { TRACE_POINTS } from './trace-points.js';
export { type ModemInputs, Uart16550, type Uart16550Options, type Uart16550Services } from './uart-16550.js';
