import fc from 'fast-check';
import { DEFAULT_JSON_LIMITS, type JsonError, type JsonLimits, JsonStreamParser } from './json-parser.js';
import { JsonNumber, type JsonOutput, type JsonValue, stringify } from './json-value.js';

type Found = { value: string } | { error: string };

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function describeError(error: JsonError): string {
  if ('text' in error) return `${error.kind} ${error.text}`;
  return 'what' in error ? `expecting ${error.what}` : error.kind;
}

function parse(portions: readonly Uint8Array[], limits: Partial<JsonLimits> = {}): Found[] {
  const found: Found[] = [];
  const parser = new JsonStreamParser(
    { value: (value: JsonValue) => found.push({ value: stringify(value) }), error: (error) => found.push({ error: describeError(error) }) },
    { ...DEFAULT_JSON_LIMITS, ...limits },
  );
  for (const portion of portions) parser.feed(portion);
  return found;
}

const all = (text: string, limits?: Partial<JsonLimits>): Found[] => parse([latin1(text)], limits);
const oneByOne = (bytes: Uint8Array): Found[] => parse([...bytes].map((byte) => Uint8Array.of(byte)));

describe('JsonStreamParser, values', () => {
  it('finds messages that are glued together', () => {
    expect(all('{"a":1}{"b":[true,false,null]}')).toEqual([{ value: '{"a": 1}' }, { value: '{"b": [true, false, null]}' }]);
  });

  it.each(['0', '-0', '18446744073709551616', '-9223372036854775809', '1e400', '0.1', '1E+2'])('keeps the text of %s', (text) => {
    expect(all(`${text}\n`)).toEqual([{ value: text }]);
  });

  it('takes strings in apostrophes and the escape of an apostrophe', () => {
    expect(all(`{'a':'it\\'s "x"'}`)).toEqual([{ value: `{"a": "it's \\"x\\""}` }]);
  });

  it('decodes escapes, surrogate pairs and UTF-8', () => {
    expect(parse([utf8('["\\ud83d\\ude00 😀 é \\u0000 \\b\\f\\n\\r\\t\\/\\\\\\""]')])).toEqual([
      { value: '["\\uD83D\\uDE00 \\uD83D\\uDE00 \\u00E9 \\u0000 \\b\\f\\n\\r\\t/\\\\\\""]' },
    ]);
  });

  it('keeps a member named __proto__ as data', () => {
    expect(all('{"__proto__":{"x":1}}')).toEqual([{ value: '{"__proto__": {"x": 1}}' }]);
  });

  it('spreads a message over any white space', () => {
    expect(all('\r\n\t {\n"a"\r:\t[ ]\n}')).toEqual([{ value: '{"a": []}' }]);
  });
});

describe('JsonStreamParser, mistakes', () => {
  it.each([
    ['{"a":1,}', 'expecting value'],
    ['{execute:1}', 'keyword execute'],
    ['{"a":01}', 'stray 01'],
    ['{"a":1.}', 'stray 1.'],
    ['{"a":-}', 'stray -'],
    ['{"a":"\\x"}', 'escape'],
    ['{"a":"\\u12g4"}', 'escape'],
    ['{"a":"\t"}', 'stray "\t'],
    ['{"a":"que\0ry"}', 'stray "que\0'],
    ['{"a":"\xc0\x80"}', 'utf8'],
    ['{"a":"\xed\xa0\x80"}', 'utf8'],
    ['{"a":"\\ud800"}', 'code-point \\ud800'],
    ['{"a":"\\ud800x"}', 'code-point \\ud800'],
    ['{"a":"\\ud800\\n"}', 'code-point \\ud800'],
    ['{"a":"\\ud800\\ud801"}', 'code-point \\ud800'],
    ['{"a":"\\udc00"}', 'code-point \\udc00'],
    ['{"a":1,"a":2}', 'duplicate'],
    ['{true:1}', 'expecting string'],
    ['{"a" 1}', 'expecting :'],
    ['{"a":1 "b":2}', 'expecting , or }'],
    ['{"a":[1 2]}', 'expecting , or ]'],
    ['{"a":1]', 'expecting , or }'],
    ['[1}', 'expecting , or ]'],
    [']', 'expecting value'],
    ['\xef\xbb\xbf{"a":1}', 'stray \ufffd'],
    ['/* c */{"a":1}', 'stray /'],
    ['nonsense', 'keyword nonsense'],
    ['info status', 'keyword info'],
  ])('%j is one error, and the next line is heard', (text, error) => {
    expect(all(`${text}\n{"ok":1}\n`)).toEqual([{ error }, { value: '{"ok": 1}' }]);
  });

  it('resynchronises at the closing bracket of the request when no newline comes', () => {
    expect(all('{"a":[1,],"s":"}"}{"ok":1}')).toEqual([{ error: 'expecting value' }, { value: '{"ok": 1}' }]);
    expect(all('{"a":"\\x}\\""}{"ok":1}')).toEqual([{ error: 'escape' }, { value: '{"ok": 1}' }]);
    expect(all('{"a":"\xc0\x80"}{"ok":1}')).toEqual([{ error: 'utf8' }, { value: '{"ok": 1}' }]);
    expect(all('{"a":"\\ud800"}{"ok":1}')).toEqual([{ error: 'code-point \\ud800' }, { value: '{"ok": 1}' }]);
    expect(all('{"a":"\\ud800\\"}"}{"ok":1}')).toEqual([{ error: 'code-point \\ud800' }, { value: '{"ok": 1}' }]);
  });

  it('byte FF ends a broken message with one error and an idle stream silently', () => {
    expect(all('{"execute":"query-sta\xff{"ok":1}')).toEqual([{ error: 'stray "query-sta\ufffd' }, { value: '{"ok": 1}' }]);
    expect(all('\xff\xff{"ok":1}\xff')).toEqual([{ value: '{"ok": 1}' }]);
    expect(all('garbage garbage\xff{"ok":1}')).toEqual([{ error: 'keyword garbage' }, { value: '{"ok": 1}' }]);
  });

  it('takes 1024 levels and refuses 1025 with one error', () => {
    const nested = (count: number): string => `{"id":${'['.repeat(count)}${']'.repeat(count)}}{"ok":1}`;
    expect(all(nested(1023))).toHaveLength(2);
    expect(all(nested(1023))[1]).toEqual({ value: '{"ok": 1}' });
    expect(all(nested(1024))).toEqual([{ error: 'depth' }, { value: '{"ok": 1}' }]);
  });

  it('answers 100,000 open brackets with one error and hears the next line', () => {
    expect(all(`${'['.repeat(100_000)}\n{"ok":1}`)).toEqual([{ error: 'depth' }, { value: '{"ok": 1}' }]);
    expect(all(`${'{"a":['.repeat(100_000)}\xff{"ok":1}`)).toEqual([{ error: 'depth' }, { value: '{"ok": 1}' }]);
  });

  it('refuses a message above the size limit and one above the token limit', () => {
    expect(all(`{"a":"${'x'.repeat(100)}"}{"ok":1}`, { maxBytes: 64 })).toEqual([{ error: 'size' }, { value: '{"ok": 1}' }]);
    expect(all(`{"a":[${'1,'.repeat(100)}1]}{"ok":1}`, { maxTokens: 64 })).toEqual([{ error: 'tokens' }, { value: '{"ok": 1}' }]);
    expect(all(`{"a":${'1'.repeat(5000)}}{"ok":1}`)).toEqual([{ error: 'size' }, { value: '{"ok": 1}' }]);
  });

  it('takes a message of exactly the limits and refuses one more byte or token', () => {
    const sized = (size: number): string => `{"a":"${'x'.repeat(size - 8)}"}`;
    expect(all(sized(64), { maxBytes: 64 })).toHaveLength(1);
    expect(all(`${sized(64)}${sized(65)}{"ok":1}`, { maxBytes: 64 })).toEqual([
      { value: stringify({ a: 'x'.repeat(56) }) },
      { error: 'size' },
      { value: '{"ok": 1}' },
    ]);
    expect(all('[1,2,3]\n', { maxTokens: 7 })).toEqual([{ value: '[1, 2, 3]' }]);
    expect(all('[1,2,3]\n', { maxTokens: 6 })).toEqual([{ error: 'tokens' }]);
  });

  it('shows what stood before FF in any part of a string', () => {
    expect(all('{"a":"x\\\xff')).toEqual([{ error: 'stray "x\ufffd' }]);
    expect(all('{"a":"x\\u00\xff')).toEqual([{ error: 'stray "x\ufffd' }]);
  });

  it('counts neither white space between messages nor earlier messages against the limit', () => {
    expect(all(`{"a":1}${' '.repeat(100)}`.repeat(20), { maxBytes: 32 })).toHaveLength(20);
  });

  it('takes a string of 8 MiB less a little and no string above it', () => {
    const text = (size: number): Uint8Array => utf8(`{"a":"${'x'.repeat(size)}"}{"ok":1}`);
    expect(parse([text((8 << 20) - 16)])).toHaveLength(2);
    expect(parse([text(9 << 20)])).toEqual([{ error: 'size' }, { value: '{"ok": 1}' }]);
  });

  it('does not know null when told so', () => {
    expect(all('{"id":null}{"ok":1}', { allowNull: false })).toEqual([{ error: 'keyword null' }, { value: '{"ok": 1}' }]);
  });

  it('reports at most one error a line of random bytes', () => {
    let seed = 7;
    const noise = Uint8Array.from({ length: 1 << 18 }, () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 24);
    const lines = noise.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 1);
    const errors = parse([noise]).filter((item) => 'error' in item).length;
    expect(errors).toBeGreaterThan(100);
    expect(errors).toBeLessThanOrEqual(lines);
  });

  it('answers a line of noise once, also when it holds FF, but hears a whole request in it', () => {
    expect(all('@\xff#\xff"x\xff1 \xff[1]\xff{"ok":1}\xff@')).toEqual([{ error: 'stray @' }, { value: '{"ok": 1}' }, { error: 'stray @' }]);
    expect(all('@\n@')).toHaveLength(2);
    expect(all('{"a":\xff{"b":\xff{"ok":1}')).toEqual([{ error: 'stray \ufffd' }, { error: 'stray \ufffd' }, { value: '{"ok": 1}' }]);
  });
});

const FRAGMENTS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  "'",
  '\\',
  '\\u',
  'd800',
  'dc00',
  '"a"',
  '1',
  '-1.5e3',
  'true',
  'nul',
  ' ',
  '\n',
  '\xff',
  '\0',
];
const fragment = fc.oneof(
  fc.constantFrom(...FRAGMENTS, '\xc3\xa9', '{"execute":"x"}', 'POST'),
  fc.string({ unit: 'binary' }).map((text) => Array.from(utf8(text), (byte) => String.fromCharCode(byte)).join('')),
);
const soup = fc.array(fragment, { maxLength: 60 }).map((parts) => latin1(parts.join('')));

describe('JsonStreamParser, fuzz', () => {
  it('gives the same result byte by byte as at once, and never throws', () => {
    fc.assert(
      fc.property(soup, (bytes) => {
        expect(oneByOne(bytes)).toEqual(parse([bytes]));
      }),
      { numRuns: 2000 },
    );
  });

  it('gives the same result for random bytes in random portions', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (bytes, step) => {
        const portions = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) =>
          bytes.subarray(index * step, (index + 1) * step),
        );
        expect(parse(portions)).toEqual(parse([bytes]));
      }),
      { numRuns: 1000 },
    );
  });

  it('is heard again after any input and a newline', () => {
    fc.assert(
      fc.property(soup, (bytes) => {
        const last = parse([bytes, latin1('\xff\n{"ok":1}')]).at(-1);
        expect(last).toEqual({ value: '{"ok": 1}' });
      }),
      { numRuns: 1000 },
    );
  });

  it('agrees with JSON.parse on what is JSON, and reads back what stringify wrote', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const [found] = parse([utf8(`[${text}]`)]);
        const expected = /\\u[dD][89a-fA-F]|[\ud800-\udfff]/.test(text) ? undefined : JSON.parse(text);
        if (expected === undefined) return;
        expect(found).toBeDefined();
        expect(JSON.parse((found as { value: string }).value)).toEqual([expected]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('stringify', () => {
  it('writes the spacing of the reference in ASCII', () => {
    const value: JsonOutput = { a: [1, -2n, new JsonNumber('1e400')], b: { c: 'é\u007f"\n' }, d: undefined, e: new Map([['f', null]]) };
    expect(stringify(value)).toBe('{"a": [1, -2, 1e400], "b": {"c": "\\u00E9\\u007F\\"\\n"}, "e": {"f": null}}');
  });

  it('refuses a number that JSON cannot hold', () => {
    expect(() => stringify(Number.NaN)).toThrow(RangeError);
  });
});
