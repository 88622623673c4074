/**
 * Runs the recorded vectors as a process of a Linux guest on the emulator: through paging, signals and sigreturn.
 *
 *   npm run conformance:guest -- [--kernel K]... [--tier interpreter|translator]... [--every N] [--cpu MODEL] [--show N] [--write-page]
 *
 * Without options: all vectors, the 64-bit and the 32-bit kernel, both tiers. Failures that QEMU shows with the same text come from the kernel
 * (its numbers of the user's selectors). The exit status is 1 when there are others, 2 when something is missing.
 */
import { parseArgs } from 'node:util';
import { Progress } from '../images/progress.mjs';
import { initramfs, MissingError, parseReport, runHere, runOnQemu } from './oracle-guest.mjs';
import { writeResults } from './results.mjs';

const KERNELS = ['vmlinuz-amd64', 'vmlinuz-686-pae'];
const TIERS = ['interpreter', 'translator'];

const { values } = parseArgs({
  options: {
    kernel: { type: 'string', multiple: true, default: KERNELS },
    tier: { type: 'string', multiple: true, default: TIERS },
    every: { type: 'string', default: '1' },
    cpu: { type: 'string', default: 'max' },
    show: { type: 'string', default: '5' },
    'write-page': { type: 'boolean', default: false },
  },
});

/** Failures that the same guest has on QEMU too, word by word. */
function sameOnQemu(kernel, initrd, failures) {
  const output = runOnQemu({ kernel, initrd });
  if (output === undefined) {
    console.warn('NOT compared with QEMU: it is not installed');
    return new Set();
  }
  const theirs = parseReport(output).failures;
  return new Set([...failures].filter(([id, text]) => theirs.get(id) === text).map(([id]) => id));
}

async function runTier(kernel, initrd, tier, progress) {
  progress.step(`${kernel}, ${tier}`);
  const started = performance.now();
  const { output, instructions } = await runHere({ kernel, initrd, cpuModel: values.cpu, translates: tier === 'translator' });
  progress.end();
  const report = parseReport(output);
  if (!report.ended) console.log(`${kernel}, ${tier}: the oracle did not end:\n${output.split('\n').slice(-8).join('\n')}`);
  return { tier, report, instructions, seconds: (performance.now() - started) / 1000 };
}

function show({ kernel, tier, report, known, instructions, seconds }) {
  const others = [...report.failures].filter(([id]) => !known.has(id));
  for (const [id, text] of others.slice(0, Number(values.show))) console.log(`${kernel}, ${tier}: #${id} ${text}`);
  console.log(
    `${kernel}, ${tier}: ${report.passed} passed, ${report.failed} failed, ${known.size} of them as on QEMU; ` +
      `${(instructions / 1e9).toFixed(1)} G instructions in ${seconds.toFixed(0)} s`,
  );
  return report.ended && report.passed > 0 && others.length === 0;
}

async function runKernel(kernel, progress) {
  const initrd = initramfs(kernel, Number(values.every));
  const runs = [];
  for (const tier of values.tier) runs.push(await runTier(kernel, initrd, tier, progress));
  const failures = new Map(runs.flatMap(({ report }) => [...report.failures]));
  const same = failures.size > 0 ? sameOnQemu(kernel, initrd, failures) : new Set();
  return runs.map((run) => ({ kernel, ...run, known: new Set([...run.report.failures.keys()].filter((id) => same.has(id))) }));
}

async function main() {
  const progress = new Progress();
  const runs = [];
  for (const kernel of values.kernel) runs.push(...(await runKernel(kernel, progress)));
  const good = runs.map(show);
  const guests = runs.map(({ kernel, tier, report, known }) => ({
    kernel,
    tier,
    passed: report.passed,
    failed: report.failed,
    sameOnQemu: known.size,
  }));
  if (values['write-page']) writeResults({ guests });
  return good.every(Boolean) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof MissingError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
