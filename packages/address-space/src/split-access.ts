import type { AccessSize, Mmio } from './region.js';

const MASK: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

/** Reads `size` bytes at `offset`, using only widths the region takes; bytes beyond its end read as ones. */
export function readRegion(region: Mmio, offset: number, size: AccessSize): number {
  if (size >= region.minSize && size <= region.maxSize && offset + size <= region.length)
    return (region.read(offset, size) & MASK[size]) >>> 0;
  if (size < region.minSize) return readWider(region, offset, size);
  let value = 0;
  const step = size > region.maxSize ? region.maxSize : half(size);
  for (let at = 0; at < size; at += step) value |= readPart(region, offset + at, step) << (8 * at);
  return value >>> 0;
}

/** Writes `size` bytes at `offset`, using only widths the region takes; bytes beyond its end are dropped. */
export function writeRegion(region: Mmio, offset: number, size: AccessSize, value: number): void {
  const fits = size >= region.minSize && size <= region.maxSize && offset + size <= region.length;
  if (fits) return region.write(offset, size, (value & MASK[size]) >>> 0);
  if (size < region.minSize) return;
  const step = size > region.maxSize ? region.maxSize : half(size);
  for (let at = 0; at < size; at += step) {
    if (offset + at < region.length) writeRegion(region, offset + at, step, value >>> (8 * at));
  }
}

const half = (size: AccessSize): AccessSize => (size === 4 ? 2 : 1);

const readPart = (region: Mmio, offset: number, size: AccessSize): number =>
  offset < region.length ? readRegion(region, offset, size) : MASK[size];

function readWider(region: Mmio, offset: number, size: AccessSize): number {
  const start = offset & ~(region.minSize - 1);
  if (start + region.minSize > region.length) return MASK[size];
  return (region.read(start, region.minSize) >>> (8 * (offset - start))) & MASK[size];
}
