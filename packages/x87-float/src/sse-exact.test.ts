import { SseFloat } from './index.js';

const view = new DataView(new ArrayBuffer(64));
const sse = new SseFloat(view);
const A = 0;
const B = 8;
const OUT = 16;
/** All exceptions masked, and the same with PE already set, which allows the host's arithmetic. */
const MASKED = 0x1f80;
const STICKY = 0x1fa0;
const DOWN = 0x3f80;
const UP = 0x5f80;

let seed = 0x1234_5679;
function random32(): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed | 0;
}

/** Any bit pattern, with exponents drawn together often enough to meet. */
function randomDouble(at: number): number {
  view.setInt32(at, random32(), true);
  const close = ((random32() & 1) << 31) | ((0x3ff + (random32() & 15)) << 20) | (random32() & 0xf_ffff);
  const high = (random32() & 3) === 0 ? random32() : close;
  view.setInt32(at + 4, (random32() & 31) === 0 ? high & 0x800f_ffff : high, true);
  return view.getFloat64(at, true);
}

function randomSingle(at: number): number {
  view.setInt32(at, (random32() & 15) === 0 ? random32() & 0x807f_ffff : random32(), true);
  return view.getFloat32(at, true);
}

type Operation = (mxcsr: number) => number;
const doubles: readonly (readonly [name: string, run: Operation, host: (a: number, b: number) => number])[] = [
  ['add64', (m) => sse.add64(OUT, A, B, m), (a, b) => a + b],
  ['sub64', (m) => sse.sub64(OUT, A, B, m), (a, b) => a - b],
  ['mul64', (m) => sse.mul64(OUT, A, B, m), (a, b) => a * b],
  ['div64', (m) => sse.div64(OUT, A, B, m), (a, b) => a / b],
  ['sqrt64', (m) => sse.sqrt64(OUT, A, m), (a) => Math.sqrt(a)],
];
const singles: readonly (readonly [name: string, run: Operation, host: (a: number, b: number) => number])[] = [
  ['add32', (m) => sse.add32(OUT, A, B, m), (a, b) => Math.fround(a + b)],
  ['sub32', (m) => sse.sub32(OUT, A, B, m), (a, b) => Math.fround(a - b)],
  ['mul32', (m) => sse.mul32(OUT, A, B, m), (a, b) => Math.fround(a * b)],
  ['div32', (m) => sse.div32(OUT, A, B, m), (a, b) => Math.fround(a / b)],
  ['sqrt32', (m) => sse.sqrt32(OUT, A, m), (a) => Math.fround(Math.sqrt(a))],
];

describe('SSE arithmetic against the host', () => {
  it.each(doubles)('%s rounds to nearest like the host, with and without its help', (_name, run, host) => {
    for (let n = 0; n < 4000; n++) {
      const want = host(randomDouble(A), randomDouble(B));
      run(MASKED);
      expect(view.getFloat64(OUT, true)).toBe(want);
      run(STICKY);
      expect(view.getFloat64(OUT, true)).toBe(want);
    }
  });

  it.each(singles)('%s rounds to nearest like the host, with and without its help', (_name, run, host) => {
    for (let n = 0; n < 4000; n++) {
      const want = host(randomSingle(A), randomSingle(B));
      run(MASKED);
      expect(view.getFloat32(OUT, true)).toBe(want);
      run(STICKY);
      expect(view.getFloat32(OUT, true)).toBe(want);
    }
  });

  it.each(doubles)('%s: directed results enclose the nearest one and differ exactly when PE says inexact', (_name, run, host) => {
    for (let n = 0; n < 2000; n++) {
      const nearest = host(randomDouble(A), randomDouble(B));
      if (Number.isNaN(nearest)) continue;
      const inexact = run(DOWN) & 0x20;
      const low = view.getFloat64(OUT, true);
      run(UP);
      const high = view.getFloat64(OUT, true);
      expect([low <= nearest, nearest <= high, low === high, nearest === low || nearest === high]).toEqual([
        true,
        true,
        inexact === 0,
        true,
      ]);
    }
  });

  it('conversions agree with the host', () => {
    for (let n = 0; n < 4000; n++) {
      const x = randomDouble(A);
      sse.cvt64to32(OUT, A, MASKED);
      expect(view.getFloat32(OUT, true)).toBe(Math.fround(x));
      view.setFloat32(B, x, true);
      sse.cvt32to64(OUT, B, MASKED);
      expect(view.getFloat64(OUT, true)).toBe(Math.fround(x));
      sse.cvt64toInt(OUT, A, 4, true, MASKED);
      expect(view.getInt32(OUT, true)).toBe(Math.abs(Math.trunc(x)) < 2 ** 31 ? Math.trunc(x) | 0 : -0x8000_0000);
      sse.round64(OUT, A, 1, MASKED);
      expect(view.getFloat64(OUT, true)).toBe(Math.floor(x));
    }
  });
});

describe('SSE special cases', () => {
  const put = (at: number, hi: number, lo: number) => {
    view.setUint32(at + 4, hi, true);
    view.setUint32(at, lo, true);
  };
  const out = () => view.getBigUint64(OUT, true).toString(16).padStart(16, '0');

  it('the first operand NaN wins and is quieted; a signaling one raises IE', () => {
    put(A, 0x7ff0_0000, 1);
    put(B, 0x7ff8_0000, 2);
    expect([sse.add64(OUT, A, B, MASKED), out()]).toEqual([0x01, '7ff8000000000001']);
    expect([sse.add64(OUT, B, A, MASKED), out()]).toEqual([0x01, '7ff8000000000002']);
  });

  it('infinity minus infinity is the default NaN', () => {
    put(A, 0x7ff0_0000, 0);
    expect([sse.sub64(OUT, A, A, MASKED), out()]).toEqual([0x01, 'fff8000000000000']);
  });

  it('FTZ turns a tiny result into zero with UE and PE, DAZ hides a denormal operand', () => {
    put(A, 0x8010_0000, 0);
    view.setFloat64(B, 0.5, true);
    expect([sse.mul64(OUT, A, B, MASKED), out()]).toEqual([0, '8008000000000000']);
    expect([sse.mul64(OUT, A, B, MASKED | 0x8000), out()]).toEqual([0x30, '8000000000000000']);
    put(A, 0, 1);
    expect([sse.add64(OUT, A, B, MASKED), out()]).toEqual([0x22, '3fe0000000000000']);
    expect([sse.add64(OUT, A, B, MASKED | 0x40), out()]).toEqual([0, '3fe0000000000000']);
  });

  it('an unmasked exception keeps the result away', () => {
    view.setFloat64(A, 1, true);
    view.setFloat64(B, 0, true);
    put(OUT, 0x1234_5678, 0x9abc_def0);
    expect([sse.div64(OUT, A, B, MASKED & ~0x200), out()]).toEqual([0x04, '123456789abcdef0']);
  });

  it('trap reports only pre-computation flags if one of them is unmasked', () => {
    expect(SseFloat.trap(0x21, MASKED)).toBe(0x21);
    expect(SseFloat.trap(0x21, MASKED & ~0x80)).toBe(0x01 | 0x8000_0000);
    expect(SseFloat.trap(0x28, MASKED & ~0x400)).toBe(0x28 | 0x8000_0000);
  });

  it('MIN returns the second operand for NaN and for zeros of either sign', () => {
    view.setFloat64(A, -0, true);
    view.setFloat64(B, 0, true);
    expect([sse.min64(OUT, A, B, MASKED), out()]).toEqual([0, '0000000000000000']);
    put(A, 0x7ff8_0000, 0);
    expect([sse.min64(OUT, A, B, MASKED), out()]).toEqual([0x01, '0000000000000000']);
  });

  it('UCOMISD of a quiet NaN is unordered without IE, COMISD raises it', () => {
    put(A, 0x7ff8_0000, 0);
    view.setFloat64(B, 1, true);
    expect([sse.comi64(A, B, true, MASKED), sse.comi64(A, B, false, MASKED)]).toEqual([0x0045, 0x0145]);
  });

  it('an integer out of range converts to the indefinite with IE alone', () => {
    view.setFloat64(A, 2 ** 63 + 2048, true);
    expect([sse.cvt64toInt(OUT, A, 8, false, MASKED), out()]).toEqual([0x01, '8000000000000000']);
  });
});
