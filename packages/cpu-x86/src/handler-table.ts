import { ROWS, type Row } from '@hotsocket/x86-isa';
import { type Shape, shapeOf } from './emit/shape.js';
import { FIRST_HANDLER, HANDLER_INVALID } from './layout.js';
import { type Helper, isHelper, type Semantic, type SemanticTable } from './semantics/semantic.js';

/** One handler: a form of an instruction and what it does. */
export interface Handler {
  readonly number: number;
  readonly shape: Shape;
  readonly semantic: Semantic | Helper;
}

const OPERAND_BYTES = [2, 4, 8] as const;

/** Numbers the handlers: each form of each row that has semantics; forms with the same operands share one. */
export class HandlerTable {
  readonly handlers: Handler[] = [];
  /** Mnemonics of rows without semantics: they raise #UD. */
  readonly missing: Set<string> = new Set();
  readonly #byForm: Uint16Array = new Uint16Array(ROWS.length * 8).fill(HANDLER_INVALID);

  constructor(semantics: SemanticTable) {
    const byName = new Map<string, number>();
    for (const row of ROWS)
      for (const bytes of OPERAND_BYTES) for (const memory of [false, true]) this.#add(row, bytes, memory, semantics, byName);
  }

  /** Handler of a row in one form. */
  lookUp(row: Row, operandBytes: number, memory: boolean): number {
    return this.#byForm[formIndex(row, operandBytes, memory)] ?? HANDLER_INVALID;
  }

  #add(row: Row, bytes: 2 | 4 | 8, memory: boolean, semantics: SemanticTable, byName: Map<string, number>): void {
    const semantic = semantics[`${row.mnemonic}@${row.family}`] ?? semantics[row.mnemonic];
    if (!semantic) {
      if (!row.attributes.has('ud')) this.missing.add(row.mnemonic);
      return;
    }
    if (isImpossible(row, memory)) return;
    const shape = shapeOf(row, bytes, memory);
    const known = byName.get(shape.name);
    const number = known ?? FIRST_HANDLER + this.handlers.length;
    if (known === undefined) {
      byName.set(shape.name, number);
      this.handlers.push({ number, shape, semantic });
    }
    this.#byForm[formIndex(row, bytes, memory)] = number;
  }
}

/** MMX and XMM operands that are only registers or only memory; MOV to control registers ignores ModRM.mod. */
function isImpossible(row: Row, memory: boolean): boolean {
  const letters = row.operands.map((operand) => operand.letter);
  if (!memory) return letters.includes('M');
  return letters.includes('N') || letters.includes('U') || (letters.includes('R') && row.family !== 'system');
}

const formIndex = (row: Row, operandBytes: number, memory: boolean): number => row.id * 8 + (operandBytes >> 2) * 2 + Number(memory);

export { isHelper };
