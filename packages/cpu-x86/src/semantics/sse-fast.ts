import { type Expr, f32, f64, i32, i64, select, v128 } from '@hotsocket/wasm-builder';
import type { Emitter } from '../emit/emitter.js';
import { LANE_32, LANE_64 } from '../emit/lanes.js';
import { isExact } from './exactness.js';
import {
  DOUBLE,
  exactly,
  type FloatForm,
  inexactQuietly,
  isPlain,
  isSafe,
  PACKED_DOUBLE,
  PACKED_SINGLE,
  roundsMasked,
  roundsQuietly,
  SINGLE,
} from './float-lanes.js';
import type { Semantic, SemanticTable } from './semantic.js';
import { checkSse, imm8, loadZeroExtended } from './vector-operands.js';

/*
 * The common case of SSE arithmetic in the host's own: where result and flags are certain to be the processor's. Everything else is done
 * by the exact unit.
 */

type Operation = 'add' | 'sub' | 'mul' | 'div';

/** A zero result that is exact. */
function exactZero(form: FloatForm, operation: Operation, a: Expr, b: Expr, r: Expr): Expr {
  const zero = form.constant(0);
  if (operation === 'mul') return form.or(form.eq(a, zero), form.eq(b, zero));
  return form.eq(operation === 'div' ? a : r, zero);
}

const arithmetic =
  (name: string, form: FloatForm, operation: Operation): Semantic =>
  (x) => {
    checkSse(x);
    const b = x.let(form.read(x, 1));
    const a = x.let(form.read(x, 0));
    const r = x.let(form[operation](a, b));
    const doubtful = (): Expr => {
      const finite = form.le(form.abs(r), form.constant(form.most));
      const inRange = form.or(isSafe(form, r), form.and(exactZero(form, operation, a, b, r), finite));
      const quiet = i32.or(roundsQuietly(x), i32.and(roundsMasked(x), isExact(x, form, operation, a, b, r)));
      return i32.and(quiet, form.all(form.and(inRange, form.and(isPlain(form, a), isPlain(form, b)))));
    };
    x.provided(
      [roundsQuietly(x), ...form.each([form.quicklyPlain(a), form.quicklyPlain(b), form.quicklySafe(r)])],
      doubtful,
      () => exactly(x, name, form, b),
      () => form.write(x, r),
    );
  };

const squareRoot =
  (name: string, form: FloatForm): Semantic =>
  (x) => {
    checkSse(x);
    const b = x.let(form.read(x, 1));
    const positive = form.and(form.ge(b, form.constant(form.least)), form.le(b, form.constant(form.most)));
    const r = x.let(form.sqrt(b));
    x.provided(
      [roundsQuietly(x), ...form.each([positive])],
      () => {
        const quiet = i32.or(roundsQuietly(x), i32.and(roundsMasked(x), isExact(x, form, 'sqrt', b, b, r)));
        return i32.and(quiet, form.all(form.or(positive, form.eq(b, form.constant(0)))));
      },
      () => exactly(x, name, form, b),
      () => form.write(x, r),
    );
  };

/** Reads both operands; `work` gets them where they are plain. */
const withPlain =
  (name: string, form: FloatForm, work: (x: Emitter, a: Expr, b: Expr) => void): Semantic =>
  (x) => {
    checkSse(x);
    const b = x.let(form.read(x, 1));
    const a = x.let(form.read(x, 0));
    x.provided(
      form.each([form.isNormal(a), form.isNormal(b)]),
      () => form.all(form.and(isPlain(form, a), isPlain(form, b))),
      () => exactly(x, name, form, b),
      () => work(x, a, b),
    );
  };

/** MIN and MAX: the source unless the destination is strictly less (greater); raise nothing for plain operands. */
const extreme = (name: string, form: FloatForm, least: boolean): Semantic =>
  withPlain(name, form, (x, a, b) => form.write(x, form.choose(least ? form.lt(a, b) : form.lt(b, a), a, b)));

/** CMPccPS and CMPccPD; predicates 4 to 7 are the negations of 0 to 3. */
const comparePacked = (name: string, form: FloatForm): Semantic =>
  withPlain(name, form, (x, a, b) => {
    const negated = v128.splat32(i32.sub(i32.const(0), bit(x, 4)));
    form.write(x, v128.xor(byPredicate(x, form, a, b, v128.splat32(i32.const(0))), negated));
  });

const compareScalar = (name: string, form: FloatForm): Semantic =>
  withPlain(name, form, (x, a, b) => {
    const holds = i32.xor(byPredicate(x, form, a, b, i32.const(0)), bit(x, 4));
    const mask = i32.sub(i32.const(0), holds);
    if (form.bytes === 4) x.setLane(0, LANE_32, mask);
    else x.setLane(0, LANE_64, i64.extendS(mask));
  });

/** 1 if the immediate has the bit. */
const bit = (x: Emitter, mask: number): Expr => i32.ne(i32.and(x.immediate('i32'), i32.const(mask)), i32.const(0));

/** EQ, LT, LE, or `never` (UNORD) by immediate bits 1:0. */
function byPredicate(x: Emitter, form: FloatForm, a: Expr, b: Expr, never: Expr): Expr {
  const which = x.let(i32.and(x.immediate('i32'), i32.const(3)));
  const lessOrEqual = select(form.le(a, b), never, i32.eq(which, i32.const(2)));
  const less = select(form.lt(a, b), lessOrEqual, i32.eq(which, i32.const(1)));
  return select(form.eq(a, b), less, i32.eqz(which));
}

/** COMISS and relatives: ZF CF by order, PF OF SF AF 0. */
const compareToFlags = (name: string, form: FloatForm): Semantic =>
  withPlain(name, form, (x, a, b) => {
    x.setCarryOverflow(form.lt(a, b), i32.const(0));
    x.clearAux();
    x.setZero(form.eq(a, b));
    x.clearSignAndParity();
  });

// ------------------------------------------------------------------ conversions

/** To single from double: in single's range, or 0. */
const narrows = (form: FloatForm, value: Expr, target: FloatForm): Expr => {
  const inRange = form.and(form.ge(form.abs(value), form.constant(target.safe)), form.le(form.abs(value), form.constant(target.most)));
  return form.all(form.or(inRange, form.eq(value, form.constant(0))));
};

/** One check, then the host's own conversion or the exact unit's. */
const converted = (x: Emitter, certain: Expr, exact: () => void, work: () => void): void =>
  x.provided([certain], () => i32.const(0), exact, work);

const doubleToSingle: Semantic = (x) => {
  checkSse(x);
  const b = x.let(DOUBLE.read(x, 1));
  const r = x.let(f32.demoteF64(b));
  const quiet = i32.or(roundsQuietly(x), i32.and(roundsMasked(x), f64.eq(f64.promoteF32(r), b)));
  converted(
    x,
    i32.and(quiet, narrows(DOUBLE, b, SINGLE)),
    () => exactly(x, 'CVTSD2SS', DOUBLE, b),
    () => SINGLE.write(x, r),
  );
};

const doublesToSingles: Semantic = (x) => {
  checkSse(x);
  const b = x.let(PACKED_DOUBLE.read(x, 1));
  converted(
    x,
    i32.and(roundsQuietly(x), narrows(PACKED_DOUBLE, b, PACKED_SINGLE)),
    () => exactly(x, 'CVTPD2PS', PACKED_DOUBLE, b),
    () => x.setVector(0, v128.demoteF64x2(b)),
  );
};

/** Exact for plain operands. */
const singleToDouble: Semantic = (x) => {
  checkSse(x);
  const b = x.let(SINGLE.read(x, 1));
  converted(
    x,
    isPlain(SINGLE, b),
    () => exactly(x, 'CVTSS2SD', SINGLE, b),
    () => DOUBLE.write(x, f64.promoteF32(b)),
  );
};

/** The two lower elements; exact for plain operands. */
const singlesToDoubles: Semantic = (x) => {
  checkSse(x);
  const b = x.let(x.isMemory(1) ? loadZeroExtended(x, 64) : x.vector(1));
  const low = PACKED_SINGLE.quicklyPlain(b);
  converted(
    x,
    i32.eq(i32.and(v128.bitmask32(v128.or(low, PACKED_SINGLE.eq(b, PACKED_SINGLE.constant(0)))), i32.const(3)), i32.const(3)),
    () => exactly(x, 'CVTPS2PD', PACKED_SINGLE, b),
    () => x.setVector(0, v128.promoteF32x2(b)),
  );
};

/** An integer to a float: exact up to 2^`exactBits`. */
const fromInteger =
  (name: string, form: FloatForm, exactBits: number): Semantic =>
  (x) => {
    checkSse(x);
    const wide = x.operandBits(1) === 64;
    const source = x.let(x.read(1));
    const scalar = form === SINGLE ? f32 : f64;
    converted(
      x,
      exactBits >= x.operandBits(1) ? i32.const(1) : i32.or(isShort(source, exactBits), roundsQuietly(x)),
      () => exactly(x, name + x.operandBits(1), { store: wide ? 'f64' : 'f32' }, asFloat(source)),
      () => form.write(x, wide ? scalar.convertI64S(source) : scalar.convertI32S(source)),
    );
  };

/** A signed number of at most 2^`bits`. */
function isShort(source: Expr, bits: number): Expr {
  const value = source.type === 'i64' ? source : i64.extendS(source);
  return i64.leU(i64.add(value, i64.const(2 ** bits)), i64.const(2 ** (bits + 1)));
}

const asFloat = (value: Expr): Expr => (value.type === 'i64' ? f64.reinterpretI64(value) : f32.reinterpretI32(value));

/** A float to an integer, in the range of which truncation stays. */
const toInteger =
  (name: string, form: FloatForm, truncate: boolean): Semantic =>
  (x) => {
    checkSse(x);
    const bits = x.operandBits(0);
    const b = x.let(form.read(x, 1));
    const scalar = form === SINGLE ? f32 : f64;
    const rounded = x.let(truncate ? b : scalar.nearest(b));
    const limit = 2 ** (bits - 1);
    const fits = i32.and(form.ge(rounded, form.constant(-limit)), form.lt(rounded, form.constant(limit)));
    const quiet = truncate ? inexactQuietly(x) : roundsQuietly(x);
    const same = truncate ? form.eq(scalar.trunc(b), b) : i32.and(roundsMasked(x), form.eq(rounded, b));
    converted(
      x,
      i32.and(fits, i32.or(quiet, same)),
      () => exactly(x, name + bits, form, b),
      () => x.write(0, truncated(form, rounded, bits), bits),
    );
  };

function truncated(form: FloatForm, value: Expr, bits: number): Expr {
  const ops = bits === 64 ? i64 : i32;
  return form === SINGLE ? ops.truncSatF32S(value) : ops.truncSatF64S(value);
}

/** ROUNDSS, ROUNDSD with a rounding mode of their own and without precision exception, as compilers use them. */
const round =
  (name: string, form: FloatForm): Semantic =>
  (x) => {
    checkSse(x);
    const b = x.let(form.read(x, 1));
    const scalar = form === SINGLE ? f32 : f64;
    const immediate = imm8(x);
    const mode = x.let(i32.and(immediate, i32.const(3)));
    converted(
      x,
      i32.and(i32.eq(i32.and(immediate, i32.const(12)), i32.const(8)), isPlain(form, b)),
      () => exactly(x, name, form, b),
      () => {
        const upOrZero = select(scalar.ceil(b), scalar.trunc(b), i32.eq(mode, i32.const(2)));
        const other = select(scalar.floor(b), upOrZero, i32.eq(mode, i32.const(1)));
        form.write(x, select(scalar.nearest(b), other, i32.eqz(mode)));
      },
    );
  };

/** Doublewords to doubles is exact; to singles it rounds. */
const integersToDoubles: Semantic = (x) => {
  checkSse(x);
  const source = x.isMemory(1) ? loadZeroExtended(x, 64) : x.vector(1);
  x.setVector(0, v128.convertLowI32x4S(source));
};

const integersToSingles: Semantic = (x) => {
  checkSse(x);
  const b = x.let(PACKED_SINGLE.read(x, 1));
  converted(
    x,
    roundsQuietly(x),
    () => exactly(x, 'CVTDQ2PS', PACKED_SINGLE, b),
    () => x.setVector(0, v128.convertI32x4S(b)),
  );
};

const singlesToIntegers: Semantic = (x) => {
  checkSse(x);
  const b = x.let(PACKED_SINGLE.read(x, 1));
  const fits = PACKED_SINGLE.all(PACKED_SINGLE.lt(v128.absF32(b), PACKED_SINGLE.constant(2 ** 31)));
  converted(
    x,
    i32.and(inexactQuietly(x), fits),
    () => exactly(x, 'CVTTPS2DQ', PACKED_SINGLE, b),
    () => x.setVector(0, v128.truncSatF32x4S(b)),
  );
};

const doublesToIntegers: Semantic = (x) => {
  checkSse(x);
  const b = x.let(PACKED_DOUBLE.read(x, 1));
  const fits = PACKED_DOUBLE.all(PACKED_DOUBLE.lt(v128.absF64(b), PACKED_DOUBLE.constant(2 ** 31)));
  converted(
    x,
    i32.and(inexactQuietly(x), fits),
    () => exactly(x, 'CVTTPD2DQ', PACKED_DOUBLE, b),
    () => x.setVector(0, v128.truncSatF64x2SZero(b)),
  );
};

const FORMS: readonly (readonly [suffix: string, form: FloatForm])[] = [
  ['PS', PACKED_SINGLE],
  ['PD', PACKED_DOUBLE],
  ['SS', SINGLE],
  ['SD', DOUBLE],
];

const perForm = (prefix: string, make: (name: string, form: FloatForm) => Semantic): SemanticTable =>
  Object.fromEntries(FORMS.map(([suffix, form]) => [prefix + suffix, make(prefix + suffix, form)]));

/** Definitions with a fast path; they stand before those that use the exact unit alone. */
export const SSE_FAST: SemanticTable = {
  ...perForm('ADD', (name, form) => arithmetic(name, form, 'add')),
  ...perForm('SUB', (name, form) => arithmetic(name, form, 'sub')),
  ...perForm('MUL', (name, form) => arithmetic(name, form, 'mul')),
  ...perForm('DIV', (name, form) => arithmetic(name, form, 'div')),
  ...perForm('SQRT', squareRoot),
  ...perForm('MIN', (name, form) => extreme(name, form, true)),
  ...perForm('MAX', (name, form) => extreme(name, form, false)),
  CMPPS: comparePacked('CMPPS', PACKED_SINGLE),
  CMPPD: comparePacked('CMPPD', PACKED_DOUBLE),
  CMPSS: compareScalar('CMPSS', SINGLE),
  CMPSD: compareScalar('CMPSD', DOUBLE),
  COMISS: compareToFlags('COMISS', SINGLE),
  COMISD: compareToFlags('COMISD', DOUBLE),
  UCOMISS: compareToFlags('UCOMISS', SINGLE),
  UCOMISD: compareToFlags('UCOMISD', DOUBLE),
  ROUNDSS: round('ROUNDSS', SINGLE),
  ROUNDSD: round('ROUNDSD', DOUBLE),
  CVTSD2SS: doubleToSingle,
  CVTPD2PS: doublesToSingles,
  CVTSS2SD: singleToDouble,
  CVTPS2PD: singlesToDoubles,
  CVTSI2SS: fromInteger('CVTSI2SS', SINGLE, 24),
  CVTSI2SD: fromInteger('CVTSI2SD', DOUBLE, 53),
  CVTSS2SI: toInteger('CVTSS2SI', SINGLE, false),
  CVTTSS2SI: toInteger('CVTTSS2SI', SINGLE, true),
  CVTSD2SI: toInteger('CVTSD2SI', DOUBLE, false),
  CVTTSD2SI: toInteger('CVTTSD2SI', DOUBLE, true),
  CVTDQ2PD: integersToDoubles,
  CVTDQ2PS: integersToSingles,
  CVTTPS2DQ: singlesToIntegers,
  CVTTPD2DQ: doublesToIntegers,
};
