// Packs every package, checks the tarball with publint, installs it with what it needs into an empty directory, imports each entry and
// runs and type-checks the first example of its README there. Slow: `npm run test:packages [-- NAME…]`.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { transform } from '@swc/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { closure, firstExample, imported, published, root } from './packages.mjs';

const run = promisify(execFile);
const work = mkdtempSync(join(tmpdir(), 'hotsocket-packages-'));
const wanted = process.argv.slice(2);
const chosen = published.filter(({ folder }) => wanted.length === 0 || wanted.includes(folder));
/** Packages whose entries are written for Node.js: their types need Node's. */
const NODE_LAYERS = ['frontend', 'development'];
let failed = 0;

const tarballs = new Map();
for (const { path, manifest } of closure(chosen.flatMap(namesOf))) tarballs.set(manifest.name, await pack(path));
for (const known of chosen) {
  const started = Date.now();
  const problems = await problemsOf(known);
  failed += Number(problems.length > 0);
  console.log(`${problems.length > 0 ? 'FAIL' : 'ok  '} ${known.manifest.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  for (const problem of problems) console.log(`     ${problem}`);
}
rmSync(work, { recursive: true, force: true });
console.log(`${chosen.length - failed} passed, ${failed} failed, 0 skipped`);
process.exit(failed > 0 ? 1 : 0);

/** What its example needs: the package and the others that the example imports. */
function namesOf({ path, manifest }) {
  return [manifest.name, ...imported(firstExample(readFileSync(join(path, 'README.md'), 'utf8')) ?? '')];
}

async function pack(path) {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work], { cwd: path });
  return join(work, JSON.parse(stdout)[0].filename);
}

async function problemsOf(known) {
  const { folder, manifest } = known;
  const place = join(work, folder);
  try {
    await install(known, place);
    const { messages, pkg } = await publint({ pkgDir: join(place, 'node_modules', manifest.name), pack: false, strict: true });
    if (messages.length > 0) return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
    await importEntries(known, place);
    await runExample(known, place);
    await checkTypes(known, place);
    return [];
  } catch (error) {
    return [error.message, error.stdout, error.stderr].filter(Boolean).map((text) => String(text).trim());
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function install(known, place) {
  mkdirSync(place);
  const dependencies = Object.fromEntries(
    closure(namesOf(known)).map(({ manifest }) => [manifest.name, `file:${tarballs.get(manifest.name)}`]),
  );
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'reader', private: true, type: 'module', dependencies }));
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: place });
}

async function importEntries({ manifest: { name, exports } }, place) {
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
  const lines = entries.map((entry) => `await import('${name}${entry.slice(1)}');`);
  writeFileSync(join(place, 'entries.mjs'), `${lines.join('\n')}\nprocess.exit(0);\n`);
  await run(process.execPath, ['entries.mjs'], { cwd: place, timeout: 60_000 });
}

async function runExample({ path }, place) {
  const code = firstExample(readFileSync(join(path, 'README.md'), 'utf8'));
  if (code === undefined) throw new Error('the README has no TypeScript example');
  const thrown = /\/\/ throws (\w+)/.exec(code)?.[1];
  writeFileSync(join(place, 'example.ts'), `${code}\nexport {};\n`);
  const { code: plain } = await transform(code, { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } });
  writeFileSync(join(place, 'example.mjs'), plain);
  const end = await run(process.execPath, ['example.mjs'], { cwd: place, timeout: 60_000 }).then(
    () => undefined,
    (error) => error,
  );
  if (end && !(thrown && end.stderr.includes(thrown))) throw end;
  if (thrown && !end) throw new Error(`the example does not throw ${thrown}`);
}

/** The declarations that are packed, as a program of somebody else sees them. */
async function checkTypes({ manifest }, place) {
  const node = NODE_LAYERS.includes(manifest.hotsocket.layer) || readFileSync(join(place, 'example.ts'), 'utf8').includes('process.');
  const base = { target: 'esnext', module: 'nodenext', lib: ['esnext', 'dom'], strict: true, noEmit: true, skipLibCheck: true };
  const types = node ? { types: ['node'], typeRoots: [join(root, 'node_modules/@types')] } : { types: [] };
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...base, ...types }, include: ['example.ts'] }));
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', place]);
}
