import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DECODED, Decoded, Decoder, disassemble, type Mode } from './index.js';

/** Code bytes that a real processor executed, one instruction each except in the classes `seq` and `smc`. */
const FILE = new URL('../../../../shared/vectors/dev.jsonl.gz', import.meta.url);
const SEQUENCES = new Set(['seq', 'smc']);
const INVALID_OPCODE = 6;

interface Vector {
  c: string;
  s: Mode;
  x: string;
  o: { v?: number };
}

function vectors(): Vector[] {
  const lines = gunzipSync(readFileSync(FILE)).toString('latin1').trimEnd().split('\n');
  return lines.slice(1).map((line) => JSON.parse(line) as Vector);
}

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

/** Empty if the decoder sees one instruction of exactly these bytes. */
function lengthProblem(decoder: Decoder, out: Decoded, { s, x }: Vector): string[] {
  const bytes = bytesOf(x);
  const status = decoder.decode(bytes, 0, bytes.length, s, out);
  if (status === DECODED && out.length === bytes.length) return [];
  return [`${x} in ${s}-bit mode: status ${status}, length ${out.length}, ${disassemble(bytes, s, 0)}`];
}

function undefinedProblem(decoder: Decoder, out: Decoded, { s, x }: Vector): string[] {
  const bytes = bytesOf(x);
  const status = decoder.decode(bytes, 0, bytes.length, s, out);
  return status === DECODED && !out.row.attributes.has('ud') ? [`${x} in ${s}-bit mode: ${disassemble(bytes, s, 0)}`] : [];
}

const present = existsSync(FILE);
if (!present) console.warn(`NOT RUN: instruction lengths of a real processor. ${FILE.pathname} is absent.`);

(present ? describe : describe.skip)('vectors of a real processor', () => {
  const all = present ? vectors() : [];
  const decoder = new Decoder();
  const out = new Decoded();

  it('every executed instruction decodes with its full length', () => {
    const executed = all.filter((vector) => !SEQUENCES.has(vector.c) && vector.o.v !== INVALID_OPCODE);
    expect(executed.length).toBeGreaterThan(100_000);
    expect(executed.flatMap((vector) => lengthProblem(decoder, out, vector))).toEqual([]);
  });

  it('every invalid opcode is refused or defined to be invalid', () => {
    const undefinedOpcodes = all.filter((vector) => vector.c === 'ud');
    expect(undefinedOpcodes.length).toBeGreaterThan(300);
    expect(undefinedOpcodes.flatMap((vector) => undefinedProblem(decoder, out, vector))).toEqual([]);
  });
});
