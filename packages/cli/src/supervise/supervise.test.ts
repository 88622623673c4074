import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { demoGuestRom } from '@hotsocket/demo-guest';
import { Pc } from '@hotsocket/machine-pc';
import { QmpServer } from '@hotsocket/qmp';
import { jest } from '@jest/globals';
import { QmpClient } from '../qmp-client.js';
import { run } from '../run.js';
import { ROMS } from '../testing/roms.js';
import { UsageError } from '../usage-error.js';
import { parsePattern, parseSpan, parseStatus } from './patterns.js';
import { contains, runScenario } from './run-scenario.js';
import { parseScenario } from './scenario.js';
import { SerialWatch } from './serial-watch.js';

jest.setTimeout(60_000);
const scratch = mkdtempSync(join(tmpdir(), 'hotsocket-supervise-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const file = (name: string, text: string | Uint8Array): string => {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
};
const EXAMPLE = join(import.meta.dirname, '../../../../examples/scenarios/hot-add.yaml');

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function outcome(...args: string[]): Promise<Outcome> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const status = await run(args, { stdin, stdout, stderr });
  return { status, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

const demo = (...args: string[]): Promise<Outcome> =>
  outcome(
    '-bios',
    'builtin:demo-guest',
    '-acpi',
    'machine',
    '-m',
    '16',
    '-smp',
    '1,maxcpus=2',
    '-icount',
    'shift=0',
    '-display',
    'none',
    ...args,
  );

describe('parsePattern', () => {
  it.each([
    ['a.b*', 'xa.b*', true],
    ['a.b', 'axb', false],
    ['/a.b/', 'axb', true],
    ['/^B$/im', 'a\nb\nc', true],
    ['/etc/passwd', 'see /etc/passwd', true],
    ['/x/g', 'x', true],
  ])('%s in %j: %s', (text, printed, found) => {
    const { matcher } = parsePattern('-expect', text);
    expect([matcher.test(printed), matcher.test(printed)]).toEqual([found, found]);
  });

  it.each(['/(/', '/a/uv', ''])('%s is refused', (text) => {
    expect(() => parsePattern('-expect', text)).toThrow(UsageError);
  });
});

describe('numbers', () => {
  it.each([
    ['500', 5e8],
    ['500ms', 5e8],
    ['1.5s', 1.5e9],
    ['2m', 120e9],
  ])('%s is a span of %d ns', (text, ns) => {
    expect(parseSpan('-timeout', text)).toBe(ns);
  });

  it.each(['', '0', '-1', '1h', 'ms', '1e3', '9999999999'])('%j is no span', (text) => {
    expect(() => parseSpan('-timeout', text)).toThrow('-timeout: expected a time');
  });

  it.each(['-1', '256', 'x', '1.5'])('%s is no exit status', (text) => {
    expect(() => parseStatus('-timeout-exit-code', text)).toThrow('expected a number from 0 to 255');
  });
});

describe('contains', () => {
  it.each([
    [{ a: 1, b: { c: 'x', d: 2 } }, { b: { c: 'x' } }, true],
    [{ a: 1 }, { a: '1' }, false],
    [[{ a: 1 }, { a: 2 }], [{}, { a: 2 }], true],
    [[1, 2], [1], false],
    [{}, { toString: 1 }, false],
    [null, {}, false],
    ['any', undefined, true],
  ])('%j has %j: %s', (value, wanted, answer) => {
    expect(contains(value, wanted)).toBe(answer);
  });
});

describe('parseScenario', () => {
  it('reads every kind of step', () => {
    const text = `
name: all
steps:
  - wait: /a+/i
    timeout: 2s
  - send: "x\\r"
  - qmp: cpu-add
    arguments: {id: 1}
    error: GenericError
  - qmp: query-status
    returns: {status: running}
  - assert: {state: running, cpus: 2, printed: b}
  - delay: 100
`;
    const { name, steps } = parseScenario('s', text);
    expect([name, ...steps.map(({ kind }) => kind)]).toEqual(['all', 'wait', 'send', 'qmp', 'qmp', 'assert', 'delay']);
    expect(steps[0]).toMatchObject({ pattern: { text: '/a+/i' }, timeoutNs: 2e9 });
    expect(steps[2]).toEqual({ kind: 'qmp', command: 'cpu-add', arguments: { id: 1 }, outcome: { error: 'GenericError' } });
    expect(steps[5]).toEqual({ kind: 'delay', ns: 1e8 });
  });

  it.each([
    ['', 's: expected names with values'],
    ['- wait: a', 's: expected names with values'],
    ['steps: []', "s: expected a list of steps under 'steps'"],
    ['stpes: []', "s: 'stpes' is not known (possible: name, steps)"],
    ['steps: [wait]', 's: step 1: expected names with values'],
    ['steps: [{wiat: a}]', "s: step 1: 'wiat' is no step (possible: wait, send, qmp, assert, delay)"],
    ['steps: [{wait: a, send: b}]', 's: step 1: it is wait and send (possible: wait, send, qmp, assert, delay)'],
    ['steps: [{wait: 1}]', 's: step 1: wait: expected a text'],
    ['steps: [{wait: a, timeout: soon}]', 's: step 1: wait: timeout: expected a time above 0, in milliseconds or with ms, s or m'],
    ['steps: [{send: a, timeout: 1s}]', "s: step 1: send: 'timeout' is not known (possible: send)"],
    ['steps: [{qmp: a, returns: 1, error: b}]', "s: step 1: qmp: either 'returns' or 'error'"],
    ['steps: [{qmp: a, arguments: 1}]', 's: step 1: qmp: arguments: expected names with values'],
    ['steps: [{assert: {cpus: many}}]', 's: step 1: assert: cpus: expected a whole number'],
    ['steps: [{assert: {colour: red}}]', "s: step 1: assert: 'colour' is not known (possible: state, cpus, printed)"],
    ['steps: [', expect.stringMatching(/^s: .+ at line 1, column \d+$/)],
    ['a: &a [*a, *a]\nb: *c', expect.stringMatching(/^s: /)],
  ])('%j is refused', (text, message) => {
    let said = 'accepted';
    try {
      parseScenario('s', text);
    } catch (error) {
      if (error instanceof UsageError) said = error.message;
      else throw error;
    }
    expect(said).toEqual(message);
  });
});

describe('a run', () => {
  it('ends with success when everything expected was printed, in order', async () => {
    const log = join(scratch, 'serial.log');
    const { status, stdout, stderr } = await demo(
      '-expect',
      'ACPI: enabled',
      '-expect',
      '/^ready/m',
      '-serial-log',
      log,
      '-timeout',
      '10s',
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(log, 'latin1')).toMatch(/Hotsocket demo guest.*\nready: waiting/s);
  });

  it.each([
    [
      'in another order',
      ['-expect', 'ready:', '-expect', 'Hotsocket demo guest', '-timeout', '3s'],
      42,
      "'Hotsocket demo guest' was not printed within 3 s",
    ],
    [
      'with a word of failure',
      ['-expect', 'never', '-fail', 'nothing', '-fail', '/fw_cfg: \\d+ files/'],
      1,
      "the guest printed '/fw_cfg: \\d+ files/'",
    ],
    ['never', ['-expect', 'never', '-timeout', '500', '-timeout-exit-code', '7'], 7, "'never' was not printed within 0.5 s of guest time"],
    ['without an end', ['-timeout', '100ms'], 42, 'the machine did not end within 0.1 s of guest time'],
  ])('fails: %s', async (_how, args, status, reason) => {
    const { stderr, ...rest } = await demo(...args);
    expect(rest).toEqual({ status, stdout: '' });
    expect(stderr).toContain(`hotsocket: ${reason}`);
  });

  it('fails when the machine ends too early, and keeps its status when nothing was expected', async () => {
    const args = [
      '-display',
      'none',
      '-m',
      '4',
      '-bios',
      file('exit.rom', ROMS.exit67),
      '-device',
      'isa-debug-exit,iobase=0xf4',
      '-timeout',
      '1s',
    ];
    expect((await outcome(...args)).status).toBe(67);
    const early = await outcome(...args, '-expect', 'x');
    expect([early.status, early.stderr]).toEqual([1, "hotsocket: the machine ended: 'x' was not printed\n"]);
  });

  it('follows the example, which adds a CPU, and tells it in JSON', async () => {
    const { status, stdout, stderr } = await demo('-scenario', EXAMPLE, '-timeout', '60s', '-json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter(({ type }) => type === 'step').map(({ what }) => what)).toEqual([
      ...[
        'wait /ready/',
        'assert',
        'qmp cpu-add',
        'wait CPU 1 online',
        'assert',
        'qmp cpu-add',
        'qmp query-cpus-fast',
        'delay',
        'send "s"',
      ],
      ...['wait /CPU 1.*apic id 1/', 'wait 2 CPUs online'],
    ]);
    expect(lines.at(-1)).toMatchObject({ type: 'end', status: 0, reason: 'everything expected has happened' });
    expect(lines).toContainEqual({ type: 'serial', time: expect.any(Number), line: 'CPU 1 online, apic id 1' });
  });

  it.each([
    [['-scenario', '/nonexistent'], '-scenario /nonexistent: could not read the file: No such file or directory'],
    [['-serial-log', '/nonexistent/x'], "-serial-log /nonexistent/x: could not open '/nonexistent/x': No such file or directory"],
    [['-json', '-serial', 'stdio'], '-json: standard output is for the JSON lines; -serial-log keeps what the guest prints'],
  ])('%j is refused', async (args, message) => {
    expect(await demo(...args)).toEqual({ status: 1, stdout: '', stderr: `hotsocket: ${message}\n` });
  });
});

describe('a step that fails', () => {
  const machine = new Pc({
    cpus: 1,
    maxCpus: 2,
    topology: { cores: 1, threads: 1 },
    ramBytes: 16 << 20,
    firmware: demoGuestRom(),
    acpi: 'machine',
    time: { drive: 'icount' },
  });
  const serial = new SerialWatch(machine);
  afterAll(() => machine[Symbol.asyncDispose]());

  it.each([
    ['- wait: never\n    timeout: 1s', /^step 1 \(wait never\): not within 1 s of guest time; the last words: ".*ready/],
    [
      '- qmp: cpu-add\n    arguments: {id: 9}',
      'step 1 (qmp cpu-add): QMP client: cpu-add was refused: Unable to add CPU: 9, max allowed: 1',
    ],
    ['- qmp: stop\n    error: GenericError', 'step 1 (qmp stop): expected the error GenericError, it returned {}'],
    ['- qmp: query-status\n    returns: {running: false}', /^step 1 \(qmp query-status\): it returned \{/],
    ['- assert: {cpus: 3}', 'step 1 (assert): there are 1 CPUs, not 3'],
    ['- assert: {state: paused}', 'step 1 (assert): the state is running, not paused'],
    ['- assert: {printed: never}', /^step 1 \(assert\): 'never' was not printed; the last words/],
  ])('%j says why', async (step, reason) => {
    machine.cont();
    const qmp = await QmpClient.inProcess(new QmpServer({ machine }));
    const run = runScenario(parseScenario('s', `steps:\n  ${step}\n`), { machine, serial, qmp, done: () => {} });
    await expect(run).rejects.toThrow(reason);
    qmp.close();
  });
});
