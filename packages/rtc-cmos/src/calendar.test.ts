import fc from 'fast-check';
import { fromSeconds, toSeconds } from './calendar.js';

const utc = (seconds: number): Date => new Date(seconds * 1000);

describe('fromSeconds', () => {
  it.each([
    [0, { year: 1970, month: 1, day: 1, weekday: 5, hour: 0, minute: 0, second: 0 }],
    [951_782_399, { year: 2000, month: 2, day: 28, weekday: 2, hour: 23, minute: 59, second: 59 }],
    [951_782_400, { year: 2000, month: 2, day: 29, weekday: 3, hour: 0, minute: 0, second: 0 }],
    [4_107_542_400, { year: 2100, month: 3, day: 1, weekday: 2, hour: 0, minute: 0, second: 0 }],
    [-1, { year: 1969, month: 12, day: 31, weekday: 4, hour: 23, minute: 59, second: 59 }],
  ])('gives the date of second %d', (seconds, expected) => {
    expect(fromSeconds(seconds)).toEqual(expected);
  });

  it('agrees with the host on every date of the years 0 to 9999', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }), (seconds) => {
        const date = utc(seconds);
        expect(fromSeconds(seconds)).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
          weekday: date.getUTCDay() + 1,
          hour: date.getUTCHours(),
          minute: date.getUTCMinutes(),
          second: date.getUTCSeconds(),
        });
      }),
    );
  });
});

describe('toSeconds', () => {
  it('is the inverse of fromSeconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }), (seconds) => toSeconds(fromSeconds(seconds)) === seconds),
    );
  });

  it('carries values beyond their range over', () => {
    const seconds = toSeconds({ year: 2026, month: 14, day: 31, hour: 24, minute: 60, second: 61 });
    expect(utc(seconds).toISOString()).toBe('2027-03-04T01:01:01.000Z');
  });
});
