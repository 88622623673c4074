import { BASE_RIP, DECODED, Decoded, type Mode } from './decoded.js';
import { Decoder } from './decoder.js';
import type { OperandSpec } from './operand.js';

const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
const LEGACY_NAMES = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'] as const;
const LOW_BYTES = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'] as const;
const HIGH_BYTES = ['ah', 'ch', 'dh', 'bh'] as const;
const SUFFIX: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'd', 8: '' };

/** Intel's name of a memory operand by its length in bytes. */
const POINTERS: Readonly<Record<number, string>> = {
  1: 'byte ptr ',
  2: 'word ptr ',
  4: 'dword ptr ',
  6: 'fword ptr ',
  8: 'qword ptr ',
  10: 'tbyte ptr ',
  16: 'xmmword ptr ',
};

/** Lengths in bytes of operand types that do not depend on the instruction. */
const FIXED_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  bs: 1,
  bh: 1,
  w: 2,
  d: 4,
  ss: 4,
  q: 8,
  sd: 8,
  pi: 8,
  dq: 16,
  ps: 16,
  pd: 16,
  '32fp': 4,
  '64fp': 8,
  '80fp': 10,
  '16int': 2,
  '32int': 4,
  '64int': 8,
  '80bcd': 10,
  '2byte': 2,
};

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const unsigned = (value: bigint, bytes: number): bigint => BigInt.asUintN(bytes * 8, value);
const immediate = (insn: Decoded): bigint => (BigInt(insn.immHigh) << 32n) | BigInt(insn.immLow >>> 0);

/** Length in bytes of an operand type; 0 where it has none. */
function bytesOf(insn: Decoded, size: string): number {
  if (size === 'v') return insn.operandBytes;
  if (size === 'z') return Math.min(insn.operandBytes, 4);
  if (size === 'y') return insn.operandBytes === 8 ? 8 : 4;
  if (size === 'p') return insn.operandBytes + 2;
  if (size === 's') return insn.mode === 64 ? 10 : 6;
  if (size === 'a') return 2 * insn.operandBytes;
  return FIXED_BYTES[size] ?? 0;
}

function generalRegister(insn: Decoded, number: number, bytes: number): string {
  if (bytes === 1 && number >= 4 && number < 8 && insn.rex === 0) return HIGH_BYTES[number - 4]!;
  if (number >= 8) return `r${number}${SUFFIX[bytes]}`;
  if (bytes === 1) return LOW_BYTES[number]!;
  return (bytes === 8 ? 'r' : bytes === 4 ? 'e' : '') + LEGACY_NAMES[number]!;
}

/** Register terms of an address, for example `rax+rcx*4`. */
function addressTerms(insn: Decoded): string[] {
  const terms: string[] = [];
  if (insn.base === BASE_RIP) terms.push(insn.addressBytes === 8 ? 'rip' : 'eip');
  else if (insn.base >= 0) terms.push(generalRegister(insn, insn.base, insn.addressBytes));
  if (insn.index < 0) return terms;
  const factor = insn.addressBytes === 2 ? '' : `*${1 << insn.scale}`;
  terms.push(generalRegister(insn, insn.index, insn.addressBytes) + factor);
  return terms;
}

function displacement(insn: Decoded, bare: boolean): string {
  if (bare) return hex(unsigned(BigInt(insn.displacement), insn.addressBytes));
  if (insn.displacement === 0) return '';
  return (insn.displacement < 0 ? '-' : '+') + hex(Math.abs(insn.displacement));
}

const segmentPrefix = (insn: Decoded): string => (insn.segment < 0 ? '' : `${SEGMENTS[insn.segment]}:`);

function memory(insn: Decoded, size: string): string {
  const terms = addressTerms(insn);
  const address = terms.join('+') + displacement(insn, terms.length === 0);
  return `${POINTERS[bytesOf(insn, size)] ?? ''}${segmentPrefix(insn)}[${address}]`;
}

function fixedRegister(insn: Decoded, { size, register }: OperandSpec): string {
  if (size === 'seg') return SEGMENTS[register!]!;
  if (size === 'dq') return `xmm${register}`;
  if (size === 'bh') return HIGH_BYTES[register! - 4]!;
  return generalRegister(insn, register!, bytesOf(insn, size));
}

const general = (insn: Decoded, number: number, { size }: OperandSpec): string => generalRegister(insn, number, bytesOf(insn, size));
const inRm = (insn: Decoded, spec: OperandSpec, name: string): string => (insn.mod === 3 ? name : memory(insn, spec.size));

/** String operands: the source takes an override, the destination is always in ES. */
function stringOperand(insn: Decoded, { letter, size }: OperandSpec): string {
  const register = generalRegister(insn, letter === 'X' ? 6 : 7, insn.addressBytes);
  const segment = letter === 'X' ? segmentPrefix(insn) : insn.mode === 64 ? '' : 'es:';
  return `${POINTERS[bytesOf(insn, size)]}${segment}[${register}]`;
}

/** Immediates are printed with the width at which the instruction uses them. The second of ENTER is in its own field. */
function immediateText(insn: Decoded, spec: OperandSpec): string {
  if (spec === insn.row.operands[1] && insn.row.mnemonic === 'ENTER') return hex(insn.imm2);
  const { size } = spec;
  const bytes = size === 'bs' || size === 'z' ? insn.operandBytes : bytesOf(insn, size);
  return hex(unsigned(immediate(insn), bytes));
}

const branchTarget = (insn: Decoded, ip: bigint): string => hex(unsigned(ip + BigInt(insn.length) + immediate(insn), insn.operandBytes));

type Printer = (insn: Decoded, spec: OperandSpec, ip: bigint) => string;

/** How each addressing letter is printed. */
const PRINTERS: Readonly<Record<string, Printer>> = {
  A: (insn) => `${hex(insn.imm2)}:${hex(insn.immLow >>> 0)}`,
  B: (insn, spec) => general(insn, insn.vex.vvvv, spec),
  C: (insn) => `cr${insn.reg}`,
  D: (insn) => `dr${insn.reg}`,
  E: (insn, spec) => inRm(insn, spec, general(insn, insn.rm, spec)),
  G: (insn, spec) => general(insn, insn.reg, spec),
  I: immediateText,
  J: (insn, _spec, ip) => branchTarget(insn, ip),
  M: (insn, spec) => memory(insn, spec.size),
  N: (insn) => `mm${insn.rm}`,
  O: (insn, spec) => `${POINTERS[bytesOf(insn, spec.size)]}${segmentPrefix(insn)}[${hex(unsigned(immediate(insn), insn.addressBytes))}]`,
  P: (insn) => `mm${insn.reg}`,
  Q: (insn, spec) => inRm(insn, spec, `mm${insn.rm}`),
  R: (insn, spec) => general(insn, insn.rm, spec),
  S: (insn) => SEGMENTS[insn.reg]!,
  U: (insn) => `xmm${insn.rm}`,
  V: (insn) => `xmm${insn.reg}`,
  W: (insn, spec) => inRm(insn, spec, `xmm${insn.rm}`),
  X: stringOperand,
  Y: stringOperand,
  Z: (insn, spec) => general(insn, insn.opcodeReg, spec),
  reg: fixedRegister,
  const: (_insn, spec) => spec.text,
  ST: (insn, spec) => (spec.register === 0 ? 'st' : `st(${insn.rm & 7})`),
};

/** The alternatives `CBW/CWDE/CDQE` are for 2, 4 and 8 bytes; of JCXZ by address size, else by operand size. */
function alternative(insn: Decoded): string {
  const names = insn.row.text.split(' ')[0]!.toLowerCase().split('/');
  const bytes = insn.row.mnemonic === 'JCXZ' ? insn.addressBytes : insn.operandBytes;
  return names[Math.min(bytes >> 2, names.length - 1)]!;
}

function stringSuffix(insn: Decoded): string {
  const spec = insn.row.operands.find(({ letter }) => letter === 'X' || letter === 'Y')!;
  return 'bwdq'[Math.log2(bytesOf(insn, spec.size))]!;
}

function prefixes(insn: Decoded): string {
  const { attributes } = insn.row;
  const lock = insn.lock ? 'lock ' : '';
  if (insn.rep === 0 || !attributes.has('string')) return lock;
  if (insn.rep === 0xf2) return `${lock}repne `;
  return lock + (attributes.has('repz') ? 'repe ' : 'rep ');
}

function operands(insn: Decoded, ip: bigint): string {
  const texts = insn.row.operands.map((spec) => PRINTERS[spec.letter]!(insn, spec, ip));
  return texts.length === 0 ? '' : ` ${texts.join(',')}`;
}

/** Text of a decoded instruction in Intel syntax. `ip` is the address of its first byte, for branch targets. */
export function formatInstruction(insn: Decoded, ip: number | bigint): string {
  const suffix = insn.row.attributes.has('string') ? stringSuffix(insn) : '';
  return prefixes(insn) + alternative(insn) + suffix + operands(insn, BigInt(ip));
}

let shared: { decoder: Decoder; insn: Decoded } | undefined;

/**
 * Disassembles the first instruction of `bytes` in Intel syntax, lower case, numbers in hexadecimal; `(bad)` if there is none.
 * All rows are known to it, whatever features a processor announces. `ip` is the address of `bytes[0]`.
 */
export function disassemble(bytes: Uint8Array, mode: Mode, ip: number | bigint): string {
  shared ??= { decoder: new Decoder(), insn: new Decoded() };
  const status = shared.decoder.decode(bytes, 0, bytes.length, mode, shared.insn);
  return status === DECODED ? formatInstruction(shared.insn, ip) : '(bad)';
}
