import { Crystal } from './crystal.js';

describe('Crystal', () => {
  it('counts the PIT input exactly over a second and over a day', () => {
    const pit = new Crystal(1_193_182);
    expect(pit.ticksAt(1_000_000_000)).toBe(1_193_182);
    expect(pit.ticksAt(999_999_999)).toBe(1_193_181);
    expect(pit.ticksAt(86_400_000_000_000)).toBe(1_193_182 * 86_400);
  });

  it.each([1_193_182, 3_579_545, 32_768, 1_000_000_000, 62_500_000, 1_000])('tick n of %i Hz begins at nsAt(n)', (hz) => {
    const crystal = new Crystal(hz);
    for (const tick of [0, 1, 2, 3, 17, 65_535, 65_536, 1_193_181, 5_000_000_011]) {
      expect(crystal.ticksAt(crystal.nsAt(tick))).toBe(tick);
      if (tick > 0) expect(crystal.ticksAt(crystal.nsAt(tick) - 1)).toBe(tick - 1);
    }
  });

  it.each([0, -1, 1.5, Number.NaN, 133_333_333])('%d Hz is refused', (hz) => {
    expect(() => new Crystal(hz)).toThrow(RangeError);
  });
});
