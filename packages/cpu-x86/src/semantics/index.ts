import { ARITHMETIC } from './arithmetic.js';
import { BITS } from './bits.js';
import { CONTROL } from './control.js';
import { DATA } from './data.js';
import type { SemanticTable } from './semantic.js';
import { SHIFT } from './shift.js';
import { STACK_OPERATIONS } from './stack.js';
import { STRING } from './string.js';
import { SYSTEM } from './system.js';

/** What every instruction does, by mnemonic; `MNEMONIC@family` where families share a mnemonic. */
export const SEMANTICS: SemanticTable = {
  ...ARITHMETIC,
  ...BITS,
  ...CONTROL,
  ...DATA,
  ...SHIFT,
  ...STACK_OPERATIONS,
  ...STRING,
  ...SYSTEM,
};
