import type { Row } from './row.js';

/** Opcode maps in the order of the decoder's table. */
export const MAPS: readonly string[] = ['', '0F', '0F38', '0F3A', 'VEX.0F38', 'VEX.0F3A'];

/** Kinds of bytes after ModRM. */
export const IMMEDIATE = {
  none: 0,
  /** One byte, zero-extended. */
  byte: 1,
  /** One byte, sign-extended. */
  signedByte: 2,
  /** Two bytes, zero-extended. */
  word: 3,
  /** Two bytes with 16-bit operand size, else four, sign-extended. */
  z: 4,
  /** As many bytes as the operand. */
  v: 5,
  /** ENTER: word and byte. */
  wordByte: 6,
  /** Offset by operand size, then selector. */
  pointer: 7,
  /** Offset by address size. */
  offset: 8,
} as const;
export type ImmediateKind = (typeof IMMEDIATE)[keyof typeof IMMEDIATE];

/** A row's opcode string, taken apart. Undefined means: any. */
export interface Encoding {
  /** Index in `MAPS`. */
  map: number;
  opcode: number;
  /** 8 when the low opcode bits hold a register. */
  span: 1 | 8;
  /** Mandatory prefix: `NP` none, `NFx` neither F2 nor F3. */
  prefix: 'NP' | 'NFx' | '66' | 'F2' | 'F3' | undefined;
  rexW: boolean;
  hasModrm: boolean;
  /** True: mod must be 3; false: must not be 3. */
  register: boolean | undefined;
  /** Required ModRM.reg. */
  digit: number | undefined;
  /** Required ModRM.r/m (with `register`). */
  rm: number | undefined;
  immediate: ImmediateKind;
}

const PREFIXES: ReadonlySet<string> = new Set(['NP', 'NFx', '66', 'F2', 'F3']);
const ESCAPES: Readonly<Record<string, string>> = { '0F': '0F', '0F38': '0F38', '0F3A': '0F3A' };

/** Immediates in the opcode string, the operands that must go with them, and their kind. */
const IMMEDIATES: readonly (readonly [written: string, operands: string, kind: ImmediateKind])[] = [
  ['', '', IMMEDIATE.none],
  ['ib', 'Ib', IMMEDIATE.byte],
  ['ib', 'Ibs', IMMEDIATE.signedByte],
  ['cb', 'Jb', IMMEDIATE.signedByte],
  ['iw', 'Iw', IMMEDIATE.word],
  ['iz', 'Iz', IMMEDIATE.z],
  ['cz', 'Jz', IMMEDIATE.z],
  ['iv', 'Iv', IMMEDIATE.v],
  ['iw ib', 'Iw,Ib', IMMEDIATE.wordByte],
  ['cp', 'Ap', IMMEDIATE.pointer],
  ['moffs', 'Ob', IMMEDIATE.offset],
  ['moffs', 'Ov', IMMEDIATE.offset],
];

/** Finds the kind and checks that opcode string and operands tell the same story. */
function immediateOf(row: Pick<Row, 'opcode' | 'text' | 'operands'>, words: readonly string[]): ImmediateKind {
  const operands = row.operands.filter((operand) => /^[IJAO]$/.test(operand.letter)).map((operand) => operand.text);
  const found = IMMEDIATES.find(([written, texts]) => written === words.join(' ') && texts === operands.join(','));
  if (!found) throw new SyntaxError(`${row.opcode}: immediates do not fit ${row.text}`);
  return found[2];
}

const bit = (byte: number, shift: number): number => (byte >> shift) & 7;

function vex(token: string, encoding: Encoding): void {
  const [, , prefix = '', map = ''] = token.split('.');
  encoding.prefix = prefix as Encoding['prefix'];
  encoding.map = MAPS.indexOf(`VEX.${map}`);
}

/** Mandatory prefixes and escapes; returns the number of words used. */
function leading(words: readonly string[], encoding: Encoding): number {
  let used = 0;
  let escaped = '';
  for (; ; used++) {
    const word = words[used] ?? '';
    if (word.startsWith('VEX')) vex(word, encoding);
    else if (word === 'REX.W') encoding.rexW = true;
    else if (encoding.map === 0 && PREFIXES.has(word)) encoding.prefix = word as Encoding['prefix'];
    else if (encoding.map < 4 && ESCAPES[escaped + word]) encoding.map = MAPS.indexOf((escaped += word));
    else return used;
  }
}

/** `/r`, `/digit` or a fixed ModRM byte; returns the number of words used. */
function modrm(word: string | undefined, encoding: Encoding): number {
  if (!word || !/^(\/[r0-7]|[0-9A-F]{2}(\+i)?)$/.test(word)) return 0;
  encoding.hasModrm = true;
  if (word === '/r') return 1;
  if (word.startsWith('/')) encoding.digit = Number(word[1]);
  else fixedModrm(word, encoding);
  return 1;
}

function fixedModrm(word: string, encoding: Encoding): void {
  const byte = Number.parseInt(word, 16);
  if (byte < 0xc0) throw new SyntaxError(`fixed ModRM ${word} is a memory operand`);
  encoding.register = true;
  encoding.digit = bit(byte, 3);
  if (!word.endsWith('+i')) encoding.rm = bit(byte, 0);
}

/** What the operand letters say about mod. Moves from and to control and debug registers ignore mod (SDM volume 2B, "MOV"). */
function registerOf(row: Pick<Row, 'operands'>): boolean | undefined {
  const letters = row.operands.map((operand) => operand.letter);
  if (letters.includes('M')) return false;
  if (ignoresMod(row)) return undefined;
  return letters.some((letter) => 'RNU'.includes(letter)) ? true : undefined;
}

/** True for moves from and to control and debug registers: mod is taken as 3. */
export function ignoresMod(row: Pick<Row, 'operands'>): boolean {
  return row.operands.some((operand) => operand.letter === 'C' || operand.letter === 'D');
}

/** Takes a row's opcode string apart. Throws `SyntaxError` if it is not in the manual's notation. */
export function parseEncoding(row: Pick<Row, 'opcode' | 'text' | 'operands'>): Encoding {
  const encoding: Encoding = {
    map: 0,
    opcode: 0,
    span: 1,
    prefix: undefined,
    rexW: false,
    hasModrm: false,
    register: registerOf(row),
    digit: undefined,
    rm: undefined,
    immediate: IMMEDIATE.none,
  };
  const words = row.opcode.split(' ');
  let next = leading(words, encoding);
  const parts = /^([0-9A-F]{2})(\+r)?$/.exec(words[next++] ?? '');
  if (!parts) throw new SyntaxError(`${row.opcode}: no opcode byte`);
  encoding.opcode = Number.parseInt(parts[1]!, 16);
  encoding.span = parts[2] ? 8 : 1;
  next += modrm(words[next], encoding);
  encoding.immediate = immediateOf(row, words.slice(next));
  return encoding;
}
