import type { HelperFunction } from '../cpu.js';
import { FPU_HELPERS } from '../fpu/index.js';
import { CONTROL_REGISTER_HELPERS } from './control-registers.js';
import { cpuid } from './cpuid.js';
import { DECIMAL_HELPERS } from './decimal.js';
import { FAR_HELPERS } from './far.js';
import { FLAG_HELPERS } from './flags.js';
import { MISCELLANEOUS_HELPERS } from './miscellaneous.js';
import { readMsr, writeMsr } from './msr.js';
import { privileged } from './operands.js';
import { PORT_HELPERS } from './ports.js';
import { SEGMENT_HELPERS } from './segments.js';
import { INTERRUPT_HELPERS } from './software-interrupts.js';
import { SYSTEM_CALL_HELPERS } from './system-calls.js';

export {
  CPU_FEATURES,
  CPU_MODELS,
  type CpuidAnswer,
  CpuModel,
  type CpuModelOptions,
  DEFAULT_CPU_MODEL,
  featureName,
  UnknownFeatureError,
} from './cpuid.js';

/** All helpers by name; semantics refer to these names. */
export const HELPERS: Readonly<Record<string, HelperFunction>> = {
  ...FPU_HELPERS,
  ...SEGMENT_HELPERS,
  ...CONTROL_REGISTER_HELPERS,
  ...INTERRUPT_HELPERS,
  ...FAR_HELPERS,
  ...SYSTEM_CALL_HELPERS,
  ...FLAG_HELPERS,
  ...PORT_HELPERS,
  ...DECIMAL_HELPERS,
  ...MISCELLANEOUS_HELPERS,
  cpuid,
  readMsr: privileged(readMsr),
  writeMsr: privileged(writeMsr),
};
