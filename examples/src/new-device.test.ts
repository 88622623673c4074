/** The generator of device packages: what it makes is clean and complete, but for the data sheet's numbers. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const parent = fileURLToPath(new URL('../out-tsc/new-device/', import.meta.url));
const place = `${parent}ds1287-clock`;
const node = (...args: string[]): { status: number | null; stdout: string; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  return { status, stdout, output: stdout + stderr };
};
const generate = (chip: string): ReturnType<typeof node> => node('tools/new-device/new-device.mjs', chip, parent);

describe('npm run new:device', () => {
  beforeAll(() => {
    rmSync(parent, { recursive: true, force: true });
    mkdirSync(parent, { recursive: true });
    expect(generate('ds1287-clock')).toMatchObject({ status: 0 });
  });

  it('makes a package whose only failing test is the one for the numbers of the data sheet', () => {
    const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--rootDir', place, '--config', `${place}/jest.config.cjs`];
    const { status, stdout } = node(...jest, '--json');
    const { numPassedTests, testResults } = JSON.parse(stdout);
    const failed = testResults.flatMap((file: { assertionResults: { status: string; title: string }[] }) =>
      file.assertionResults.filter((result) => result.status === 'failed').map(({ title }) => title),
    );
    expect([status, numPassedTests, failed]).toEqual([1, 4, ['has the values of the data sheet after reset']]);
  }, 60_000);

  it('makes a package that passes type checker and lint', () => {
    const compilerOptions = { rootDir: 'src', outDir: 'out', types: ['jest', 'node'] };
    writeFileSync(
      `${place}/tsconfig.json`,
      JSON.stringify({ extends: '../../../../tsconfig.base.json', compilerOptions, include: ['src/*.ts'] }),
    );
    expect(node('node_modules/typescript/bin/tsc', '-p', place)).toMatchObject({ status: 0, output: '' });
    const biome = node('node_modules/@biomejs/biome/bin/biome', 'check', '--vcs-enabled=false', `${place}/src`, `${place}/package.json`);
    expect(biome).toMatchObject({ status: 0 });
  }, 60_000);

  it('declares what it imports, in the layer of devices', () => {
    const { name, dependencies, hotsocket } = JSON.parse(readFileSync(`${place}/package.json`, 'utf8'));
    const imported = ['ds1287-clock', 'module', 'saved-state', 'spec'].flatMap((file) =>
      [...readFileSync(`${place}/src/${file}.ts`, 'utf8').matchAll(/from '([^.'][^']*)'/g)].map(([, from]) => from!),
    );
    expect([name, hotsocket.layer]).toEqual(['@hotsocket/ds1287-clock', 'device']);
    expect(imported.filter((from) => !(from in dependencies))).toEqual([]);
  });

  it.each(['', 'DS1287', '../evil', 'ds1287-clock'])('refuses the name %p', (chip) => {
    expect(generate(chip)).toMatchObject({ status: 1, output: expect.stringMatching(/^new:device: /) });
  });
});
