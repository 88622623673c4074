/**
 * Operand specifications in the letters of the opcode map.
 *
 * Reference: Intel 64 and IA-32 Architectures Software Developer's Manual (SDM), volume 2D, appendix A.2 "Key to abbreviations".
 */

/**
 * One operand of a row, for example `Eb` or `rAX`.
 *
 * Addressing letters, appendix A.2.1: `A` far pointer in the instruction · `B` general register in VEX.vvvv · `C` control register in
 * ModRM.reg · `D` debug register in ModRM.reg · `E` general register or memory in ModRM.r/m · `G` general register in ModRM.reg ·
 * `I` immediate · `J` relative branch · `M` memory only · `N` MMX register in ModRM.r/m · `O` offset in the instruction (moffs) ·
 * `P` MMX register in ModRM.reg · `Q` MMX register or memory · `R` general register in ModRM.r/m, no memory · `S` segment register in
 * ModRM.reg · `U` XMM register in ModRM.r/m · `V` XMM register in ModRM.reg · `W` XMM register or memory · `X` memory at DS:rSI ·
 * `Y` memory at ES:rDI.
 *
 * Three more letters are needed to write whole rows: `Z` is the general register in the low opcode bits (`+r`), `reg` a fixed register,
 * `const` a fixed number, `ST` an x87 stack register (`ST0` fixed, `STi` in ModRM.r/m).
 */
export interface OperandSpec {
  /** As written in the row. */
  readonly text: string;
  /** Addressing letter, or `reg`, `const`, `ST`. */
  readonly letter: string;
  /**
   * Operand type, appendix A.2.2: `a` bound pair · `b` byte · `bs` byte sign-extended to the operand size · `w` word · `d` doubleword ·
   * `q` quadword · `dq` 16 bytes · `v` word, doubleword or quadword by operand size · `z` word or doubleword (never 8 bytes) ·
   * `y` doubleword or quadword · `p` far pointer · `s` 6- or 10-byte pseudo-descriptor · `ps pd ss sd pi si x` vectors and scalars.
   * Memory operands of the x87 and of state-saving instructions keep the manual's own names: `32fp`, `80bcd`, `512byte`.
   * Empty for a plain `M`, an address whose contents are not an operand or have no fixed size (LEA, XSAVE).
   */
  readonly size: string;
  /**
   * Number of a fixed register (`letter` is `reg` or `ST`): 0..15 general (with `size` b, w, d, v, y; `AH` is 4 with size `bh`),
   * 0..5 for segment registers (`size` `seg`), 0 for XMM0 (`size` `dq`); for `const`, the number itself.
   */
  readonly register?: number;
}

/** Fixed registers by the name that rows use. `eAX` is AX or EAX by operand size, `rAX` includes RAX. */
const FIXED: Readonly<Record<string, readonly [size: string, register: number]>> = {
  AL: ['b', 0],
  CL: ['b', 1],
  AH: ['bh', 4],
  AX: ['w', 0],
  DX: ['w', 2],
  eAX: ['z', 0],
  rAX: ['v', 0],
  ES: ['seg', 0],
  CS: ['seg', 1],
  SS: ['seg', 2],
  DS: ['seg', 3],
  FS: ['seg', 4],
  GS: ['seg', 5],
  XMM0: ['dq', 0],
};

/** Sizes of memory that the manual writes as `m32fp`; here without the `m`. */
const NAMED_MEMORY = /^m(\d+(?:\/\d+)?(?:fp|int|bcd|byte))$/;
const LETTER_AND_SIZE = /^([A-EGI-JM-SU-Z])(bs|b|w|dq|d|q|v|z|y|pd|ps|pi|p|s|sd|ss|a|x)$/;

/** Parses one operand as written in a row. Throws `SyntaxError` when the text is no known operand. */
export function parseOperand(text: string): OperandSpec {
  const fixed = FIXED[text];
  if (fixed) return { text, letter: 'reg', size: fixed[0], register: fixed[1] };
  if (/^\d+$/.test(text)) return { text, letter: 'const', size: 'b', register: Number(text) };
  if (text === 'ST0') return { text, letter: 'ST', size: 't', register: 0 };
  if (text === 'STi') return { text, letter: 'ST', size: 't' };
  const memory = NAMED_MEMORY.exec(text);
  if (memory) return { text, letter: 'M', size: memory[1]! };
  if (text === 'M') return { text, letter: 'M', size: '' };
  const parts = LETTER_AND_SIZE.exec(text);
  if (!parts) throw new SyntaxError(`unknown operand '${text}'`);
  return { text, letter: parts[1]!, size: parts[2]! };
}
