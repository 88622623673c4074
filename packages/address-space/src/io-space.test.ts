import fc from 'fast-check';
import { type AccessSize, IoSpace, MapConflictError, type Mmio, mmio } from './index.js';

/** A region that remembers accesses as `r2@1` and answers with its offsets: 0x0201 for two bytes at 1. */
function probe(name: string, length: number, sizes: { minSize?: AccessSize; maxSize?: AccessSize } = {}): { region: Mmio; seen: string[] } {
  const seen: string[] = [];
  const region = mmio(name, length, {
    ...sizes,
    read: (offset, size) => {
      seen.push(`r${size}@${offset}`);
      return Array.from({ length: size }, (_, at) => (offset + at) * 2 ** (8 * at)).reduce((sum, byte) => sum + byte);
    },
    write: (offset, size, value) => seen.push(`w${size}@${offset}=${value.toString(16)}`),
  });
  return { region, seen };
}

describe('IoSpace', () => {
  it('passes accesses on with offset and width', () => {
    const { region, seen } = probe('a', 8);
    const io = new IoSpace();
    io.map(0x70, region);
    expect([io.read(0x71, 1), io.read(0x72, 2), io.read(0x74, 4)]).toEqual([0x01, 0x0302, 0x0706_0504]);
    io.write(0x70, 4, 0x8000_0001);
    expect(seen).toEqual(['r1@1', 'r2@2', 'r4@4', 'w4@0=80000001']);
  });

  it('cuts values to the width', () => {
    const { region, seen } = probe('a', 4);
    const io = new IoSpace();
    io.map(0, mmio('b', 1, { read: () => 0x1ff, write: region.write, maxSize: 1 }));
    io.write(0, 1, 0x1234);
    expect([io.read(0, 1), seen]).toEqual([0xff, ['w1@0=34']]);
  });

  it('answers ones and drops writes where nobody is, and tells the listener', () => {
    const heard: unknown[] = [];
    const io = new IoSpace({ unclaimedRead: (...args) => heard.push(args), unclaimedWrite: (...args) => heard.push(args) });
    expect([io.read(0x80, 1), io.read(0x80, 2), io.read(0xffff, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    io.write(0x80, 2, 7);
    expect(heard).toEqual([
      [0x80, 1],
      [0x80, 2],
      [0xffff, 4],
      [0x80, 2, 7],
    ]);
  });

  it('splits an access over several owners into bytes', () => {
    const [a, b] = [probe('a', 2), probe('b', 1)];
    const io = new IoSpace();
    io.map(0x70, a.region);
    io.map(0x72, b.region);
    expect(io.read(0x71, 4)).toBe(0xffff_0001);
    io.write(0x71, 4, 0x4433_2211);
    expect([a.seen, b.seen]).toEqual([
      ['r1@1', 'w1@1=11'],
      ['r1@0', 'w1@0=22'],
    ]);
  });

  it('finds an owner between two unclaimed ends', () => {
    const { region, seen } = probe('a', 1);
    const io = new IoSpace();
    io.map(0x71, region);
    expect(io.read(0x70, 4)).toBe(0xffff_00ff);
    io.write(0x70, 4, 0x1234_5678);
    expect(seen).toEqual(['r1@0', 'w1@0=56']);
  });

  it('wraps from port ffff to port 0', () => {
    const { region, seen } = probe('a', 1);
    const io = new IoSpace();
    io.map(0, region);
    expect(io.read(0xffff, 2)).toBe(0x00ff);
    expect(seen).toEqual(['r1@0']);
  });

  it.each([
    ['wider than it takes, in parts', { maxSize: 2 as AccessSize }, 4 as AccessSize, 0, ['r2@0', 'r2@2', 'w2@0=5678', 'w2@2=1234']],
    ['bytes only', { maxSize: 1 as AccessSize }, 2 as AccessSize, 1, ['r1@1', 'r1@2', 'w1@1=78', 'w1@2=56']],
    ['narrower than it takes, reads widened, writes dropped', { minSize: 4 as AccessSize }, 1 as AccessSize, 2, ['r4@0']],
  ])('gives a region what it takes: %s', (_name, sizes, size, port, expected) => {
    const { region, seen } = probe('a', 4, sizes);
    const io = new IoSpace();
    io.map(0, region);
    const value = io.read(port, size);
    io.write(port, size, 0x1234_5678);
    expect(seen).toEqual(expected);
    expect(value).toBe([0x0302_0100, 0x0201, 0x02][[4, 2, 1].indexOf(size)]);
  });

  it('refuses overlaps, naming both', () => {
    const io = new IoSpace();
    io.map(0x70, probe('rtc', 2).region);
    expect(() => io.map(0x6f, probe('other', 4).region)).toThrow(new MapConflictError("port 0x70: both 'rtc' and 'other'"));
    expect(io.read(0x6f, 1)).toBe(0xff);
  });

  it.each([[-1], [0xffff], [0.5]])('refuses ports outside the space (%d)', (port) => {
    expect(() => new IoSpace().map(port, probe('a', 2).region)).toThrow(MapConflictError);
  });

  it('gives ports back when a claim is removed, and only its own', () => {
    const io = new IoSpace();
    const remove = io.map(0x70, probe('a', 2).region);
    remove();
    io.map(0x71, probe('b', 2).region);
    remove();
    expect(io.mappings().map(({ start, region }) => [start, region.name])).toEqual([[0x71, 'b']]);
  });

  it('lists claims in order of ports', () => {
    const io = new IoSpace();
    for (const [name, port] of [
      ['c', 0x300],
      ['a', 0x20],
      ['b', 0x70],
    ] as const)
      io.map(port, probe(name, 2).region);
    expect(io.mappings().map(({ region }) => region.name)).toEqual(['a', 'b', 'c']);
  });

  it('answers any access like its bytes, for regions of bytes', () => {
    const claims = fc.uniqueArray(fc.nat(9), { maxLength: 6 });
    fc.assert(
      fc.property(claims, fc.nat(12), fc.constantFrom<AccessSize>(1, 2, 4), (ports, port, size) => {
        const io = new IoSpace();
        for (const each of ports) io.map(each, mmio(`p${each}`, 1, { maxSize: 1, read: () => each, write: () => {} }));
        const bytes = Array.from({ length: size }, (_, at) => (ports.includes(port + at) ? port + at : 0xff));
        expect(io.read(port, size)).toBe(bytes.reduceRight((sum, byte) => sum * 256 + byte, 0));
      }),
    );
  });
});
