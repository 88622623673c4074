import type { BoardDescription, RangeDescription } from './describe.js';
import type { BoardView } from './render.js';

const ROW = 20;
const MARGIN = 12;
const FONT = 'ui-monospace, monospace';

interface Drawing {
  readonly width: number;
  readonly rows: number;
  readonly shapes: readonly string[];
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const middle = (row: number): number => MARGIN + row * ROW + ROW / 2;
const text = (x: number, row: number, value: string, anchor = 'start'): string =>
  `<text x="${x}" y="${middle(row)}" dominant-baseline="central" text-anchor="${anchor}">${escaped(value)}</text>`;
const box = (x: number, row: number, width: number, fill: string): string =>
  `<rect x="${x}" y="${MARGIN + row * ROW + 1}" width="${width}" height="${ROW - 2}" rx="3" fill="${fill}" stroke="#789"/>`;

/** A view of a board as a drawing, complete in itself. */
export function svgOf(board: BoardDescription, view: BoardView): string {
  const { width, rows, shapes } = { mtree, qtree, nets, map }[view](board);
  const size = `width="${width}" height="${rows * ROW + 2 * MARGIN}"`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${FONT}" font-size="12" role="img">`;
  return `${[head, `<title>${escaped(`${view} of ${board.machine}`)}</title>`, '<rect width="100%" height="100%" fill="#fff"/>', ...shapes, '</svg>'].join('\n')}\n`;
}

/** Wires on the left, pins on the right, a curve for each connection. */
function nets({ nets: all, notices }: BoardDescription): Drawing {
  const pins = [...new Set(all.flatMap((net) => net.pins))].sort(new Intl.Collator('en', { numeric: true }).compare);
  const left = all.map(({ line }, row) => `${box(MARGIN, row, 200, '#eef')}${text(MARGIN + 6, row, line)}`);
  const right = pins.map((pin, row) => `${box(420, row, 200, '#efe')}${text(426, row, pin)}`);
  const curves = all.flatMap((net, row) => net.pins.map((pin) => curve(middle(row), middle(pins.indexOf(pin)))));
  const open = all.flatMap((net, row) => (net.open === undefined ? [] : [text(222, row, `open: ${net.open}`)]));
  const start = Math.max(all.length, pins.length) + 1;
  const heard = notices.map(({ from, to }, at) => text(MARGIN, start + at, `${from} → ${to}`));
  return { width: 640, rows: start + notices.length, shapes: [...curves, ...left, ...right, ...open, ...heard] };
}

const curve = (from: number, to: number): string =>
  `<path d="M212 ${from} C316 ${from} 316 ${to} 420 ${to}" fill="none" stroke="#357" stroke-width="1.2"/>`;

function qtree({ machine, parts }: BoardDescription): Drawing {
  const shapes = [text(MARGIN, 0, machine)];
  let row = 1;
  for (const { name, type, children = [], windows } of parts) {
    const places = windows.map(({ start }) => start.toString(16)).join(' ');
    shapes.push(
      branch(24, row),
      box(40, row, 300, children.length > 0 ? '#efe' : '#eef'),
      text(46, row, `${name}: ${type}`),
      text(350, row, places),
    );
    row++;
    for (const child of children) shapes.push(branch(64, row), text(80, row++, `${child.address} ${child.name}`));
  }
  return { width: 640, rows: row, shapes };
}

const branch = (x: number, row: number): string => `<path d="M${x} ${middle(row) - ROW} V${middle(row)} h14" fill="none" stroke="#789"/>`;

const mtree = ({ windows, ports }: BoardDescription): Drawing =>
  bars(
    windows.map((window) => ({ ...window, note: `prio ${window.priority}` })),
    ports,
  );
const map = ({ memory, ports }: BoardDescription): Drawing => bars(memory, ports);

/** One bar per range, memory left, ports right; not to scale. */
function bars(memory: readonly (RangeDescription & { readonly note?: string })[], ports: readonly RangeDescription[]): Drawing {
  const bar = (x: number, digits: number, fill: string) => (range: RangeDescription & { readonly note?: string }, row: number) => [
    text(x, row, `${range.start.toString(16).padStart(digits, '0')}-${range.end.toString(16).padStart(digits, '0')}`),
    box(x + 150, row, 250, fill),
    text(x + 156, row, `${range.region}${range.note === undefined ? '' : `, ${range.note}`}`),
  ];
  const shapes = [...memory.flatMap(bar(MARGIN, 8, '#eef')), ...ports.flatMap(bar(450, 4, '#efe'))];
  return { width: 880, rows: Math.max(memory.length, ports.length), shapes };
}
