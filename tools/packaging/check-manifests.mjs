// Fails when a package could not be published as it says: fields, exports, dependencies, Node.js in what browsers import.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { imported, published, root } from './packages.mjs';

const problems = [];
const licence = readFileSync(join(root, 'LICENSE'), 'utf8');
/** Entries that only Node.js programs import. */
const NODE_ENTRIES = ['./node'];
const FIXED = { type: 'module', sideEffects: false, license: 'MIT' };
const read = (path) => readFileSync(path, 'utf8');

for (const { folder, path, manifest } of published) {
  const complain = (text) => problems.push(`${folder}: ${text}`);
  for (const [field, value] of Object.entries(FIXED)) if (manifest[field] !== value) complain(`${field} is not ${JSON.stringify(value)}`);
  for (const field of ['description', 'version', 'engines', 'files']) if (!manifest[field]) complain(`no ${field}`);
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) if (manifest.scripts?.[script]) complain(`runs ${script}`);
  if (!existsSync(join(path, 'README.md'))) complain('no README.md');
  if (!existsSync(join(path, 'LICENSE')) || read(join(path, 'LICENSE')) !== licence) complain('LICENSE is not that of the project');
  checkExports(path, manifest, complain);
  checkDependencies(path, manifest, complain);
  if (!manifest.bin) checkPlatform(path, manifest, complain);
}
if (problems.length > 0) {
  console.error(`package check failed:\n  ${problems.join('\n  ')}`);
  process.exit(1);
}

function checkExports(path, { exports }, complain) {
  if (exports['./package.json'] !== './package.json') complain('package.json is not exported');
  for (const [entry, conditions] of entries(exports)) {
    const source = conditions['@hotsocket/source'];
    const built = source?.replace('./src/', './dist/').replace(/\.ts$/, '');
    if (!source || !existsSync(join(path, source))) complain(`${entry} has no source`);
    else if (conditions.types !== `${built}.d.ts` || conditions.default !== `${built}.js`)
      complain(`${entry} does not name what ${source} becomes`);
  }
  for (const name of ['index', 'module', 'node']) {
    const entry = name === 'index' ? '.' : `./${name}`;
    if (existsSync(join(path, 'src', `${name}.ts`)) && !exports[entry]) complain(`src/${name}.ts is not exported as ${entry}`);
  }
}

/** Everything that is imported is declared, everything that is declared is imported (an inversify package needs its peer). */
function checkDependencies(path, { name, dependencies = {} }, complain) {
  const used = new Set();
  for (const file of sources(path)) for (const other of imported(read(file))) if (!other.startsWith('node:')) used.add(other);
  used.delete(name);
  if (used.has('inversify')) used.add('reflect-metadata');
  for (const other of used) if (!dependencies[other]) complain(`imports ${other} without declaring it`);
  for (const other of Object.keys(dependencies)) if (!used.has(other)) complain(`declares ${other} without importing it`);
}

/** What is reached from an entry that browsers import is free of Node.js. */
function checkPlatform(path, { exports }, complain) {
  for (const [entry, conditions] of entries(exports)) {
    if (NODE_ENTRIES.includes(entry)) continue;
    for (const file of reached(join(path, conditions['@hotsocket/source']))) {
      const text = read(file);
      const name = file.slice(path.length + 1);
      if (/(?:from|import)\s*\(?\s*'node:/.test(text)) complain(`${name}, reached from ${entry}, imports Node.js`);
      if (/(?:from|import)\s*\(?\s*'[^']*\/node'/.test(text))
        complain(`${name}, reached from ${entry}, imports the Node.js entry of a package`);
      for (const line of text.split('\n'))
        if (/(?<![\w.'#-])(?:process\.|Buffer\.|__dirname)/.test(line) && !/typeof (?:process|Buffer)|^\s*(?:\*|\/\/|\/\*\*)/.test(line))
          complain(`${name}, reached from ${entry}, uses Node.js: ${line.trim()}`);
    }
  }
}

function reached(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, relative] of read(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)\.js'/g))
    reached(normalize(join(dirname(file), `${relative}.ts`)), seen);
  return seen;
}

function entries(exports) {
  return Object.entries(exports).filter(([entry]) => entry !== './package.json');
}

function sources(path) {
  return readdirSync(join(path, 'src'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(path, 'src', name));
}
