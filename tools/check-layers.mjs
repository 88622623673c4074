// Fails when a package imports one of a layer above it, or one it does not declare (layers.json).
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { layers } = JSON.parse(readFileSync(join(root, 'layers.json'), 'utf8'));
const packages = readdirSync(join(root, 'packages')).map((folder) => {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'));
  return { folder, manifest, layer: manifest.hotsocket?.layer };
});
const layerOf = new Map(packages.map(({ manifest, layer }) => [manifest.name, layer]));
const problems = [];

const sources = (folder) =>
  readdirSync(join(root, 'packages', folder, 'src'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'));
const imports = (text) => [...text.matchAll(/(?:from|import)\s*\(?\s*'(@hotsocket\/[^'/]+)[^']*'/g)].map((match) => match[1]);

for (const { folder, manifest, layer } of packages) {
  if (!(layer in layers)) problems.push(`${folder}: unknown layer '${layer}'`);
  const allowed = layers[layer] ?? [];
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const other = layerOf.get(name);
    if (other !== undefined && !allowed.includes(other)) problems.push(`${folder} (${layer}) depends on ${name} (${other})`);
    if (layer === 'device' && other === 'device') problems.push(`${folder}: devices never import each other (${name})`);
  }
  for (const file of sources(folder)) {
    const declared = { ...manifest.dependencies, ...(file.endsWith('.test.ts') ? manifest.devDependencies : {}) };
    for (const name of imports(readFileSync(join(root, 'packages', folder, 'src', file), 'utf8'))) {
      if (name !== manifest.name && !(name in declared))
        problems.push(`${folder}/src/${file}: imports ${name}, not declared in package.json`);
    }
  }
}
if (problems.length > 0) {
  console.error(`layer check failed:\n  ${problems.join('\n  ')}`);
  process.exit(1);
}
