import { type IoSpace, MapConflictError, type MemorySpace, type Mmio, type Region } from '@hotsocket/address-space';
import type { Points } from '@hotsocket/trace';
import type { PCI_TRACE_POINTS } from './trace-points.js';

/** The spaces in which the windows of a bus lie. */
export interface PciSpaces {
  readonly io: IoSpace;
  readonly mem: MemorySpace;
}

/** Priority of windows in memory: RAM, ROM and board devices (0 and above) hide them, as the host bridge decodes those first. */
export const PCI_WINDOW_PRIORITY = -1;

/** Windows end below this; the last byte stays free, because all ones is what a guest writes to learn a window's size. */
const LIMIT: Readonly<Record<'io' | 'memory', number>> = { io: 0x1_0000, memory: 0xffff_ffff };

/** A window that the guest moves: a base address register, or a base register of a device's own. */
export class PciWindow {
  readonly kind: 'io' | 'memory';
  readonly region: Region;
  readonly #points: Points<typeof PCI_TRACE_POINTS>;
  #spaces: PciSpaces | undefined;
  #wanted: number | undefined;
  #release: (() => void) | undefined;

  constructor(kind: 'io' | 'memory', region: Region, points: Points<typeof PCI_TRACE_POINTS>) {
    this.kind = kind;
    this.region = region;
    this.#points = points;
  }

  /** Where the region answers now; undefined while it does not. */
  get address(): number | undefined {
    return this.#release && this.#wanted;
  }

  /**
   * Lets the region answer at `address`, or nowhere. A place that another device holds, or that leaves the space, leaves
   * the region unmapped and is no error: a guest may write any address.
   */
  place(address: number | undefined): void {
    if (address === this.#wanted && (address === undefined || this.#release)) return;
    this.#release?.();
    this.#wanted = address;
    this.#release = this.#claim();
    if (this.#points.pci_window.on) this.#points.pci_window.emit(this.region.name, this.address ?? -1);
  }

  /** Called when the function is plugged into a bus (its spaces) and unplugged (undefined). */
  attach(spaces: PciSpaces | undefined): void {
    this.#release?.();
    this.#spaces = spaces;
    this.#release = this.#claim();
  }

  #claim(): (() => void) | undefined {
    const address = this.#wanted;
    if (address === undefined || !this.#spaces || address + this.region.length > LIMIT[this.kind]) return undefined;
    try {
      return this.kind === 'io' ? this.#spaces.io.map(address, this.region as Mmio) : this.#mapMemory(this.#spaces.mem, address);
    } catch (error) {
      if (!(error instanceof MapConflictError)) throw error;
      if (this.#points.pci_window_conflict.on) this.#points.pci_window_conflict.emit(this.region.name, address);
      return undefined;
    }
  }

  #mapMemory(mem: MemorySpace, gpa: number): () => void {
    const mapping = mem.map(gpa, this.region, { priority: PCI_WINDOW_PRIORITY });
    return () => mapping.remove();
  }
}
