// Measures speed and memory, beside QEMU in the same run, and prints a table.
//   node tools/bench/bench.mjs [--quick] [--write]
// --quick measures each thing once and shortly; --write puts the table into docs/performance.md.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureImages } from '../images/fetch.mjs';
import { LOOPS } from './loops.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const PAGE = join(root, 'docs/performance.md');
const [BEGIN, END] = ['<!-- bench: begin -->', '<!-- bench: end -->'];
const GUEST_MIB = 256;
/** Bars for the interpreter: time beside QEMU, and memory beyond the guest's own. */
const [MOST_RATIO, MOST_EXTRA_MIB] = [8, 300];
const BOOT_LIMIT_MS = 15 * 60_000;

const args = process.argv.slice(2);
const unknown = args.find((arg) => !['--quick', '--write'].includes(arg));
if (unknown !== undefined) {
  console.error(`bench: ${unknown}: invalid option (possible: --quick, --write)`);
  process.exit(1);
}
const quick = args.includes('--quick');
const rounds = quick ? 1 : 3;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
/** The measurement whose `key` is the median one. */
const middle = (results, key) => results.find((result) => result[key] === median(results.map((each) => each[key])));

/** Runs a child of ours; resolves with its JSON and the wall time from its start to its answer. */
function child(script, ...scriptArgs) {
  const started = performance.now();
  const process_ = spawn(process.execPath, [join(here, script), ...scriptArgs], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: BOOT_LIMIT_MS,
  });
  return new Promise((resolve, reject) => {
    let text = '';
    process_.stdout.setEncoding('utf8').on('data', (part) => {
      text += part;
      if (text.endsWith('\n')) resolve({ ...JSON.parse(text), wallSeconds: (performance.now() - started) / 1000 });
    });
    process_.on('close', (status, signal) => reject(new Error(`${script} ended without an answer (${signal ?? `status ${status}`})`)));
  });
}

/** CPU seconds and peak memory of a process, from /proc. */
function usageOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const ticks = Number(spawnSync('getconf', ['CLK_TCK']).stdout) || 100;
  const [, peak] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return { cpuSeconds: (Number(stat[11]) + Number(stat[12])) / ticks, rssKiB: Number(peak) };
}

const QEMU = 'qemu-system-x86_64';
const hasQemu = existsSync('/proc/self/stat') && spawnSync(QEMU, ['-version']).status === 0;

/** Boots the same guest on QEMU. */
function bootQemu(guest) {
  const started = performance.now();
  const options = ['-accel', 'tcg,thread=single', '-nodefaults', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', ...guest];
  const qemu = spawn(QEMU, options, { stdio: ['ignore', 'pipe', 'inherit'], timeout: BOOT_LIMIT_MS });
  return new Promise((resolve, reject) => {
    let text = '';
    qemu.stdout.setEncoding('latin1').on('data', (part) => {
      text = (text + part).slice(-4096);
      if (!text.includes('INIT-READY')) return;
      resolve({ ...usageOf(qemu.pid), wallSeconds: (performance.now() - started) / 1000 });
      qemu.kill('SIGKILL');
    });
    qemu.on('close', () => reject(new Error('QEMU ended before the guest was up')));
  });
}

const number = (value, digits = 1) => value.toFixed(digits);
const mips = ({ instructions, cpuSeconds }) => number(instructions / cpuSeconds / 1e6, 0);
const mib = (kib) => number(kib / 1024, 0);

async function measureLoops() {
  const rows = [];
  for (const name of Object.keys(LOOPS)) {
    const results = [];
    for (let round = 0; round < rounds; round++) results.push(await child('measure-loop.mjs', name, quick ? '1' : '3'));
    const speeds = results.map((result) => ({ ...result, speed: result.instructions / result.cpuSeconds }));
    rows.push([name, `${mips(middle(speeds, 'speed'))} million instructions per CPU second`]);
  }
  return rows;
}

async function measureBoot() {
  const images = await ensureImages(['bios-256k.bin', 'vmlinuz-cloud-amd64', 'initramfs-amd64.cpio']);
  if (images === undefined) return [['boot of Linux', 'not measured: no guest images']];
  const kernel = ['-kernel', images['vmlinuz-cloud-amd64'], '-initrd', images['initramfs-amd64.cpio']];
  const guest = ['-m', String(GUEST_MIB), '-bios', images['bios-256k.bin'], ...kernel, '-append', 'console=ttyS0 quiet cryptomgr.notests'];
  const [ours, theirs] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await child('measure-boot.mjs', '-nodefaults', '-display', 'none', ...guest));
    if (hasQemu) theirs.push(await bootQemu(guest));
  }
  return bootRows(middle(ours, 'cpuSeconds'), hasQemu ? middle(theirs, 'cpuSeconds') : undefined);
}

function bootRows(ours, qemu) {
  const extra = ours.rssKiB / 1024 - GUEST_MIB;
  const rows = [
    ['Linux cloud kernel to its first process', `${number(ours.wallSeconds)} s wall, ${number(ours.cpuSeconds)} s CPU, Node.js included`],
    ['instructions of that boot', `${number(ours.instructions / 1e6, 0)} million, ${mips(ours)} million per CPU second`],
    [
      'peak resident memory',
      `${mib(ours.rssKiB)} MiB: guest ${GUEST_MIB} + ${number(extra, 0)}; bar ${MOST_EXTRA_MIB}: ${extra <= MOST_EXTRA_MIB ? 'met' : 'missed'}`,
    ],
  ];
  if (qemu === undefined) return [...rows, [QEMU, 'not measured: not installed']];
  const ratio = ours.wallSeconds / qemu.wallSeconds;
  rows.push([
    'the same on QEMU (tcg, thread=single)',
    `${number(qemu.wallSeconds)} s wall, ${number(qemu.cpuSeconds)} s CPU, ${mib(qemu.rssKiB)} MiB`,
  ]);
  rows.push([
    'ratio',
    `${number(ratio)} × wall, ${number(ours.cpuSeconds / qemu.cpuSeconds)} × CPU; bar ${MOST_RATIO} × wall: ${ratio <= MOST_RATIO ? 'met' : 'missed'}`,
  ]);
  return rows;
}

function conditions() {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim() || 'unknown';
  const load = number(loadavg()[0]);
  const [first] = cpus();
  return `Commit ${commit}, ${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}, ${cpus().length} × ${first?.model.trim() || 'unknown CPU'}, load ${load}; ${rounds === 1 ? 'one run' : `median of ${rounds} runs`}.`;
}

function write(table) {
  const page = existsSync(PAGE)
    ? readFileSync(PAGE, 'utf8')
    : `# Performance\n\n\`npm run bench -- --write\` measures and replaces this table.\n\n${BEGIN}\n${END}\n`;
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/performance.md has no '${BEGIN}' and '${END}'`);
  writeFileSync(PAGE, `${before}${BEGIN}\n${table}\n${END}${after}`);
}

try {
  const about = conditions();
  const rows = [...(await measureLoops()), ...(await measureBoot())];
  const table = [`${about}\n`, '| What | Measured |', '| --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
  console.log(table);
  if (args.includes('--write')) write(table);
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
