import type { Mode } from './decoded.js';
import { type Encoding, IMMEDIATE, type ImmediateKind, MAPS, parseEncoding } from './encoding.js';
import type { Row } from './row.js';

/** Bytes that decode to one row, for generated tests. */
export interface Assembled {
  /** A mode in which the row is valid: 32 for rows that 64-bit mode does not have. */
  readonly mode: Mode;
  readonly bytes: Uint8Array;
  /** Index of the byte after the opcode: ModRM if the row has it, else the immediate. */
  readonly opcodeEnd: number;
}

const VEX_PP: readonly string[] = ['NP', '66', 'F3', 'F2'];

/** With the operand size of `Assembled.mode` and no 66: 4 bytes. */
const IMMEDIATE_BYTES: Readonly<Record<ImmediateKind, number>> = {
  [IMMEDIATE.none]: 0,
  [IMMEDIATE.byte]: 1,
  [IMMEDIATE.signedByte]: 1,
  [IMMEDIATE.word]: 2,
  [IMMEDIATE.z]: 4,
  [IMMEDIATE.v]: 4,
  [IMMEDIATE.wordByte]: 3,
  [IMMEDIATE.pointer]: 6,
  [IMMEDIATE.offset]: 4,
};

function immediateBytes({ immediate }: Encoding, mode: Mode): number {
  return immediate === IMMEDIATE.offset ? mode / 8 : IMMEDIATE_BYTES[immediate];
}

function modrm(encoding: Encoding): number[] {
  if (!encoding.hasModrm) return [];
  const mod = encoding.register === false ? 0 : 0xc0;
  return [mod | ((encoding.digit ?? 0) << 3) | (encoding.rm ?? 0)];
}

const pairs = (text: string): number[] => (text.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));

function legacyOpcode({ map, prefix, opcode, rexW, span }: Encoding): number[] {
  const mandatory = prefix === '66' || prefix === 'F2' || prefix === 'F3' ? pairs(prefix) : [];
  const register = span === 8 ? 1 : 0;
  return [...mandatory, ...(rexW ? [0x48] : []), ...pairs(MAPS[map]!), opcode + register];
}

function vexOpcode({ map, prefix, opcode }: Encoding): number[] {
  return [0xc4, 0xe0 | (map - 2), 0x78 | VEX_PP.indexOf(prefix!), opcode];
}

/** A short encoding of `row`: free ModRM fields and immediates are 0, mod is 3 where a register is allowed, `+r` is register 1. */
export function assemble(row: Row): Assembled {
  const encoding = parseEncoding(row);
  const mode = row.attributes.has('i64') ? 32 : 64;
  const opcode = row.attributes.has('vex') ? vexOpcode(encoding) : legacyOpcode(encoding);
  const immediate = new Array<number>(immediateBytes(encoding, mode)).fill(0);
  return { mode, bytes: Uint8Array.from([...opcode, ...modrm(encoding), ...immediate]), opcodeEnd: opcode.length };
}
