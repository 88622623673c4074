export { Piix3, type ResetKind } from './piix3.js';
export { ELCR, ELCR_PORT, PIRQRC, RC, RC_PORT, STEERABLE_IRQS } from './spec.js';
export { TRACE_POINTS } from './trace-points.js';
