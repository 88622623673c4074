export { CoreMemory, GuestMemoryError, MAX_GUEST_BYTES } from './core-memory.js';
export { type Execution, executionOfRows } from './coverage.js';
export { Cpu, type CpuObserver, type CpuServices, type HelperFunction } from './cpu.js';
export type { DebugStop, Watchpoint } from './debugger.js';
export { type CodeLine, type DecodedCode, disassembleCode, type ReadCode } from './disassembly.js';
export { type CoreOptions, ExecutionCore } from './execution-core.js';
export { Executor } from './executor.js';
export { refreshFpuTraps } from './fpu/traps.js';
export { RUN_DEBUG, RUN_EXIT, RUN_SLICE_ENDED, RUN_STEPPED, RUN_STOPPED } from './interpreter.js';
export * as layout from './layout.js';
export { isCode64, isRealMode, isVirtual8086, refreshMode } from './mode.js';
export { makeProcessors, type ProcessorServices, type Processors } from './processors.js';
export {
  CPU_FEATURES,
  CPU_MODELS,
  CPU_VENDORS,
  CpuModel,
  type CpuModelChanges,
  DEFAULT_CPU_MODEL,
  featureName,
  isNotEmulated,
  UnknownFeatureError,
} from './system/cpuid.js';
export { type InterruptPort, isRunnable, runSlice, stepOnce } from './system/events.js';
export { apicIdLimit, apicIdOf, type CpuPlace, placeOf, type Topology } from './topology.js';
export { X86Cpu, type X86CpuOptions } from './x86-cpu.js';
export { type CpuAdded, CpuAddReentryError, type CpuLifecycle, X86Cpus, type X86CpusOptions, type X86CpusServices } from './x86-cpus.js';
