/** Runs the first TypeScript block of every README and page of docs, and type-checks all of them: what a reader copies works. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';

const root = new URL('../../', import.meta.url);
const out = new URL('../out-tsc/readmes/', import.meta.url);
const path = (url: URL): string => fileURLToPath(url);
const blocks = (text: string): string[] => [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
const first = (text: string): string | undefined => blocks(text)[0];
const isPublic = (manifest: URL): boolean => existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).private !== true;
const readme = (at: URL): string => (existsSync(new URL('README.md', at)) ? readFileSync(new URL('README.md', at), 'utf8') : '');
const packages = readdirSync(new URL('packages/', root))
  .filter((name) => isPublic(new URL(`packages/${name}/package.json`, root)))
  .sort();
const places: [string, URL][] = [['hotsocket', root], ...packages.map((name): [string, URL] => [name, new URL(`packages/${name}/`, root)])];
const docs = readdirSync(new URL('docs/', root))
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name: `docs-${name.slice(0, -3)}`, code: first(readFileSync(new URL(`docs/${name}`, root), 'utf8')) }))
  .filter(({ code }) => code !== undefined);
const codes = [...places.map(([name, at]) => ({ name, code: first(readme(at)) })), ...docs];

/** What a block says that it prints: the comment behind each `console.log(…);`. Its first words are compared. */
const promises = (code: string): string[] => [...code.matchAll(/^.*console\.log\(.*; \/\/ (.*)$/gm)].map(([, text]) => text!);
const keeps = (promise: string, printed: readonly string[]): boolean =>
  printed.some((line) => line !== '' && promise.startsWith(line.replaceAll('\n', ' ')));

rmSync(path(out), { recursive: true, force: true });
mkdirSync(path(out), { recursive: true });
const write = (name: string, code: string): void => writeFileSync(new URL(`${name}.ts`, out), `${code}\nexport {};\n`);
for (const { name, code = '' } of codes) write(name, code);
// further blocks are type-checked, not run
for (const [name, at] of places)
  for (const [number, code] of blocks(readme(at)).slice(1).entries()) write(`${name}-block-${number + 2}`, code);

describe('the first example', () => {
  it.each(codes)(
    'of $name runs, and prints what its comments say',
    async ({ name, code }) => {
      if (code === undefined) throw new Error('the README has no TypeScript block');
      const printed: string[] = [];
      const log = jest.spyOn(console, 'log').mockImplementation((...values) => void printed.push(values.map(text).join(' ')));
      const write = jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
      const thrown = /\/\/ throws (\w+)/.exec(code)?.[1];
      try {
        const failure = await import(new URL(`${name}.ts`, out).href).then(
          () => undefined,
          (error: Error) => error,
        );
        if (failure && failure.constructor.name !== thrown) throw failure;
        expect(failure?.constructor.name).toBe(thrown);
      } finally {
        log.mockRestore();
        write.mockRestore();
      }
      expect(promises(code).filter((promise) => !keeps(promise, printed))).toEqual([]);
    },
    60_000,
  );

  it('has about ten lines', () => {
    const long = codes.filter(({ code = '' }) => code.trim().split('\n').length > 18);
    expect(long.map(({ name }) => name)).toEqual([]);
  });

  it('passes the type checker', () => {
    const compilerOptions = {
      noEmit: true,
      composite: false,
      incremental: false,
      declaration: false,
      declarationMap: false,
      isolatedDeclarations: false,
    };
    const config = { extends: '../../../tsconfig.base.json', compilerOptions: { ...compilerOptions, target: 'esnext' }, include: ['*.ts'] };
    writeFileSync(new URL('tsconfig.json', out), JSON.stringify(config));
    const tsc = path(new URL('node_modules/typescript/bin/tsc', root));
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', path(out)], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  }, 60_000);
});

const text = (value: unknown): string => (typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value));
