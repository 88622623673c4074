/**
 * Runs the recorded vectors as a process of a Linux guest on the emulator: through paging, signals and sigreturn.
 *
 *   npm run conformance:guest -- [--kernel K]... [--tier interpreter|translator]... [--every N] [--cpu MODEL] [--show N] [--write-page]
 *
 * Without options: all vectors, the 64-bit and the 32-bit kernel, both tiers. A 32-bit kernel has other
 * selectors for the user's segments, so that vectors which load or store them by number fail (on any processor). The exit status is 1 when
 * others do, 2 when something is missing.
 */
import { parseArgs } from 'node:util';
import * as loader from '../../packages/linux-loader/dist/index.js';
import * as machine from '../../packages/machine-pc/dist/index.js';
import { Progress } from '../images/progress.mjs';
import { comesFromSelectors, initramfs, is32, MissingError, parseReport, runHere } from './oracle-guest.mjs';
import { writeResults } from './results.mjs';

const MODULES = { loader, machine };
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

async function runTier(kernel, initrd, tier, progress) {
  progress.step(`${kernel}, ${tier}`);
  const started = performance.now();
  const { output, instructions } = await runHere(MODULES, { kernel, initrd, cpuModel: values.cpu, translates: tier === 'translator' });
  progress.end();
  const report = parseReport(output);
  if (!report.ended) console.log(`${kernel}, ${tier}: the oracle did not end:\n${output.split('\n').slice(-8).join('\n')}`);
  return { tier, report, instructions, seconds: (performance.now() - started) / 1000 };
}

function show({ kernel, tier, report, selectors, instructions, seconds }) {
  const others = [...report.failures.values()].filter((text) => !selectors.includes(text));
  for (const text of others.slice(0, Number(values.show))) console.log(`${kernel}, ${tier}: ${text}`);
  console.log(
    `${kernel}, ${tier}: ${report.passed} passed, ${report.failed} failed, ${selectors.length} of them by the kernel's selectors; ` +
      `${(instructions / 1e9).toFixed(1)} G instructions in ${seconds.toFixed(0)} s`,
  );
  return report.ended && report.passed > 0 && report.failed === selectors.length;
}

async function runKernel(kernel, progress) {
  const initrd = initramfs(MODULES, kernel, Number(values.every));
  const runs = [];
  for (const tier of values.tier) runs.push(await runTier(kernel, initrd, tier, progress));
  const selectorsOf = ({ failures }) => (is32(kernel) ? [...failures.values()].filter(comesFromSelectors) : []);
  return runs.map((run) => ({ kernel, ...run, selectors: selectorsOf(run.report) }));
}

async function main() {
  const progress = new Progress();
  const runs = [];
  for (const kernel of values.kernel) runs.push(...(await runKernel(kernel, progress)));
  const good = runs.map(show);
  const guests = runs.map(({ kernel, tier, report: { passed, failed }, selectors }) => ({
    kernel,
    tier,
    passed,
    failed,
    selectors: selectors.length,
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
