import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../run.js';

const board = new URL('../../../machine/src/board.ts', import.meta.url).href;
const irqLine = new URL('../../../irq-line/src/index.ts', import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), 'hotsocket-info-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const HEAD = `import { defineMachine } from '${board}'; import { IrqLine, IrqPin } from '${irqLine}';\n`;
const machine = (name: string, nets = '({ wire }, { button, lamp }) => wire(button, lamp)'): string =>
  `defineMachine({ name: '${name}', defaults: {}, parts: () => ({ button: new IrqLine('button'), lamp: new IrqPin('lamp', () => {}) }), map: () => {}, nets: ${nets} })`;

async function info(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const sink = (key: 'out' | 'err') => ({ write: (text: string) => void (written[key] += text), on: () => {} });
  const streams = { stdin: process.stdin, stdout: sink('out'), stderr: sink('err') } as unknown as Parameters<typeof run>[1];
  return { status: await run(['info', ...args], streams), ...written };
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('hotsocket info', () => {
  it('prints the map of the PC', async () => {
    const { status, out } = await info('map');
    expect(status).toBe(0);
    expect(out).toContain('  fee00000-feefffff icc-apic-container (bridge.apicContainer)\n');
    expect(out).toContain('  af00-af1f ');
    expect(out).toContain('  isaBridge.resetControl: the second byte of the PCI address port\n');
  });

  it('prints the wires of the PC: the SCI is wired to both controllers', async () => {
    const { nets } = JSON.parse((await info('nets', '--format', 'json')).out);
    expect(nets).toContainEqual({ line: 'pm.sci', label: 'acpi-piix4.sci', pins: ['i8259.slave.ir1', 'ioapic.pin9'], high: false });
  });

  it.each(['mtree', 'qtree', 'nets', 'map'])('draws the %s of the PC', async (view) => {
    const { out } = await info(view, '--format=svg');
    expect(out).toMatch(new RegExp(`^<svg [^>]*>\n<title>${view} of pc</title>[^]*</svg>\n$`));
  });

  it('prints a machine of the user', async () => {
    const path = file('one.mjs', `${HEAD}export const porch = ${machine('porch')};`);
    expect(await info('nets', path)).toEqual({ status: 0, out: 'wires\n  button: low -> lamp\nnotices\n', err: '' });
  });

  it('wants to know which, of several', async () => {
    const path = file('two.mjs', `${HEAD}export const a = ${machine('a')}; export const b = ${machine('b')};`);
    expect(await info('nets', path)).toMatchObject({
      status: 1,
      err: expect.stringContaining(`name one of its machines: ${path}#a, ${path}#b`),
    });
    expect((await info('qtree', `${path}#b`)).out).toMatch(/^machine b\n/);
  });

  it('tells every conflict of a machine', async () => {
    const path = file('bad.mjs', `${HEAD}export default ${machine('bad', '() => {}')};`);
    const { status, err } = await info('nets', path);
    expect([status, err]).toEqual([1, expect.stringMatching(/the machine 'bad' cannot be built:\n.* {2}wire button goes nowhere/)]);
  });

  it.each([
    [['tree'], "info: view 'tree' is unknown (possible: mtree, qtree, nets, map)"],
    [['map', '--format', 'png'], "info: --format 'png' is unknown (possible: text, json, svg)"],
    [['map', '--live'], 'info --live: invalid option (possible: --format)'],
    [['map', 'a.mjs', 'b.mjs'], 'info b.mjs: one machine at a time'],
    [['map', file('none.mjs', 'export const machine = 1;')], 'exports nothing that defineMachine returned'],
    [['map', file('broken.mjs', 'export const = 1;')], 'broken.mjs: '],
    [['map', join(folder, 'absent.mjs')], 'absent.mjs: '],
  ])('refuses %j in one line', async (args, text) => {
    const { status, out, err } = await info(...args);
    expect([status, out, err.split('\n').length]).toEqual([1, '', 2]);
    expect(err).toContain(text);
  });

  it('says how it is used', async () => {
    expect((await info('--help')).out).toMatch(/^Usage: hotsocket info VIEW/);
  });
});
