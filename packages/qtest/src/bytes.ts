import { QtestError } from './arguments.js';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal digits, two a byte. */
export function toHex(bytes: Uint8Array): string {
  const parts: string[] = new Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) parts[at] = HEX[bytes[at] as number] as string;
  return parts.join('');
}

/**
 * Reads `length` bytes from digits after `0x`. Digits that are missing are zero bytes, digits too many are left over, an odd last digit
 * counts for nothing: what QEMU 7.2 was seen to do.
 */
export function fromHex(text: string, length: number): Uint8Array {
  const digits = text.slice(2);
  if (/[^0-9a-fA-F]/.test(digits)) throw new QtestError('Invalid hexadecimal data');
  const bytes = new Uint8Array(length);
  const count = Math.min(length, digits.length >> 1);
  for (let at = 0; at < count; at++) bytes[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Throws QtestError when the text is not base64. */
export function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    throw new QtestError('Invalid base64 data');
  }
}
