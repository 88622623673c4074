import { existsSync } from 'node:fs';
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
  readonly VectorFile: new (path: string) => { readonly header: unknown; vectors(wanted: (index: number) => boolean): Iterable<Vector> };
  readonly VectorMachine: new (
    modules: unknown,
    header: unknown,
  ) => {
    dirty: boolean;
    readonly core: cpu.ExecutionCore;
    run(vector: Vector): unknown;
  };
  readonly judge: (header: unknown, vector: Vector, state: unknown) => string[];
}

const TOOLS = new URL('../../../tools/conformance/', import.meta.url);
const FILE = new URL('../../../../shared/vectors/dev.jsonl.gz', import.meta.url).pathname;
/** One vector in 11: a prime, so that the generator's own periods do not decide which. */
const STRIDE = 11;

/** One after the other: jest's module loader does not share what two imports at once need. */
async function loadTools(): Promise<Tools> {
  const tools = {};
  for (const name of ['vector-file', 'vector-machine', 'judge']) Object.assign(tools, await import(new URL(`${name}.mjs`, TOOLS).pathname));
  return tools as Tools;
}

describe('instructions against what a processor did', () => {
  const present = existsSync(FILE);
  if (!present) console.warn(`vectors are absent (${FILE}): no instruction was compared with a processor`);
  const test = present ? it : it.skip;

  const tiers = [
    { tier: 'interpreted', translatesAtOnce: false, stride: STRIDE },
    { tier: 'translated', translatesAtOnce: true, stride: 3 * STRIDE },
  ];

  test.each(tiers)(
    `a sample of all classes agrees, $tier${present ? '' : ' SKIPPED: vectors absent'}`,
    async ({ translatesAtOnce, stride }) => {
      const { VectorFile, VectorMachine, judge } = await loadTools();
      const file = new VectorFile(FILE);
      const machine = new VectorMachine({ cpu, space }, file.header);
      machine.core.translatesAtOnce = translatesAtOnce;
      const failures: string[] = [];
      const classes = new Set<string>();
      let run = 0;
      for (const vector of file.vectors((index) => index % stride === 0)) {
        if (translatesAtOnce) machine.run(vector);
        const bad = judge(file.header, vector, machine.run(vector));
        machine.dirty = bad.length > 0;
        if (bad.length > 0) failures.push(`#${vector.i} ${vector.c} mode ${vector.s} ${vector.m} [${vector.x}]: ${bad.join('; ')}`);
        classes.add(vector.c);
        run++;
      }
      expect(failures).toEqual([]);
      expect(run).toBeGreaterThan(120_000 / stride);
      expect(classes.size).toBeGreaterThan(30);
    },
    120_000,
  );
});
