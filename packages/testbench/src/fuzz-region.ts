import type { AccessSize, Mmio } from '@hotsocket/address-space';
import { IoSpace } from '@hotsocket/address-space';
import { Random } from './random.js';

const SIZES: readonly AccessSize[] = [1, 2, 4];
const INTERESTING: readonly number[] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x8000_0000, 0xffff_ffff];
const BASE = 0x1000;

/**
 * Reads and writes `accesses` times at random offsets and widths: aligned and not, straddling both ends of the region.
 * Throws when the region throws or answers with more than it was asked for; the message gives the seed and the access.
 */
export function fuzzRegion(region: Mmio, seed: number, accesses: number): void {
  const random = new Random(seed);
  const space = new IoSpace();
  space.map(BASE, checked(region));
  for (let count = 0; count < accesses; count++) step(space, region, random, `seed ${seed}, access ${count}`);
}

function step(space: IoSpace, region: Mmio, random: Random, where: string): void {
  const size = random.pick(SIZES);
  const offset = random.below(region.length + 6) - 3;
  const value = random.below(4) === 0 ? random.pick(INTERESTING) : random.next();
  const reads = random.below(2) === 0;
  try {
    if (reads) space.read(BASE + offset, size);
    else space.write(BASE + offset, size, value);
  } catch (cause) {
    const what = reads ? 'read' : `write of 0x${value.toString(16)}`;
    throw new Error(`${region.name}: ${size}-byte ${what} at offset ${offset} (${where}) threw: ${String(cause)}`, { cause });
  }
}

/** The space masks results; this looks at them before. */
const checked = (region: Mmio): Mmio => ({
  ...region,
  read: (offset, size) => {
    const value = region.read(offset, size);
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size)) throw new RangeError(`answered ${value} to ${size} bytes`);
    return value;
  },
});
