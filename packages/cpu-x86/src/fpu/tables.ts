import type { CoreMemory } from '../core-memory.js';
import { CRC32_TABLE, SHUFFLE_32, SHUFFLE_HIGH_16, SHUFFLE_LOW_16 } from '../layout.js';

/** Castagnoli polynomial, bits reversed. */
const CRC32C = 0x82f6_3b78;

/** Fills the read-only tables that definitions of vector instructions use. */
export function fillVectorTables({ u8, i32 }: CoreMemory): void {
  for (let value = 0; value < 256; value++) {
    i32[(CRC32_TABLE >> 2) + value] = crcOfByte(value);
    for (let n = 0; n < 16; n++) {
      u8[SHUFFLE_32 + 16 * value + n] = selected(value, n >> 2) * 4 + (n & 3);
      const word = selected(value, (n >> 1) & 3) * 2 + (n & 1);
      u8[SHUFFLE_LOW_16 + 16 * value + n] = n < 8 ? word : n;
      u8[SHUFFLE_HIGH_16 + 16 * value + n] = n < 8 ? n : 8 + word;
    }
  }
}

/** Field `n` of two bits. */
const selected = (immediate: number, n: number): number => (immediate >> (2 * n)) & 3;

function crcOfByte(value: number): number {
  let crc = value;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C : crc >>> 1;
  return crc;
}
