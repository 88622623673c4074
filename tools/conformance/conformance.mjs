/**
 * Runs recorded instruction vectors against the CPU.
 *
 *   npm run conformance -- vectors [--file F] [--class C]... [--mode 16|32|64] [--id N] [--tier interpreter|translator] [--show N] [--first-failure]
 *
 * Prints a table by class; the exit status is 1 if anything failed.
 */
import { parseArgs } from 'node:util';
import { judge } from './judge.mjs';
import { VectorFile } from './vector-file.mjs';
import { VectorMachine } from './vector-machine.mjs';

const DEFAULT_FILE = new URL('../../../shared/vectors/dev.jsonl.gz', import.meta.url).pathname;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string', default: DEFAULT_FILE },
    class: { type: 'string', multiple: true },
    mode: { type: 'string' },
    id: { type: 'string' },
    tier: { type: 'string', default: 'interpreter' },
    build: { type: 'string', default: 'packages/cpu-x86/dist/index.js' },
    show: { type: 'string', default: '10' },
    'first-failure': { type: 'boolean', default: false },
  },
});

if (positionals[0] !== 'vectors' || !['interpreter', 'translator'].includes(values.tier)) {
  console.error(
    'usage: conformance vectors [--file F] [--class C]... [--mode M] [--id N] [--tier interpreter|translator] [--show N] [--first-failure]',
  );
  process.exit(2);
}

const modules = {
  cpu: await import(new URL(`../../${values.build}`, import.meta.url).href),
  space: await import('../../packages/address-space/dist/index.js'),
};

const isSelected = (vector) =>
  (!values.class || values.class.includes(vector.c)) &&
  (!values.mode || vector.s === Number(values.mode)) &&
  (values.id === undefined || vector.i === Number(values.id));

function runOne(machine, header, vector) {
  try {
    if (values.tier === 'translator') machine.run(vector);
    return judge(header, vector, machine.run(vector));
  } catch (error) {
    return [`threw ${error.stack}`];
  }
}

function runAll() {
  const file = new VectorFile(values.file);
  const machine = new VectorMachine(modules, file.header);
  machine.core.translatesAtOnce = values.tier === 'translator';
  const table = new Map();
  const failures = [];
  for (const vector of file.vectors()) {
    if (!isSelected(vector)) continue;
    const bad = runOne(machine, file.header, vector);
    machine.dirty = bad.length > 0;
    const counts = table.get(vector.c) ?? { run: 0, failed: 0 };
    table.set(vector.c, counts);
    counts.run++;
    if (bad.length === 0) continue;
    counts.failed++;
    failures.push(`#${vector.i} ${vector.c} mode ${vector.s} ${vector.m} [${vector.x}]: ${bad.join('; ')}`);
    if (values['first-failure']) break;
  }
  return { table, failures };
}

const started = performance.now();
const { table, failures } = runAll();
const shown = values['first-failure'] ? failures : failures.slice(0, Number(values.show));
for (const line of shown) console.log(line);
let run = 0;
for (const [name, counts] of [...table].sort(([a], [b]) => a.localeCompare(b))) {
  const percent = ((100 * (counts.run - counts.failed)) / counts.run).toFixed(2);
  console.log(
    `${name.padEnd(12)} ${String(counts.run).padStart(7)} run ${String(counts.failed).padStart(7)} failed  ${percent.padStart(6)} %`,
  );
  run += counts.run;
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`${run - failures.length} of ${run} vectors agree, ${failures.length} do not; ${seconds} s`);
process.exitCode = failures.length > 0 || run === 0 ? 1 : 0;
