import { MonitorError } from './errors.js';

/** What follows the slash of `x/4wx`: how many, how shown, how wide. */
export interface Format {
  readonly count: number;
  /** Hexadecimal, signed, unsigned, octal, character, instruction. */
  readonly style: 'x' | 'd' | 'u' | 'o' | 'c' | 'i';
  /** Bytes of one value. */
  readonly size: 1 | 2 | 4 | 8;
}

const SIZES: Readonly<Record<string, Format['size']>> = { b: 1, h: 2, w: 4, g: 8 };
/** More than anybody reads; bounds the time and the memory of one line. */
const MAX_COUNT = 16_384;
const BYTES_PER_LINE = 16;

/** Splits `/FMT rest` into the format, filled up from `defaults`, and the rest. Throws MonitorError. */
export function takeFormat(text: string, defaults: Format): { readonly format: Format; readonly rest: string } {
  const found = /^\s*\/\s*([0-9]*)([a-z]*)(?=\s|$)/.exec(text);
  if (found === null) {
    if (/^\s*\//.test(text)) throw new MonitorError('bad format: expected /[count][x|d|u|o|c|i][b|h|w|g]');
    return { format: defaults, rest: text };
  }
  const [whole, count = '', letters = ''] = found;
  return { format: readFormat(count, letters, defaults), rest: text.slice(whole.length) };
}

function readFormat(count: string, letters: string, defaults: Format): Format {
  let { style, size } = defaults;
  for (const letter of letters) {
    if ('xduoci'.includes(letter)) style = letter as Format['style'];
    else if (SIZES[letter] !== undefined) size = SIZES[letter];
    else throw new MonitorError(`bad format letter '${letter}'`);
  }
  if (style === 'c' && !/[bhwg]/.test(letters)) size = 1;
  const number = count === '' ? defaults.count : Number(count);
  if (number < 1 || number > MAX_COUNT) throw new MonitorError(`the count must be from 1 to ${MAX_COUNT}`);
  return { count: number, style, size };
}

/** One value as text. */
export function formatValue(value: bigint, { style, size }: Format): string {
  const bits = size * 8;
  const unsigned = BigInt.asUintN(bits, value);
  switch (style) {
    case 'd':
      return String(BigInt.asIntN(bits, value));
    case 'u':
      return String(unsigned);
    case 'o':
      return `0${unsigned === 0n ? '' : unsigned.toString(8)}`;
    case 'c':
      return formatCharacter(Number(unsigned & 0xffn));
    default:
      return `0x${unsigned.toString(16).padStart(size * 2, '0')}`;
  }
}

function formatCharacter(code: number): string {
  const char = String.fromCharCode(code);
  if (char === "'" || char === '\\') return `'\\${char}'`;
  return code >= 0x20 && code < 0x7f ? `'${char}'` : `'\\x${code.toString(16).padStart(2, '0')}'`;
}

/** Lines of 16 bytes with their addresses, little-endian values. */
export function dump(address: bigint, bytes: Uint8Array, format: Format): string {
  const perLine = Math.max(1, Math.floor(BYTES_PER_LINE / format.size));
  const values = Array.from({ length: format.count }, (_, index) =>
    formatValue(littleEndian(bytes, index * format.size, format.size), format),
  );
  const width = format.style === 'x' || format.style === 'c' ? 0 : Math.max(...values.map((value) => value.length));
  const lines = Array.from({ length: Math.ceil(values.length / perLine) }, (_, line) => {
    const at = BigInt.asUintN(64, address + BigInt(line * perLine * format.size));
    const shown = values.slice(line * perLine, (line + 1) * perLine).map((value) => value.padStart(width));
    return `${hexAddress(at)}: ${shown.join(' ')}\n`;
  });
  return lines.join('');
}

/** An address with its 16 digits. */
export function hexAddress(address: bigint): string {
  return address.toString(16).padStart(16, '0');
}

function littleEndian(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let index = size - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[at + index] ?? 0xff);
  return value;
}
