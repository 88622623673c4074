/** A failed vector for people: its code disassembled, and each field before, as it should be, and as it is. */
import { ALL_FLAGS, expectedState, fxField, fxText, registerCount } from './judge.mjs';
import { codeAddress, hex64, REGISTERS, SEGMENTS } from './vector-file.mjs';

const FLAG_NAMES = { cf: 0, pf: 2, af: 4, zf: 6, sf: 7, tf: 8, if: 9, df: 10, of: 11 };
const MEMORY_LINE = 16;

const hex = (value) => (value === undefined ? '' : value < 0 ? hex(BigInt.asUintN(64, BigInt(value))) : value.toString(16));
const flagText = (flags) =>
  `${hex(flags & ALL_FLAGS)} ${Object.entries(FLAG_NAMES)
    .filter(([, bit]) => (flags >> bit) & 1)
    .map(([name]) => name)
    .join(' ')}`;

/** Lines that disassemble a vector's code. */
export function disassembly(isa, header, vector) {
  const bytes = Buffer.from(vector.x, 'hex');
  const decoder = new isa.Decoder();
  const decoded = new isa.Decoded();
  const lines = [];
  for (let at = 0; at < bytes.length; at += decoded.length) {
    const ip = hex64(vector.ip) + BigInt(at);
    const known = decoder.decode(bytes, at, bytes.length, vector.s, decoded) === isa.DECODED;
    const length = known ? decoded.length : bytes.length - at;
    const text = known ? isa.formatInstruction(decoded, ip) : '(bad)';
    lines.push(
      `  ${hex(codeAddress(header, vector) + at)}  ${bytes
        .subarray(at, at + length)
        .toString('hex')
        .padEnd(22)} ${text}`,
    );
    if (!known) break;
  }
  return lines;
}

/** Rows [field, before, expected, found] of the whole state. */
function rows(header, vector, found) {
  const before = expectedState(header, { ...vector, o: { ip: vector.ip, fl: vector.fl } });
  const expected = expectedState(header, vector);
  const all = [before, expected, found];
  const row = (name, get) => [name, ...all.map(get)];
  const fields = [];
  for (let at = 0; at < 416; at = at < 32 ? at + 1 : at + 16) {
    const field = fxField(at);
    if (fields.at(-1)?.name !== field.name && (vector.s === 64 || at < 288)) fields.push(field);
  }
  return [
    ['vector', '', expected.vector, found.vector],
    ['error', '', hex(expected.error), hex(found.error)],
    ['cr2', '', hex(expected.cr2), hex(found.cr2)],
    row('rip', ({ rip }) => hex(rip)),
    row('flags', ({ flags }) => flagText(flags)),
    ...REGISTERS.slice(0, registerCount(vector.s)).map((name, n) => row(name, ({ gpr }) => hex(gpr[n]))),
    ...SEGMENTS.map((name) => row(name, ({ sel }) => hex(sel[name]))),
    ...fields.map(({ name, start, length }) => row(name, ({ fx }) => fxText(fx, start, length))),
    ...expected.hot.flatMap((range, n) =>
      memoryRows(
        range.linear,
        all.map(({ hot }) => hot[n].bytes),
      ),
    ),
  ].map((each) => each.map(String));
}

/** Lines of memory that any two of the states have otherwise. */
function memoryRows(linear, [before, expected, found]) {
  const lines = [];
  for (let at = 0; at < before.length; at += MEMORY_LINE) {
    const texts = [before, expected, found].map((bytes) => Buffer.from(bytes.subarray(at, at + MEMORY_LINE)).toString('hex'));
    if (new Set(texts).size > 1) lines.push([hex(linear + at), ...texts]);
  }
  return lines;
}

/** All about a vector that failed: what it is, its code, its state in three columns with `*` where found is not expected, and the verdict. */
export function explain(isa, header, vector, found, bad) {
  const table = rows(header, vector, found);
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((each) => each[column].length), 8));
  const line = (mark, cells) => `${mark} ${cells.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join('  ')}`.trimEnd();
  return [
    `#${vector.i}: class ${vector.c}, ${vector.s}-bit code, ${vector.m}`,
    ...disassembly(isa, header, vector),
    line(' ', ['field', 'before', 'expected', 'found']),
    ...table.map((cells) => line(cells[2] === cells[3] ? ' ' : '*', cells)),
    `compared fields that differ: ${bad.join('; ')}`,
  ];
}
