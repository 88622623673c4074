/**
 * Writes docs/isa-coverage.md from the instruction rows; needs the built packages.
 *
 *   node tools/isa/isa-coverage.mjs             the page, with the counts of tools/isa/vector-counts.json
 *   node tools/isa/isa-coverage.mjs --count     counts the vectors first (../shared/vectors/dev.jsonl.gz, or --file F)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isaPage } from '../../packages/cpu-tests/dist/index.js';
import { DECODED, Decoded, Decoder } from '../../packages/x86-isa/dist/index.js';
import { VectorFile } from '../conformance/vector-file.mjs';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const { values } = parseArgs({
  options: { count: { type: 'boolean', default: false }, file: { type: 'string', default: path('../../../shared/vectors/dev.jsonl.gz') } },
});
const COUNTS = path('vector-counts.json');

/** Adds the rows of a vector's instructions, one after the other, to the table row -> class -> vectors. */
function addVector(counts, decoder, vector) {
  const bytes = Buffer.from(vector.x, 'hex');
  const decoded = new Decoded();
  const seen = new Set();
  for (let at = 0; at < bytes.length; at += decoded.length) {
    if (decoder.decode(bytes, at, bytes.length, vector.s, decoded) !== DECODED) break;
    seen.add(`${decoded.row.opcode}|${decoded.row.text}`);
  }
  for (const row of seen) {
    counts[row] ??= {};
    counts[row][vector.c] = (counts[row][vector.c] ?? 0) + 1;
  }
}

function count() {
  const counts = {};
  const decoder = new Decoder();
  for (const vector of new VectorFile(values.file).vectors()) addVector(counts, decoder, vector);
  const sorted = Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(COUNTS, `${JSON.stringify(sorted, null, 2)}\n`);
}

if (values.count) count();
writeFileSync(path('../../docs/isa-coverage.md'), isaPage(JSON.parse(readFileSync(COUNTS, 'utf8'))));
