import { ADD, DIV, MUL, SUB, X87, x87LayoutAt } from './index.js';

/** Arithmetic against exact rationals: value = sig × 2^exp, rounded by definition with BigInt. */
interface Real {
  readonly sign: 0 | 1;
  readonly sig: bigint;
  readonly exp: number;
}

const layout = x87LayoutAt(0);
const view = new DataView(new ArrayBuffer(512));
const unit = new X87(view, layout);

let seed = 0x9e37_79b9;
function random32(): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed >>> 0;
}

/** A significand with bit 63 set; half of them short or full of ones, where carries and ties live. */
function randomSignificand(): bigint {
  const full = (BigInt(random32()) << 32n) | BigInt(random32());
  const kind = random32() & 3;
  const cut = BigInt(random32() & 63);
  const top = 1n << 63n;
  if (kind === 0) return ((full >> cut) << cut) | top;
  return kind === 1 ? BigInt.asUintN(64, full | (BigInt.asUintN(64, -1n) << cut)) | top : full | top;
}

function push(sign: number, sig: bigint, biased: number): void {
  view.setBigUint64(layout.operand, sig, true);
  view.setUint16(layout.operand + 8, (sign << 15) | biased, true);
  unit.fld80();
}

function st0(): { se: number; sig: bigint } {
  return { se: view.getUint16(unit.top * 16 + 8, true), sig: view.getBigUint64(unit.top * 16, true) };
}

const PRECISION = [24, 64, 53, 64];

/** numerator ÷ denominator × 2^exp rounded to an extended number with `bits` bits of precision. */
function rounded(sign: number, numerator: bigint, denominator: bigint, exp: number, bits: number, rc: number): { se: number; sig: bigint } {
  // Scale so that the quotient has far more bits than needed, and keep a sticky bit.
  const shift = 200 - numerator.toString(2).length + denominator.toString(2).length;
  const up = numerator << BigInt(Math.max(shift, 0));
  const down = denominator << BigInt(Math.max(-shift, 0));
  const quotient = ((up / down) << 1n) | (up % down === 0n ? 0n : 1n);
  const scale = exp - shift - 1;
  const length = quotient.toString(2).length;
  const wanted = Math.max(scale + length - bits, -16382 - bits + 1);
  const drop = BigInt(wanted - scale);
  let kept = quotient >> drop;
  const rest = quotient - (kept << drop);
  const half = 1n << (drop - 1n);
  const nearest = rest > half || (rest === half && (kept & 1n) === 1n);
  const away = rc === 0 ? nearest : rest !== 0n && rc === (sign === 1 ? 1 : 2);
  if (away) kept += 1n;
  return encode(sign, kept, wanted, bits, rc);
}

function encode(sign: number, kept: bigint, unitExp: number, bits: number, rc: number): { se: number; sig: bigint } {
  let sig = kept << BigInt(64 - bits);
  let exp = unitExp + bits - 1;
  if (sig >> 64n) {
    sig >>= 1n;
    exp++;
  }
  if (exp > 16383) return overflowed(sign, bits, rc);
  return { se: (sign << 15) | (sig >> 63n ? exp + 16383 : 0), sig };
}

function overflowed(sign: number, bits: number, rc: number): { se: number; sig: bigint } {
  const infinite = rc === 0 || rc === (sign === 1 ? 1 : 2);
  const ones = ((1n << BigInt(bits)) - 1n) << BigInt(64 - bits);
  return infinite ? { se: (sign << 15) | 0x7fff, sig: 1n << 63n } : { se: (sign << 15) | 0x7ffe, sig: ones };
}

function exact(op: number, a: Real, b: Real): [numerator: bigint, denominator: bigint, exp: number] {
  const signed = (x: Real) => (x.sign === 1 ? -x.sig : x.sig);
  if (op === MUL) return [signed(a) * signed(b), 1n, a.exp + b.exp];
  if (op === DIV) return [signed(a) * (b.sign === 1 ? -1n : 1n), b.sig, a.exp - b.exp];
  const low = Math.min(a.exp, b.exp);
  const left = signed(a) << BigInt(a.exp - low);
  const right = signed(b) << BigInt(b.exp - low);
  return [op === ADD ? left + right : left - right, 1n, low];
}

/** One random operation; a message if the unit and the reference differ. */
function trial(op: number, spread: number): string | undefined {
  const control = 0x7f | ((random32() & 15) << 8);
  unit.finit();
  unit.loadControl(control);
  const rc = (control >> 10) & 3;
  const bits = PRECISION[(control >> 8) & 3]!;
  const expA = 1 + (random32() % 0x7ffe);
  const near = expA + (random32() % (2 * spread)) - spread;
  const expB = Math.min(Math.max(near, 1), 0x7ffe);
  const a: Real = { sign: random32() & 1 ? 1 : 0, sig: randomSignificand(), exp: expA - 16383 - 63 };
  const b: Real = { sign: random32() & 1 ? 1 : 0, sig: randomSignificand(), exp: expB - 16383 - 63 };
  push(b.sign, b.sig, expB);
  push(a.sign, a.sig, expA);
  unit.arithSt0(op, 1);
  const [numerator, denominator, exp] = exact(op, a, b);
  if (numerator === 0n) return st0().sig === 0n ? undefined : 'zero expected';
  const sign = numerator < 0n ? 1 : 0;
  const want = rounded(sign, numerator < 0n ? -numerator : numerator, denominator, exp, bits, rc);
  const got = st0();
  if (got.se === want.se && got.sig === want.sig) return undefined;
  return `op ${op} fcw ${control.toString(16)} ${a.sig}e${expA} ${b.sig}e${expB}: ${got.se} ${got.sig} want ${want.se} ${want.sig}`;
}

function trials(op: number, spread: number): string[] {
  return Array.from({ length: 3000 }, () => trial(op, spread)).filter((x) => x !== undefined);
}

describe('x87 arithmetic against exact rationals', () => {
  const cases = [
    ['FADD', ADD, 70],
    ['FSUB', SUB, 3],
    ['FMUL', MUL, 0x7fff],
    ['FDIV', DIV, 0x7fff],
  ] as const;
  it.each(cases)('%s rounds as IEEE 754 defines in every mode and precision', (_name, op, spread) => {
    expect(trials(op, spread)).toEqual([]);
  });

  it('FSQRT of random numbers is the rounded root in every mode and precision', () => {
    for (let n = 0; n < 2000; n++) {
      const control = 0x7f | ((random32() & 15) << 8);
      const biased = 1 + (random32() % 0x7ffe);
      const sig = randomSignificand();
      unit.finit();
      unit.loadControl(control);
      push(0, sig, biased);
      unit.fsqrt();
      const odd = (biased - 16383 - 63) & 1;
      const root = integerRoot(sig << BigInt(200 + odd));
      const sticky = root * root === sig << BigInt(200 + odd) ? 0n : 1n;
      const exp = (biased - 16383 - 63 - odd - 200) / 2 - 1;
      expect(st0()).toEqual(rounded(0, (root << 1n) | sticky, 1n, exp, PRECISION[(control >> 8) & 3]!, (control >> 10) & 3));
    }
  });
});

function integerRoot(n: bigint): bigint {
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

describe('x87 at double precision against the host', () => {
  const operate = (op: number, a: number, b: number): number => {
    unit.finit();
    unit.loadControl(0x027f);
    for (const x of [b, a]) {
      view.setFloat64(layout.operand, x, true);
      unit.memory(0xdd, 0, 0);
    }
    unit.arithSt0(op, 1);
    unit.memory(0xdd, 3, 0);
    return view.getFloat64(layout.operand, true);
  };
  const value = () => (random32() - 0x8000_0000) * 2 ** ((random32() % 200) - 100) * (1 + random32() / 2 ** 32);

  it('equals IEEE double arithmetic for results in the double range', () => {
    for (let n = 0; n < 5000; n++) {
      const [a, b] = [value(), value()];
      expect([operate(ADD, a, b), operate(SUB, a, b), operate(MUL, a, b), operate(DIV, a, b)]).toEqual([a + b, a - b, a * b, a / b]);
    }
  });
});
