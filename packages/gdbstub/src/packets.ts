/**
 * Packets of the GDB remote serial protocol (GDB manual, appendix 'Remote Protocol', 'Overview'): `$` data `#` two hexadecimal digits of
 * the sum of the data. Texts hold one byte in each character.
 */

/** What arrives. */
export type GdbInput =
  | { readonly kind: 'packet'; readonly text: string }
  /** A packet whose sum is wrong or that is longer than it may be. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'ack' | 'nak' | 'interrupt' };

const INTERRUPT = 0x03;
const DOLLAR = 0x24;
const HASH = 0x23;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ESCAPED = '}';
const ESCAPE_XOR = 0x20;

/** Longest packet that is taken, in bytes of data. */
export const MAX_PACKET = 0x1000;

type State = 'idle' | 'data' | 'sum';

/** Takes bytes in any portions and gives what they mean. Bytes between packets that mean nothing are dropped. */
export class PacketReader {
  readonly #take: (input: GdbInput) => void;
  #state: State = 'idle';
  #data: number[] = [];
  #length = 0;
  #digits = '';

  constructor(take: (input: GdbInput) => void) {
    this.#take = take;
  }

  feed(bytes: Uint8Array): void {
    for (const byte of bytes) this.#byte(byte);
  }

  #byte(byte: number): void {
    if (this.#state === 'idle') this.#idle(byte);
    else if (this.#state === 'data') this.#dataByte(byte);
    else this.#sumDigit(byte);
  }

  #idle(byte: number): void {
    if (byte === DOLLAR) this.#begin();
    else if (byte === INTERRUPT) this.#take({ kind: 'interrupt' });
    else if (byte === PLUS) this.#take({ kind: 'ack' });
    else if (byte === MINUS) this.#take({ kind: 'nak' });
  }

  #begin(): void {
    this.#state = 'data';
    this.#data = [];
    this.#length = 0;
    this.#digits = '';
  }

  /** `$` cannot stand in data: what came before it was cut off. */
  #dataByte(byte: number): void {
    if (byte === DOLLAR) return this.#begin();
    if (byte === HASH) {
      this.#state = 'sum';
      return;
    }
    this.#length++;
    if (this.#length <= MAX_PACKET) this.#data.push(byte);
  }

  #sumDigit(byte: number): void {
    this.#digits += String.fromCharCode(byte);
    if (this.#digits.length < 2) return;
    this.#state = 'idle';
    const good =
      this.#length <= MAX_PACKET && /^[0-9a-fA-F]{2}$/.test(this.#digits) && Number.parseInt(this.#digits, 16) === sum(this.#data);
    this.#take(good ? { kind: 'packet', text: String.fromCharCode(...this.#data) } : { kind: 'damaged' });
  }
}

function sum(bytes: Iterable<number>): number {
  let total = 0;
  for (const byte of bytes) total = (total + byte) & 0xff;
  return total;
}

const codes = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));

/** A packet ready to be sent. `text` has its special characters escaped already. */
export function frame(text: string): string {
  return `$${text}#${sum(codes(text)).toString(16).padStart(2, '0')}`;
}

/** Escapes the characters that may not stand in a packet's data. */
export function escapeBinary(text: string): string {
  return text.replace(/[#$}*]/g, (letter) => ESCAPED + String.fromCharCode(letter.charCodeAt(0) ^ ESCAPE_XOR));
}

/** The bytes of escaped binary data; undefined when it ends inside of an escape. */
export function unescapeBinary(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const escaped = text[at] === ESCAPED;
    if (escaped) at++;
    if (at >= text.length) return undefined;
    bytes.push(text.charCodeAt(at) ^ (escaped ? ESCAPE_XOR : 0));
  }
  return Uint8Array.from(bytes);
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The bytes of hexadecimal digits; undefined for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

/** The text of a packet's hexadecimal digits as UTF-8. */
export const textOfHex = (hex: string): string | undefined => {
  const bytes = fromHex(hex);
  return bytes && new TextDecoder().decode(bytes);
};

/** A text as hexadecimal digits of its UTF-8 form. */
export const hexOfText = (text: string): string => toHex(new TextEncoder().encode(text));
