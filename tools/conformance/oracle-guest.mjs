/**
 * A Linux guest whose init runs the recorded vectors as a process. `modules` are `loader` (@hotsocket/linux-loader) and `machine`
 * (@hotsocket/machine-pc): those of the build for the tool, the sources for a unit test.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const path = (relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const IMAGES = path('.cache/images/');
const ORACLE = path('.cache/oracle/');
const VECTORS = path('../shared/vectors/');
const APPEND = 'console=ttyS0 cryptomgr.notests quiet panic=-1';
const MEMORY_MIB = 256;

/** What is missing to run; the message is one line. */
export class MissingError extends Error {}

/** Its user segments have other numbers. */
export const is32 = (kernel) => kernel.includes('686');

function required(file, how) {
  if (!existsSync(file)) throw new MissingError(`${file} is absent (${how})`);
  return readFileSync(file);
}

const image = (name) => required(IMAGES + name, `node tools/images/fetch.mjs ${name}`);

/** The oracle, compiled for the kernel's word size. */
function oracle(kernel) {
  const binary = `${ORACLE}oracle${is32(kernel) ? 32 : 64}`;
  if (existsSync(binary)) return readFileSync(binary);
  required(`${VECTORS}oracle.c`, 'the recorded vectors come with it');
  mkdirSync(ORACLE, { recursive: true });
  const wide = is32(kernel) ? ['-m32'] : ['-mfsgsbase'];
  const options = ['-O2', '-static-pie', '-fno-stack-protector', ...wide, `${VECTORS}oracle.c`, '-o', binary];
  const { status } = spawnSync('gcc', options, { stdio: 'inherit' });
  if (status !== 0) throw new MissingError(`gcc cannot build the oracle${is32(kernel) ? ' (it needs -m32)' : ''}`);
  return readFileSync(binary);
}

const init = (every) => `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo 0 > /proc/sys/vm/mmap_min_addr
/bin/oracle verify /dev.novx -v 100000 -e ${every}
echo "ORACLE-STATUS $?"
/bin/busybox poweroff -f
`;

/** The initial RAM disk: busybox, the oracle, every `every`th vector. */
export function initramfs({ loader }, kernel, every) {
  const directory = (name) => ({ kind: 'directory', path: name, mode: 0o755 });
  const file = (name, data) => ({ kind: 'file', path: name, mode: 0o755, data });
  return loader.cpioArchive([
    ...['bin', 'dev', 'proc'].map(directory),
    { kind: 'character-device', path: 'dev/console', mode: 0o600, device: { major: 5, minor: 1 } },
    file('bin/busybox', image(`busybox-${is32(kernel) ? 'i386' : 'amd64'}`)),
    file('bin/oracle', oracle(kernel)),
    file('dev.novx', gunzipSync(required(`${VECTORS}dev.novx.gz`, 'the recorded vectors'))),
    file('init', Buffer.from(init(every))),
  ]);
}

/** Runs the guest here; gives what it printed and how many instructions that took. */
export async function runHere({ machine }, { kernel, initrd, cpuModel, translates }) {
  const pc = new machine.Pc({
    cpus: 1,
    maxCpus: 1,
    topology: { cores: 1, threads: 1 },
    ramBytes: MEMORY_MIB * 2 ** 20,
    firmware: image('bios-256k.bin'),
    kernel: image(kernel),
    initrd,
    append: APPEND,
    cpuModel,
    time: { drive: 'icount', nsPerInstruction: 1 },
  });
  pc.board.core.translates = translates;
  let output = '';
  pc.board.com1.transmitted = (byte) => {
    output += String.fromCharCode(byte);
  };
  const ended = new Promise((done) => {
    pc.ended = done;
  });
  pc.noReboot = true;
  pc.cont();
  await ended;
  await pc.idle();
  return { output, instructions: pc.instructions };
}

/** A 32-bit kernel's numbers of the user's code and data segments, and the recorded ones, which its GDT does not have. */
const SELECTORS = { 73: '23', '7b': '2b' };
const ABSENT_SELECTOR = /^ {2}vector 13 \(err (20|28|30) /m;

/**
 * A failure that a 32-bit kernel brings: the text of the oracle differs in a selector's number only, or a selector of the recorded
 * environment is loaded and there is no such descriptor.
 */
export function comesFromSelectors(text) {
  if (ABSENT_SELECTOR.test(text)) return true;
  const differences = [...text.matchAll(/^ {2}\S+(?: \S+)? (\S+) want (\S+)/gm)];
  const renumbered = (found) => found.replaceAll(/73|7b/g, (number) => SELECTORS[number]);
  return differences.length > 0 && differences.every(([, found, wanted]) => renumbered(found) === wanted);
}

/** The oracle's report: how many passed and failed, and what it says of each failure by the vector's number. */
export function parseReport(output) {
  const [, passed, failed] = /^ORACLE (\d+) passed, (\d+) failed/m.exec(output) ?? [];
  const failures = new Map();
  for (const [, id, text] of output.matchAll(/^BAD #(\d+) (.*(?:\r?\n {2}.*)*)/gm)) failures.set(Number(id), text.replaceAll('\r', ''));
  return { ended: passed !== undefined, passed: Number(passed ?? 0), failed: Number(failed ?? 0), failures };
}
