import { type IoSpace, type MapOptions, type Mapping, MemorySpace, type Mmio, type Region } from '@hotsocket/address-space';
import type { IrqLine, IrqPin } from '@hotsocket/irq-line';
import type { PciBus, PciFunction } from '@hotsocket/pci-bus';
import { isAbsent } from './absent.js';
import { firstLine } from './bindings.js';
import type { Ends } from './ends.js';

/** The block of a definition that says where registers and memory are. */
export interface MapBlock {
  readonly io: { at(port: number, region: Mmio): void };
  readonly mem: { at(gpa: number, region: Region, options?: MapOptions): Mapping };
  readonly pci: { at(bus: PciBus, place: readonly [slot: number, number: number], pciFunction: PciFunction): void };
  /** Says why a window of a part has no place of its own. */
  readonly unmapped: (region: Region, reason: string) => void;
}

/** The block that says which wire goes to which pins. */
export interface NetsBlock {
  readonly wire: (line: IrqLine, ...pins: readonly IrqPin[]) => void;
  /** Says why a wire goes nowhere. */
  readonly open: (line: IrqLine, reason: string) => void;
}

/** Where facts come from: an Observable, or a notifier whose subscribers can be undone. */
export type NoticeSource<T> =
  | { subscribe(handler: (fact: T) => void): unknown }
  | { notify(handler: (fact: T) => void, remember?: () => () => void): unknown };

/** The block that says who hears what, in the order of hearing. */
export interface NoticesBlock {
  /** `remember` notes the state of the hearer; what it returns takes the notice back when a later hearer fails. */
  readonly notice: <T>(source: NoticeSource<T>, handler: (fact: T) => void, remember?: () => () => void) => void;
}

/** One net: a wire and where it goes, or why it goes nowhere. */
export interface Net {
  readonly line: IrqLine;
  readonly name: string;
  readonly open?: string;
}

/** One subscription. */
export interface NoticeLine {
  readonly from: string;
  readonly to: string;
}

interface Claim {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly priority: number;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** The map, nets and notices of a machine as they are written down; problems are collected, not thrown. */
export class Schematic {
  readonly problems: string[] = [];
  readonly notices: NoticeLine[] = [];
  readonly unmappedRegions: Map<Region, string> = new Map();
  readonly openLines: Map<IrqLine, string> = new Map();
  readonly block: MapBlock & NetsBlock & NoticesBlock = {
    io: { at: (port, region) => this.#mapPorts(port, region) },
    mem: { at: (gpa, region, options = {}) => this.#mapMemory(gpa, region, options) },
    pci: { at: (bus, place, pciFunction) => this.#plug(bus, place, pciFunction) },
    unmapped: (region, reason) => void this.#note(this.unmappedRegions, region, reason),
    wire: (line, ...pins) => this.#wire(line, pins),
    open: (line, reason) => void this.#note(this.openLines, line, reason),
    notice: (source, handler, remember) => this.#notice(source, handler, remember),
  };
  readonly #spaces: { readonly io: IoSpace; readonly mem: MemorySpace };
  readonly #ends: Ends;
  readonly #ports: Claim[] = [];
  readonly #memory: Claim[] = [];
  readonly #mapped = new Set<Region>();
  readonly #wires = new Map<IrqLine, IrqPin[]>();

  constructor(spaces: { readonly io: IoSpace; readonly mem: MemorySpace }, ends: Ends) {
    this.#spaces = spaces;
    this.#ends = ends;
  }

  /** Wires that go nowhere and windows without a place. */
  checkComplete(): void {
    for (const { name, value } of this.#ends.lines) this.#checkLine(name, value);
    for (const { name, value } of this.#ends.regions)
      if (!this.#mapped.has(value) && !this.unmappedRegions.has(value))
        this.problems.push(`${name} (${value.name}) is mapped nowhere: map it, or say why not with unmapped()`);
  }

  /** Every wire of the parts, in order of the parts. */
  nets(): Net[] {
    return this.#ends.lines.map(({ name, value }) => {
      const open = this.openLines.get(value);
      return { name, line: value, ...(open === undefined ? {} : { open }) };
    });
  }

  #wire(line: IrqLine, pins: readonly IrqPin[]): void {
    if (isAbsent(line) || pins.some(isAbsent)) return;
    const wired = this.#wires.get(line) ?? [];
    for (const pin of pins) {
      if (wired.includes(pin)) this.problems.push(`wire ${this.#lineName(line)} is connected to ${pin.label} twice`);
      else line.connect(pin);
      wired.push(pin);
    }
    this.#wires.set(line, wired);
  }

  #notice<T>(source: NoticeSource<T>, handler: (fact: T) => void, remember?: () => () => void): void {
    if (isAbsent(source) || isAbsent(handler)) return;
    this.notices.push({ from: this.#ends.nameOf(source) ?? 'a notice', to: this.#ends.nameOf(handler) ?? (handler.name || 'a function') });
    if ('notify' in source) source.notify(handler, remember);
    else source.subscribe(handler);
  }

  #note<T>(notes: Map<T, string>, about: T, reason: string): void {
    if (!isAbsent(about)) notes.set(about, reason);
  }

  #plug(bus: PciBus, [slot, number]: readonly [number, number], pciFunction: PciFunction): void {
    if (!isAbsent(bus) && !isAbsent(pciFunction)) this.#try(() => bus.plug(slot, number, pciFunction));
  }

  #checkLine(name: string, line: IrqLine): void {
    const open = this.openLines.has(line);
    if (line.pins.length === 0 && !open) this.problems.push(`wire ${name} goes nowhere: connect it, or say why not with open()`);
    if (line.pins.length > 0 && open)
      this.problems.push(`wire ${name} is said to be open, and goes to ${line.pins.map((pin) => pin.label).join(', ')}`);
  }

  #mapPorts(port: number, region: Mmio): void {
    if (isAbsent(region)) return;
    const claim = this.#claim(region, port, region.length, 0);
    if (this.#collides(this.#ports, claim, 'ports')) return;
    this.#try(() => this.#spaces.io.map(port, region));
  }

  #mapMemory(gpa: number, region: Region, options: MapOptions): Mapping {
    if (isAbsent(region)) return region as unknown as Mapping;
    const length = options.length ?? region.length - (options.offset ?? 0);
    const claim = this.#claim(region, gpa, length, options.priority ?? 0);
    const space = this.#collides(this.#memory, claim, 'memory') ? new MemorySpace() : this.#spaces.mem;
    return this.#try(() => space.map(gpa, region, options)) ?? new MemorySpace().map(0, region);
  }

  #claim(region: Region, start: number, length: number, priority: number): Claim {
    this.#mapped.add(region);
    return { name: this.#ends.nameOf(region) ?? region.name, start, end: start + length, priority };
  }

  /** Reports each earlier claim that this one overlaps. */
  #collides(claims: Claim[], claim: Claim, what: string): boolean {
    const others = claims.filter(({ start, end, priority }) => priority === claim.priority && start < claim.end && claim.start < end);
    for (const other of others) {
      const [first, last] = [Math.max(other.start, claim.start), Math.min(other.end, claim.end) - 1];
      this.problems.push(`${what} ${hex(first)}-${hex(last)}: both ${other.name} (${span(other)}) and ${claim.name} (${span(claim)})`);
    }
    claims.push(claim);
    return others.length > 0;
  }

  #lineName(line: IrqLine): string {
    return this.#ends.nameOf(line) ?? line.label;
  }

  #try<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.problems.push(firstLine(error));
      return undefined;
    }
  }
}

const span = ({ start, end }: Claim): string => `${hex(start)}-${hex(end - 1)}`;
