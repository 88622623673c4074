// Writes docs/packages.md: every package with its size, minified and compressed; --check fails when one is over its budget or when the page
// is out of date by more than a tenth.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { published, root } from './packages.mjs';

const PAGE = join(root, 'docs/packages.md');
const budgets = JSON.parse(readFileSync(new URL('size-budgets.json', import.meta.url), 'utf8'));
const kB = (bytes) => (bytes / 1000).toFixed(1);
const TOLERANCE = 0.1;

const rows = [];
for (const { folder, manifest } of published) {
  const entry = join(root, 'packages', folder, 'dist/index.js');
  const [own, all] = [await size(entry, true), await size(entry, false)];
  rows.push({ folder, manifest, own, all, budget: budgets[folder] });
}
const check = process.argv.includes('--check');
const problems = [...rows.flatMap(overBudget), ...(check ? outOfDate(readFileSync(PAGE, 'utf8')) : [])];
if (!check) writeFileSync(PAGE, page());
if (problems.length > 0) {
  console.error(`size check failed:\n  ${problems.join('\n  ')}`);
  process.exit(1);
}

/** Compressed bytes of an entry: of its own code, or with everything that it imports. */
async function size(entry, own) {
  const options = { bundle: true, minify: true, format: 'esm', platform: 'neutral', target: 'es2022', write: false, treeShaking: true };
  const external = own ? { packages: 'external' } : { external: ['node:*'] };
  const { outputFiles } = await build({
    entryPoints: [entry],
    ...options,
    ...external,
    mainFields: ['module', 'main'],
    conditions: ['module'],
    logLevel: 'error',
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

function overBudget({ folder, own, budget }) {
  if (budget === undefined) return [`${folder}: no budget in size-budgets.json`];
  return own > budget * 1000 ? [`${folder}: ${kB(own)} kB, budget ${budget} kB`] : [];
}

function outOfDate(text) {
  return rows.flatMap(({ folder, own }) => {
    const said = Number(new RegExp(`^\\| \\[${folder}\\][^|]*\\|[^|]*\\| ([\\d.]+) `, 'm').exec(text)?.[1]);
    return Math.abs(said * 1000 - own) <= own * TOLERANCE + 100
      ? []
      : [`docs/packages.md says ${said} kB of ${folder}, it is ${kB(own)} (node tools/packaging/sizes.mjs)`];
  });
}

function page() {
  const lines = rows.map(
    ({ folder, manifest, own, all, budget }) =>
      `| [${folder}](../packages/${folder}) | ${manifest.description} | ${kB(own)} | ${budget} | ${kB(all)} |`,
  );
  return `# Packages and their sizes

Made by \`node tools/packaging/sizes.mjs\` after a build; \`npm run test:packages\` compares. Sizes are kilobytes (1000 bytes) of the main entry, tree-shaken and
minified by esbuild, compressed by gzip -9. *Own* is the package's code alone and has a budget; *with all* includes every package it imports, rxjs
among them. inversify is only in \`/module\` entries and is not counted, except in machine-pc and in what imports it.

| Package | | Own | Budget | With all |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}
