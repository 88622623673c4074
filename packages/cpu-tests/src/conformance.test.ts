import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as space from '@hotsocket/address-space';
import * as cpu from '@hotsocket/cpu-x86';
import * as isa from '@hotsocket/x86-isa';
import { type ConformanceResults, conformancePage } from './index.js';

interface Vector {
  readonly o: { fl: string };
}

interface Tools {
  readonly VectorFile: new (path: string) => { readonly header: unknown; vectors(): Iterable<Vector> };
  readonly machineOf: (tier: string, modules: unknown, header: unknown) => unknown;
  readonly runVector: (machine: unknown, header: unknown, vector: Vector) => { state: unknown; bad: string[] };
  readonly explain: (isa: unknown, header: unknown, vector: Vector, state: unknown, bad: string[]) => string[];
  readonly Tally: new () => { count(name: string, outcome: string): void };
  readonly tallyTable: (tallies: Record<string, unknown>) => string[];
}

const pathTo = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const GOOD = readFileSync(pathTo('../../cpu-x86/src/fixtures/found.jsonl.gz'));

async function loadTools(): Promise<Tools> {
  const tools = {};
  for (const name of ['vector-file', 'tiers', 'state-diff', 'tally'])
    Object.assign(tools, await import(pathTo(`../../../tools/conformance/${name}.mjs`)));
  return tools as Tools;
}

describe('the runner of vectors', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
  const path = join(folder, 'vectors');
  afterAll(() => rmSync(folder, { recursive: true }));

  const text = gunzipSync(GOOD).toString();
  const broken: [what: string, content: Buffer | string, message: RegExp][] = [
    ['that is something else', 'abc\n', /vectors: line 1 is no JSON/],
    ['of another format', '{"format":"other/2"}\n', /line 1: format 'other\/2', not x86-native-vectors\/1/],
    ['without windows', text.replace('"windows"', '"doors"'), /line 1: 'windows' of the header is absent or wrong/],
    ['whose gzip data end too early', GOOD.subarray(0, 500), /the gzip data are broken/],
    ['whose gzip data are damaged', Buffer.concat([GOOD.subarray(0, 800), gzipSync('x')]), /the gzip data are broken/],
    ['cut off in a line', text.slice(0, -20), /line \d+ is no JSON \(cut off\?\)/],
    ['with a base that is not there', text.replace('"b":0', '"b":7'), /line 2: 'b' of the vector is absent or wrong/],
    ['with code outside of memory', text.replace('"ip":"400800"', '"ip":"900"'), /line 2: 'ip' of the vector is absent or wrong/],
    ['with half a byte', text.replace('"x":"', '"x":"9'), /line 2: 'x' of the vector is absent or wrong/],
    ['with a register that does not exist', text.replace('"rax"', '"eaz"'), /line 2: 'r' of the vector is absent or wrong/],
  ];

  it.each(broken)('tells in one line what is wrong with a file %s', async (_what, content, message) => {
    const { VectorFile } = await loadTools();
    writeFileSync(path, content);
    expect(() => [...new VectorFile(path).vectors()]).toThrow(message);
    expect(() => [...new VectorFile(path).vectors()]).not.toThrow(/\n/);
  });

  it('reads plain text and gzip', async () => {
    const { VectorFile } = await loadTools();
    writeFileSync(path, text);
    const plain = [...new VectorFile(path).vectors()];
    writeFileSync(path, GOOD);
    expect([...new VectorFile(path).vectors()]).toEqual(plain);
    expect(plain.length).toBeGreaterThan(0);
  });

  it('finds a wrong flag, and explains it with the disassembled code and the state', async () => {
    const { VectorFile, machineOf, runVector, explain } = await loadTools();
    writeFileSync(path, GOOD);
    const file = new VectorFile(path);
    const [vector] = file.vectors();
    const wrong = { ...vector!, o: { ...vector!.o, fl: (Number.parseInt(vector!.o.fl, 16) ^ 1).toString(16) } };
    const machine = machineOf('interpreter', { cpu, space }, file.header);
    expect(runVector(machine, file.header, vector!).bad).toEqual([]);
    const { state, bad } = runVector(machine, file.header, wrong);
    expect(bad).toEqual([expect.stringMatching(/^flags /)]);
    const lines = explain(isa, file.header, wrong, state, bad);
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}400800 {2}9c +pushf/));
    expect(lines.filter((line) => line.startsWith('*'))).toEqual([expect.stringMatching(/^\* flags/)]);
  });

  it('never rounds a failure up to 100 %', async () => {
    const { Tally, tallyTable } = await loadTools();
    const tally = new Tally();
    for (let n = 0; n < 100_000; n++) tally.count('alu', n === 0 ? 'failed' : 'passed');
    tally.count('avx', 'skipped');
    expect(tallyTable({ interpreter: tally }).map((line) => line.trim().split(/ +/))).toEqual([
      ['class', 'not', 'announced', 'interpreter', 'failed', '%'],
      ['alu', '100000', '1', '99.99'],
      ['avx', '1', '0', '0', '-'],
      ['all', '1', '100000', '1', '99.99'],
    ]);
  });
});

describe('docs/conformance.md', () => {
  const results = JSON.parse(readFileSync(pathTo('../../../tools/conformance/results.json'), 'utf8')) as ConformanceResults;

  it('is what the results of the last complete runs give', () => {
    expect(readFileSync(pathTo('../../../docs/conformance.md'), 'utf8')).toBe(conformancePage(results));
  });

  it('has every class in every tier at 100 %', () => {
    const counts = Object.values(results.vectors.tiers).flatMap((classes) => Object.values(classes));
    expect(counts.length).toBeGreaterThan(100);
    for (const { run, failed, skipped } of counts) expect({ failed, skipped, ran: run > 0 }).toEqual({ failed: 0, skipped: 0, ran: true });
  });
});
