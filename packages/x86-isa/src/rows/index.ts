import type { Row, RowDraft } from '../row.js';
import { ALU } from './alu.js';

const FAMILIES: Readonly<Record<string, readonly RowDraft[]>> = { alu: ALU };

function number(families: typeof FAMILIES): Row[] {
  const rows: Row[] = [];
  for (const [family, drafts] of Object.entries(families))
    for (const draft of drafts) rows.push({ ...draft, id: rows.length, family, fallback: undefined });
  return rows;
}

/** Every instruction this project knows, in the order of the files. `ROWS[n].id === n`. */
export const ROWS: readonly Row[] = number(FAMILIES);
