/** Packed decimal of FBLD and FBSTP (SDM volume 1, 4.7): 18 digits, least significant first, and a sign byte. */

/** The integer of 18 digits in lo:mid:hi (bits 71:0). A nibble above 9 counts by its weight, as hardware does. */
export function integerFromDecimal(lo: number, mid: number, hi: number): bigint {
  const high = hundreds(hi & 0xff) * 1_0000_0000 + eightDigits(mid);
  return BigInt(high) * 1_0000_0000n + BigInt(eightDigits(lo));
}

function hundreds(byte: number): number {
  return (byte >>> 4) * 10 + (byte & 15);
}

function eightDigits(bits: number): number {
  const high = hundreds(bits >>> 24) * 100 + hundreds((bits >>> 16) & 0xff);
  return high * 1_0000 + hundreds((bits >>> 8) & 0xff) * 100 + hundreds(bits & 0xff);
}

/** The digits of `value` (below 10^18), four bits each. */
export function decimalFromInteger(value: bigint): bigint {
  return BigInt(`0x${value.toString()}`);
}
