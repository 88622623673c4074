import { ARITHMETIC } from './arithmetic.js';
import { BITS } from './bits.js';
import { CONTROL } from './control.js';
import { CRYPTO } from './crypto.js';
import { DATA } from './data.js';
import { MMX } from './mmx.js';
import type { SemanticTable } from './semantic.js';
import { SHIFT } from './shift.js';
import { SSE_FAST } from './sse-fast.js';
import { SSE_FLOAT } from './sse-float.js';
import { SSE_INTEGER } from './sse-integer.js';
import { SSE_MOVES } from './sse-moves.js';
import { STACK_OPERATIONS } from './stack.js';
import { STRING } from './string.js';
import { SYSTEM } from './system.js';
import { X87 } from './x87.js';

/** What every instruction does, by mnemonic; `MNEMONIC@family` where families share a mnemonic. */
export const SEMANTICS: SemanticTable = {
  ...ARITHMETIC,
  ...BITS,
  ...CONTROL,
  ...CRYPTO,
  ...DATA,
  ...MMX,
  ...SHIFT,
  ...SSE_FLOAT,
  ...SSE_FAST,
  ...SSE_INTEGER,
  ...SSE_MOVES,
  ...STACK_OPERATIONS,
  ...STRING,
  ...SYSTEM,
  ...X87,
};
