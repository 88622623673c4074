export { AmlInterpreter, type AmlInterpreterOptions, type AmlValue } from './interpreter/aml-interpreter.js';
export { AmlRuntimeError, type AmlRuntimeErrorCode } from './interpreter/aml-runtime-error.js';
export type { AmlEffects, AmlLimits } from './interpreter/execution.js';
export type { AmlSpaces, PciConfigSpace, RegionSpace } from './interpreter/fields.js';
