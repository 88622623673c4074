import type { BoardDescription } from './describe.js';
import { svgOf } from './svg.js';
import { textOf } from './text.js';

/** What of a board is shown: windows with priorities, the parts and buses, the wires and notices, the resolved map. */
export const BOARD_VIEWS = ['mtree', 'qtree', 'nets', 'map'] as const;
export type BoardView = (typeof BOARD_VIEWS)[number];

/** How it is shown. */
export const BOARD_FORMATS = ['text', 'json', 'svg'] as const;
export type BoardFormat = (typeof BOARD_FORMATS)[number];

/** A view of a board as text, as JSON, or as a drawing. Ends in a line feed. */
export function renderBoard(board: BoardDescription, view: BoardView, format: BoardFormat = 'text'): string {
  if (format === 'json') return `${JSON.stringify({ machine: board.machine, ...dataOf(board, view) }, null, 2)}\n`;
  return format === 'svg' ? svgOf(board, view) : textOf(board, view);
}

function dataOf(board: BoardDescription, view: BoardView): object {
  const { windows, ports, parts, nets, notices, memory, unmapped } = board;
  if (view === 'mtree') return { windows, ports };
  if (view === 'qtree') return { parts };
  return view === 'nets' ? { nets, notices } : { memory, ports, unmapped };
}
