import type { IoSpace, Mapping, MemorySpace } from '@hotsocket/address-space';
import { IccBus } from '@hotsocket/icc-bus';
import { PciBus } from '@hotsocket/pci-bus';
import type { Ends } from './ends.js';
import type { NoticeLine, Schematic } from './schematic.js';

/** A range of addresses, both ends included, and who answers. */
export interface RangeDescription {
  readonly start: number;
  readonly end: number;
  /** Name of the window, as its device gives it. */
  readonly region: string;
  /** The part and its field; undefined for a window that no part shows, such as one that a PCI function places. */
  readonly owner?: string;
}

/** A window in memory, which may lie over others. */
export interface WindowDescription extends RangeDescription {
  readonly kind: 'ram' | 'rom' | 'mmio';
  readonly priority: number;
  readonly read: boolean;
  readonly write: boolean;
}

/** A wire: where it goes, what level it has, or why it goes nowhere. */
export interface NetDescription {
  readonly line: string;
  readonly label: string;
  readonly pins: readonly string[];
  readonly high: boolean;
  readonly open?: string;
}

/** What sits on a bus, and where. */
export interface BusChild {
  readonly address: string;
  readonly name: string;
}

/** A part of the board. A bus has children. */
export interface PartDescription {
  readonly name: string;
  readonly type: string;
  readonly wires: readonly string[];
  readonly windows: readonly RangeDescription[];
  readonly children?: readonly BusChild[];
}

/** Everything there is to print about a board, as plain data. */
export interface BoardDescription {
  readonly machine: string;
  readonly parts: readonly PartDescription[];
  /** Ports in ascending order. */
  readonly ports: readonly RangeDescription[];
  /** Windows in memory, highest priority first. */
  readonly windows: readonly WindowDescription[];
  /** What answers reads at each address of memory, windows over others resolved; gaps are left out. */
  readonly memory: readonly RangeDescription[];
  /** Windows that have no place of their own, and why. */
  readonly unmapped: readonly { readonly owner: string; readonly reason: string }[];
  readonly nets: readonly NetDescription[];
  readonly notices: readonly NoticeLine[];
}

type Spaces = { readonly io: IoSpace; readonly mem: MemorySpace };

/** The machine at this moment. */
export function describeBoard(machine: string, parts: object, { io, mem }: Spaces, schematic: Schematic, ends: Ends): BoardDescription {
  const owned = (region: object): { owner?: string } => {
    const owner = ends.nameOf(region);
    return owner === undefined ? {} : { owner };
  };
  const ports = io
    .mappings()
    .map(({ start, region }) => ({ start, end: start + region.length - 1, region: region.name, ...owned(region) }));
  const windows = mem.mappings().map((mapping) => ({ ...windowOf(mapping), ...owned(mapping.region) }));
  return {
    machine,
    ports,
    windows,
    memory: flatten(windows.filter(({ read }) => read)),
    parts: Object.entries(parts).flatMap(([name, part]) => (part ? [partOf(name, part, [...ports, ...windows], ends)] : [])),
    unmapped: [...schematic.unmappedRegions].map(([region, reason]) => ({ owner: ends.nameOf(region) ?? region.name, reason })),
    nets: schematic.nets().map(({ name, line, open }) => ({
      line: name,
      label: line.label,
      pins: line.pins.map((pin) => pin.label),
      high: line.high,
      ...(open === undefined ? {} : { open }),
    })),
    notices: [...schematic.notices],
  };
}

const windowOf = ({ gpa, length, region, priority, access }: Mapping): WindowDescription => ({
  start: gpa,
  end: gpa + length - 1,
  region: region.name,
  kind: region.kind,
  priority,
  ...access,
});

function partOf(name: string, part: object, ranges: readonly RangeDescription[], ends: Ends): PartDescription {
  const mine = (end: string | undefined): boolean => end !== undefined && (end === name || end.startsWith(`${name}.`));
  const children = childrenOf(part);
  return {
    name,
    type: typeOf(part),
    wires: ends.lines.filter((line) => mine(line.name)).map((line) => line.name),
    windows: ranges.filter(({ owner }) => mine(owner)),
    ...(children ? { children } : {}),
  };
}

function typeOf(part: object): string {
  const { typeName, kind } = part as { readonly typeName?: unknown; readonly kind?: unknown };
  if (typeof typeName === 'string') return typeName;
  if (kind === 'ram' || kind === 'rom' || kind === 'mmio') return kind;
  return part.constructor === Object ? 'group' : part.constructor.name;
}

function childrenOf(part: object): BusChild[] | undefined {
  if (part instanceof PciBus)
    return part
      .functions()
      .map(({ slot, number, function: { name } }) => ({ address: `00:${slot.toString(16).padStart(2, '0')}.${number}`, name }));
  if (!(part instanceof IccBus)) return undefined;
  const apics = part.localApics.map(({ slot }) => ({ address: `apic ${slot}`, name: 'local APIC' }));
  return part.ioApic ? [...apics, { address: 'ioapic', name: part.ioApic.region.name }] : apics;
}

/** Of the windows over an address the first in the list wins. */
function flatten(windows: readonly WindowDescription[]): RangeDescription[] {
  const edges = [...new Set(windows.flatMap(({ start, end }) => [start, end + 1]))].sort((a, b) => a - b);
  const ranges: RangeDescription[] = [];
  for (const [at, start] of edges.slice(0, -1).entries()) {
    const top = windows.find((window) => window.start <= start && start <= window.end);
    if (!top) continue;
    const end = (edges[at + 1] as number) - 1;
    const before = ranges.at(-1);
    if (before && before.end === start - 1 && before.region === top.region) ranges[ranges.length - 1] = { ...before, end };
    else ranges.push({ start, end, region: top.region, ...(top.owner === undefined ? {} : { owner: top.owner }) });
  }
  return ranges;
}
