// Coverage of each package by its own tests, held by a ratchet: npm run coverage [-- [--update] PACKAGE…]. tools/test-coverage/thresholds.json has
// what was reached, in percent, rounded down; less is an error. --update records more, never less.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { packages, root } from '../packaging/packages.mjs';

const path = fileURLToPath(new URL('thresholds.json', import.meta.url));
const jest = join(root, 'node_modules/jest/bin/jest.js');
/** Their sources are executed by generated WebAssembly, by guests or in processes of their own, where nothing is counted. */
const NOT_MEASURED = ['cpu-tests', 'cpu-x86', 'guest-tests'];
const KINDS = ['lines', 'branches'];
const { values, positionals } = parseArgs({ allowPositionals: true, options: { update: { type: 'boolean', default: false } } });
const thresholds = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
const chosen = packages.filter(({ folder }) => (positionals.length > 0 ? positionals.includes(folder) : !NOT_MEASURED.includes(folder)));
const problems = [];

for (const { folder, path: place } of chosen) {
  const reached = measure(place);
  if (!reached) problems.push(`${folder}: its tests fail`);
  else judge(folder, reached);
}
if (values.update) writeFileSync(path, `${JSON.stringify(Object.fromEntries(Object.entries(thresholds).sort()), null, 2)}\n`);
if (problems.length > 0) {
  console.error(`coverage check failed:\n  ${problems.join('\n  ')}`);
  process.exit(1);
}

/** Percentages, rounded down; undefined when a test fails. */
function measure(place) {
  const folder = mkdtempSync(join(tmpdir(), 'hotsocket-coverage-'));
  try {
    const coverage = ['--coverage', '--coverageReporters=json-summary', `--coverageDirectory=${folder}`];
    const from = ['--collectCoverageFrom=src/**/*.ts', '--collectCoverageFrom=!src/**/*.test.ts', '--collectCoverageFrom=!src/testing/**'];
    const args = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, '--silent', ...coverage, ...from];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: place, encoding: 'utf8' });
    if (status !== 0) return console.error(stderr.slice(-4000));
    const { total } = JSON.parse(readFileSync(join(folder, 'coverage-summary.json'), 'utf8'));
    return Object.fromEntries(KINDS.map((kind) => [kind, Math.floor(total[kind].pct)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function judge(folder, reached) {
  const wanted = thresholds[folder];
  console.log(`${folder.padEnd(16)} lines ${String(reached.lines).padStart(3)} %  branches ${String(reached.branches).padStart(3)} %`);
  if (!wanted && !values.update)
    problems.push(`${folder}: no thresholds in tools/test-coverage/thresholds.json (npm run coverage -- --update ${folder})`);
  for (const kind of KINDS)
    if (reached[kind] < (wanted?.[kind] ?? 0))
      problems.push(`${folder}: ${kind} are covered to ${reached[kind]} %, it was ${wanted[kind]} %`);
  thresholds[folder] = Object.fromEntries(KINDS.map((kind) => [kind, Math.max(reached[kind], wanted?.[kind] ?? 0)]));
}
