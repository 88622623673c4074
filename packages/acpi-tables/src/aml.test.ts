import { AmlError, aml, checkUnique, nameString, resources } from './index.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const code = ({ aml: bytes }: aml.Term): string => hex(bytes);

describe('nameString', () => {
  it.each([
    ['_SB', '5f53425f'],
    ['\\', '5c00'],
    ['\\_GPE', '5c5f475045'],
    ['PCI0.ISA', '2e504349304953415f'],
    ['^^A.B.C', '5e5e2f03415f5f5f425f5f5f435f5f5f'],
  ])('encodes %s', (path, bytes) => {
    expect(hex(nameString(path))).toBe(bytes);
  });

  it.each(['', '^', 'abcd', 'TOOLONG', '1ABC', 'A..B', 'A.B-C'])('refuses %j', (path) => {
    expect(() => nameString(path)).toThrow(AmlError);
  });
});

describe('pkgLength', () => {
  it.each([
    [0, '01'],
    [62, '3f'],
    [63, '4104'],
    [4093, '4fff'],
    [4094, '810001'],
    [1_048_572, '8fffff'],
    [1_048_573, 'c1000001'],
  ])('counts itself with a body of %d bytes', (body, bytes) => {
    expect(hex(Uint8Array.from(aml.pkgLength(body)))).toBe(bytes);
  });

  it('refuses what 28 bits cannot hold', () => {
    expect(() => aml.pkgLength(2 ** 28)).toThrow('is too long');
  });
});

describe('terms', () => {
  it.each<[string, aml.Term, string]>([
    ['0', aml.integer(0), '00'],
    ['1', aml.integer(1), '01'],
    ['a byte', aml.integer(0xff), '0aff'],
    ['a word', aml.integer(0x100), '0b0001'],
    ['a dword', aml.integer(0xffff_ffff), '0cffffffff'],
    ['a qword', aml.integer(0x1_0000_0000n), '0e0000000001000000'],
    ['PNP0A03', aml.eisaId('PNP0A03'), '0c41d00a03'],
    ['a string', aml.text('AB'), '0d414200'],
    ['a buffer', aml.buffer([1, 2]), '11050a020102'],
    ['a package', aml.pkg(0, 5, 'ABCD'), '120903000a0541424344'],
    ['Name', aml.name('X', 7), '08585f5f5f0a07'],
    ['Scope', aml.scope('\\_SB'), '10065c5f53425f'],
    ['Device', aml.device('D', aml.name('_ADR', 0)), '5b820b445f5f5f085f41445200'],
    ['Processor', aml.processor('CP00', 1, 0xb010, 6), '5b830b435030300110b0000006'],
    ['Method', aml.method('M', { args: 2, serialized: true }, aml.returns(aml.arg(1))), '14084d5f5f5f0aa469'],
    ['OperationRegion', aml.operationRegion('R', 'systemIo', 0xaf00, 0x20), '5b80525f5f5f010b00af0a20'],
    ['Field', aml.field('R', { access: 'byte', lock: true }, ['F', 256], { skip: 3 }), '5b810e525f5f5f11465f5f5f40100003'],
    ['If and Else', aml.terms(aml.iff(aml.lequal(aml.local(0), 1), aml.leaveLoop), aml.otherwise()), 'a005936001a5a101'],
    ['While', aml.loop(aml.lless(aml.local(0), 2), aml.increment(aml.local(0))), 'a2079560' + '0a027560'],
    ['Store', aml.store(1, 'ABCD'), '700141424344'],
    ['And without a target', aml.and(aml.local(1), 0x0f), '7b610a0f00'],
    ['Divide', aml.divide(9, 2, undefined, aml.local(1)), '780a090a020061'],
    ['Notify', aml.notify('CP00', 3), '86435030300a03'],
    ['Acquire', aml.acquire('LOCK'), '5b234c4f434bffff'],
    ['a call', aml.call('\\M', 1, aml.local(2)), '5c4d5f5f5f0162'],
  ])('encodes %s', (_, term, bytes) => {
    expect(code(term)).toBe(bytes);
  });

  it.each([
    ['an integer below 0', () => aml.integer(-1)],
    ['an integer above 64 bits', () => aml.integer(2n ** 64n)],
    ['eight arguments', () => aml.method('M', { args: 8 })],
    ['a package of 256', () => aml.pkg(...Array<number>(256).fill(0))],
    ['a string with a line break', () => aml.text('a\n')],
    ['an identifier that is none', () => aml.eisaId('PNP0')],
  ])('refuse %s', (_, make) => {
    expect(make).toThrow(AmlError);
  });
});

describe('checkUnique', () => {
  it('takes the same name in two scopes', () => {
    const { names } = aml.scope('\\_SB', aml.device('A', aml.name('_HID', 0)), aml.device('B', aml.name('_HID', 0)));
    expect(() => checkUnique(names)).not.toThrow();
  });

  it('finds an object that two terms define by different spellings', () => {
    const { names } = aml.terms(aml.scope('\\_SB.PCI0', aml.mutex('LOCK')), aml.scope('_SB', aml.device('PCI0', aml.name('LOCK', 0))));
    expect(() => checkUnique(names)).toThrow(new AmlError('\\_SB_.PCI0.LOCK is defined twice'));
  });

  it('leaves out names that a method makes while it runs', () => {
    expect(aml.method('M', {}, aml.name('TEMP', 0)).names).toEqual(['M']);
  });
});

describe('resources', () => {
  it.each([
    ['ports', resources.ioPorts(0x3f8, 8), '4701f803f8030108'],
    ['ISA interrupts', resources.isaIrqs(4), '221000'],
    ['shared interrupts', resources.sharedInterrupts(5, 10), '890a000902050000000a000000'],
    ['fixed memory', resources.fixedMemory(0xfed0_0000, 0x400, false), '860900000000d0fe00040000'],
    ['a port window', resources.window('io', 0, 0xcf7), '880d00010c0300000000f70c0000f80c'],
    ['a 32-bit window', resources.window('memory', 0xe000_0000, 0xfebf_ffff), '871700000c0100000000000000e0ffffbffe000000000000c01e'],
    [
      'a 64-bit window',
      resources.window('memory', 0x1_0000_0000, 0x1_ffff_ffff),
      '8a2b00000c0100000000000000000000000001000000ffffffff0100000000000000000000000000000001000000',
    ],
  ])('encode %s', (_, bytes, expected) => {
    expect(hex(bytes)).toBe(expected);
  });
});
