/**
 * Runs the recorded vectors as a process of a Linux guest on the emulator: through paging, signals and sigreturn.
 *
 *   npm run conformance:guest -- [--kernel vmlinuz-cloud-amd64] [--bits 64|32] [--every N] [--memory MiB] [--tier interpreter|all]
 *
 * Needs gcc (for 32 bits one that takes -m32) and the images of tools/images. The exit status is 1 when a vector differs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { cpioArchive } from '../../packages/linux-loader/dist/index.js';
import { Pc } from '../../packages/machine-pc/dist/index.js';

const { values } = parseArgs({
  options: {
    kernel: { type: 'string', default: 'vmlinuz-cloud-amd64' },
    bits: { type: 'string', default: '64' },
    every: { type: 'string', default: '1' },
    memory: { type: 'string', default: '256' },
    'cpu-model': { type: 'string', default: 'max,+xsave' },
    arguments: { type: 'string', default: '' },
    'initrd-out': { type: 'string' },
    tier: { type: 'string', default: 'all' },
  },
});

const path = (relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const IMAGES = path('.cache/images/');
const ORACLE = path('.cache/oracle/');
const VECTORS = path('../shared/vectors/');

function oracle() {
  const binary = `${ORACLE}oracle${values.bits}`;
  if (existsSync(binary)) return binary;
  mkdirSync(ORACLE, { recursive: true });
  const wide = values.bits === '64' ? ['-mfsgsbase'] : ['-m32'];
  const options = ['-O2', '-static-pie', '-fno-stack-protector', ...wide];
  const { status } = spawnSync('gcc', [...options, `${VECTORS}oracle.c`, '-o', binary], { stdio: 'inherit' });
  if (status !== 0) throw new Error('gcc cannot build the oracle');
  return binary;
}

const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo 0 > /proc/sys/vm/mmap_min_addr
/bin/oracle verify /dev.novx -v 20 -e ${values.every} ${values.arguments}
echo "ORACLE-STATUS $?"
/bin/busybox poweroff -f
`;

function initramfs() {
  const directory = (name) => ({ kind: 'directory', path: name, mode: 0o755 });
  const file = (name, data) => ({ kind: 'file', path: name, mode: 0o755, data });
  const architecture = values.kernel.includes('686') ? 'i386' : 'amd64';
  return cpioArchive([
    ...['bin', 'dev', 'proc'].map(directory),
    { kind: 'character-device', path: 'dev/console', mode: 0o600, device: { major: 5, minor: 1 } },
    file('bin/busybox', readFileSync(`${IMAGES}busybox-${architecture}`)),
    file('bin/oracle', readFileSync(oracle())),
    file('dev.novx', gunzipSync(readFileSync(`${VECTORS}dev.novx.gz`))),
    file('init', Buffer.from(INIT)),
  ]);
}

if (values['initrd-out']) {
  writeFileSync(values['initrd-out'], initramfs());
  process.exit(0);
}

const pc = new Pc({
  cpus: 1,
  maxCpus: 1,
  topology: { cores: 1, threads: 1 },
  ramBytes: Number(values.memory) * 2 ** 20,
  firmware: readFileSync(`${IMAGES}bios-256k.bin`),
  kernel: readFileSync(IMAGES + values.kernel),
  initrd: initramfs(),
  append: 'console=ttyS0 cryptomgr.notests quiet panic=-1',
  cpuModel: values['cpu-model'],
  time: { drive: 'icount', nsPerInstruction: 1 },
});
pc.board.core.translates = values.tier !== 'interpreter';
let output = '';
pc.board.com1.transmitted = (byte) => {
  output += String.fromCharCode(byte);
  process.stdout.write(String.fromCharCode(byte));
};
const ended = new Promise((done) => {
  pc.ended = done;
});
pc.noReboot = true;
const started = performance.now();
pc.cont();
await ended;
await pc.idle();
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`${pc.instructions} instructions in ${seconds} s`);
process.exitCode = /ORACLE-STATUS 0\b/.test(output) ? 0 : 1;
