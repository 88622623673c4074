import type { Row, RowDraft } from '../row.js';
import { ALU } from './alu.js';
import { BIT } from './bit.js';
import { BMI } from './bmi.js';
import { CONTROL } from './control.js';
import { CRYPTO } from './crypto.js';
import { MISC } from './misc.js';
import { MMX } from './mmx.js';
import { MOVE } from './move.js';
import { SHIFT } from './shift.js';
import { SSE } from './sse.js';
import { SSE2 } from './sse2.js';
import { SSE3 } from './sse3.js';
import { SSE41 } from './sse41.js';
import { SSE42 } from './sse42.js';
import { SSSE3 } from './ssse3.js';
import { STACK } from './stack.js';
import { STRING } from './string.js';
import { SYSTEM } from './system.js';
import { X87 } from './x87.js';

const FAMILIES: Readonly<Record<string, readonly RowDraft[]>> = {
  alu: ALU,
  shift: SHIFT,
  move: MOVE,
  stack: STACK,
  control: CONTROL,
  string: STRING,
  bit: BIT,
  system: SYSTEM,
  x87: X87,
  mmx: MMX,
  sse: SSE,
  sse2: SSE2,
  sse3: SSE3,
  ssse3: SSSE3,
  sse41: SSE41,
  sse42: SSE42,
  crypto: CRYPTO,
  bmi: BMI,
  misc: MISC,
};

function number(families: typeof FAMILIES): Row[] {
  const drafts = Object.entries(families).flatMap(([family, list]) => list.map((draft) => ({ ...draft, family })));
  return drafts.map((draft, id) => ({ ...draft, id, fallback: undefined }));
}

/** The row that the same bytes select when the mandatory prefix, or the group's number, is given no meaning. */
function fallbackOf(row: Row, rows: readonly Row[]): Row {
  const plain = row.opcode.replace(/^F3 /, '').replace(/\/\d/, '/r');
  const fallback = rows.find((other) => other.opcode === plain);
  if (!fallback) throw new SyntaxError(`${row.opcode} falls back to ${plain}, which is no row`);
  return fallback;
}

/** A fallback must be a plain row, which is therefore complete before the rows that name it. */
function withFallbacks(rows: readonly Row[]): Row[] {
  return rows.map((row) => (row.attributes.has('falls-back') ? { ...row, fallback: fallbackOf(row, rows) } : row));
}

/** Every instruction this project knows, in the order of the files. `ROWS[n].id === n`. */
export const ROWS: readonly Row[] = withFallbacks(number(FAMILIES));
