// npm run new:device <chip> [folder]: makes a device package in the agreed shape, whose reset test fails until the data sheet's numbers are in it.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const template = fileURLToPath(new URL('template/', import.meta.url));
const [chip, parent = join(root, 'packages')] = process.argv.slice(2);

if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(chip ?? ''))
  fail('usage: npm run new:device <chip>, a name in kebab-case such as i8257 or ds1287');
const place = resolve(parent, chip);
if (existsSync(place)) fail(`${relative(root, place)} is there already`);

/** `ds1287-clock` is the class Ds1287Clock and the module ds1287ClockModule. */
const className = chip.replaceAll(/(?:^|-)(.)/g, (_, letter) => letter.toUpperCase());
const words = {
  CHIP: chip,
  CLASS: className,
  CAMEL: className[0].toLowerCase() + className.slice(1),
  SNAKE: chip.replaceAll('-', '_'),
  ROOT: relative(place, root),
};

for (const file of readdirSync(template, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
  const from = join(file.parentPath ?? file.path, file.name);
  const to = join(place, fill(relative(template, from)).replace(/\.txt$/, ''));
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, fill(readFileSync(from, 'utf8')));
}
copyFileSync(join(root, 'LICENSE'), join(place, 'LICENSE'));
// names of any length: lines break where the formatter wants them
const formatted = spawnSync(
  process.execPath,
  [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '--write', '--vcs-enabled=false', place],
  {
    cwd: root,
    encoding: 'utf8',
  },
);
if (formatted.status !== 0) fail(`the formatter complains:\n${formatted.stdout}${formatted.stderr}`);
console.log(`${relative(root, place)} is made. Next:
  npm run sync && npm install          # references and the workspace link
  npx nx test ${chip}                  # one test fails: give it the data sheet's numbers
  add it to README.md and tools/packaging/size-budgets.json`);

function fill(text) {
  return text.replaceAll(/__([A-Z]+)__/g, (whole, word) => words[word] ?? whole);
}

function fail(text) {
  console.error(`new:device: ${text}`);
  process.exit(1);
}
