/** A byte, or bytes. */
export type Piece = number | Uint8Array | readonly number[];

/** Pieces put one after the other. */
export function concat(...pieces: readonly Piece[]): Uint8Array {
  const parts = pieces.map((piece) => (typeof piece === 'number' ? [piece] : piece));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** The low 16 bits, little-endian. */
export const u16 = (value: number): readonly number[] => [value & 0xff, (value >>> 8) & 0xff];

/** The low 32 bits, little-endian. */
export const u32 = (value: number): readonly number[] => [...u16(value), ...u16(value >>> 16)];

/** 64 bits of a non-negative integer, little-endian; exact below 2^53 or as a BigInt. */
export function u64(value: number | bigint): readonly number[] {
  const wide = BigInt(value);
  return [...u32(Number(wide & 0xffff_ffffn)), ...u32(Number((wide >> 32n) & 0xffff_ffffn))];
}

/** ASCII text in a field of fixed length, filled up with `fill`. */
export function ascii(text: string, length: number = text.length, fill = 0): Uint8Array {
  const bytes = new Uint8Array(length).fill(fill);
  bytes.set([...text].slice(0, length).map((char) => char.charCodeAt(0) & 0x7f));
  return bytes;
}

/** The byte that makes the sum of all bytes a multiple of 256, if its own place holds 0. */
export const checksum = (bytes: Uint8Array): number => -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
