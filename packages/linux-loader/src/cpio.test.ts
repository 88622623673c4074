import { type CpioEntry, CpioError, cpioArchive } from './index.js';

const text = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

/** The members of an archive: mode, name, content. */
function unpack(archive: Uint8Array): [number, string, string][] {
  const members: [number, string, string][] = [];
  for (let at = 0; ; ) {
    const field = (index: number): number => Number.parseInt(text(archive.subarray(at + 6 + index * 8, at + 14 + index * 8)), 16);
    const slice = (start: number, length: number): string => new TextDecoder().decode(archive.subarray(start, start + length));
    const name = slice(at + 110, field(11) - 1);
    const contentAt = (at + 110 + field(11) + 3) & ~3;
    if (name === 'TRAILER!!!') return members;
    members.push([field(1), name, slice(contentAt, field(6))]);
    at = (contentAt + field(6) + 3) & ~3;
  }
}

describe('cpioArchive', () => {
  it('writes the newc header, the padded name and the padded content of a file', () => {
    const archive = text(cpioArchive([{ kind: 'file', path: 'ab', mode: 0o644, data: utf8('hello') }]));
    const header = '070701' + '00000001' + '000081a4' + '00000000' + '00000000' + '00000001' + '00000000' + '00000005';
    expect(archive.slice(0, 116 + 8)).toBe(`${header}${'00000000'.repeat(4)}0000000300000000ab\0\0\0\0hello\0\0\0`.slice(0, 124));
  });

  it('ends with the trailer and is padded with zeros to 512 bytes', () => {
    const archive = text(cpioArchive([]));
    expect(archive.length).toBe(512);
    expect(archive.slice(0, 6)).toBe('070701');
    expect(archive.slice(110, 121)).toBe('TRAILER!!!\0');
    expect(archive.slice(121)).toBe('\0'.repeat(512 - 121));
  });

  it('puts the numbers of a device node in the rdev fields', () => {
    const archive = text(cpioArchive([{ kind: 'character-device', path: 'tty', mode: 0o600, device: { major: 4, minor: 64 } }]));
    expect(archive.slice(14, 22)).toBe('00002180');
    expect(archive.slice(78, 94)).toBe('0000000400000040');
  });

  it('aligns every header to four bytes whatever the lengths of names and contents', () => {
    const entries = Array.from(
      { length: 9 },
      (_, n): CpioEntry => ({ kind: 'file', path: 'x'.repeat(n + 1), mode: 0, data: utf8('y'.repeat(n)) }),
    );
    const archive = text(cpioArchive(entries));
    const starts = [...archive.matchAll(/070701/g)].map(({ index }) => index % 4);
    expect(starts).toEqual(Array(10).fill(0));
  });

  it.each([
    ['', 'is no plain relative path'],
    ['/etc', 'is no plain relative path'],
    ['a/../b', 'is no plain relative path'],
    ['a\0b', 'holds a NUL'],
    ['TRAILER!!!', 'is the name that ends an archive'],
    ['etc/passwd', "comes without its directory 'etc' before it"],
  ])('refuses the path %j', (path, reason) => {
    const entry: CpioEntry = { kind: 'directory', path, mode: 0o755 };
    expect(() => cpioArchive([entry])).toThrow(new CpioError(path, reason));
  });

  it('refuses a path that Linux would drop for its length', () => {
    const entry: CpioEntry = { kind: 'directory', path: 'x'.repeat(4096), mode: 0o755 };
    expect(() => cpioArchive([entry])).toThrow('is longer than 4095 bytes');
  });

  it('refuses the same path twice', () => {
    const entry: CpioEntry = { kind: 'directory', path: 'etc', mode: 0o755 };
    expect(() => cpioArchive([entry, entry])).toThrow("cpio entry 'etc': is there twice");
  });

  it('refuses an entry below a file', () => {
    const file: CpioEntry = { kind: 'file', path: 'a', mode: 0o644, data: utf8('') };
    expect(() => cpioArchive([file, { kind: 'directory', path: 'a/b', mode: 0o755 }])).toThrow(CpioError);
  });

  it('is read back by following the header fields alone', () => {
    const archive = cpioArchive([
      { kind: 'directory', path: 'bin', mode: 0o755 },
      { kind: 'file', path: 'bin/grüß', mode: 0o755, data: utf8('odd') },
      { kind: 'symlink', path: 'bin/link', target: 'grüß' },
    ]);
    expect(unpack(archive)).toEqual([
      [0o040755, 'bin', ''],
      [0o100755, 'bin/grüß', 'odd'],
      [0o120777, 'bin/link', 'grüß'],
    ]);
  });
});
