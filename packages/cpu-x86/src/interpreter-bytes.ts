import type { HandlerTable } from './handler-table.js';
import { buildInterpreter } from './interpreter.js';
import { HELPERS } from './system/index.js';

/** Helpers by number, as the interpreter asks for them. */
export const HELPER_NAMES: readonly string[] = Object.keys(HELPERS);

/**
 * The interpreter as WebAssembly. The bytes are the same in every process, and take a fifth of a second to make; a program that is bundled may
 * have them put in the place of this module.
 */
export function interpreterBytes(handlers: HandlerTable): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buildInterpreter(handlers, helperNumber));
}

function helperNumber(name: string): number {
  const number = HELPER_NAMES.indexOf(name);
  if (number < 0) throw new Error(`no helper is named '${name}'`);
  return number;
}
