import fc from 'fast-check';
import { BitField, register, ro, rsvd, rw, w1c, wo } from './index.js';

describe('BitField', () => {
  const field = new BitField('SLP_TYP', rw(12, 10));

  it('takes a value out of its bits and puts one in', () => {
    expect([field.mask, field.get(0x3400), field.put(0xffff, 0)]).toEqual([0x1c00, 5, 0xe3ff]);
  });

  it('drops bits beyond its width', () => {
    expect(field.put(0, 0xff)).toBe(0x1c00);
  });

  it('takes a boolean for one bit', () => {
    expect([new BitField('EN', rw(3)).put(0, true), new BitField('EN', rw(3)).put(0xff, false)]).toEqual([0x08, 0xf7]);
  });

  it('tests whether any of its bits is set', () => {
    expect([field.test(0x0800), field.test(0xe3ff)]).toEqual([true, false]);
  });

  it('stays unsigned with the top bit and with all 32', () => {
    const [top, all] = [new BitField('TOP', rw(31)), new BitField('ALL', rw(31, 0))];
    expect([top.mask, top.put(0, 1), top.get(0xffff_ffff), all.get(0xffff_ffff), all.put(0, 0xffff_ffff)]).toEqual([
      0x8000_0000, 0x8000_0000, 1, 0xffff_ffff, 0xffff_ffff,
    ]);
  });

  it('gets what was put, and changes no other bit', () => {
    const bits = fc.tuple(fc.nat(31), fc.nat(31)).map((pair) => [Math.max(...pair), Math.min(...pair)] as const);
    const words = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(bits, words, words, ([high, low], value, put) => {
        const any = new BitField('ANY', rw(high, low));
        const result = any.put(value, put);
        expect(any.get(result)).toBe(Number(BigInt(put) & ((1n << BigInt(high - low + 1)) - 1n)));
        expect((result & ~any.mask) >>> 0).toBe((value & ~any.mask) >>> 0);
      }),
    );
  });
});

describe('register', () => {
  const REG = register('REG', 0x04, 16, {
    EN: rw(0, 0, 1),
    TYP: rw(12, 10, 5),
    STS: w1c(2),
    GO: wo(13),
    ID: ro(7, 4, 3),
    RES: rsvd(15, 15, 1),
  });

  it('derives its masks and its reset value from its fields', () => {
    expect(REG).toMatchObject({ name: 'REG', offset: 4, bits: 16, resetValue: 0x9431, writableMask: 0x1c01, clearMask: 0x0004 });
  });

  it('offers its fields by name', () => {
    expect([REG.TYP.get(0x9431), REG.GO.mask, REG.fields.length]).toEqual([5, 0x2000, 6]);
  });

  it('writes read-write fields, clears by one, keeps the rest', () => {
    expect([REG.write(0x9435, 0x0004), REG.write(0x9435, 0xffff), REG.write(0x9435, 0)]).toEqual([0x8030, 0x9c31, 0x8034]);
  });

  it('reads write-only fields as zero', () => {
    expect(REG.read(0xffff)).toBe(0xdfff);
  });

  it.each([
    ['a field above its width', () => register('R', 0, 8, { X: rw(8) }), 'R.X: outside 8 bits'],
    ['a negative bit', () => register('R', 0, 8, { X: rw(1, -1) }), 'R.X: outside 8 bits'],
    ['bits the wrong way round', () => register('R', 0, 8, { X: rw(1, 2) }), 'R.X: outside 8 bits'],
    ['overlapping fields', () => register('R', 0, 8, { X: rw(3, 1), Y: ro(3) }), 'R.Y: overlaps another field'],
    ['a reset value too wide', () => register('R', 0, 8, { X: rw(1, 0, 4) }), 'R.X: reset value too wide'],
    ['a field named like a member', () => register('R', 0, 8, { write: rw(0) }), 'R.write: not usable as a field name'],
    ['a field named like a property', () => register('R', 0, 8, { bits: rw(0) }), 'R.bits: not usable as a field name'],
  ])('refuses %s', (_name, make, message) => {
    expect(make).toThrow(new RangeError(message));
  });
});
