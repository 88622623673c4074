import { type Encoding, ignoresMod, MAPS, parseEncoding } from './encoding.js';
import type { Row } from './row.js';

/**
 * What selects a row besides the opcode: the context. Bits 0-1 mandatory prefix (`PREFIX_NUMBER`), bit 2 REX.W, bit 3 REX.B,
 * bit 4 64-bit mode.
 */
export const CONTEXTS = 32;
export const PREFIX_NUMBER = { none: 0, '66': 1, F3: 2, F2: 3 } as const;

/** How much of ModRM selects the row: nothing; mod; mod and reg; everything. The numbers are widths of the context's slice. */
export const SELECTS_NOTHING = 1;
export const SELECTS_MOD = 2;
export const SELECTS_REG = 16;
export const SELECTS_ALL = 72;

/** All rows of one opcode. */
export interface Cell {
  readonly hasModrm: boolean;
  readonly width: number;
  /** Row numbers by context and selector, -1 where no instruction is defined. */
  readonly rows: Int16Array;
}

/** Per-row facts that the decoder needs as bits. */
export const FLAG = {
  lock: 0x1,
  o64: 0x2,
  f64: 0x4,
  /** F2 or F3 is part of the opcode. */
  mandatoryRepeat: 0x8,
  /** 66 is part of the opcode. */
  mandatory66: 0x10,
  /** ModRM.reg is an MMX or segment register: REX.R is ignored. */
  reg3: 0x20,
  /** ModRM.r/m is an MMX register: REX.B is ignored. */
  rm3: 0x40,
  ignoresMod: 0x80,
  controlRegister: 0x100,
  debugRegister: 0x200,
  segmentRegister: 0x400,
  segmentDestination: 0x800,
  vex: 0x1000,
  /** VEX without a `B` operand: vvvv must be 1111b. */
  noVvvv: 0x2000,
} as const;

export interface OpcodeMap {
  /** By map number * 256 + opcode. */
  readonly cells: readonly (Cell | undefined)[];
  /** `FLAG` bits by row number. */
  readonly flags: Int32Array;
  /** `IMMEDIATE` kind by row number. */
  readonly immediates: Uint8Array;
}

interface Candidate {
  readonly row: Row;
  readonly encoding: Encoding;
  /** Required REX.B: an exact opcode inside a `+r` range is register number 0 (90 is NOP, 41 90 exchanges R8). */
  readonly rexB: boolean | undefined;
  /** Number of conditions. The row with most of them wins: `NP REX.W 0F AE /0` over `NP 0F AE /0`. */
  readonly weight: number;
}

function weightOf(row: Row, encoding: Encoding, rexB: boolean | undefined): number {
  const { prefix, rexW, register, digit, rm } = encoding;
  const conditions = [prefix, rexW || undefined, register, digit, rm, rexB];
  const modes = ['i64', 'only64'].filter((name) => row.attributes.has(name));
  return conditions.filter((condition) => condition !== undefined).length + modes.length;
}

function prefixFits(prefix: Encoding['prefix'], context: number): boolean {
  const number = context & 3;
  if (prefix === undefined) return true;
  if (prefix === 'NP') return number === PREFIX_NUMBER.none;
  if (prefix === 'NFx') return number < PREFIX_NUMBER.F3;
  return number === PREFIX_NUMBER[prefix];
}

function contextFits({ row, encoding, rexB }: Candidate, context: number): boolean {
  const mode64 = (context & 16) !== 0;
  if (row.attributes.has(mode64 ? 'i64' : 'only64')) return false;
  if (encoding.rexW && (context & 4) === 0) return false;
  if (rexB !== undefined && rexB !== ((context & 8) !== 0)) return false;
  return prefixFits(encoding.prefix, context);
}

/** Selector number → register form, reg, r/m. With `SELECTS_ALL`: 0..7 memory by reg, then 8 + reg * 8 + r/m. */
function selectorFits({ register, digit, rm }: Encoding, width: number, selector: number): boolean {
  if (width === SELECTS_NOTHING) return true;
  if (width === SELECTS_MOD) return register === undefined || register === (selector === 1);
  const isRegister = selector >= 8;
  const isReg = width === SELECTS_ALL && isRegister ? (selector - 8) >> 3 : selector & 7;
  if (register !== undefined && register !== isRegister) return false;
  if (digit !== undefined && digit !== isReg) return false;
  return rm === undefined || rm === (selector & 7);
}

function widthOf(candidates: readonly Candidate[]): number {
  const any = (test: (encoding: Encoding) => boolean): boolean => candidates.some((candidate) => test(candidate.encoding));
  if (any((encoding) => encoding.rm !== undefined)) return SELECTS_ALL;
  if (any((encoding) => encoding.digit !== undefined)) return SELECTS_REG;
  return any((encoding) => encoding.register !== undefined) ? SELECTS_MOD : SELECTS_NOTHING;
}

/** The heaviest candidate. Throws if two rows claim the same encoding. */
function heaviest(fitting: readonly Candidate[]): number {
  let best: Candidate | undefined;
  let rival: Candidate | undefined;
  for (const candidate of fitting) {
    if (!best || candidate.weight > best.weight) [best, rival] = [candidate, undefined];
    else if (candidate.weight === best.weight) rival = candidate;
  }
  if (best && rival)
    throw new SyntaxError(`'${best.row.opcode}' ${best.row.text} and '${rival.row.opcode}' ${rival.row.text} are the same encoding`);
  return best ? best.row.id : -1;
}

function compileCell(candidates: readonly Candidate[]): Cell {
  const hasModrm = candidates[0]!.encoding.hasModrm;
  const odd = candidates.find((candidate) => candidate.encoding.hasModrm !== hasModrm);
  if (odd) throw new SyntaxError(`'${odd.row.opcode}': some rows of this opcode have ModRM, others not`);
  const width = widthOf(candidates);
  const rows = new Int16Array(CONTEXTS * width);
  for (let context = 0; context < CONTEXTS; context++) {
    const fitting = candidates.filter((candidate) => contextFits(candidate, context));
    for (let selector = 0; selector < width; selector++)
      rows[context * width + selector] = heaviest(fitting.filter(({ encoding }) => selectorFits(encoding, width, selector)));
  }
  return { hasModrm, width, rows };
}

const anyLetter = (row: Row, letters: RegExp): boolean => row.operands.some(({ letter }) => letters.test(letter));

function flagsOf(row: Row, encoding: Encoding): number {
  const { attributes, operands } = row;
  const { prefix } = encoding;
  const vex = attributes.has('vex');
  const facts: readonly [boolean, number][] = [
    [attributes.has('lock'), FLAG.lock],
    [attributes.has('o64'), FLAG.o64],
    [attributes.has('f64'), FLAG.f64],
    [prefix === 'F2' || prefix === 'F3', FLAG.mandatoryRepeat],
    [prefix === '66', FLAG.mandatory66],
    [anyLetter(row, /^[PS]$/), FLAG.reg3],
    [anyLetter(row, /^[NQ]$/), FLAG.rm3],
    [ignoresMod(row), FLAG.ignoresMod],
    [anyLetter(row, /^C$/), FLAG.controlRegister],
    [anyLetter(row, /^D$/), FLAG.debugRegister],
    [anyLetter(row, /^S$/), FLAG.segmentRegister],
    [operands[0]?.letter === 'S', FLAG.segmentDestination],
    [vex, FLAG.vex],
    [vex && !anyLetter(row, /^B$/), FLAG.noVvvv],
  ];
  return facts.reduce((bits, [holds, bit]) => (holds ? bits | bit : bits), 0);
}

/** Every opcode with its candidates: a `+r` row is a candidate of eight opcodes. */
function byOpcode(rows: readonly Row[], encodings: readonly Encoding[]): Candidate[][] {
  const slots: Candidate[][] = Array.from({ length: MAPS.length * 256 }, () => []);
  const inRange = (encoding: Encoding): boolean =>
    encodings.some(({ map, opcode, span }) => span === 8 && map === encoding.map && opcode === (encoding.opcode & ~7));
  for (const row of rows) {
    const encoding = encodings[row.id]!;
    const rexB = encoding.span === 1 && inRange(encoding) ? false : undefined;
    const candidate = { row, encoding, rexB, weight: weightOf(row, encoding, rexB) };
    for (let n = 0; n < encoding.span; n++) slots[encoding.map * 256 + encoding.opcode + n]!.push(candidate);
  }
  return slots;
}

/** Compiles rows into the decoder's table. Throws `SyntaxError` for a malformed row or two rows with the same encoding. */
export function compile(rows: readonly Row[]): OpcodeMap {
  const encodings = rows.map(parseEncoding);
  return {
    cells: byOpcode(rows, encodings).map((candidates) => (candidates.length > 0 ? compileCell(candidates) : undefined)),
    flags: Int32Array.from(rows, (row) => flagsOf(row, encodings[row.id]!)),
    immediates: Uint8Array.from(encodings, (encoding) => encoding.immediate),
  };
}
