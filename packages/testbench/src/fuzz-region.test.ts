import { mmio } from '@hotsocket/address-space';
import { fuzzRegion } from './fuzz-region.js';

const quiet = { read: () => 0, write: () => {} };

describe('fuzzRegion', () => {
  it('uses all widths, reads and writes, inside the region only', () => {
    const seen = new Set<string>();
    const region = mmio('probe', 8, {
      read: (offset, size) => {
        seen.add(`r${size}`);
        return offset + size > 8 ? Number.NaN : 0;
      },
      write: (_offset, size) => seen.add(`w${size}`),
    });
    fuzzRegion(region, 1, 500);
    expect([...seen].sort()).toEqual(['r1', 'r2', 'r4', 'w1', 'w2', 'w4']);
  });

  it.each([[-1], [0x100], [0.5], [Number.NaN]])('reports a byte read that answers %d', (answer) => {
    const region = mmio('odd', 1, { ...quiet, maxSize: 1, read: () => answer });
    expect(() => fuzzRegion(region, 1, 100)).toThrow(/^odd: .*seed 1, access \d+\) threw: RangeError: answered/);
  });

  it('reports a handler that throws, with the access', () => {
    const region = mmio('bad', 4, {
      ...quiet,
      write: () => {
        throw new Error('boom');
      },
    });
    expect(() => fuzzRegion(region, 2, 100)).toThrow(/^bad: \d-byte write of 0x[0-9a-f]+ at offset -?\d+ .*boom/);
  });
});
