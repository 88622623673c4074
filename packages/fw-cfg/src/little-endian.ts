/** A number as 2 bytes, least significant first. */
export const le16 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8);

/** A number as 4 bytes, least significant first. */
export const le32 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

/** A number as 8 bytes, least significant first. */
export function le64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}
