// A folder of fetched things that several processes share: one works at a time, files appear whole, failures are remembered for a while.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** No fetch takes longer; a lock this old is left over, and its process id may long be another's. */
const LOCK_LIFE_MS = 30 * 60_000;

/** After a failure, tests do not try again for so long: without a network every one of them would wait. */
const FAILURE_LIFE_MS = 10 * 60_000;

/** Replaces a file in one step, so that another process never sees half of it. */
export const writeWhole = (path, data) => {
  writeFileSync(`${path}.new`, data);
  renameSync(`${path}.new`, path);
};

/** Holds the folder for one process at a time; a lock whose owner is gone is taken over. */
export async function withLock(folder, work) {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, '.lock');
  while (!tryLock(lock)) await new Promise((wake) => setTimeout(wake, 200));
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function tryLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isAlive(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function isAlive(lock) {
  try {
    if (Date.now() - statSync(lock).mtimeMs > LOCK_LIFE_MS) return false;
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const failurePath = (folder) => join(folder, 'failure.txt');

/** Why the last fetch into the folder failed, when that was a short time ago. */
export function recentFailure(folder) {
  const path = failurePath(folder);
  if (!existsSync(path) || Date.now() - statSync(path).mtimeMs > FAILURE_LIFE_MS) return undefined;
  return readFileSync(path, 'utf8');
}

/** Fetches by `work`; what it throws is remembered for a while, and forgotten when a fetch succeeds. */
export async function rememberingFailure(folder, work) {
  await work().catch((error) => {
    writeWhole(failurePath(folder), error.message);
    throw error;
  });
  rmSync(failurePath(folder), { force: true });
}
