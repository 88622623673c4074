// The initramfs of the guest tests: busybox, its links, a few device nodes and the init script beside this file.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, '../..');

const APPLETS =
  `[ awk basename cat chmod clear cp cut cttyhack date dd devmem df diff dmesg echo env expr false find free grep gunzip gzip halt head
  hexdump hostname id init kill less ln ls lsmod md5sum mkdir mknod more mount mv nproc od ping poweroff printf ps pwd readlink reboot
  reset rm rmdir sed seq setsid sh sha256sum sleep sort stat stty sync sysctl tail tar taskset tee test time top touch tr true uevent
  umount uname uniq uptime usleep vi wc which xargs yes zcat`.split(/\s+/);

/** Names of the applets that this busybox has: its name table holds each between two NUL bytes. */
const appletsOf = (busybox) => APPLETS.filter((name) => busybox.includes(`\0${name}\0`, 0, 'latin1'));

const directory = (path) => ({ kind: 'directory', path, mode: 0o755 });
const script = (path, source) => ({ kind: 'file', path, mode: 0o755, data: readFileSync(join(here, source)) });
const node = (path, major, minor) => ({ kind: 'character-device', path, mode: 0o600, device: { major, minor } });

/** The archive's entries, in order: parents before what they hold. */
const entriesOf = (busybox) => [
  ...['bin', 'dev', 'proc', 'root', 'sys', 'tmp'].map(directory),
  node('dev/console', 5, 1),
  node('dev/null', 1, 3),
  node('dev/ttyS0', 4, 64),
  { kind: 'file', path: 'bin/busybox', mode: 0o755, data: busybox },
  ...appletsOf(busybox).map((name) => ({ kind: 'symlink', path: `bin/${name}`, target: 'busybox' })),
  script('init', 'init.sh'),
  script('bin/online-cpu', 'online-cpu.sh'),
];

/** Names everything an archive depends on, so that a change of it makes a new archive. */
export function recipeOf(busyboxSha256) {
  const hash = createHash('sha256').update(busyboxSha256);
  for (const file of ['init.sh', 'online-cpu.sh', 'initramfs.mjs']) hash.update(readFileSync(join(here, file)));
  return hash.digest('hex');
}

/** The archive writer lives in a package; its build is brought up to date first. */
async function cpioWriter() {
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  const project = join(repository, 'packages/linux-loader/tsconfig.lib.json');
  const { status } = spawnSync(process.execPath, [tsc, '-b', project], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('the package linux-loader does not build');
  return import(pathToFileURL(join(repository, 'packages/linux-loader/dist/index.js')).href);
}

/**
 * The initramfs around one busybox, as a newc archive or that archive gzipped.
 *
 * @param {Buffer} busybox a static busybox of the kernel's architecture
 * @param {boolean} gzip
 * @returns {Promise<Uint8Array>}
 */
export async function initramfsOf(busybox, gzip) {
  const { cpioArchive } = await cpioWriter();
  const archive = cpioArchive(entriesOf(busybox));
  return gzip ? gzipSync(archive, { level: 9 }) : archive;
}
