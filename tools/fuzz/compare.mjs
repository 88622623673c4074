/** Compares two final states of a program. */
import { ALL_FLAGS, fxField, fxText, registerCount } from '../conformance/judge.mjs';
import { REGISTERS } from '../conformance/vector-file.mjs';

/** C0 to C3 are undefined after most x87 instructions. */
const FSW_DEFINED = 0xb8ff;
const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);
const PAGE_FAULT = 14;
const LIMIT_FAULTS = new Set([12, 13]);
const TOP = 2 ** 32;
/** The largest operands are those of FXRSTOR. */
const OPERAND_BYTES = 512;
/** Without FOP, FIP, FDP and MXCSR_MASK. */
const FX_FIELDS = [0, 2, 4, 24, ...Array.from({ length: 24 }, (_, n) => 32 + 16 * n)].map(fxField);

const hex = (value) => value.toString(16);

/** Differences as text. `exact`: of two tiers; else of the CPU and a processor, whose undefined x87 condition codes may differ. */
export function compareStates(a, b, mode, exact) {
  if (!exact && isAcrossTop(a, b, mode)) return [];
  const bad = [];
  const differ = (name, left, right) => left !== right && bad.push(`${name} ${hex(left)} / ${hex(right)}`);
  differ('vector', a.vector, b.vector);
  differ('rip', a.rip, b.rip);
  differ('flags', a.flags & ALL_FLAGS, b.flags & ALL_FLAGS);
  if (a.vector === b.vector && WITH_ERROR.has(a.vector)) differ('error', errorOf(a, exact), errorOf(b, exact));
  if (a.vector === PAGE_FAULT && b.vector === PAGE_FAULT) differ('cr2', a.cr2, b.cr2);
  for (let n = 0; n < registerCount(mode); n++) differ(REGISTERS[n], a.gpr[n], b.gpr[n]);
  compareFx(a.fx, b.fx, mode, exact ? 0xffff : FSW_DEFINED, bad);
  for (const [n, { linear, bytes }] of a.hot.entries()) compareMemory(linear, bytes, b.hot[n].bytes, bad);
  return bad;
}

/**
 * An access that goes on at 0 behind the end of a segment of 4 GiB: whether it exceeds the limit depends on the processor (SDM volume 3,
 * 5.3).
 */
function isAcrossTop(a, b, mode) {
  if (mode === 64) return false;
  const [page, limit] = a.vector === PAGE_FAULT ? [a, b] : [b, a];
  return page.vector === PAGE_FAULT && LIMIT_FAULTS.has(limit.vector) && (page.cr2 < OPERAND_BYTES || page.cr2 > TOP - OPERAND_BYTES);
}

/**
 * On a processor, the W bit of a page fault by a read-modify-write is a choice (see k.e of the vectors' format), and P tells of what else
 * the operating system has mapped.
 */
const errorOf = ({ vector, error }, exact) => (!exact && vector === PAGE_FAULT ? error & ~3 : error);

function compareFx(a, b, mode, fswMask, bad) {
  for (const { name, start, length } of FX_FIELDS) {
    if (mode !== 64 && start >= 288) return;
    if (name === 'fsw') {
      if ((a.readUInt16LE(2) ^ b.readUInt16LE(2)) & fswMask) bad.push(`fsw ${fxText(a, 2, 2)} / ${fxText(b, 2, 2)}`);
    } else if (a.compare(b, start, start + length, start, start + length) !== 0) {
      bad.push(`${name} ${fxText(a, start, length)} / ${fxText(b, start, length)}`);
    }
  }
}

function compareMemory(linear, a, b, bad) {
  if (Buffer.compare(a, b) === 0) return;
  const at = a.findIndex((byte, n) => byte !== b[n]);
  const text = (bytes) => Buffer.from(bytes.subarray(at, at + 16)).toString('hex');
  bad.push(`memory ${hex(linear + at)} ${text(a)} / ${text(b)}`);
}
