// Writes every tsconfig of the workspace from the package.json dependencies; --check only compares.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const check = process.argv.includes('--check');
const stale = [];

const emit = (path, value) => {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  const have = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '';
  if (have === text) return;
  stale.push(path);
  if (!check) writeFileSync(join(root, path), text);
};

const folders = readdirSync(join(root, 'packages')).sort();
const manifests = new Map(folders.map((name) => [name, JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))]));
const folderOf = new Map([...manifests].map(([folder, manifest]) => [manifest.name, folder]));
const references = (dependencies = {}) =>
  Object.keys(dependencies)
    .filter((name) => folderOf.has(name))
    .map((name) => ({ path: `../${folderOf.get(name)}/tsconfig.lib.json` }));

const project = (outDir, info, types) => ({
  rootDir: 'src',
  outDir,
  tsBuildInfoFile: `${outDir}/${info}.tsbuildinfo`,
  ...(types ? { types } : {}),
});
for (const [folder, { dependencies, devDependencies }] of manifests) {
  const base = `packages/${folder}`;
  emit(`${base}/tsconfig.json`, { files: [], references: [{ path: './tsconfig.lib.json' }, { path: './tsconfig.spec.json' }] });
  emit(`${base}/tsconfig.lib.json`, {
    extends: '../../tsconfig.base.json',
    compilerOptions: project('dist', 'tsconfig.lib'),
    include: ['src/**/*.ts'],
    exclude: ['src/**/*.test.ts'],
    references: references(dependencies),
  });
  emit(`${base}/tsconfig.spec.json`, {
    extends: '../../tsconfig.base.json',
    compilerOptions: project('out-tsc/spec', 'tsconfig.spec', ['jest', 'node']),
    include: ['src/**/*.test.ts'],
    references: [{ path: './tsconfig.lib.json' }, ...references(devDependencies)],
  });
}
emit('tsconfig.json', { extends: './tsconfig.base.json', files: [], references: folders.map((name) => ({ path: `./packages/${name}` })) });
emit('tsconfig.build.json', { files: [], references: folders.map((name) => ({ path: `./packages/${name}/tsconfig.lib.json` })) });

if (check && stale.length > 0) {
  console.error(`out of date, run 'npm run sync':\n  ${stale.join('\n  ')}`);
  process.exit(1);
}
