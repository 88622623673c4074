/** Width of one access in bytes. */
export type AccessSize = 1 | 2 | 4;

/** A window served by functions: device registers. */
export interface Mmio {
  readonly kind: 'mmio';
  readonly name: string;
  readonly length: number;
  /** Widths the device takes; other accesses are split into, or widened to, these by the space. */
  readonly minSize: AccessSize;
  readonly maxSize: AccessSize;
  /** `offset` is inside the region; the result is unsigned and at most `size` bytes wide. */
  read(offset: number, size: AccessSize): number;
  write(offset: number, size: AccessSize, value: number): void;
}

/** A window backed by bytes: RAM or ROM. Writes to ROM are dropped. */
export interface Storage {
  readonly kind: 'ram' | 'rom';
  readonly name: string;
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** What can be mapped into a space. */
export type Region = Mmio | Storage;

/** Handlers and widths of an `mmio` region; widths default to 1..4. */
export interface MmioOptions {
  readonly minSize?: AccessSize;
  readonly maxSize?: AccessSize;
  read(offset: number, size: AccessSize): number;
  write(offset: number, size: AccessSize, value: number): void;
}

/** Declares a window of device registers (ports or memory). */
export function mmio(name: string, length: number, options: MmioOptions): Mmio {
  const { minSize = 1, maxSize = 4 } = options;
  return {
    kind: 'mmio',
    name,
    length,
    minSize,
    maxSize,
    read: (offset, size) => options.read(offset, size),
    write: (offset, size, value) => options.write(offset, size, value),
  };
}

/** Declares RAM or ROM over existing bytes. */
export function storage(kind: 'ram' | 'rom', name: string, bytes: Uint8Array): Storage {
  return { kind, name, length: bytes.length, bytes };
}

/** Two regions claim the same addresses; the message names both and the range. */
export class MapConflictError extends Error {
  readonly code = 'MAP_CONFLICT';
}
