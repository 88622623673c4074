import fc from 'fast-check';
import { B, CELLS, CENTURY, HOURS_ALARM, MINUTES_ALARM, SECONDS_ALARM } from './spec.js';
import { parseTime, renderTime, secondsUntilAlarm } from './time-registers.js';

const BCD_24 = B.H24.mask;
const BINARY_24 = B.DM.mask | B.H24.mask;
const BCD_12 = 0;
const BINARY_12 = B.DM.mask;
const at = (hour: number, minute: number, second: number): number => Date.UTC(2026, 10, 23, hour, minute, second) / 1000;

function cellsWith(mode: number, values: Readonly<Record<number, number>> = {}): Uint8Array {
  const cells = new Uint8Array(CELLS);
  cells[B.offset] = mode;
  for (const [index, value] of Object.entries(values)) cells[Number(index)] = value;
  return cells;
}

function rendered(mode: number, seconds: number): number[] {
  const cells = cellsWith(mode);
  renderTime(seconds, cells);
  return [...[0, 2, 4, 6, 7, 8, 9, CENTURY].map((index) => cells[index] ?? -1)];
}

describe('renderTime', () => {
  it.each([
    ['BCD, 24 hours', BCD_24, [0x58, 0x47, 0x23, 0x02, 0x23, 0x11, 0x26, 0x20]],
    ['binary, 24 hours', BINARY_24, [58, 47, 23, 2, 23, 11, 26, 20]],
    ['BCD, 12 hours', BCD_12, [0x58, 0x47, 0x91, 0x02, 0x23, 0x11, 0x26, 0x20]],
    ['binary, 12 hours', BINARY_12, [58, 47, 0x8b, 2, 23, 11, 26, 20]],
  ])('shows a date in %s', (_name, mode, expected) => {
    expect(rendered(mode, at(23, 47, 58))).toEqual(expected);
  });

  it.each([
    [0, 0x12],
    [1, 0x01],
    [11, 0x11],
    [12, 0x92],
    [13, 0x81],
  ])('shows hour %d of 12-hour mode as %d', (hour, shown) => {
    expect(rendered(BCD_12, at(hour, 0, 0))[2]).toBe(shown);
  });
});

describe('parseTime', () => {
  it.each([[BCD_24], [BINARY_24], [BCD_12], [BINARY_12]])('reads what mode %d shows, every hour of a day', (mode) => {
    const times = Array.from({ length: 24 }, (_, hour) => at(hour, 12, 59));
    const read = times.map((seconds) => {
      const cells = cellsWith(mode);
      renderTime(seconds, cells);
      return parseTime(cells);
    });
    expect(read).toEqual(times);
  });
});

describe('secondsUntilAlarm', () => {
  const until = (mode: number, alarm: readonly [number, number, number], now: number): number =>
    secondsUntilAlarm(now, cellsWith(mode, { [HOURS_ALARM]: alarm[0], [MINUTES_ALARM]: alarm[1], [SECONDS_ALARM]: alarm[2] }));

  it.each([
    ['an exact time later today', BCD_24, [0x23, 0x59, 0x59], 86_399 - 12 * 3600],
    ['an exact time tomorrow', BCD_24, [0x11, 0x59, 0x59], 86_399],
    ['the present time, a day later', BCD_24, [0x12, 0x00, 0x00], 86_400],
    ['every second', BCD_24, [0xff, 0xc0, 0xff], 1],
    ['once a minute', BCD_24, [0xff, 0xff, 0x30], 30],
    ['once an hour', BCD_24, [0xff, 0x01, 0x00], 60],
    ['every second of one hour', BCD_24, [0x13, 0xff, 0xff], 3600],
    ['every second of one minute, tomorrow', BCD_24, [0x12, 0x00, 0xff], 1],
    ['p.m. in 12-hour mode', BCD_12, [0x81, 0x00, 0x00], 3600],
    ['a.m. in 12-hour mode', BINARY_12, [0x01, 0x00, 0x00], 13 * 3600],
    ['a binary value in BCD mode', BCD_24, [0x12, 0x3b, 0x00], Number.POSITIVE_INFINITY],
    ['an hour that no day has', BINARY_24, [24, 0x00, 0x00], Number.POSITIVE_INFINITY],
  ] as const)('finds %s', (_name, mode, alarm, expected) => {
    expect(until(mode, alarm, at(12, 0, 0))).toBe(expected);
  });

  it('agrees with a search through the day', () => {
    const part = (limit: number): fc.Arbitrary<number> => fc.oneof(fc.nat(limit + 2), fc.constant(0xc0));
    const alarms = fc.tuple(part(23), part(59), part(59));
    fc.assert(
      fc.property(alarms, fc.nat(86_399), ([hour, minute, second], now) => {
        const matches = (time: number): boolean =>
          [Math.floor(time / 3600), Math.floor(time / 60) % 60, time % 60].every((value, index) => {
            const wanted = [hour, minute, second][index] ?? 0;
            return wanted === 0xc0 || wanted === value;
          });
        const steps = Array.from({ length: 86_400 }, (_, step) => step + 1);
        const found = steps.find((step) => matches((now + step) % 86_400)) ?? Number.POSITIVE_INFINITY;
        expect(until(BINARY_24, [hour, minute, second], now)).toBe(found);
      }),
      { numRuns: 20 },
    );
  });

  it('works before 1970', () => {
    expect(until(BCD_24, [0x00, 0x00, 0x00], -1)).toBe(1);
  });
});
