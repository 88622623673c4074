// Fails when a page links to what is not there: files, headings, and paths in backticks. Prints every problem.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const SKIPPED = new Set(['node_modules', 'dist', 'out-tsc', '.git', '.cache', '.nx', 'coverage']);
const problems = [];

const pages = markdown(root);
for (const page of pages) {
  const text = readFileSync(page, 'utf8');
  const prose = text.replaceAll(/^```.*?^```$/gms, '');
  for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) checkLink(page, target);
  // .rst pages are those of QEMU
  for (const [, path] of prose.matchAll(/`((?:packages|tools|docs|examples)\/[\w./-]+)`/g))
    if (!path.endsWith('.rst') && !existsSync(join(root, path)) && !existsSync(join(dirname(page), path)))
      problems.push(`${name(page)}: there is no ${path}`);
  for (const [, path] of prose.matchAll(/`([\w-]+\/src\/[\w./-]+\.ts)`/g))
    if (![join(root, 'packages', path), join(root, path)].some(existsSync)) problems.push(`${name(page)}: there is no packages/${path}`);
}
if (problems.length > 0) {
  console.error(`page check failed:\n  ${problems.join('\n  ')}`);
  process.exit(1);
}

function checkLink(page, target) {
  if (/^[a-z]+:/.test(target)) return;
  const [path, anchor] = target.split('#');
  const file = path === '' ? page : join(dirname(page), decodeURI(path));
  if (!existsSync(file)) problems.push(`${name(page)}: link to ${target}, which is not there`);
  else if (anchor && !headings(file).includes(anchor)) problems.push(`${name(page)}: ${path} has no heading #${anchor}`);
}

/** Anchors as GitHub makes them. */
function headings(file) {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function markdown(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdown(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function name(page) {
  return relative(root, page);
}
