// Fetches the source of QEMU, and what its tests and clients need to build and run, from Debian 12 into the cache.
//   node tools/qemu-source/fetch.mjs        prints where they are
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Apt, FetchError, run } from '../images/apt.mjs';
import { recentFailure, rememberingFailure, withLock, writeWhole } from '../images/cache.mjs';
import { Progress } from '../images/progress.mjs';

const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Where everything lies: `.cache/qemu-source`, or the directory named by HOTSOCKET_QEMU_SOURCE. */
export const CACHE = resolve(process.env.HOTSOCKET_QEMU_SOURCE ?? join(repository, '.cache/qemu-source'));

/** The folders of the source that are unpacked: the clients in Python, and what the device tests are built from. */
const FOLDERS = ['include', 'linux-headers', 'python', 'qapi', 'qobject', 'scripts', 'stubs', 'tests/qtest', 'trace', 'util'];

/** Packages whose files go to a root of their own: the library the tests are linked with, and socat with its libraries. */
const PACKAGES = ['libglib2.0-0', 'libglib2.0-dev', 'libpcre2-8-0', 'socat', 'libwrap0', 'libssl3'];

const LIBRARIES = 'usr/lib/x86_64-linux-gnu';
/** Says in its file what was unpacked; a change of the lists fetches again. */
const CONTENTS = JSON.stringify([FOLDERS, PACKAGES]);

const paths = () => ({
  source: join(CACHE, 'source'),
  root: join(CACHE, 'root'),
  libraries: join(CACHE, 'root', LIBRARIES),
  socat: join(CACHE, 'root/usr/bin/socat'),
});

const isThere = () => existsSync(join(CACHE, 'contents.json')) && readFileSync(join(CACHE, 'contents.json'), 'utf8') === CONTENTS;

async function fetchAll(progress) {
  const scratch = join(CACHE, 'unpack');
  rmSync(scratch, { recursive: true, force: true });
  const apt = new Apt(join(CACHE, 'apt'), { sources: true });
  // a point release removes the versions that older lists name
  await apt.update(progress, true);
  const archive = await apt.downloadSource('qemu', scratch, progress);
  await unpackSource(archive, paths().source);
  mkdirSync(paths().root, { recursive: true });
  for (const name of PACKAGES) {
    const deb = await apt.download(await apt.show(name, 'amd64'), join(scratch, name), progress);
    await run('dpkg-deb', ['-x', deb, paths().root]);
  }
  rmSync(scratch, { recursive: true, force: true });
  writeWhole(join(CACHE, 'contents.json'), CONTENTS);
}

async function unpackSource(archive, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const wanted = FOLDERS.map((name) => `*/${name}`);
  await run('tar', ['-x', '-f', archive, '-C', folder, '--strip-components=1', '--wildcards', '--no-wildcards-match-slash', ...wanted]);
}

/**
 * Makes sure that the source and the programs are in the cache and returns where: `source` (QEMU's tree, in part), `root` (files of Debian
 * packages), `libraries` (a folder for LD_LIBRARY_PATH) and `socat`.
 *
 * Returns undefined, after one line on stderr, when they are missing and cannot be fetched. A fetch that failed is not tried again for ten
 * minutes, unless `retry` is set.
 *
 * @param {{ retry?: boolean }} [options]
 * @returns {Promise<{ source: string, root: string, libraries: string, socat: string } | undefined>}
 */
export async function ensureQemuSource({ retry = false } = {}) {
  const progress = new Progress();
  try {
    await withLock(CACHE, () => (isThere() ? undefined : provide(progress, retry)));
  } catch (error) {
    progress.end();
    if (!(error instanceof FetchError)) throw error;
    console.error(`the source of QEMU is not available: ${error.message}`);
    return undefined;
  }
  progress.end();
  return paths();
}

async function provide(progress, retry) {
  const failure = retry ? undefined : recentFailure(CACHE);
  if (failure !== undefined) throw new FetchError(failure);
  await rememberingFailure(CACHE, () => fetchAll(progress));
}

async function main() {
  const found = await ensureQemuSource({ retry: true });
  if (found === undefined) return 1;
  console.log(Object.values(found).join('\n'));
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
