import type { BoardDescription, NetDescription, PartDescription, RangeDescription } from './describe.js';
import type { BoardView } from './render.js';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const span = ({ start, end }: RangeDescription, digits: number): string => `${hex(start, digits)}-${hex(end, digits)}`;
const owner = ({ owner: name }: RangeDescription): string => (name === undefined ? '' : ` (${name})`);

/** A view of a board as lines. */
export function textOf(board: BoardDescription, view: BoardView): string {
  const lines = { mtree, qtree, nets, map }[view](board);
  return `${lines.join('\n')}\n`;
}

function mtree({ windows, ports }: BoardDescription): string[] {
  const memory = windows.map((window) => {
    const mode = `${window.read ? 'r' : '-'}${window.write ? 'w' : '-'}`;
    return `  ${span(window, 16)} (prio ${window.priority}, ${window.kind}, ${mode}): ${window.region}`;
  });
  return ['memory', ...memory, 'I/O', ...ports.map((range) => `  ${span(range, 4)}: ${range.region}`)];
}

const qtree = ({ machine, parts }: BoardDescription): string[] => [`machine ${machine}`, ...parts.flatMap(partLines)];

function partLines({ name, type, wires, windows, children }: PartDescription): string[] {
  return [
    `  ${children ? 'bus' : 'dev'} ${name}: ${type}`,
    ...windows.map((range) => `    ${'kind' in range ? `mem ${span(range, 8)}` : `io  ${span(range, 4)}`} ${range.region}`),
    ...(wires.length > 0 ? [`    irq ${wires.join(', ')}`] : []),
    ...(children ?? []).map((child) => `    ${child.address} ${child.name}`),
  ];
}

function nets({ nets: all, notices }: BoardDescription): string[] {
  return ['wires', ...all.map((net) => `  ${netText(net)}`), 'notices', ...notices.map(({ from, to }) => `  ${from} -> ${to}`)];
}

const netText = ({ line, pins, high, open }: NetDescription): string =>
  open === undefined ? `${line}: ${high ? 'high' : 'low'} -> ${pins.join(', ')}` : `${line}: open (${open})`;

function map({ memory, ports, unmapped }: BoardDescription): string[] {
  return [
    'memory',
    ...memory.map((range) => `  ${span(range, 8)} ${range.region}${owner(range)}`),
    'I/O',
    ...ports.map((range) => `  ${span(range, 4)} ${range.region}${owner(range)}`),
    ...(unmapped.length > 0 ? ['not mapped', ...unmapped.map((window) => `  ${window.owner}: ${window.reason}`)] : []),
  ];
}
