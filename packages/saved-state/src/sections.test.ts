import { crc32 as reference } from 'node:zlib';
import fc from 'fast-check';
import { crc32, decodeState, encodeState, readSections, SavedStateError, type Section, type StateValue, writeSections } from './index.js';

const KNOWN = ['one', 'two'];
const SECTIONS: Section[] = [
  { name: 'one', data: Uint8Array.of(1, 2, 3) },
  { name: 'two', data: new Uint8Array() },
];
const plain = (sections: ReadonlyMap<string, Uint8Array>): [string, number[]][] => [...sections].map(([name, data]) => [name, [...data]]);

describe('a file of sections', () => {
  it('gives back what was written', () => {
    expect(plain(readSections(writeSections(SECTIONS), KNOWN))).toEqual([
      ['one', [1, 2, 3]],
      ['two', []],
    ]);
  });

  it('is refused after any bit was changed, and at any length', () => {
    const file = writeSections(SECTIONS);
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const changed = file.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => readSections(changed, KNOWN)).toThrow(SavedStateError);
    }
    for (let length = 0; length < file.length; length++) expect(() => readSections(file.slice(0, length), KNOWN)).toThrow(SavedStateError);
  });

  it('may have an unknown section when that is optional', () => {
    const extra = (optional: boolean): Uint8Array => writeSections([...SECTIONS, { name: 'later', data: Uint8Array.of(9), optional }]);
    expect(plain(readSections(extra(true), KNOWN))).toHaveLength(3);
    expect(() => readSections(extra(false), KNOWN)).toThrow("section 'later', which this version does not know");
  });

  it.each([
    ['two sections of a name', writeSections([SECTIONS[0]!, SECTIONS[0]!]), "two sections 'one'"],
    ['bytes after its end', Uint8Array.of(...writeSections(SECTIONS), 0), '1 bytes follow the end'],
    ['another program', new TextEncoder().encode('QEVM of another program'), 'no file of saved state'],
    ['another version', ((file) => file.fill(2, 8, 9))(writeSections(SECTIONS)), 'version 2, this program reads version 1'],
  ])('of %s is refused', (_, file, text) => {
    expect(() => readSections(file, KNOWN)).toThrow(text);
  });

  it('has the checksum of gzip', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => expect(crc32(bytes)).toBe(reference(bytes))));
  });
});

describe('state as text', () => {
  const { state } = fc.letrec<{ state: StateValue }>((tie) => ({
    state: fc.oneof(
      { maxDepth: 4 },
      fc.integer(),
      fc.boolean(),
      fc.string(),
      fc.constant(null),
      fc.bigInt(),
      fc.uint8Array(),
      fc.array(tie('state')),
      fc.dictionary(fc.stringMatching(/^[a-z]\w*$/), tie('state')),
    ),
  }));

  it('is read back as it was', () => {
    fc.assert(fc.property(state, (value) => expect(decodeState(encodeState(value))).toEqual(value)));
  });

  it.each(['', '{', '{"a":', '\xff', '{"$bigint":"x"}', '{"$bytes":"*"}'])('%j is refused', (text) => {
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    expect(() => decodeState(bytes)).toThrow(SavedStateError);
  });
});
