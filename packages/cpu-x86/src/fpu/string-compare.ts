import type { Cpu, HelperFunction } from '../cpu.js';
import { RAX, RCX, RDX, SSE_SOURCE, XMM } from '../layout.js';

/** Fields of the immediate (SDM volume 1, 14.10 and volume 2, 4.1). */
const WORDS = 1;
const SIGNED = 2;
const EQUAL_ANY = 0;
const RANGES = 1;
const EQUAL_EACH = 2;
const NEGATIVE = 0x10;
const MASKED_NEGATIVE = 0x20;
const MOST_SIGNIFICANT = 0x40;
/** CF PF AF ZF SF OF. */
const STATUS = 0x8d5;

/** One comparison: elements and lengths of both operands. */
interface Comparison {
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly firstLength: number;
  readonly secondLength: number;
}

function elements(cpu: Cpu, address: number, control: number): number[] {
  const words = (control & WORDS) !== 0;
  const signed = (control & SIGNED) !== 0;
  return Array.from({ length: words ? 8 : 16 }, (_, n) => {
    const value = words ? cpu.get16(address + 2 * n) : cpu.get8(address + n);
    const sign = words ? 0x8000 : 0x80;
    return signed && value & sign ? value - 2 * sign : value;
  });
}

/** Length of a string that ends before its first zero element. */
function implicitLength(values: readonly number[]): number {
  const end = values.indexOf(0);
  return end < 0 ? values.length : end;
}

/** Absolute value of a register as signed number, at most the number of elements. */
function explicitLength(cpu: Cpu, register: number, wide: boolean, most: number): number {
  const value = wide ? Math.abs(cpu.getLong(register)) : Math.abs(cpu.get32(register) | 0);
  return Math.min(value, most);
}

/** Is element `j` of the second operand in one of the first operand's ranges, lower and upper bounds in turn? */
function inRanges({ first, second, firstLength }: Comparison, j: number): boolean {
  for (let n = 0; n + 1 < firstLength; n += 2) if (second[j]! >= first[n]! && second[j]! <= first[n + 1]!) return true;
  return false;
}

const isAny = ({ first, second, firstLength }: Comparison, j: number): boolean => first.slice(0, firstLength).includes(second[j]!);

/** Beyond both ends elements count as equal, beyond one as different. */
function isEqualAt({ first, second, firstLength, secondLength }: Comparison, j: number): boolean {
  if (j >= firstLength || j >= secondLength) return j >= firstLength && j >= secondLength;
  return first[j] === second[j];
}

/** Does the first operand, as far as the second reaches, begin at `j` in it? */
function beginsAt({ first, second, firstLength, secondLength }: Comparison, j: number): boolean {
  for (let n = 0; n < firstLength && j + n < second.length; n++) {
    if (j + n >= secondLength || first[n] !== second[j + n]) return false;
  }
  return true;
}

function holds(comparison: Comparison, control: number, j: number): boolean {
  const valid = j < comparison.secondLength;
  switch ((control >> 2) & 3) {
    case EQUAL_ANY:
      return valid && isAny(comparison, j);
    case RANGES:
      return valid && inRanges(comparison, j);
    case EQUAL_EACH:
      return isEqualAt(comparison, j);
    default:
      return beginsAt(comparison, j);
  }
}

/** IntRes2: one bit per element of the second operand. */
function result(comparison: Comparison, control: number): number {
  let bits = 0;
  comparison.second.forEach((_, j) => {
    const found = holds(comparison, control, j);
    const negated = (control & NEGATIVE) !== 0 && ((control & MASKED_NEGATIVE) === 0 || j < comparison.secondLength);
    if (found !== negated) bits |= 1 << j;
  });
  return bits;
}

function setFlags(cpu: Cpu, { second, firstLength, secondLength }: Comparison, bits: number): void {
  const carry = bits !== 0 ? 1 : 0;
  const zero = secondLength < second.length ? 0x40 : 0;
  const sign = firstLength < second.length ? 0x80 : 0;
  cpu.setFlags((cpu.flags() & ~STATUS) | carry | zero | sign | (bits & 1 ? 0x800 : 0));
}

function putIndex(cpu: Cpu, control: number, bits: number, count: number): void {
  const index = control & MOST_SIGNIFICANT ? 31 - Math.clz32(bits) : 31 - Math.clz32(bits & -bits);
  cpu.setHalves(RCX, bits === 0 ? count : index, 0);
}

/** XMM0 gets the bits themselves, or all ones in each element whose bit is set. */
function putMask(cpu: Cpu, control: number, bits: number, count: number): void {
  const size = 16 / count;
  cpu.memory.u8.fill(0, XMM, XMM + 16);
  if ((control & MOST_SIGNIFICANT) === 0) return cpu.set16(XMM, bits);
  for (let n = 0; n < count; n++) if ((bits >> n) & 1) cpu.memory.u8.fill(0xff, XMM + n * size, XMM + (n + 1) * size);
}

type Put = (cpu: Cpu, control: number, bits: number, count: number) => void;

const compare =
  (explicit: boolean, put: Put): HelperFunction =>
  (cpu, record) => {
    const control = cpu.immediate(record) & 0xff;
    const first = elements(cpu, cpu.reg(record), control);
    const second = elements(cpu, cpu.get32(SSE_SOURCE), control);
    const wide = explicit && cpu.shape(record).operandBytes === 8;
    const length = (register: number, values: readonly number[]): number =>
      explicit ? explicitLength(cpu, register, wide, values.length) : implicitLength(values);
    const comparison = { first, second, firstLength: length(RAX, first), secondLength: length(RDX, second) };
    const bits = result(comparison, control);
    put(cpu, control, bits, first.length);
    setFlags(cpu, comparison, bits);
    return undefined;
  };

/** PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM. */
export const STRING_COMPARE_HELPERS: Readonly<Record<string, HelperFunction>> = {
  compareExplicitIndex: compare(true, putIndex),
  compareExplicitMask: compare(true, putMask),
  compareImplicitIndex: compare(false, putIndex),
  compareImplicitMask: compare(false, putMask),
};
