// Prepares a fresh clone: installs the locked dependencies when they are missing or out of date.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node.js 20.19 or newer is needed (this is ${process.version}).`);
  process.exit(1);
}
const stamp = join(root, 'node_modules', '.locked');
const want = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform}-${process.arch}`)
  .digest('hex');
const have = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
const run = (cmd, args) => {
  const r = spawnSync(cmd, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (r.status !== 0) process.exit(r.status ?? 1);
};
if (have !== want) {
  run('npm', ['ci', '--no-audit', '--no-fund']);
  writeFileSync(stamp, want);
}
if (process.argv.includes('--build')) {
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'tsconfig.build.json']);
  run(process.execPath, [join(root, 'tools/bundle.mjs')]);
}
