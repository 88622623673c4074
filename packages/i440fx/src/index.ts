export { I440fx, type I440fxOptions, type I440fxServices } from './i440fx.js';
export { CONFADD, CONFADD_PORT, CONFDATA_PORT, COREBOOT_RAM_SIZE, PAM, PAM_SEGMENTS, type PamSegment, SMRAM } from './spec.js';
export { TRACE_POINTS } from './trace-points.js';
