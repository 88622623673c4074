export type { MachineConfig } from './command-line.js';
export { Emulator } from './emulator.js';
export { Information } from './options/option.js';
export { parseCommandLine } from './parse.js';
export { run } from './run.js';
export { UsageError } from './usage-error.js';
