// Fetches the guest images (firmware, kernels, busybox, memtest86+) from Debian and builds the initramfs archives.
//   node tools/images/fetch.mjs [--list] [image ...]        without names: all of them
import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Apt, extract, FetchError, sha256 } from './apt.mjs';
import { recentFailure, rememberingFailure, withLock, writeWhole } from './cache.mjs';
import { BUILT, IMAGES, PACKAGED } from './catalogue.mjs';
import { initramfsOf, recipeOf } from './initramfs.mjs';
import { Progress } from './progress.mjs';

const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Where the images lie: `.cache/images`, or the directory named by HOTSOCKET_IMAGES. */
export const CACHE = resolve(process.env.HOTSOCKET_IMAGES ?? join(repository, '.cache/images'));

const manifestPath = join(CACHE, 'manifest.json');
const readManifest = () => (existsSync(manifestPath) ? JSON.parse(readFileSync(manifestPath, 'utf8')) : {});

const remember = (name, record) => {
  writeWhole(manifestPath, `${JSON.stringify({ ...readManifest(), [name]: record }, undefined, 2)}\n`);
};

/** True when the image is there and is, byte for byte, the one the manifest describes. */
async function isGood(name, manifest) {
  const path = join(CACHE, name);
  const record = manifest[name];
  if (record === undefined || !existsSync(path) || statSync(path).size !== record.size) return false;
  return (await sha256(path)) === record.sha256;
}

/** The package that holds an image: for a meta package the versioned one it depends on. */
async function packageOf(apt, { meta, package: direct, arch }) {
  if (meta === undefined) return apt.show(direct, arch);
  const { Depends = '' } = await apt.show(meta, arch);
  const versioned = /^\S+/.exec(Depends)?.[0];
  if (versioned === undefined) throw new FetchError(`package ${meta} depends on nothing`);
  return apt.show(versioned, arch);
}

/** Fetches the wanted packaged images, each package once. */
async function fetchPackaged(names, progress) {
  const apt = new Apt(join(CACHE, 'apt'));
  await apt.update(progress);
  try {
    await fetchAll(apt, names, progress);
  } catch (error) {
    // a point release removes the versions that older lists name
    if (!(error instanceof FetchError)) throw error;
    await apt.update(progress, true);
    await fetchAll(apt, names, progress);
  }
}

async function fetchAll(apt, names, progress) {
  const scratch = join(CACHE, 'unpack');
  const debs = new Map();
  rmSync(scratch, { recursive: true, force: true });
  for (const name of names) {
    const source = PACKAGED[name];
    const fields = await packageOf(apt, source);
    if (!debs.has(fields.SHA256)) debs.set(fields.SHA256, await apt.download(fields, join(scratch, fields.SHA256), progress));
    const file = await extract(debs.get(fields.SHA256), source.member, join(scratch, 'files'));
    await adopt(name, file, fields);
  }
  rmSync(scratch, { recursive: true, force: true });
}

async function adopt(name, file, { Package, Version, Architecture, SHA256 }) {
  const record = { sha256: await sha256(file), size: statSync(file).size };
  renameSync(file, join(CACHE, name));
  remember(name, { ...record, package: Package, version: Version, architecture: Architecture, debSha256: SHA256 });
}

/** Builds an initramfs from the busybox in the cache. */
async function build(name, progress) {
  const { busybox, gzip } = BUILT[name];
  progress.step(name);
  const data = await initramfsOf(readFileSync(join(CACHE, busybox)), gzip);
  const path = join(CACHE, name);
  writeWhole(path, data);
  remember(name, { sha256: await sha256(path), size: data.length, recipe: recipeOf(readManifest()[busybox].sha256) });
}

/** True when a built image was made from today's busybox and scripts. */
const isCurrent = (name, manifest) => {
  const busybox = manifest[BUILT[name]?.busybox];
  return !(name in BUILT) || (busybox !== undefined && manifest[name]?.recipe === recipeOf(busybox.sha256));
};

async function missing(names) {
  const manifest = readManifest();
  const absent = [];
  for (const name of names) if (!isCurrent(name, manifest) || !(await isGood(name, manifest))) absent.push(name);
  return absent;
}

async function provide(names, progress, retry) {
  const built = await missing(names.filter((name) => name in BUILT));
  const sources = built.map((name) => BUILT[name].busybox);
  const packaged = await missing([...new Set([...names.filter((name) => name in PACKAGED), ...sources])]);
  if (packaged.length > 0) {
    const failure = retry ? undefined : recentFailure(CACHE);
    if (failure !== undefined) throw new FetchError(failure);
    await rememberingFailure(CACHE, () => fetchPackaged(packaged, progress));
  }
  for (const name of built) await build(name, progress);
}

/**
 * Makes sure that the named images are in the cache, verified, and returns their paths by name.
 *
 * Returns undefined, after one line on stderr, when an image is missing and cannot be fetched (no network, no apt). A fetch
 * that failed is not tried again for ten minutes, unless `retry` is set.
 *
 * @param {readonly string[]} names names of {@link IMAGES}
 * @param {{ retry?: boolean }} [options]
 * @returns {Promise<Record<string, string> | undefined>}
 */
export async function ensureImages(names, { retry = false } = {}) {
  const unknown = names.filter((name) => !IMAGES.includes(name));
  if (unknown.length > 0) throw new Error(`no such image: ${unknown.join(', ')} (known: ${IMAGES.join(', ')})`);
  const progress = new Progress();
  try {
    await withLock(CACHE, () => provide(names, progress, retry));
  } catch (error) {
    progress.end();
    if (!(error instanceof FetchError)) throw error;
    console.error(`guest images are not available: ${error.message}`);
    return undefined;
  }
  progress.end();
  return Object.fromEntries(names.map((name) => [name, join(CACHE, name)]));
}

async function main(args) {
  if (args.includes('--list')) {
    console.log(IMAGES.join('\n'));
    return 0;
  }
  const names = args.length > 0 ? args : IMAGES;
  const unknown = names.find((name) => !IMAGES.includes(name));
  if (unknown !== undefined) {
    console.error(`no image is called '${unknown}'; --list shows the names`);
    return 2;
  }
  const paths = await ensureImages(names, { retry: true });
  if (paths === undefined) return 1;
  for (const path of Object.values(paths)) console.log(path);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
