// Makes packages/cli/bundle from the built packages: the command in a few files instead of several hundred, which node would open one by one,
// and with the interpreter's bytes in it, which would else be made anew at each start.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const packages = join(dirname(fileURLToPath(import.meta.url)), '../packages');
const outdir = join(packages, 'cli/bundle');

/** What stands in the bundle in the place of cpu-x86/src/interpreter-bytes.ts. */
async function madeInterpreter() {
  const module = (path) => import(join(packages, 'cpu-x86/dist', path));
  const [{ HandlerTable }, { SEMANTICS }] = [await module('handler-table.js'), await module('semantics/index.js')];
  const { HELPER_NAMES, interpreterBytes } = await module('interpreter-bytes.js');
  const bytes = Buffer.from(interpreterBytes(new HandlerTable(SEMANTICS))).toString('base64');
  return `export const HELPER_NAMES = ${JSON.stringify(HELPER_NAMES)};
    export const interpreterBytes = () => Uint8Array.from(Buffer.from('${bytes}', 'base64'));`;
}

const interpreterInPlace = {
  name: 'interpreter in place',
  setup: ({ onLoad }) => onLoad({ filter: /cpu-x86\/dist\/interpreter-bytes\.js$/ }, async () => ({ contents: await madeInterpreter() })),
};

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: [join(packages, 'cli/dist/main.js')],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  legalComments: 'eof',
  logLevel: 'warning',
  plugins: [interpreterInPlace],
  // CommonJS dependencies ask for built-in modules by `require`
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
});
