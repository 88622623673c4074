/**
 * Runs random programs in several ways and compares the states they leave: in blocks of decoded instructions, one instruction at a time,
 * translated at once, translated when hot, and on the processor of this computer when that is an x86-64 Linux with gcc.
 *
 *   npm run fuzz -- [--minutes N] [--programs N] [--seed S] [--no-native] [--save FILE]
 *
 * A difference is shrunk and printed with its seed. `--save` appends it to a file of vectors; the suite runs those of
 * packages/cpu-x86/src/fixtures/found.jsonl.gz. Expected is what the processor did, or else what single steps did: look at it first. The exit
 * status is 1 when something differed.
 */
import { parseArgs } from 'node:util';
import * as isa from '../../packages/x86-isa/dist/index.js';
import { disassembly } from '../conformance/state-diff.mjs';
import { Progress } from '../images/progress.mjs';
import { appendFound, foundVector } from './found.mjs';
import { caseOf, differences, header, otherState, runOn } from './machines.mjs';
import { processorName, runNative, whyNotNative } from './native.mjs';
import { makeProgram } from './program.mjs';
import { generator } from './random.mjs';
import { shrink } from './shrink.mjs';

const BATCH = 2000;
/** Single steps are slow and translating slower: one program in so many. */
const STEPPED_SHARE = 3;
const TRANSLATED_SHARE = 20;
const MOST_FINDINGS = 20;
const SHOWN = 8;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    minutes: { type: 'string', default: '1' },
    programs: { type: 'string', default: '1000000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    native: { type: 'boolean', default: true },
    save: { type: 'string' },
  },
});
for (const name of ['minutes', 'programs', 'seed'])
  if (!/^\d+(\.\d+)?$/.test(values[name])) {
    console.error(`--${name} '${values[name]}': it takes a number`);
    process.exit(2);
  }

const reason = values.native ? whyNotNative() : 'it was not wanted';
const counts = { programs: 0, steps: 0, translated: 0, hot: 0, native: 0, findings: 0 };

/** The other ways in which a program is run. */
function waysFor(program, id) {
  const ways = [];
  if (program.hot) ways.push('hot');
  else if (id % STEPPED_SHARE === 0) ways.push('steps');
  if (id % TRANSLATED_SHARE === 0) ways.push('translated');
  if (!reason && program.native) ways.push('native');
  return ways;
}

function report(way, program) {
  const small = shrink(way, program);
  const each = caseOf(small, 0);
  counts.findings++;
  console.log(`\nblocks / ${way}, ${small.mode}-bit code, seed ${small.seed}:`);
  console.log(disassembly(isa, header, each.vector).join('\n'));
  console.log(`  ${differences(way, small, each).slice(0, SHOWN).join('; ')}`);
  if (values.save) save(small, each);
}

function save(program, each) {
  const native = !reason && program.native;
  const state = otherState(native ? 'native' : 'steps', each);
  appendFound(values.save, { ...header, cpu: processorName() }, foundVector(header, each.vector, state, `seed ${program.seed}`, native));
}

function runBatch(random, size) {
  const batch = Array.from({ length: size }, (_, id) => {
    const program = makeProgram(random);
    return { program, ...caseOf(program, id) };
  });
  const native = reason
    ? undefined
    : runNative(
        header,
        batch.filter(({ program }) => program.native),
      );
  for (const [id, each] of batch.entries()) {
    counts.programs++;
    const known = { blocks: runOn('blocks', each), native: native?.get(id) };
    for (const way of waysFor(each.program, id)) {
      counts[way]++;
      if (differences(way, each.program, each, known).length === 0) continue;
      report(way, each.program);
      if (counts.findings >= MOST_FINDINGS) return;
      known.blocks = runOn('blocks', each);
    }
  }
}

function run() {
  const random = generator(Number(values.seed));
  const progress = new Progress();
  const [started, length, wanted] = [performance.now(), 60_000 * Number(values.minutes), Number(values.programs)];
  const done = () => Math.max((performance.now() - started) / length, counts.programs / wanted);
  progress.step(`seed ${values.seed}`);
  while (done() < 1 && counts.findings < MOST_FINDINGS) {
    runBatch(random, Math.min(BATCH, wanted - counts.programs));
    progress.percent(100 * done());
  }
  progress.end();
}

if (reason) console.warn(`NOT compared with this computer's processor: ${reason}`);
run();
const { programs, steps, translated, hot, native, findings } = counts;
console.log(
  `seed ${values.seed}: ${programs} programs, compared with ${steps} in steps, ${translated} translated, ${hot} hot, ${native} native; ${findings} differences`,
);
process.exitCode = findings > 0 ? 1 : 0;
