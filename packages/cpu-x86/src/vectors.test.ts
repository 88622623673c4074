import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as space from '@hotsocket/address-space';
import * as cpu from './index.js';

interface Vector {
  readonly i: number;
  readonly c: string;
  readonly m: string;
  readonly x: string;
  readonly s: number;
}

interface Tools {
  readonly TIERS: readonly string[];
  readonly VectorFile: new (path: string) => { readonly header: unknown; vectors(wanted?: (index: number) => boolean): Iterable<Vector> };
  readonly machineOf: (tier: string, modules: unknown, header: unknown, model: cpu.CpuModel) => unknown;
  readonly runVector: (machine: unknown, header: unknown, vector: Vector) => { bad: string[] };
}

const pathTo = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const TOOLS = pathTo('../../../tools/conformance/');
const RECORDED = pathTo('../../../../shared/vectors/dev.jsonl.gz');
/** What random programs have found (npm run fuzz -- --save). */
const FOUND = pathTo('fixtures/found.jsonl.gz');
/** One vector in 11: a prime, so that the generator's own periods do not decide which. */
const STRIDE = 11;
const STRIDES: readonly (readonly [tier: string, stride: number])[] = [
  ['interpreter', STRIDE],
  ['steps', 5 * STRIDE],
  ['translator', 3 * STRIDE],
];

/** One after the other: jest's module loader does not share what two imports at once need. */
async function loadTools(): Promise<Tools> {
  const tools = {};
  for (const name of ['vector-file', 'tiers']) Object.assign(tools, await import(`${TOOLS}${name}.mjs`));
  return tools as Tools;
}

/** Runs every `stride`th vector of a file; gives the failures as text. */
async function runFile(path: string, tier: string, stride: number) {
  const { VectorFile, machineOf, runVector } = await loadTools();
  const file = new VectorFile(path);
  const machine = machineOf(tier, { cpu, space }, file.header, cpu.CPU_MODELS.max!);
  const failures: string[] = [];
  const classes = new Set<string>();
  let run = 0;
  for (const vector of file.vectors((index) => index % stride === 0)) {
    const { bad } = runVector(machine, file.header, vector);
    if (bad.length > 0) failures.push(`#${vector.i} ${vector.c} mode ${vector.s} ${vector.m} [${vector.x}]: ${bad.join('; ')}`);
    classes.add(vector.c);
    run++;
  }
  return { failures, classes, run };
}

describe('instructions against what a processor did', () => {
  const present = existsSync(RECORDED);
  if (!present) console.warn(`vectors are absent (${RECORDED}): no instruction was compared with a processor`);
  const test = present ? it : it.skip;

  test.each(STRIDES)(
    `a sample of all classes agrees in the tier %s${present ? '' : ' SKIPPED: vectors absent'}`,
    async (tier, stride) => {
      const { failures, classes, run } = await runFile(RECORDED, tier, stride);
      expect(failures).toEqual([]);
      expect(run).toBeGreaterThan(120_000 / stride);
      expect(classes.size).toBeGreaterThan(30);
    },
    120_000,
  );

  it.each(STRIDES.map(([tier]) => tier))(
    'what random programs have found agrees in the tier %s',
    async (tier) => {
      const { failures, run } = await runFile(FOUND, tier, 1);
      expect(failures).toEqual([]);
      expect(run).toBeGreaterThan(0);
    },
    60_000,
  );
});
