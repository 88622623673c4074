export { DebugConsole, type DebugConsoleOptions } from './debug-console.js';
export { DebugExit, type DebugExitOptions } from './debug-exit.js';
export { PostCode } from './post-code.js';
export { DEBUG_EXIT_PORT, DEBUG_EXIT_PORTS, E9_CONSOLE_PORT, POST_CODE_PORT, POST_CODES, SEABIOS_CONSOLE_PORT } from './spec.js';
export { TRACE_POINTS } from './trace-points.js';
