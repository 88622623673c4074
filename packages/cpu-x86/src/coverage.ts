import { ROWS, type Row } from '@hotsocket/x86-isa';
import { HandlerTable } from './handler-table.js';
import { isInline } from './inline-set.js';
import { SEMANTICS } from './semantics/index.js';
import { isHelper } from './semantics/semantic.js';

/**
 * How a row of the instruction tables is executed. `inline`: generated code in the interpreter's main function (at least one form of it);
 * `outlined`: generated code in functions of its own; `helper`: a TypeScript function; `undefined`: #UD, as the manual defines it;
 * `missing`: #UD because nobody has written it.
 */
export type Execution = 'inline' | 'outlined' | 'helper' | 'undefined' | 'missing';

/** Each row and how it is executed, in the order of the tables. */
export function executionOfRows(): readonly { readonly row: Row; readonly execution: Execution }[] {
  const table = new HandlerTable(SEMANTICS);
  const inline = new Set(table.handlers.filter(isInline).map(({ number }) => number));
  const forms = [2, 4, 8].flatMap((bytes) => [false, true].map((memory) => [bytes, memory] as const));
  return ROWS.map((row) => {
    if (row.attributes.has('ud')) return { row, execution: 'undefined' };
    const semantic = SEMANTICS[`${row.mnemonic}@${row.family}`] ?? SEMANTICS[row.mnemonic];
    if (!semantic) return { row, execution: 'missing' };
    if (isHelper(semantic)) return { row, execution: 'helper' };
    const hot = forms.some(([bytes, memory]) => inline.has(table.lookUp(row, bytes, memory)));
    return { row, execution: hot ? 'inline' : 'outlined' };
  });
}
