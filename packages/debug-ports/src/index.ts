export { DebugConsole, type DebugConsoleOptions } from './debug-console.js';
export { DebugExit, type DebugExitOptions } from './debug-exit.js';
export { PcTestdev } from './pc-testdev.js';
export { PostCode } from './post-code.js';
export {
  DEBUG_EXIT_PORT,
  DEBUG_EXIT_PORTS,
  E9_CONSOLE_PORT,
  POST_CODE_PORT,
  POST_CODES,
  SEABIOS_CONSOLE_PORT,
  TESTDEV_IRQ_PORT,
  TESTDEV_IRQS,
  TESTDEV_MEMORY,
  TESTDEV_MEMORY_BYTES,
  TESTDEV_PORT,
} from './spec.js';
export { TRACE_POINTS } from './trace-points.js';
