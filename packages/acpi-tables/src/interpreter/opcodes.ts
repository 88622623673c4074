import type { Cursor } from './cursor.js';
import { DECLARATIONS } from './declarations.js';
import type { Execution, Frame } from './execution.js';
import { LITERALS } from './literals.js';
import type { Value } from './objects.js';
import { OPERATORS } from './operators.js';
import { STATEMENTS } from './statements.js';

/** Executes the term whose opcode was just read. */
export type Handler = (run: Execution, code: Cursor, frame: Frame) => Value;

/** All terms by opcode; those of two bytes by 0x5b00 and the second. ACPI 20.2 and 20.3. */
export const OPCODES: ReadonlyMap<number, Handler> = new Map([...LITERALS, ...DECLARATIONS, ...STATEMENTS, ...OPERATORS]);
