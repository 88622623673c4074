// The packages of the workspace, as the tools in this folder see them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Every package: folder, path and package.json. */
export const packages = readdirSync(join(root, 'packages'))
  .sort()
  .flatMap((folder) => {
    const path = join(root, 'packages', folder);
    try {
      return [{ folder, path, manifest: JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) }];
    } catch (error) {
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  });

/** Those that are published. */
export const published = packages.filter(({ manifest }) => manifest.private !== true);

const byName = new Map(packages.map((known) => [known.manifest.name, known]));

/** A package by name, and all packages of the workspace that it needs. */
export function closure(names, seen = new Map()) {
  for (const name of names) {
    const known = byName.get(name);
    if (!known || seen.has(name)) continue;
    seen.set(name, known);
    closure(Object.keys(known.manifest.dependencies ?? {}), seen);
  }
  return [...seen.values()];
}

/** Packages that a piece of TypeScript imports, by name, without subpaths. */
export const imported = (code) =>
  [...code.matchAll(/^(?:import|export)\b[^'`;]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)]
    .map(([, ...found]) => found.find(Boolean))
    .filter((specifier) => !specifier.startsWith('.'))
    .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)[0]);

/** The first TypeScript block of a Markdown text. */
export const firstExample = (markdown) => /^```ts\n(.*?)^```$/ms.exec(markdown)?.[1];
