import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { jest } from '@jest/globals';
import { run } from './run.js';
import { ROMS } from './testing/roms.js';

const MAIN = join(import.meta.dirname, '../dist/main.js');
jest.setTimeout(60_000);
const scratch = mkdtempSync(join(tmpdir(), 'hotsocket-cli-'));
const file = (name: string): string => join(scratch, name);

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('the command is not built: run tsc -b tsconfig.lib.json in packages/cli');
  for (const [name, rom] of Object.entries(ROMS)) writeFileSync(file(`${name}.rom`), rom);
});
afterAll(() => rmSync(scratch, { recursive: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command in a process of its own. */
class Command {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Outcome>;
  stdout = '';
  stderr = '';
  #changed: () => void = () => {};

  constructor(...args: string[]) {
    this.process = spawn(process.execPath, [MAIN, ...args], { cwd: scratch });
    this.process.stdout.setEncoding('latin1').on('data', (text: string) => this.#heard('stdout', text));
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => this.#heard('stderr', text));
    this.process.stdin.on('error', () => {});
    this.ended = new Promise((resolve) =>
      this.process.on('close', (status) => resolve({ status, stdout: this.stdout, stderr: this.stderr })),
    );
  }

  /** Waits until something holds, looking again at each output. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
        setTimeout(resolve, 50);
      });
    }
  }

  #heard(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.#changed();
  }
}

const outcome = (...args: string[]): Promise<Outcome> => {
  const command = new Command(...args);
  command.process.stdin.end();
  return command.ended;
};

/** The same without a process of its own. */
async function inProcess(...args: string[]): Promise<Outcome> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const status = await run(args, { stdin, stdout, stderr });
  return { status, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

const quiet = ['-display', 'none', '-m', '4'];

describe('hotsocket', () => {
  it('-version goes to standard output, status 0', async () => {
    expect(await outcome('-version')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^Hotsocket \d+\.\d+\.\d+\n$/),
    });
  });

  it.each([
    [['-smp', '5,maxcpus=4'], '-smp 5,maxcpus=4: maxcpus (4) must be equal to or greater than the number of CPUs to start with (5)'],
    [['-kernel', 'nosuch'], '-kernel nosuch: could not open the file: No such file or directory'],
    [
      ['-qmp', 'unix:/nonexistent/dir/s,server=on,wait=off'],
      '-qmp unix:/nonexistent/dir/s,server=on,wait=off: failed to bind socket: No such file or directory',
    ],
    [['-gdb', 'tcp:1234'], '-gdb tcp:1234: expected tcp:HOST:PORT, unix:PATH or none'],
    [['-gdb', 'tcp:192.0.2.1:1234'], expect.stringMatching(/^-gdb tcp:192\.0\.2\.1:1234: .*loopback/)],
    [['-gdb', 'unix:/nonexistent/dir/s'], '-gdb unix:/nonexistent/dir/s: failed to bind socket: No such file or directory'],
    [['-cpu-hotplug', 'selector', '-acpi', 'firmware'], "the selector registers of CPU hot-plug need the machine's own ACPI tables"],
    [['-pidfile', '/nonexistent/x'], '-pidfile /nonexistent/x: cannot create PID file: No such file or directory'],
    [['-m', '99999999T'], expect.stringMatching(/^RAM of \d+ bytes: from 1 MiB to \d+ MiB are possible$/)],
    [['-cpu', 'qemu64,+bogus'], "unknown CPU feature 'bogus'"],
    [['demo', '--kernel', 'bsd'], 'demo --kernel bsd: possible are cloud, amd64, 686'],
  ])('%j: one line on standard error, status 1', async (args, message) => {
    const { status, stdout, stderr } = await inProcess(...args, ...(args[0] === 'demo' ? [] : ['-bios', file('halt.rom')]));
    const [, text] = /^hotsocket: (.*)\n$/.exec(stderr) ?? [];
    expect({ status, stdout, text }).toEqual({ status: 1, stdout: '', text: message });
  });

  it('a wrong option: one line on standard error, status 1, from the process too', async () => {
    expect(await outcome('-bogus')).toEqual({ status: 1, stdout: '', stderr: 'hotsocket: -bogus: invalid option\n' });
  });

  it('exits with the status that the debug exit device gives', async () => {
    const { status, stderr } = await outcome(...quiet, '-bios', file('exit67.rom'), '-device', 'isa-debug-exit,iobase=0xf4,iosize=4');
    expect({ status, stderr }).toEqual({ status: 67, stderr: '' });
  });

  it('-no-reboot ends with status 0 when the guest resets', async () => {
    expect(await outcome(...quiet, '-bios', file('reset.rom'), '-no-reboot')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('-no-reboot tells where a triple fault was, with the registers', async () => {
    const { status, stderr } = await outcome(...quiet, '-bios', file('tripleFault.rom'), '-no-reboot');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^hotsocket: CPU 0: triple fault at 0xffff0006; with -no-reboot this ends the machine\nRAX=0{16}/);
    expect(stderr).toMatch(/\nIDTR=0{16} limit=0\n/);
  });

  it('-d logs code, instructions and resets to the file of -D', async () => {
    const log = ['-d', 'in_asm,exec,int,cpu_reset', '-D', file('d.log')];
    const { status, stderr } = await outcome(...quiet, '-bios', file('tripleFault.rom'), '-no-reboot', '-icount', 'shift=0', ...log);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(readFileSync(file('d.log'), 'utf8').split('\n').slice(0, 10)).toEqual([
      '0.000000000 cpu_decode cpu=0 address=0xfffffff0 bytes=e90d00 text="jmp 0x0"',
      '0.000000000 cpu_execute cpu=0 address=0xfffffff0',
      expect.stringContaining('cpu_decode cpu=0 address=0xffff0000 bytes=2e0f011e2000'),
      expect.stringContaining('cpu_decode cpu=0 address=0xffff0006 bytes=0f0b text="ud2"'),
      expect.stringContaining('cpu_execute cpu=0 address=0xffff0000'),
      expect.stringContaining('cpu_execute cpu=0 address=0xffff0006'),
      expect.stringContaining('cpu_interrupt cpu=0 vector=6 error=none kind=exception'),
      expect.stringContaining('cpu_interrupt cpu=0 vector=0xd error=0x0 kind=exception'),
      expect.stringContaining('cpu_interrupt cpu=0 vector=8 error=0x0 kind=exception'),
      expect.stringContaining('cpu_triple_fault cpu=0 address=0xffff0006'),
    ]);
  });

  it('writes debug consoles to their files', async () => {
    const exit = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'];
    const both = await outcome(...quiet, '-bios', file('log.rom'), ...exit, '-debugcon', `file:${file('both')}`);
    const one = await outcome(
      ...quiet,
      '-bios',
      file('log.rom'),
      ...exit,
      '-debugcon',
      `file:${file('one')}`,
      '-global',
      'isa-debugcon.iobase=0x402',
    );
    expect([both.status, readFileSync(file('both'), 'latin1'), one.status, readFileSync(file('one'), 'latin1')]).toEqual([1, 'AB', 1, 'B']);
  });

  it('carries a paste of any size to the guest and back, in order', async () => {
    const text = Array.from({ length: 20_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');
    const command = new Command(...quiet, '-bios', file('echo.rom'), '-serial', 'stdio');
    command.process.stdin.write(text);
    await command.until(() => command.stdout.length >= text.length);
    command.process.kill('SIGTERM');
    const { status, stdout } = await command.ended;
    expect({ status, same: stdout === text }).toEqual({ status: 0, same: true });
  });

  it('Ctrl-A c gives the monitor, Ctrl-A x ends with status 0', async () => {
    const command = new Command('-m', '4', '-bios', file('echo.rom'), '-nographic');
    command.process.stdin.write('ab');
    await command.until(() => command.stdout.includes('ab'));
    command.process.stdin.write('\x01cinfo status\r');
    await command.until(() => command.stdout.includes('VM status: running'));
    command.process.stdin.write('\x01ccd');
    await command.until(() => command.stdout.includes('cd'));
    command.process.stdin.write('\x01x');
    expect(await command.ended).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/hotsocket: Terminated\r\n$/) });
  });

  it.each([
    ['SIGTERM', 15],
    ['SIGINT', 2],
    ['SIGHUP', 1],
  ] as const)('%s ends it with status 0, and its sockets and PID file are gone', async (signal, number) => {
    const [socket, serial, pid] = [file(`${signal}.qmp`), file(`${signal}.serial`), file(`${signal}.pid`)];
    const sockets = ['-qmp', `unix:${socket},server=on,wait=off`, '-serial', `unix:${serial},server=on,wait=off`, '-pidfile', pid];
    const command = new Command(...quiet, '-bios', file('halt.rom'), ...sockets);
    await command.until(() => [socket, serial, pid].every((path) => existsSync(path)));
    expect(readFileSync(pid, 'utf8')).toBe(`${command.process.pid}\n`);
    command.process.kill(signal);
    expect(await command.ended).toEqual({ status: 0, stdout: '', stderr: `hotsocket: terminating on signal ${number}\n` });
    expect([socket, serial, pid].filter((path) => existsSync(path))).toEqual([]);
  });

  it('takes cpu-add over a QMP socket before the start, and quit ends it', async () => {
    const path = file('prelaunch.qmp');
    const command = new Command(
      ...quiet,
      '-S',
      '-smp',
      '1,maxcpus=2',
      '-bios',
      file('halt.rom'),
      '-qmp',
      `unix:${path},server=on,wait=off`,
    );
    await command.until(() => existsSync(path));
    const replies = await converse(path, [
      '{"execute":"qmp_capabilities"}',
      '{"execute":"query-status"}',
      '{"execute":"cpu-add","arguments":{"id":1}}',
      '{"execute":"query-cpus-fast"}',
      '{"execute":"quit"}',
    ]);
    const results = replies.filter((reply) => 'return' in reply).map((reply) => reply.return);
    expect(results[1]).toMatchObject({ status: 'prelaunch' });
    expect(results[3]).toMatchObject([{ 'cpu-index': 0 }, { 'cpu-index': 1 }]);
    expect((await command.ended).status).toBe(0);
  });

  it('qmp sends a command to a machine that runs, and tells what it says', async () => {
    const path = file('command.qmp');
    const command = new Command(
      ...quiet,
      '-S',
      '-smp',
      '1,maxcpus=2',
      '-bios',
      file('halt.rom'),
      '-qmp',
      `unix:${path},server=on,wait=off`,
    );
    await command.until(() => existsSync(path));
    const said = async (...args: string[]): Promise<[number | null, string]> => {
      const { status, stdout, stderr } = await outcome('qmp', path, ...args);
      return [status, stdout + stderr];
    };
    expect(await said('cpu-add', 'id=1')).toEqual([0, '{}\n']);
    expect(await said('cpu-add', 'id=1')).toEqual([
      1,
      'hotsocket: QMP client: cpu-add was refused: Unable to add CPU: 1, it already exists\n',
    ]);
    expect(await said('human-monitor-command', 'command-line=info status')).toEqual([0, 'VM status: paused (prelaunch)\n']);
    expect(await said('cpu-add', 'id')).toEqual([1, "hotsocket: qmp: 'id' is not of the form NAME=VALUE\n"]);
    await said('quit');
    expect((await command.ended).status).toBe(0);
  });

  it('doctor says what it finds', async () => {
    const { status, stdout } = await outcome('doctor');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^Hotsocket .*\nok +Node\.js .*\nok +WebAssembly .*\nok +memory .*\nok +Unix sockets .*\n(ok|missing) +firmware /,
    );
  });

  it('serves gdb at the reset vector, and kill ends it', async () => {
    const path = file('gdb');
    const command = new Command(...quiet, '-S', '-bios', file('halt.rom'), '-gdb', `unix:${path},arch=i8086`);
    await command.until(() => existsSync(path));
    const session = connect(path);
    let text = '';
    session.setEncoding('latin1').on('data', (part: string) => (text += part));
    session.write('$p8#a8');
    await command.until(() => text.includes('#'));
    expect(text).toBe('+$f0ffffff#fa');
    session.write('$k#6b');
    expect(await command.ended).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(path)).toBe(false);
  });

  it('wait=on holds the start back until a client has come', async () => {
    const path = file('wait.qmp');
    const device = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'];
    const command = new Command(...quiet, '-bios', file('exit67.rom'), ...device, '-qmp', `unix:${path},server=on`);
    await command.until(() => command.stderr.includes('waiting for a connection'));
    expect(command.process.exitCode).toBeNull();
    connect(path).on('error', () => {});
    expect((await command.ended).status).toBe(67);
  });

  it('a signal ends the wait', async () => {
    const command = new Command(...quiet, '-bios', file('halt.rom'), '-serial', `unix:${file('w.serial')},server=on`);
    await command.until(() => command.stderr.includes('waiting for a connection'));
    command.process.kill('SIGTERM');
    expect((await command.ended).status).toBe(0);
    expect(existsSync(file('w.serial'))).toBe(false);
  });

  it('answers -trace help with names, and warns of a name that is none', async () => {
    const help = await outcome('-trace', 'help');
    expect(help.stdout.split('\n')).toEqual(expect.arrayContaining(['rtc_read', 'piix4_cpu', 'uart_receive']));
    const device = ['-device', 'isa-debug-exit,iobase=0xf4'];
    const traced = await outcome(...quiet, '-bios', file('exit67.rom'), ...device, '-trace', 'bogus', '-trace', 'debug_exit');
    expect(traced.stderr).toMatch(
      /^hotsocket: warning: trace event 'bogus' does not exist\n\d+\.\d{9} debug_exit offset=0 size=1 value=0x21\n$/,
    );
  });

  it('the tour shows the way of a hot-add through the embedded guest', async () => {
    const { status, stdout } = await outcome('demo', '--embedded');
    const steps = ['QMP', 'notifier', 'PIIX4', 'SCI', 'RTC', 'bitmap is read', 'INIT', 'STARTUP', 'CPU 1: apic id 1', 'done'].map((step) =>
      stdout.indexOf(step, stdout.indexOf('cpu-add')),
    );
    expect({ status, missing: steps.filter((at) => at < 0) }).toEqual({ status: 0, missing: [] });
  });
});

interface Reply {
  readonly return?: unknown;
}

function converse(path: string, messages: readonly string[]): Promise<Reply[]> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.write(messages.join('')));
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.on('close', () =>
      resolve(
        text
          .trim()
          .split('\r\n')
          .map((line) => JSON.parse(line) as Reply),
      ),
    );
    socket.on('error', reject);
  });
}
