import { type AccessSize, MapConflictError, type Mmio } from './region.js';
import { readRegion, writeRegion } from './split-access.js';

const PORTS = 0x1_0000;
const ONES: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

interface PortMapping {
  readonly port: number;
  readonly region: Mmio;
}

/** What happens at ports that nobody claims. */
export interface UnclaimedPorts {
  unclaimedRead(port: number, size: AccessSize): void;
  unclaimedWrite(port: number, size: AccessSize, value: number): void;
}

/** The 65,536 I/O ports. One table look-up finds the owner of a port. Unclaimed ports read as ones and drop writes. */
export class IoSpace {
  readonly #owner = new Uint16Array(PORTS);
  readonly #mappings: (PortMapping | undefined)[] = [undefined];
  readonly #unclaimed: UnclaimedPorts | undefined;

  constructor(unclaimed?: UnclaimedPorts) {
    this.#unclaimed = unclaimed;
  }

  /** Claims `region.length` ports from `port`; returns the removal. Throws MapConflictError when one is taken. */
  map(port: number, region: Mmio): () => void {
    this.#checkFree(port, region);
    const mapping = { port, region };
    const free = this.#mappings.indexOf(undefined, 1);
    const index = free > 0 ? free : this.#mappings.length;
    this.#mappings[index] = mapping;
    this.#owner.fill(index, port, port + region.length);
    return () => this.#unmap(index, mapping);
  }

  /** Reads `size` bytes from `port`; the result is unsigned. */
  read(port: number, size: AccessSize): number {
    const mapping = this.#mappings[this.#owner[port & 0xffff] ?? 0];
    if (size > 1 && this.#straddles(port, size)) return this.#readBytes(port, size);
    return mapping === undefined ? this.#readUnclaimed(port, size) : readRegion(mapping.region, (port & 0xffff) - mapping.port, size);
  }

  /** Writes `size` bytes to `port`. */
  write(port: number, size: AccessSize, value: number): void {
    const mapping = this.#mappings[this.#owner[port & 0xffff] ?? 0];
    if (size > 1 && this.#straddles(port, size)) return this.#writeBytes(port, size, value);
    if (mapping === undefined) return this.#unclaimed?.unclaimedWrite(port, size, value);
    writeRegion(mapping.region, (port & 0xffff) - mapping.port, size, value);
  }

  /** All claims in port order, for `info mtree`. */
  mappings(): { readonly start: number; readonly region: Mmio }[] {
    const claimed = this.#mappings.filter((mapping) => mapping !== undefined);
    return claimed.map(({ port, region }) => ({ start: port, region })).sort((a, b) => a.start - b.start);
  }

  #unmap(index: number, mapping: PortMapping): void {
    if (this.#mappings[index] !== mapping) return;
    this.#mappings[index] = undefined;
    this.#owner.fill(0, mapping.port, mapping.port + mapping.region.length);
  }

  #checkFree(port: number, region: Mmio): void {
    if (!Number.isInteger(port) || port < 0 || port + region.length > PORTS)
      throw new MapConflictError(`${region.name}: ports 0x${port.toString(16)} and up leave the I/O space`);
    for (let at = port; at < port + region.length; at++) {
      const other = this.#mappings[this.#owner[at] ?? 0];
      if (other) throw new MapConflictError(`port 0x${at.toString(16)}: both '${other.region.name}' and '${region.name}'`);
    }
  }

  /** Whether the bytes have different owners, which may hide between two unclaimed ends. */
  #straddles(port: number, size: AccessSize): boolean {
    const owner = this.#owner[port & 0xffff];
    for (let at = 1; at < size; at++) if (this.#owner[(port + at) & 0xffff] !== owner) return true;
    return false;
  }

  #readBytes(port: number, size: AccessSize): number {
    let value = 0;
    for (let at = 0; at < size; at++) value |= this.read(port + at, 1) << (8 * at);
    return value >>> 0;
  }

  #writeBytes(port: number, size: AccessSize, value: number): void {
    for (let at = 0; at < size; at++) this.write(port + at, 1, (value >>> (8 * at)) & 0xff);
  }

  #readUnclaimed(port: number, size: AccessSize): number {
    this.#unclaimed?.unclaimedRead(port, size);
    return ONES[size];
  }
}
