/**
 * Runs recorded instruction vectors against the CPU, in every execution tier.
 *
 *   npm run conformance -- vectors [--file F] [--class C]... [--tier T]... [--cpu MODEL] [--mode 16|32|64] [--id N]
 *                                  [--first-failure] [--show N] [--write-page]
 *
 * Prints a table by class and tier. The exit status is 1 when a vector of an announced feature fails, or nothing was run; 2 for wrong usage
 * or an unreadable file.
 */
import { parseArgs } from 'node:util';
import { Progress } from '../images/progress.mjs';
import { writeResults } from './results.mjs';
import { explain } from './state-diff.mjs';
import { Tally, tallyTable } from './tally.mjs';
import { machineOf, runVector, TIERS } from './tiers.mjs';
import { VectorFile, VectorFileError } from './vector-file.mjs';

const DEFAULT_FILE = new URL('../../../shared/vectors/dev.jsonl.gz', import.meta.url).pathname;
const USAGE = `usage: conformance vectors [--file F] [--class C]... [--tier ${TIERS.join('|')}]... [--cpu MODEL] [--mode 16|32|64] [--id N]
                           [--first-failure] [--show N] [--write-page]`;
const OPTIONS = {
  file: { type: 'string', default: DEFAULT_FILE },
  class: { type: 'string', multiple: true },
  tier: { type: 'string', multiple: true },
  cpu: { type: 'string', default: 'max' },
  mode: { type: 'string' },
  id: { type: 'string' },
  build: { type: 'string', default: 'packages/cpu-x86/dist/index.js' },
  show: { type: 'string', default: '10' },
  'first-failure': { type: 'boolean', default: false },
  'write-page': { type: 'boolean', default: false },
};
/** Vectors between two looks at the progress bar. */
const PROGRESS_STEP = 512;
/** The vectors' names of features where they are not those of the models. */
const FEATURE_NAMES = { pclmul: 'pclmulqdq' };

/** A wrong command line; the message is one line. */
class UsageError extends Error {}

function parseCommand() {
  const { values, positionals } = parseOptions();
  if (positionals.length !== 1 || positionals[0] !== 'vectors') throw new UsageError(USAGE);
  const isNumber = (text) => text === undefined || /^\d+$/.test(text);
  if (!isNumber(values.show) || !isNumber(values.id)) throw new UsageError('--show and --id take a number');
  if (values.mode && !['16', '32', '64'].includes(values.mode)) throw new UsageError(`--mode '${values.mode}': it is 16, 32 or 64`);
  const tiers = values.tier ?? TIERS;
  for (const tier of tiers) if (!TIERS.includes(tier)) throw new UsageError(`--tier '${tier}': the tiers are ${TIERS.join(', ')}`);
  return { ...values, tiers: [...new Set(tiers)] };
}

function parseOptions() {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

async function loadModules({ build }) {
  return {
    cpu: await import(new URL(`../../${build}`, import.meta.url).href),
    space: await import('../../packages/address-space/dist/index.js'),
    isa: await import('../../packages/x86-isa/dist/index.js'),
  };
}

function modelOf({ cpu }, name) {
  const model = cpu.CPU_MODELS[name];
  if (!model) throw new UsageError(`--cpu '${name}': the models are ${Object.keys(cpu.CPU_MODELS).join(', ')}`);
  return model;
}

const isSelected = (options, vector) =>
  (!options.class || options.class.includes(vector.c)) &&
  (!options.mode || vector.s === Number(options.mode)) &&
  (options.id === undefined || vector.i === Number(options.id));

const isAnnounced = (model, { f }) => f === undefined || model.features.has(FEATURE_NAMES[f] ?? f);

const oneLine = ({ i, c, s, m, x }, bad) => `#${i} ${c} mode ${s} ${m} [${x}]: ${bad.join('; ')}`;

/** Runs the selected vectors in one tier; gives the counts and what to print of the failures. */
function runTier(tier, context) {
  const { file, modules, model, options, progress } = context;
  const machine = machineOf(tier, modules, file.header, model);
  const [tally, failures] = [new Tally(), []];
  const total = file.count;
  let seen = 0;
  progress.step(`${tier}: ${total} vectors`);
  for (const vector of file.vectors()) {
    if (++seen % PROGRESS_STEP === 0) progress.percent((100 * seen) / total);
    if (!isSelected(options, vector)) continue;
    if (!isAnnounced(model, vector)) {
      tally.count(vector.c, 'skipped');
      continue;
    }
    const { state, bad } = runVector(machine, file.header, vector);
    tally.count(vector.c, bad.length > 0 ? 'failed' : 'passed');
    if (bad.length === 0) continue;
    if (options['first-failure']) {
      failures.push(...explain(modules.isa, file.header, vector, state, bad));
      break;
    }
    if (failures.length < Number(options.show)) failures.push(oneLine(vector, bad));
  }
  progress.end();
  return { tally, failures };
}

function runTiers(context) {
  const tallies = {};
  for (const tier of context.options.tiers) {
    const { tally, failures } = runTier(tier, context);
    tallies[tier] = tally;
    if (failures.length > 0) console.log([`${tier}:`, ...failures, ''].join('\n'));
    if (context.options['first-failure'] && tally.total.failed > 0) break;
  }
  return tallies;
}

function writePage(options, file, tallies) {
  if (options.class || options.mode || options.id || options.tiers.length < TIERS.length || options.file !== DEFAULT_FILE)
    throw new UsageError('--write-page goes with all vectors of the default file, in all tiers');
  const tables = Object.fromEntries(Object.entries(tallies).map(([tier, tally]) => [tier, Object.fromEntries(tally.classes)]));
  writeResults({ vectors: { processor: file.header.cpu, model: options.cpu, tiers: tables } });
}

async function main() {
  const options = parseCommand();
  const modules = await loadModules(options);
  const context = { options, modules, model: modelOf(modules, options.cpu), file: new VectorFile(options.file), progress: new Progress() };
  const started = performance.now();
  const tallies = runTiers(context);
  console.log(tallyTable(tallies).join('\n'));
  const totals = Object.values(tallies).map(({ total }) => total);
  const [run, failed] = ['run', 'failed'].map((key) => totals.reduce((sum, each) => sum + each[key], 0));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${run - failed} of ${run} runs agree with ${context.file.header.cpu}, ${failed} do not; ${seconds} s`);
  if (run === 0) console.error('nothing was run: no vector is selected and announced');
  if (options['write-page']) writePage(options, context.file, tallies);
  return failed > 0 || run === 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof VectorFileError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
