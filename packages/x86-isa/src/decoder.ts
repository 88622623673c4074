import {
  BASE_RIP,
  DECODED,
  type Decoded,
  type DecodeStatus,
  INVALID,
  MAX_LENGTH,
  type Mode,
  NONE,
  TOO_LONG,
  TRUNCATED,
} from './decoded.js';
import { IMMEDIATE } from './encoding.js';
import {
  type Cell,
  compile,
  FLAG,
  type OpcodeMap,
  PREFIX_NUMBER,
  SELECTS_ALL,
  SELECTS_MOD,
  SELECTS_NOTHING,
  SELECTS_REG,
} from './opcode-map.js';
import type { Row } from './row.js';
import { ROWS } from './rows/index.js';

export interface DecoderOptions {
  /** Asked once per row at construction: true for a row whose feature is not announced. Its fallback is used, or #UD. */
  isInvalid?: (row: Row) => boolean;
}

const REX_W = 8;
const REX_R = 4;
const REX_X = 2;
const REX_B = 1;

/** Base and index of 16-bit addresses by r/m. SDM volume 2A, table 2-1. */
const BASE_16 = Int8Array.of(3, 3, 5, 5, 6, 7, 5, 3);
const INDEX_16 = Int8Array.of(6, 7, 6, 7, NONE, NONE, NONE, NONE);
const DS = 3;
const SS = 2;
const RSP = 4;
const RBP = 5;

/** Mandatory prefix by VEX.pp. */
const VEX_PREFIX = Int8Array.of(PREFIX_NUMBER.none, PREFIX_NUMBER['66'], PREFIX_NUMBER.F3, PREFIX_NUMBER.F2);

/** MOV CRn: 0, 2, 3, 4, 8 exist. */
const CONTROL_REGISTERS = 0b1_0001_1101;

/** What a one-byte opcode is, by mode: `FOR_64` adds the REX prefixes. */
const OPCODE = 0;
const PREFIX = 1;
const REX = 2;
const LEGACY_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3];
const FOR_LEGACY = Uint8Array.from({ length: 256 }, (_, byte) => (LEGACY_PREFIXES.includes(byte) ? PREFIX : OPCODE));
const FOR_64 = FOR_LEGACY.map((kind, byte) => (byte >> 4 === 4 ? REX : kind));

let map: OpcodeMap | undefined;

/** The map of all rows, compiled when the first decoder is made and shared by all. */
function opcodeMap(): OpcodeMap {
  map ??= compile(ROWS);
  return map;
}

/** Row number by row number: itself, its fallback, or -1. */
function resolve(isInvalid: (row: Row) => boolean): Int16Array {
  return Int16Array.from(ROWS, (row) => {
    if (!isInvalid(row)) return row.id;
    return row.fallback && !isInvalid(row.fallback) ? row.fallback.id : -1;
  });
}

/**
 * Decodes one instruction at a time into a `Decoded` that the caller owns; allocates nothing. A decoder keeps no state between calls.
 * VEX needs protected mode: in real and virtual-8086 mode the caller raises #UD for rows with the attribute `vex`.
 */
export class Decoder {
  readonly #map: OpcodeMap = opcodeMap();
  readonly #resolved: Int16Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #next = 0;
  #limit = 0;
  /** 66 was seen. */
  #size = false;
  #address = false;
  /** Last of F2 and F3, or 0. */
  #repeat = 0;
  #prefix = 0;
  #cell = 0;

  constructor(options: DecoderOptions = {}) {
    this.#resolved = resolve(options.isInvalid ?? (() => false));
  }

  /**
   * Decodes the instruction at `bytes[start]`, looking at no byte from `end` on.
   * `DECODED`: `out` is complete. `TRUNCATED`, `INVALID`, `TOO_LONG`: only `out.length` (bytes looked at) means something.
   */
  decode(bytes: Uint8Array, start: number, end: number, mode: Mode, out: Decoded): DecodeStatus {
    this.#bytes = bytes;
    this.#next = start;
    this.#limit = Math.min(end, start + MAX_LENGTH);
    clear(out, mode);
    const status = this.#instruction(out);
    out.length = this.#next - start;
    return status === TRUNCATED && end - start >= MAX_LENGTH ? TOO_LONG : status;
  }

  #instruction(out: Decoded): DecodeStatus {
    const first = this.#prefixes(out);
    if (first < 0) return TRUNCATED;
    const status = this.#opcode(out, first);
    if (status !== DECODED) return status;
    const cell = this.#map.cells[this.#cell];
    if (cell === undefined) return INVALID;
    let selector = 0;
    out.hasModrm = cell.hasModrm;
    if (cell.hasModrm) {
      const modrm = this.#byte();
      if (modrm < 0) return TRUNCATED;
      splitModrm(out, modrm);
      selector = selectorOf(modrm, cell.width);
    } else out.opcodeReg = (this.#cell & 7) | ((out.rex & REX_B) << 3);
    return this.#select(out, cell, selector);
  }

  #select(out: Decoded, cell: Cell, selector: number): DecodeStatus {
    const context = this.#prefix | ((out.rex & REX_W) >> 1) | ((out.rex & REX_B) << 3) | (out.mode === 64 ? 16 : 0);
    const chosen = cell.rows[context * cell.width + selector]!;
    const id = chosen < 0 ? -1 : this.#resolved[chosen]!;
    return id < 0 ? INVALID : this.#operands(out, id);
  }

  #operands(out: Decoded, id: number): DecodeStatus {
    const flags = this.#map.flags[id]!;
    out.row = ROWS[id]!;
    if (flags & FLAG.ignoresMod) out.mod = 3;
    if (out.lock && (!(flags & FLAG.lock) || out.mod === 3)) return INVALID;
    if (flags & FLAG.vex && !vexIsValid(out, flags)) return INVALID;
    if (out.mode !== 64) out.vex.vvvv &= 7;
    out.rep = flags & FLAG.mandatoryRepeat ? 0 : this.#repeat;
    out.operandBytes = operandBytes(out, flags, this.#size && !(flags & FLAG.mandatory66));
    if (out.hasModrm && !this.#modrm(out, flags)) return TRUNCATED;
    if (flags & (FLAG.controlRegister | FLAG.debugRegister | FLAG.segmentRegister) && !specialIsValid(out, flags)) return INVALID;
    return this.#immediate(out, this.#map.immediates[id]!) ? DECODED : TRUNCATED;
  }

  #byte(): number {
    return this.#next < this.#limit ? this.#bytes[this.#next++]! : -1;
  }

  // ------------------------------------------------------------------------------------------------------------- prefixes and opcode

  /** Reads the prefixes; returns the first opcode byte or -1. REX counts only directly before the opcode (SDM volume 2A, 2.2.1). */
  #prefixes(out: Decoded): number {
    const kinds = out.mode === 64 ? FOR_64 : FOR_LEGACY;
    this.#size = this.#address = false;
    this.#repeat = 0;
    let byte = this.#byte();
    while (byte >= 0) {
      const kind = kinds[byte]!;
      if (kind === OPCODE) break;
      if (kind === REX) out.rex = byte;
      else {
        out.rex = 0;
        this.#legacyPrefix(out, byte);
      }
      byte = this.#byte();
    }
    out.addressBytes = addressBytes(out.mode, this.#address);
    return byte;
  }

  #legacyPrefix(out: Decoded, byte: number): void {
    if (byte === 0x66) this.#size = true;
    else if (byte === 0x67) this.#address = true;
    else if (byte === 0xf0) out.lock = true;
    else if (byte >= 0xf2) this.#repeat = byte;
    else if (byte >= 0x64) out.segment = byte - 0x60;
    else if (out.mode !== 64) out.segment = (byte >> 3) & 3;
  }

  /** Finds the map cell. `first` is the byte after the prefixes. */
  #opcode(out: Decoded, first: number): DecodeStatus {
    this.#prefix = this.#repeat === 0xf3 ? PREFIX_NUMBER.F3 : this.#repeat !== 0 ? PREFIX_NUMBER.F2 : this.#size ? PREFIX_NUMBER['66'] : 0;
    this.#cell = first;
    if (first === 0x0f) return this.#twoByte();
    if ((first & 0xfe) === 0xc4 && this.#isVex(out)) return this.#vexOpcode(out, first);
    return DECODED;
  }

  #twoByte(): DecodeStatus {
    const second = this.#byte();
    if (second < 0) return TRUNCATED;
    this.#cell = 0x100 | second;
    if (second !== 0x38 && second !== 0x3a) return DECODED;
    const third = this.#byte();
    this.#cell = (second === 0x38 ? 0x200 : 0x300) | third;
    return third < 0 ? TRUNCATED : DECODED;
  }

  /** Outside 64-bit mode C4 and C5 are LES and LDS unless mod would be 3. */
  #isVex(out: Decoded): boolean {
    return out.mode === 64 || (this.#next < this.#limit && this.#bytes[this.#next]! >= 0xc0);
  }

  /** Three-byte VEX (SDM volume 2A, 2.3.5). The two-byte form reaches only map 0F, where no row has VEX. */
  #vexOpcode(out: Decoded, first: number): DecodeStatus {
    const p1 = this.#byte();
    const p2 = this.#byte();
    const opcode = this.#byte();
    if (opcode < 0) return TRUNCATED;
    const opcodeMap = p1 & 31;
    if (first === 0xc5 || opcodeMap < 2 || opcodeMap > 3) return INVALID;
    if (out.rex !== 0 || out.lock || this.#size || this.#repeat !== 0) return INVALID;
    out.vex.vvvv = (~p2 >> 3) & 15;
    out.vex.l = (p2 >> 2) & 1;
    out.vex.w = p2 >> 7;
    if (out.mode === 64) out.rex = 0x40 | (out.vex.w << 3) | ((~p1 >> 5) & 7);
    this.#prefix = VEX_PREFIX[p2 & 3]!;
    this.#cell = ((opcodeMap + 2) << 8) | opcode;
    return DECODED;
  }

  // --------------------------------------------------------------------------------------------------------------- ModRM and address

  /** Extends register numbers and reads SIB and displacement. False: out of bytes. */
  #modrm(out: Decoded, flags: number): boolean {
    const rm = out.rm;
    if (!(flags & FLAG.reg3) && out.rex & REX_R) out.reg |= 8;
    if (!(flags & FLAG.rm3 && out.mod === 3) && out.rex & REX_B) out.rm |= 8;
    if (out.mod === 3) return true;
    if (out.addressBytes === 2) return this.#address16(out, rm);
    if (rm === RSP) return this.#sib(out);
    if (rm === RBP && out.mod === 0) {
      out.base = out.mode === 64 ? BASE_RIP : NONE;
      return this.#displacement(out, 4);
    }
    return this.#based(out, out.rm);
  }

  #address16(out: Decoded, rm: number): boolean {
    if (rm === 6 && out.mod === 0) return this.#displacement(out, 2);
    out.base = BASE_16[rm]!;
    out.index = INDEX_16[rm]!;
    if (out.base === RBP) out.defaultSegment = SS;
    return this.#displacement(out, out.mod);
  }

  #sib(out: Decoded): boolean {
    const sib = this.#byte();
    if (sib < 0) return false;
    const index = ((sib >> 3) & 7) | (out.rex & REX_X ? 8 : 0);
    if (index !== RSP) {
      out.index = index;
      out.scale = sib >> 6;
    }
    if ((sib & 7) === RBP && out.mod === 0) return this.#displacement(out, 4);
    return this.#based(out, (sib & 7) | (out.rex & REX_B ? 8 : 0));
  }

  #based(out: Decoded, base: number): boolean {
    out.base = base;
    if (base === RSP || base === RBP) out.defaultSegment = SS;
    return this.#displacement(out, out.mod === 2 ? 4 : out.mod);
  }

  #displacement(out: Decoded, bytes: number): boolean {
    if (bytes === 0) return true;
    if (this.#next + bytes > this.#limit) return this.#exhausted();
    out.displacement = this.#signed(bytes);
    return true;
  }

  // -------------------------------------------------------------------------------------------------------------------- immediates

  #immediate(out: Decoded, kind: number): boolean {
    if (kind === IMMEDIATE.none) return true;
    const bytes = immediateBytes(out, kind);
    if (this.#next + bytes > this.#limit) return this.#exhausted();
    if (kind === IMMEDIATE.byte || kind === IMMEDIATE.word) out.immLow = this.#unsigned(bytes);
    else if (kind === IMMEDIATE.wordByte) this.#wordByte(out);
    else if (kind === IMMEDIATE.pointer) this.#pointer(out, bytes - 2);
    else this.#wide(out, kind, bytes);
    return true;
  }

  #wordByte(out: Decoded): void {
    out.immLow = this.#unsigned(2);
    out.imm2 = this.#unsigned(1);
  }

  #pointer(out: Decoded, offsetBytes: number): void {
    out.immLow = this.#unsigned(offsetBytes) | 0;
    out.imm2 = this.#unsigned(2);
  }

  /** Sign-extended immediates and branches; offsets, which are zero-extended. */
  #wide(out: Decoded, kind: number, bytes: number): void {
    if (kind === IMMEDIATE.offset) {
      out.immLow = this.#unsigned(bytes === 8 ? 4 : bytes) | 0;
      out.immHigh = bytes === 8 ? this.#signed(4) : 0;
      return;
    }
    out.immLow = this.#signed(bytes === 8 ? 4 : bytes);
    out.immHigh = bytes === 8 ? this.#signed(4) : out.immLow >> 31;
  }

  /** Little-endian, 1, 2 or 4 bytes; the caller has checked that they are there. */
  #unsigned(bytes: number): number {
    return bytes === 4 ? this.#signed(4) >>> 0 : bytes === 2 ? this.#signed(2) & 0xffff : this.#bytes[this.#next++]!;
  }

  #signed(bytes: number): number {
    const from = this.#bytes;
    const at = this.#next;
    this.#next = at + bytes;
    if (bytes === 1) return (from[at]! << 24) >> 24;
    if (bytes === 2) return ((from[at]! | (from[at + 1]! << 8)) << 16) >> 16;
    return from[at]! | (from[at + 1]! << 8) | (from[at + 2]! << 16) | (from[at + 3]! << 24);
  }

  #exhausted(): false {
    this.#next = this.#limit;
    return false;
  }
}

function clear(out: Decoded, mode: Mode): void {
  out.mode = mode;
  out.segment = out.base = out.index = NONE;
  out.defaultSegment = DS;
  out.lock = false;
  out.rex = out.mod = out.reg = out.rm = out.opcodeReg = out.scale = out.displacement = out.immLow = out.immHigh = out.imm2 = 0;
  out.vex.vvvv = out.vex.l = out.vex.w = 0;
}

function splitModrm(out: Decoded, modrm: number): void {
  out.mod = modrm >> 6;
  out.reg = (modrm >> 3) & 7;
  out.rm = modrm & 7;
}

function selectorOf(modrm: number, width: number): number {
  if (width === SELECTS_NOTHING) return 0;
  const isRegister = modrm >= 0xc0;
  if (width === SELECTS_MOD) return isRegister ? 1 : 0;
  const reg = (modrm >> 3) & 7;
  if (!isRegister) return reg;
  return width === SELECTS_REG ? 8 + reg : SELECTS_ALL - 64 + (modrm & 63);
}

function addressBytes(mode: Mode, toggled: boolean): 2 | 4 | 8 {
  if (mode === 64) return toggled ? 4 : 8;
  return (mode === 32) === toggled ? 2 : 4;
}

/** SDM volume 1, 3.6 "Operand-size and address-size attributes". */
function operandBytes(out: Decoded, flags: number, toggled: boolean): 2 | 4 | 8 {
  if (out.mode !== 64) return (out.mode === 32) === toggled ? 2 : 4;
  if (out.rex & REX_W || flags & FLAG.f64) return 8;
  if (toggled) return 2;
  return flags & FLAG.o64 ? 8 : 4;
}

function immediateBytes(out: Decoded, kind: number): number {
  const z = out.operandBytes === 2 ? 2 : 4;
  if (kind === IMMEDIATE.byte || kind === IMMEDIATE.signedByte) return 1;
  if (kind === IMMEDIATE.z) return z;
  if (kind === IMMEDIATE.v) return out.operandBytes;
  if (kind === IMMEDIATE.offset) return out.addressBytes;
  if (kind === IMMEDIATE.pointer) return z + 2;
  return kind === IMMEDIATE.word ? 2 : 3;
}

/** All VEX rows here are `LZ`: L must be 0. */
const vexIsValid = (out: Decoded, flags: number): boolean => out.vex.l === 0 && !(flags & FLAG.noVvvv && out.vex.vvvv !== 0);

/** CR1, CR5..7, CR9.. and DR8.. do not exist; CS cannot be loaded; there are six segment registers (SDM volume 2B, "MOV"). */
function specialIsValid(out: Decoded, flags: number): boolean {
  if (flags & FLAG.controlRegister) return ((CONTROL_REGISTERS >> out.reg) & 1) === 1;
  if (flags & FLAG.debugRegister) return out.reg < 8;
  return out.reg < 6 && !(flags & FLAG.segmentDestination && out.reg === 1);
}
