import { GiB, KiB, MiB } from '../layout.js';
import { PcOptionsError } from '../options.js';

const UNIT: Readonly<Record<string, number>> = { k: KiB, m: MiB, g: GiB, '': MiB };

/** Bytes of RAM from a number of bytes, or from text as `-m` takes it: `256M`, `1G`, a plain number is MiB. Throws PcOptionsError. */
export function memoryBytes(size: number | string): number {
  if (typeof size === 'number') return size;
  const [, digits, unit = ''] = /^(\d+)([kmg]?)$/i.exec(size) ?? [];
  if (digits === undefined) throw new PcOptionsError([`memory '${size}': write a number and K, M or G, such as 256M`]);
  return Number(digits) * (UNIT[unit.toLowerCase()] ?? MiB);
}
