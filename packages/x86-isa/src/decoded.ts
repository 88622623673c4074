import type { Row } from './row.js';
import { ROWS } from './rows/index.js';

/** The instruction is complete; `Decoded` describes it. */
export const DECODED = 0;
/** More bytes than given are needed. */
export const TRUNCATED = 1;
/** No such instruction, or not with these prefixes: #UD. */
export const INVALID = 2;
/** Longer than 15 bytes: #GP(0) (SDM volume 3, 6.15 "Interrupt 13"). */
export const TOO_LONG = 3;
export type DecodeStatus = 0 | 1 | 2 | 3;

/** Default operand and address size of the code segment, in bits. */
export type Mode = 16 | 32 | 64;

/** `Decoded.base` of an address relative to the next instruction. */
export const BASE_RIP = 16;
/** `Decoded.base`, `index` or `segment` when there is none. */
export const NONE = -1;

/** Longest instruction in bytes. */
export const MAX_LENGTH = 15;

/**
 * One decoded instruction. The owner allocates it once and passes it to every `Decoder.decode`. All fields are small integers.
 * Fields of a part that the instruction does not have (ModRM, immediate) hold 0 or `NONE`; nothing is left over from the last call.
 */
export class Decoded {
  row: Row = ROWS[0]!;
  /** Bytes from the first prefix to the last immediate; after TRUNCATED or INVALID the bytes looked at. */
  length = 0;
  mode: Mode = 64;
  /** Operand size after 66, REX.W, the code segment's default and `o64`/`f64`. A mandatory 66 has no part in it. */
  operandBytes: 2 | 4 | 8 = 4;
  /** Address size after 67. */
  addressBytes: 2 | 4 | 8 = 8;
  /** Segment override 0..5 = ES CS SS DS FS GS, or `NONE`. In 64-bit mode only FS and GS. */
  segment: number = NONE;
  lock = false;
  /** 0, 0xf2 or 0xf3 as repeat or hint prefix; 0 where the row requires the prefix. */
  rep = 0;
  /** The REX byte, 0 if none (or cancelled). For VEX in 64-bit mode its W, R, X, B in the same place. */
  rex = 0;
  /** VEX fields, all 0 without VEX: `vvvv` as a register number, vector length, W. */
  readonly vex: { vvvv: number; l: number; w: number } = { vvvv: 0, l: 0, w: 0 };
  hasModrm = false;
  mod = 0;
  /** ModRM.reg, 0..15 with REX.R; 0..7 for MMX and segment registers, which ignore REX. */
  reg = 0;
  /** ModRM.r/m, 0..15 with REX.B. For bytes without REX, 4..7 are AH CH DH BH. Meaningful if `mod` is 3. */
  rm = 0;
  /** Register in the low opcode bits, 0..15. */
  opcodeReg = 0;
  /** 0..15, `BASE_RIP` or `NONE`. */
  base: number = NONE;
  /** 0..15 or `NONE`. */
  index: number = NONE;
  /** Binary logarithm of the factor, 0..3. */
  scale = 0;
  /** int32. For 16-bit addresses sign-extended too: the sum is taken modulo 2^16 by the user. */
  displacement = 0;
  /** SS (2) for addresses based on rSP or rBP, else DS (3). */
  defaultSegment = 3;
  /** Low half of the immediate, relative distance or offset; int32. `Ib` and `Iw` are zero-extended, `Ibs` `Iz` `J` sign-extended. */
  immLow = 0;
  /** High half, int32: the sign extension, or the upper bytes of an 8-byte immediate or moffs. */
  immHigh = 0;
  /** ENTER's nesting level, or the selector of a far pointer. */
  imm2 = 0;
}
