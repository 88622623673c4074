import type { CoreMemory } from '../core-memory.js';
import { CRC32_TABLE, SHUFFLE_32, SHUFFLE_HIGH_16, SHUFFLE_LOW_16 } from '../layout.js';
import { shuffle32, shuffleHigh16, shuffleLow16 } from '../semantics/shuffle-indices.js';

/** Castagnoli polynomial, bits reversed. */
const CRC32C = 0x82f6_3b78;

/** Fills the read-only tables that definitions of vector instructions use. */
export function fillVectorTables({ u8, i32 }: CoreMemory): void {
  for (let value = 0; value < 256; value++) {
    i32[(CRC32_TABLE >> 2) + value] = crcOfByte(value);
    u8.set(shuffle32(value), SHUFFLE_32 + 16 * value);
    u8.set(shuffleLow16(value), SHUFFLE_LOW_16 + 16 * value);
    u8.set(shuffleHigh16(value), SHUFFLE_HIGH_16 + 16 * value);
  }
}

function crcOfByte(value: number): number {
  let crc = value;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C : crc >>> 1;
  return crc;
}
