// Builds the guest programs with GCC into the cache; what is there already is not built again.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(here, 'guest');
const CACHE = join(here, '../../.cache/bench');

/** Why a guest program cannot be had, in one line for the user. */
export class GuestBuildError extends Error {
  name = 'GuestBuildError';
}

const COMMON = [
  ...['-Wall', '-Wextra', '-Werror', '-O2', '-ffreestanding', '-fno-pie', '-fwrapv', '-fno-math-errno', '-fno-stack-protector'],
  // memcpy and memset are rows: their loops stay as written
  ...['-fno-tree-vectorize', '-fno-tree-loop-distribute-patterns', '-fno-asynchronous-unwind-tables', '-fcf-protection=none'],
];
const LINK = ['-nostdlib', '-static', '-no-pie', '-Wl,--build-id=none'];
const SSE2 = ['-msse2'];

/** What is compiled: a source may be compiled twice in different ways. */
const OBJECTS = [
  ...['system', 'main', 'cpus', 'integer', 'code', 'kernel'].map((source) => ({ source, object: source, options: [] })),
  ...['packed', 'memory'].map((source) => ({ source, object: source, options: SSE2 })),
  { source: 'floats', object: 'sse2', options: [...SSE2, '-mfpmath=sse', '-DROW=row_sse2', '-DROUNDS=40'] },
  { source: 'floats', object: 'x87', options: ['-mfpmath=387', '-DROW=row_x87', '-DROUNDS=10'] },
];
/** Linux's setup code stands alone: real mode, no Linux below it. */
const SETUP_OPTIONS = ['-m32', '-nostdlib', '-static', '-no-pie', '-Wl,--build-id=none,-Ttext=0,--oformat=binary,-e0'];

const MACHINE = { amd64: '-m64', i386: '-m32' };

function gcc(args) {
  const { status, error, stderr } = spawnSync('gcc', args, { cwd: SOURCES, encoding: 'utf8' });
  if (error?.code === 'ENOENT')
    throw new GuestBuildError('gcc is not installed: the guest programs cannot be built (Debian: apt install gcc)');
  if (status !== 0) throw new GuestBuildError(`gcc ${args.at(-1)}: ${stderr.trim().split('\n')[0]}`);
}

/** Names a program by all that it is made from. */
function nameOf(kind, recipe) {
  const hash = createHash('sha256').update(JSON.stringify(recipe));
  for (const file of readdirSync(SOURCES).sort()) hash.update(file).update(readFileSync(join(SOURCES, file)));
  return `${kind}-${hash.digest('hex').slice(0, 16)}`;
}

/** Makes a file of the cache once, whole or not at all. */
function cached(name, make) {
  const path = join(CACHE, name);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const scratch = mkdtempSync(join(CACHE, 'build-'));
  try {
    make(scratch);
    renameSync(join(scratch, 'out'), path);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return path;
}

/**
 * The path of the benchmark program for one architecture. Throws GuestBuildError.
 *
 * @param {'amd64' | 'i386'} arch
 */
export function benchProgram(arch) {
  const machine = MACHINE[arch];
  return cached(nameOf(`bench-${arch}`, [machine, COMMON, LINK, OBJECTS]), (scratch) => {
    const objects = OBJECTS.map(({ source, object, options }) => {
      const path = join(scratch, `${object}.o`);
      gcc([machine, ...COMMON, ...options, '-c', '-o', path, `${source}.c`]);
      return path;
    });
    gcc([machine, ...LINK, '-o', join(scratch, 'out'), ...objects]);
  });
}

/** The path of a kernel image that is nothing but setup code which tells that the firmware is done. Throws GuestBuildError. */
export function firmwareProbe() {
  return cached(nameOf('firmware-probe', SETUP_OPTIONS), (scratch) =>
    gcc([...SETUP_OPTIONS, '-o', join(scratch, 'out'), 'firmware-probe.S']),
  );
}
