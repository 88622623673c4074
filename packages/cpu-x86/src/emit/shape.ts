import type { OperandSpec, Row } from '@hotsocket/x86-isa';
import { REC_IMMEDIATE, REC_REG, REC_RM } from '../layout.js';
import type { Bits } from './emitter.js';

/** Which kind of register file an operand names. */
export type RegisterFile = 'gpr' | 'mmx' | 'xmm' | 'segment' | 'control' | 'debug' | 'x87';

/** Where an operand is found at run time. */
export type Operand =
  | { readonly kind: 'register'; readonly file: RegisterFile; readonly bits: number; readonly field: number }
  | { readonly kind: 'memory'; readonly bits: number }
  | { readonly kind: 'immediate'; readonly bits: number }
  | { readonly kind: 'relative'; readonly bits: number }
  | { readonly kind: 'constant'; readonly bits: number; readonly value: number };

/** One form of one instruction: the row, the operand size, and whether ModRM names memory. Each shape has one handler. */
export interface Shape {
  readonly name: string;
  readonly row: Row;
  /** Effective operand size in bits (8 for byte operands). */
  readonly bits: Bits;
  /** Operand size by prefixes: 2, 4 or 8. */
  readonly operandBytes: 2 | 4 | 8;
  readonly memory: boolean;
  readonly operands: readonly Operand[];
}

const MODRM_RM = new Set(['E', 'M', 'R', 'Q', 'N', 'W', 'U']);
const MODRM_REG = new Set(['G', 'P', 'V', 'S', 'C', 'D']);
const FILES: Readonly<Record<string, RegisterFile>> = {
  E: 'gpr',
  G: 'gpr',
  R: 'gpr',
  B: 'gpr',
  reg: 'gpr',
  P: 'mmx',
  Q: 'mmx',
  N: 'mmx',
  V: 'xmm',
  W: 'xmm',
  U: 'xmm',
  S: 'segment',
  C: 'control',
  D: 'debug',
  ST: 'x87',
};

/** Width in bits of a size letter of SDM appendix A.2.2. */
export function sizeBits(size: string, operandBytes: number): number {
  switch (size) {
    case 'b':
    case 'bs':
    case 'bh':
      return 8;
    case 'w':
    case 'seg':
      return 16;
    case 'd':
    case 'ss':
    case 'pi':
      return size === 'pi' ? 64 : 32;
    case 'q':
    case 'sd':
      return 64;
    case 'dq':
    case 'ps':
    case 'pd':
    case 'x':
      return 128;
    case 'z':
      return operandBytes === 2 ? 16 : 32;
    case 'y':
      return operandBytes === 8 ? 64 : 32;
    default:
      return operandBytes * 8;
  }
}

/** The shape of `row` with this operand size, ModRM naming memory or not. */
export function shapeOf(row: Row, operandBytes: 2 | 4 | 8, memory: boolean): Shape {
  const assigned = assignOperands(row, operandBytes, memory);
  const first = row.operands[0];
  const size = dependsOnOperandSize(row) ? operandBytes : 4;
  const bits = (first && isInteger(first) ? sizeBits(first.size, operandBytes) : size * 8) as Bits;
  const key = row.family === 'x87' ? row.opcode : assigned.map((operand) => Object.values(operand).join(':')).join(',');
  return { name: `${row.mnemonic}/${row.family}/${bits}/${size}/${key}`, row, bits, operandBytes: size, memory, operands: assigned };
}

const SIZED_ATTRIBUTES = ['jump', 'branch', 'call', 'ret', 'o64', 'f64', 'far'];
const BY_OPERAND_SIZE = new Set(['v', 'z', 'y', 'p', 's', 'a', 'seg']);

/** FLDENV, FNSTENV, FRSTOR and FNSAVE have images of two sizes; REX.W widens the lengths of PCMPESTRI and PCMPESTRM. */
const hasTwoSizes = (row: Row): boolean =>
  row.operands.some((operand) => operand.size.includes('/')) || row.mnemonic.startsWith('PCMPESTR');

const dependsOnOperandSize = (row: Row): boolean =>
  (row.operands.length === 0 && row.family !== 'x87') ||
  hasTwoSizes(row) ||
  row.operands.some((operand) => BY_OPERAND_SIZE.has(operand.size)) ||
  SIZED_ATTRIBUTES.some((name) => row.attributes.has(name));

const isInteger = (operand: OperandSpec): boolean =>
  ['E', 'G', 'R', 'reg', 'M', 'O', 'X', 'Y', 'Z', 'A', 'J', 'I', 'B'].includes(operand.letter);

function assignOperands(row: Row, operandBytes: 2 | 4 | 8, memory: boolean): Operand[] {
  let rmFree = !row.operands.some((operand) => MODRM_RM.has(operand.letter));
  return row.operands.map((operand) => {
    const bits = sizeBits(operand.size, operandBytes);
    if (operand.letter === 'I') return { kind: 'immediate', bits };
    if (operand.letter === 'J' || operand.letter === 'A') return { kind: 'relative', bits };
    if (operand.letter === 'const') return { kind: 'constant', bits, value: operand.register ?? 0 };
    if (operand.letter === 'O' || operand.letter === 'X' || operand.letter === 'Y') return { kind: 'memory', bits };
    const file: RegisterFile =
      operand.size === 'seg' ? 'segment' : operand.size === 'dq' && operand.letter === 'reg' ? 'xmm' : (FILES[operand.letter] ?? 'gpr');
    if (MODRM_RM.has(operand.letter)) return memory ? { kind: 'memory', bits } : { kind: 'register', file, bits, field: REC_RM };
    if (MODRM_REG.has(operand.letter)) return { kind: 'register', file, bits, field: REC_REG };
    if (operand.letter === 'B') return { kind: 'register', file, bits, field: REC_IMMEDIATE };
    if (operand.letter === 'ST') return { kind: 'register', file, bits, field: REC_RM };
    const field = rmFree ? REC_RM : REC_REG;
    rmFree = false;
    return { kind: 'register', file, bits, field };
  });
}
