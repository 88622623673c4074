export { CoreMemory, GuestMemoryError, MAX_GUEST_BYTES } from './core-memory.js';
export { Cpu, type CpuServices, type HelperFunction } from './cpu.js';
export { type CoreOptions, ExecutionCore } from './execution-core.js';
export { RUN_EXIT, RUN_SLICE_ENDED, RUN_STEPPED, RUN_STOPPED } from './interpreter.js';
export * as layout from './layout.js';
export { isCode64, isRealMode, isVirtual8086, refreshMode } from './mode.js';
