// Measures speed, latency and memory beside other emulators in the same run; `--help` explains.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GuestBuildError } from './build-guest.mjs';
import { EMULATORS } from './emulators.mjs';
import { KERNELS, prepareGuests } from './guests.mjs';
import { HELP, OptionError, parseOptions } from './options.mjs';
import { writePage } from './page.mjs';
import { barTable, hostTable, meanTable, programTable } from './report.mjs';
import { GUEST_ROWS } from './rows.mjs';
import { Samples } from './samples.mjs';
import { RunError } from './session.mjs';
import { bootAndRun, timeControl, timeFirmware, timeGreeting, timeLoops } from './tasks.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Emulators that are installed and wanted; the others are named on stderr. */
function installed({ emulators, named }) {
  const missing = [...emulators].filter((name) => EMULATORS[name].version() === undefined);
  for (const name of missing) {
    const text = `${EMULATORS[name].title} ${EMULATORS[name].missing}`;
    if (named.emulators) throw new OptionError(`--emulators: ${text}`);
    console.error(`bench: ${text}; it is left out`);
  }
  return [...emulators].filter((name) => !missing.includes(name));
}

const hasAny = (rows, names) => names.some((name) => rows.has(name));
const PROGRAMS = GUEST_ROWS.map(({ name }) => name);

/** The tasks of a round: what is run, and on which emulators. */
function plan({ rows, archs }) {
  const boots = Object.keys(KERNELS)
    .filter((kernel) => archs.has(KERNELS[kernel].arch))
    .filter((kernel) => hasAny(rows, [...(KERNELS[kernel].programs ? PROGRAMS : []), `boot-${kernel}`]))
    .map((kernel) => ({
      name: `${KERNELS[kernel].title} guest`,
      arch: KERNELS[kernel].arch,
      run: (context) => bootAndRun({ ...context, kernel }),
    }));
  const others = [
    { name: 'control of a running guest', rows: ['idle', 'hot-add', 'qmp'], arch: 'amd64', qmp: true, run: timeControl },
    { name: 'start to QMP greeting', rows: ['greeting'], qmp: true, run: timeGreeting },
    { name: 'loops', rows: ['loops'], only: 'hotsocket', run: timeLoops },
    { name: 'firmware', rows: ['firmware'], run: timeFirmware },
  ];
  return [...boots, ...others.filter((task) => hasAny(rows, task.rows) && (task.arch === undefined || archs.has(task.arch)))];
}

const canRun = (name, { arch, qmp, only = name }) =>
  name === only && (arch === undefined || EMULATORS[name].archs.includes(arch)) && (!qmp || EMULATORS[name].hasQmp);

async function measure(options, emulators, guests, folder) {
  const samples = new Samples(options.verbose ? (line) => process.stderr.write(`  ${line}\n`) : undefined);
  const tasks = plan(options);
  for (let round = 1; round <= options.rounds; round++)
    for (const task of tasks)
      for (const emulator of emulators.filter((name) => canRun(name, task))) {
        process.stderr.write(`round ${round} of ${options.rounds}: ${task.name} on ${EMULATORS[emulator].title}\n`);
        await attempt(() => task.run({ emulator, guests, rows: options.rows, samples, folder }), `${task.name}, ${emulator}`, samples);
      }
  return samples;
}

/** A run that fails costs its own figures only. */
async function attempt(run, name, samples) {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    samples.failures.push(`${name}: ${error.message}`);
    console.error(`bench: ${samples.failures.at(-1)}`);
  }
}

function conditions({ rounds, by }, emulators) {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim() || 'unknown';
  const versions = emulators.map((name) => `${EMULATORS[name].title} ${EMULATORS[name].version()}`).join(', ');
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() || 'unknown CPU'}, load ${loadavg()[0].toFixed(1)} at the start`;
  const runs = rounds === 1 ? 'one round' : `medians of ${rounds} rounds`;
  return `Commit ${commit}, ${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}, ${versions}; ${machine}; ${runs}; ratios of ${by} time.`;
}

async function main(args) {
  const options = parseOptions(args);
  if (options.help) return console.log(HELP);
  const emulators = installed(options);
  const folder = mkdtempSync(join(tmpdir(), 'hotsocket-bench-'));
  try {
    const guests = await prepareGuests(folder, [...options.archs]);
    if (guests === undefined) return (process.exitCode = 1);
    const about = conditions(options, emulators);
    const samples = await measure(options, emulators, guests, folder);
    const view = { emulators, by: options.by };
    const tables = [programTable, meanTable, hostTable, barTable].map((make) => make(samples, view)).filter((text) => text !== '');
    console.log([about, ...tables].join('\n\n'));
    if (options.write) writePage({ about, tables, samples, view });
    if (samples.failures.length > 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof OptionError) && !(error instanceof GuestBuildError)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
