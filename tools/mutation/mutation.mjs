// Mutation testing: changes one operator, constant, condition or call at a time and counts the changes that no test notices.
// npm run mutation [-- [--sample N] [--seed N] [--survivors] [--update] PACKAGE…]. tools/mutation/scores.json holds the scores: one that has
// fallen by more than its sampling explains is an error, --update records them.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { instrument } from './instrument.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scoresPath = fileURLToPath(new URL('scores.json', import.meta.url));
const PACKAGES = ['apic', 'ioapic', 'acpi-piix4', 'icc-bus', 'qmp'];
/** Nothing of it is behaviour that a test could pin down. */
const LEFT_OUT = ['index.ts', 'trace-points.ts', 'module.ts'];
/** Share of the mutants that tests have to notice. */
const GOAL = 80;
/** Points by which the score of a sample may differ from the recorded one. */
const SLACK = 5;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    survivors: { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
  },
});
const recorded = existsSync(scoresPath) ? JSON.parse(readFileSync(scoresPath, 'utf8')) : {};
const problems = [];

for (const name of positionals.length > 0 ? positionals : PACKAGES) {
  const row = await score(name);
  console.log(`${name}: ${row.killed} of ${row.tried} mutants noticed (${row.score} %), ${row.mutants} possible, ${row.seconds} s`);
  if (row.score < GOAL) problems.push(`${name}: ${row.score} % of its mutants are noticed, ${GOAL} % are wanted`);
  const before = recorded[name]?.score ?? 0;
  if (row.score < before - SLACK) problems.push(`${name}: the score was ${before} %, it is ${row.score} %`);
  recorded[name] = { score: row.score, tried: row.tried, mutants: row.mutants, seed: Number(values.seed) };
  if (values.update) writeFileSync(scoresPath, `${JSON.stringify(Object.fromEntries(Object.entries(recorded).sort()), null, 2)}\n`);
}
if (problems.length > 0) {
  console.error(`mutation check failed:\n  ${problems.join('\n  ')}`);
  process.exit(1);
}

async function score(name) {
  const started = Date.now();
  const { bundle, mutants } = await bundled(name);
  const baseline = await attempt({ bundle, mutant: -1 }, 120_000);
  if (baseline.failed) throw new Error(`${name}: the tests cannot be run: ${baseline.error}`);
  const { passed, failures: ignored } = baseline;
  if (ignored.length > 0) console.log(`${name}: left out, since they fail without a mutant: ${ignored.join('; ')}`);
  if (passed < 10 * ignored.length || passed === 0)
    throw new Error(`${name}: ${passed} tests pass without a mutant, ${ignored.length} fail`);
  const limitMs = 5000 + 5 * baseline.ms;
  const chosen = sample(mutants, Number(values.sample), Number(values.seed));
  let killed = 0;
  for (const mutant of chosen) {
    const { failed } = await attempt({ bundle, mutant: mutant.id, ignored }, limitMs);
    killed += Number(failed);
    if (!failed && values.survivors) console.log(`  ${mutant.file}:${mutant.line}  ${mutant.what}`);
  }
  const percent = Math.round((1000 * killed) / chosen.length) / 10;
  return { killed, tried: chosen.length, mutants: mutants.length, score: percent, seconds: Math.round((Date.now() - started) / 1000) };
}

/** All tests of a package in one file, with all mutants of its sources in it. */
async function bundled(name) {
  const source = join(root, 'packages', name, 'src');
  const files = readdirSync(source, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts'));
  const tests = files.filter((file) => file.endsWith('.test.ts'));
  const mutants = [];
  const plugin = {
    name: 'mutants',
    setup({ onLoad }) {
      onLoad({ filter: new RegExp(`/packages/${name}/src/.*\\.ts$`) }, ({ path }) => {
        const text = readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href));
        const file = path.slice(source.length + 1);
        if (file.endsWith('.test.ts') || file.startsWith('testing/') || LEFT_OUT.includes(file)) return { contents: text, loader: 'ts' };
        const { code, mutants: more } = instrument(text, file, mutants.length);
        mutants.push(...more);
        return { contents: code, loader: 'ts' };
      });
    },
  };
  const folder = join(root, 'node_modules/.cache/mutation');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${name}.mjs`);
  await build({
    stdin: { contents: tests.map((file) => `import './${file}';`).join('\n'), resolveDir: source, loader: 'ts' },
    bundle: true,
    ignoreAnnotations: true, // tests are side effects
    outfile,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['@hotsocket/source'],
    external: ['node:*', 'fast-check', 'inversify', 'reflect-metadata'],
    plugins: [plugin],
    logLevel: 'error',
  });
  return { bundle: pathToFileURL(outfile).href, mutants };
}

/** One run of the tests; one that does not end in time counts as noticed. */
function attempt(workerData, limitMs) {
  const started = Date.now();
  return new Promise((resolve) => {
    const worker = new Worker(new URL('run-tests.mjs', import.meta.url), { workerData, stdout: true, stderr: true });
    const timer = setTimeout(() => finish({ failed: true, error: 'out of time' }), limitMs);
    const finish = (outcome) => {
      clearTimeout(timer);
      void worker.terminate();
      resolve({ ...outcome, ms: Date.now() - started });
    };
    worker.once('message', finish);
    worker.once('error', (error) => finish({ failed: true, error: String(error) }));
  });
}

/** `count` of a list, the same ones for the same seed (multiplicative congruential generator of Park and Miller). */
function sample(list, count, seed) {
  const rest = [...list];
  let state = seed;
  const next = (below) => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state % below;
  };
  while (rest.length > count) rest.splice(next(rest.length), 1);
  return rest;
}
