import { Random } from './random.js';

describe('Random', () => {
  it('gives the same numbers for the same seed', () => {
    const draw = (seed: number): number[] =>
      Array.from(
        { length: 5 },
        (
          (random) => () =>
            random.next()
        )(new Random(seed)),
      );
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('follows xorshift32 from seed 1', () => {
    const random = new Random(1);
    expect([random.next(), random.next(), random.next()]).toEqual([270_369, 67_634_689, 2_647_435_461]);
  });

  it('accepts seed 0, which xorshift cannot leave', () => {
    expect(new Random(0).next()).not.toBe(0);
  });

  it('stays below the limit and reaches every choice', () => {
    const random = new Random(3);
    const seen = new Set(Array.from({ length: 200 }, () => random.pick(['a', 'b', 'c'])));
    expect([...seen].sort()).toEqual(['a', 'b', 'c']);
  });

  it('refuses to pick from nothing', () => {
    expect(() => new Random(1).pick([])).toThrow(RangeError);
  });
});
