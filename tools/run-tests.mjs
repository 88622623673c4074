// Runs every check and suite of the workspace, and ends with the line `N passed, N failed, N skipped`.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const nx = join(root, 'node_modules', '.bin', 'nx');
const counts = { passed: 0, failed: 0, skipped: 0 };

/** Guest images that suites of `npm test` boot. */
const SUITE_IMAGES = ['bios-256k.bin', 'vmlinuz-cloud-amd64', 'initramfs-amd64.cpio.gz'];

function fail(what) {
  console.error(`${what} failed`);
  counts.failed++;
}

/** Adds up jest's closing lines: `Tests: 1 failed, 2 skipped, 3 passed, 6 total`. */
function count(line) {
  const closing = /Tests:\s+(.*\d+ total)/.exec(stripVTControlCharacters(line));
  if (!closing) return;
  for (const [, number, kind] of closing[1].matchAll(/(\d+) (passed|failed|skipped|todo)/g))
    counts[kind === 'todo' ? 'skipped' : kind] += Number(number);
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let rest = '';
    const take = (chunk) => {
      process.stdout.write(chunk);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      lines.forEach(count);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('close', (status) => {
      count(rest);
      resolve(status ?? 1);
    });
  });
}

const extra = process.argv.slice(2);
let status = await run('npm', ['run', '-s', 'lint']);
if (status !== 0) fail('lint');
// Several suites boot these; without a network they say so, and are skipped.
await run(process.execPath, [join(root, 'tools/images/fetch.mjs'), ...SUITE_IMAGES]);
const tests = await run(nx, ['run-many', '-t', 'typecheck', 'test', '--output-style=stream', '--parallel=2', ...extra]);
if (tests !== 0 && counts.failed === 0) fail('a task that is not a suite');
status ||= tests;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(status);
