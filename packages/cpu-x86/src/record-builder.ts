import { BASE_RIP, type Decoded, NONE, type OperandSpec, type Row } from '@hotsocket/x86-isa';
import type { CoreMemory } from './core-memory.js';
import type { HandlerTable } from './handler-table.js';
import {
  DS,
  ES,
  FS,
  GPR,
  GS,
  MODE_CODE64,
  MODE_FLAT,
  PAGE_BYTES,
  REC_ADDRESS_BYTES,
  REC_BASE,
  REC_DISPLACEMENT,
  REC_EXTRA,
  REC_FLAGS,
  REC_HANDLER,
  REC_IMMEDIATE,
  REC_INDEX,
  REC_LENGTH,
  REC_PAGE_OFFSET,
  REC_REG,
  REC_RM,
  REC_SCALE,
  REC_SEGMENT,
  REC_SEGMENT_BASE,
  RECORD_COMPLEX,
  RECORD_LOCAL,
  RECORD_LOCK,
  RECORD_OFFSET,
  RECORD_REP,
  RECORD_REPNE,
  RECORD_STACK,
  SEG_BASE,
  SS,
  segment,
  X87,
  XMM,
  ZERO,
} from './layout.js';

const MODRM_REG = new Set(['G', 'P', 'V', 'S', 'C', 'D']);
const MODRM_RM = new Set(['E', 'M', 'R', 'Q', 'N', 'W', 'U']);
/** Their memory operand is the stack. */
const STACK_MNEMONICS = new Set('PUSH POP PUSHA POPA PUSHF POPF CALL RET LEAVE ENTER'.split(' '));

/** Which number of the decoded instruction a register field is made of. */
type RegisterSource = 'reg' | 'rm' | 'vvvv' | 'segmentSelector' | 'stack' | 'opcode' | 'fixed';

interface RegisterField {
  readonly source: RegisterSource;
  readonly field: number;
  readonly operand: OperandSpec;
}

/** What records of one row have in common. */
interface RecordLayout {
  readonly registers: readonly RegisterField[];
  /** The memory operand's offset is an immediate (moffs). */
  readonly offsetForm: boolean;
  /** Memory is accessed where ModRM names none: strings, XLAT, moffs. */
  readonly impliedMemory: boolean;
  readonly usesStack: boolean;
  readonly relative: boolean;
}

function layoutOf(row: Row): RecordLayout {
  const has = (...letters: string[]): boolean => row.operands.some((operand) => letters.includes(operand.letter));
  return {
    registers: registerFields(row),
    offsetForm: has('O'),
    impliedMemory: has('O', 'X', 'Y') || row.mnemonic === 'XLAT',
    usesStack: STACK_MNEMONICS.has(row.mnemonic),
    relative: row.operands[0]?.letter === 'J',
  };
}

/** Registers by operand, in the order in which shapes give them fields; a fixed third one (CL, XMM0) has none. */
function registerFields(row: Row): RegisterField[] {
  const fields: RegisterField[] = [];
  let rmFree = !row.operands.some((operand) => MODRM_RM.has(operand.letter));
  const full = !rmFree && row.operands.some((operand) => MODRM_REG.has(operand.letter));
  for (const operand of row.operands) {
    const add = (source: RegisterSource, field: number): void => void fields.push({ source, field, operand });
    if (MODRM_REG.has(operand.letter)) add('reg', REC_REG);
    else if (MODRM_RM.has(operand.letter)) add('rm', REC_RM);
    else if (operand.letter === 'B') add('vvvv', REC_IMMEDIATE);
    else if (operand.letter === 'A') add('segmentSelector', REC_REG);
    else if (operand.letter === 'ST') add('stack', REC_RM);
    else if (!full && (operand.letter === 'Z' || operand.letter === 'reg')) {
      add(operand.letter === 'Z' ? 'opcode' : 'fixed', rmFree ? REC_RM : REC_REG);
      rmFree = false;
    }
  }
  return fields;
}

/** What stands in a register field: the address of a register, or the number itself where the instruction wants that. */
function registerValue({ source, operand }: RegisterField, decoded: Decoded): number {
  switch (source) {
    case 'reg':
      return registerAddress(operand, decoded.reg, decoded.rex);
    case 'rm':
      return registerAddress(operand, decoded.rm, decoded.rex);
    case 'vvvv':
      return GPR + 8 * decoded.vex.vvvv;
    case 'segmentSelector':
      return decoded.imm2;
    case 'stack':
      return decoded.rm & 7;
    case 'opcode':
      return registerAddress(operand, decoded.opcodeReg, decoded.rex);
    default:
      return registerAddress(operand, operand.register ?? 0, decoded.rex);
  }
}

/** Writes decoded instructions into records of the pool. */
export class RecordBuilder {
  readonly #memory: CoreMemory;
  readonly #handlers: HandlerTable;
  /** By row. */
  readonly #layouts: (RecordLayout | undefined)[] = [];

  constructor(memory: CoreMemory, handlers: HandlerTable) {
    this.#memory = memory;
    this.#handlers = handlers;
  }

  /** Fills the record at `record` from `decoded`, an instruction at `pageOffset` of its page, for code of `modeKey`. */
  write(record: number, decoded: Decoded, pageOffset: number, modeKey: number): void {
    const { u8, u16, i32 } = this.#memory;
    const layout = (this.#layouts[decoded.row.id] ??= layoutOf(decoded.row));
    const memoryForm = decoded.hasModrm && decoded.mod !== 3;
    u16[(record + REC_HANDLER) >> 1] = this.#handlers.lookUp(decoded.row, decoded.operandBytes, memoryForm);
    u8[record + REC_LENGTH] = decoded.length;
    u16[(record + REC_PAGE_OFFSET) >> 1] = pageOffset;
    u8[record + REC_ADDRESS_BYTES] = decoded.addressBytes;
    u8[record + REC_EXTRA] = decoded.imm2;
    i32[(record + REC_IMMEDIATE) >> 2] = decoded.immLow;
    i32[(record + REC_IMMEDIATE + 4) >> 2] = decoded.immHigh;
    this.#writeAddress(record, decoded, pageOffset, layout);
    for (const field of layout.registers) u16[(record + field.field) >> 1] = registerValue(field, decoded);
    const local = layout.relative ? this.#localTarget(record, decoded, pageOffset) : 0;
    u8[record + REC_FLAGS] = this.#flags(decoded, memoryForm, modeKey, layout) | local;
  }

  #writeAddress(record: number, decoded: Decoded, pageOffset: number, { offsetForm }: RecordLayout): void {
    const { u8, u16, i32 } = this.#memory;
    const ripRelative = decoded.base === BASE_RIP;
    const base = decoded.base === NONE ? ZERO : ripRelative ? ZERO + 8 : GPR + 8 * decoded.base;
    u16[(record + REC_BASE) >> 1] = base;
    u16[(record + REC_INDEX) >> 1] = decoded.index === NONE ? ZERO : GPR + 8 * decoded.index;
    u8[record + REC_SCALE] = decoded.scale;
    const displacement = decoded.displacement + (ripRelative ? pageOffset + decoded.length : 0);
    i32[(record + REC_DISPLACEMENT) >> 2] = offsetForm ? decoded.immLow : displacement;
    const used = usedSegment(decoded);
    u8[record + REC_SEGMENT] = used;
    const plain = decoded.mode === 64 && used !== FS && used !== GS;
    u16[(record + REC_SEGMENT_BASE) >> 1] = plain ? ZERO : segment(used) + SEG_BASE;
  }

  #flags(decoded: Decoded, memoryForm: boolean, modeKey: number, layout: RecordLayout): number {
    let flags = decoded.lock ? RECORD_LOCK : 0;
    if (decoded.rep === 0xf3) flags |= RECORD_REP;
    if (decoded.rep === 0xf2) flags |= RECORD_REPNE;
    const used = usedSegment(decoded);
    if (used === SS || (!memoryForm && layout.usesStack)) flags |= RECORD_STACK;
    const { offsetForm } = layout;
    const usesMemory = memoryForm || layout.impliedMemory;
    if (usesMemory && !this.#isPlain(decoded, used, offsetForm, modeKey)) flags |= RECORD_COMPLEX;
    if (offsetForm && decoded.addressBytes === 8) flags |= RECORD_OFFSET;
    return flags;
  }

  /** True when base + index + displacement + segment base, cut to the code's width, is the linear address without checks. */
  #isPlain(decoded: Decoded, used: number, offsetForm: boolean, modeKey: number): boolean {
    if ((modeKey & 3) === MODE_CODE64) return decoded.addressBytes === 8 && !offsetForm;
    return (modeKey & MODE_FLAT) !== 0 && decoded.addressBytes === 4 && (used === DS || used === SS || used === ES);
  }

  /** A direct jump that stays in the page gets the target's page offset as its immediate. */
  #localTarget(record: number, decoded: Decoded, pageOffset: number): number {
    const target = pageOffset + decoded.length + decoded.immLow;
    if (target < 0 || target >= PAGE_BYTES || decoded.operandBytes === 2) return 0;
    this.#memory.i32[(record + REC_IMMEDIATE) >> 2] = target;
    this.#memory.i32[(record + REC_IMMEDIATE + 4) >> 2] = 0;
    return RECORD_LOCAL;
  }
}

/** Segment of the memory operand; 64-bit code ignores overrides other than FS and GS (SDM volume 1, 3.3.7.1). */
function usedSegment({ segment, defaultSegment, mode }: Decoded): number {
  const ignored = mode === 64 && segment !== FS && segment !== GS;
  return segment === NONE || ignored ? defaultSegment : segment;
}

/** Address of register `number` of an operand. Without REX, byte registers 4..7 are AH CH DH BH. */
function registerAddress(operand: OperandSpec, number: number, rex: number): number {
  if (operand.letter === 'V' || operand.letter === 'W' || operand.letter === 'U') return XMM + 16 * number;
  if (operand.letter === 'P' || operand.letter === 'Q' || operand.letter === 'N') return X87 + 16 * (number & 7);
  if (operand.letter === 'S' || operand.size === 'seg') return segment(number & 7);
  if (operand.letter === 'C' || operand.letter === 'D') return number;
  if (operand.size === 'dq') return XMM + 16 * number;
  if (operand.size === 'bh') return GPR + 8 * (number & 3) + 1;
  const high = operand.size === 'b' && rex === 0 && number >= 4 && number < 8;
  return high ? GPR + 8 * (number & 3) + 1 : GPR + 8 * number;
}
