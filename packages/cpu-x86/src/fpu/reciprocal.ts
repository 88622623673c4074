const SIGN = 0x8000_0000;
const INFINITY_BITS = 0x7f80_0000;
const QUIET = 0x40_0000;
const INDEFINITE = 0xffc0_0000;
const LEAST_NORMAL = 2 ** -126;
/** Fraction bits that an approximation keeps: its error is below 1.5 × 2^-12 (SDM volume 2, RCPPS). */
const DROPPED = 12;

/** Writes `value` with 11 fraction bits, round to nearest; what is below the normal range becomes 0. */
function put(view: DataView, at: number, value: number): void {
  view.setFloat32(at, Math.abs(value) < LEAST_NORMAL ? value * 0 : value, true);
  const bits = view.getUint32(at, true);
  if ((bits & INFINITY_BITS) !== INFINITY_BITS && (bits & ~SIGN) !== 0)
    view.setUint32(at, (bits + (1 << (DROPPED - 1))) & (-1 << DROPPED), true);
}

const isNan = (bits: number): boolean => (bits & ~SIGN) >>> 0 > INFINITY_BITS;

/** Denormal operands count as zero, whatever MXCSR says. */
function flushed(view: DataView, at: number): number {
  const value = view.getFloat32(at, true);
  return Math.abs(value) < LEAST_NORMAL ? value * 0 : value;
}

/** One element of RCPPS; raises no exception. */
export function reciprocal(view: DataView, dst: number, from: number): number {
  const bits = view.getUint32(from, true);
  if (isNan(bits)) view.setUint32(dst, bits | QUIET, true);
  else put(view, dst, 1 / flushed(view, from));
  return 0;
}

/** One element of RSQRTPS; raises no exception. */
export function reciprocalRoot(view: DataView, dst: number, from: number): number {
  const bits = view.getUint32(from, true);
  const value = flushed(view, from);
  if (isNan(bits)) view.setUint32(dst, bits | QUIET, true);
  else if (value < 0) view.setUint32(dst, INDEFINITE, true);
  else put(view, dst, value === 0 ? 1 / value : 1 / Math.sqrt(value));
  return 0;
}
