import { KeyValues, parseInteger, parseSize, splitCommas } from './key-values.js';

const random = (seed: number) => (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);

describe('splitCommas', () => {
  it('cuts at commas and reads two as one', () => {
    expect(['a,b', 'a,,b', 'a,,,b', '', ',', ',,', 'a,,,,b'].map(splitCommas)).toEqual([
      ['a', 'b'],
      ['a,b'],
      ['a,', 'b'],
      [''],
      ['', ''],
      [','],
      ['a,,b'],
    ]);
  });

  it('gives back any list that was written with its commas doubled', () => {
    const next = random(7);
    for (let round = 0; round < 2000; round++) {
      const words = Array.from(
        { length: 1 + ((next() >>> 8) % 4) },
        () =>
          `x${'ab,=é'
            .split('')
            .sort(() => (next() & 256) - 128)
            .slice((next() >>> 8) % 5)
            .join('')}`,
      );
      expect(splitCommas(words.map((word) => word.replaceAll(',', ',,')).join(','))).toEqual(words);
    }
  });
});

describe('KeyValues', () => {
  const parse = (text: string): KeyValues => KeyValues.parse('-x', text, { implied: 'name', keys: ['name', 'wait', 'n', 'nodelay'] });

  it('takes the first word as the implied key, unless it has one', () => {
    expect([parse('a').text('name'), parse('name=a').text('name'), parse('wait=on').text('name')]).toEqual(['a', 'a', undefined]);
  });

  it('reads old-style flags, and prefers a key that begins with no', () => {
    expect([parse('a,wait').flag('wait'), parse('a,nowait').flag('wait'), parse('a,nodelay').flag('nodelay')]).toEqual([true, false, true]);
  });

  it('keeps everything behind the first equals sign', () => {
    expect(parse('name=a=b,,c=d').text('name')).toBe('a=b,c=d');
  });

  it('lets the last value of a key win', () => {
    expect(parse('a,n=1,n=2').integer('n')).toBe(2);
  });

  it.each([
    ['a,bogus=1', "-x: invalid parameter 'bogus' (possible: name, wait, n, nodelay)"],
    ['a,', '-x: a parameter is empty'],
    ['a,,b,', '-x: a parameter is empty'],
    ['a,=1', "-x: invalid parameter '' (possible: name, wait, n, nodelay)"],
  ])('%s is refused', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

describe('numbers', () => {
  it.each([
    ['10', 10],
    ['0x1F', 31],
    ['-3', -3],
    ['+3', 3],
    ['1e3', undefined],
    ['1.0', undefined],
    [' 1', undefined],
    ['', undefined],
    ['0x', undefined],
  ])('integer %j', (text, expected) => {
    expect(parseInteger(text)).toBe(expected);
  });

  it.each([
    ['1', 1],
    ['1k', 1024],
    ['1K', 1024],
    ['1.5M', 1.5 * 2 ** 20],
    ['2g', 2 ** 31],
    ['1T', 2 ** 40],
    ['0x10', 16],
    ['7b', 7],
    ['1KB', undefined],
    ['-1', undefined],
    ['.5', undefined],
    ['', undefined],
  ])('size %j', (text, expected) => {
    expect(parseSize(text)).toBe(expected);
  });

  it('a size without a suffix counts units', () => {
    expect([parseSize('3', 2 ** 20), parseSize('3k', 2 ** 20)]).toEqual([3 * 2 ** 20, 3072]);
  });
});
