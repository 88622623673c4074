// Runs QEMU's own device tests, unmodified, against our command line and prints a table. Needs gcc, python3 and `npm run build`.
//   npm run conformance:qtests -- [--list] [--slow] [--log] [test ...]
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FetchError } from '../images/apt.mjs';
import { ensureImages } from '../images/fetch.mjs';
import { buildQtests } from './build.mjs';
import { ensureQemuSource } from './fetch.mjs';

/**
 * The tests of what this machine has. `machine` is the architecture in the emulator's name, by which boot-serial-test chooses its machines;
 * `slow` runs tests with their option `-m slow`: cpu-plug-test then takes machine types older than QEMU 7.2.
 */
export const QTESTS = {
  'rtc-test': {},
  'fw_cfg-test': {},
  'i440fx-test': {},
  'boot-order-test': {},
  'boot-serial-test': { architecture: 'i386' },
  'endianness-test': {},
  'cpu-plug-test': { slow: true },
  'pvpanic-test': {},
  'wdt_ib700-test': {},
};

const MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const LONGEST_MS = 10 * 60_000;

/** The tests take the architecture from the name of the emulator: ours gets such a name. */
function makeEmulator(folder, architecture) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `qemu-system-${architecture}`);
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

function runTest(program, options, env) {
  return new Promise((resolve) => {
    const child = spawn(program, ['--tap', ...options], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_MS,
    });
    let text = '';
    const take = (part) => (text += part);
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('close', (status, signal) => resolve({ text, ended: signal ?? status }));
  });
}

/** What a run in the Test Anything Protocol came to. */
function judge({ text, ended }) {
  const results = [...text.matchAll(/^(ok|not ok) \d+ (\S+)(.*)$/gm)];
  const passed = results.filter(([, word, , rest]) => word === 'ok' && !/# SKIP/i.test(rest)).length;
  const planned = Number(/^1\.\.(\d+)/m.exec(text)?.[1] ?? 0);
  return { passed, planned, ok: ended === 0 && passed === planned && planned > 0 };
}

async function runNamed(name, programs, folder, log) {
  const { architecture = 'x86_64', slow = false } = QTESTS[name];
  const env = { QTEST_QEMU_BINARY: makeEmulator(folder, architecture), TMPDIR: folder, ...(log ? { QTEST_LOG: '1' } : {}) };
  const started = performance.now();
  const run = await runTest(join(programs, name), slow ? ['-m', 'slow'] : [], env);
  const outcome = judge(run);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${outcome.ok ? 'ok  ' : 'FAIL'} ${name.padEnd(18)} ${outcome.passed} of ${outcome.planned} tests, ${seconds} s`);
  if (!outcome.ok || log) console.log(run.text.slice(-6000).replaceAll(/^/gm, '     | '));
  return outcome;
}

/** Runs tests one after the other; resolves to their outcomes, or undefined when they cannot be had on this host. */
export async function runQtests(names, { log = false } = {}) {
  const [folders, images] = [await ensureQemuSource({ retry: true }), await ensureImages(['bios-256k.bin'], { retry: true })];
  if (folders === undefined || images === undefined) return undefined;
  const programs = await buildQtests(names, folders);
  const folder = mkdtempSync(join(tmpdir(), 'qtests-'));
  try {
    const outcomes = [];
    for (const name of names) outcomes.push(await runNamed(name, programs, folder, log));
    return outcomes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { list: { type: 'boolean' }, log: { type: 'boolean' } } });
  if (values.list) return console.log(Object.keys(QTESTS).join('\n'));
  const names = positionals.length > 0 ? positionals : Object.keys(QTESTS);
  const unknown = names.find((name) => !(name in QTESTS));
  if (unknown !== undefined) throw new FetchError(`no test is called '${unknown}'; --list shows the names`);
  const outcomes = await runQtests(names, { log: values.log });
  const passed = outcomes?.filter(({ ok }) => ok).length ?? 0;
  console.log(outcomes === undefined ? 'NOT RUN' : `${passed} of ${names.length} programs passed`);
  process.exitCode = passed === names.length ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main().catch((error) => {
    if (!(error instanceof FetchError)) throw error;
    console.error(`qtests: ${error.message}`);
    process.exitCode = 1;
  });
