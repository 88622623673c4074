import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@hotsocket/testbench';
import { jest } from '@jest/globals';
import { ROMS } from './testing/roms.js';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const RECORDINGS = join(import.meta.dirname, '../../../../shared/transcripts');
jest.setTimeout(120_000);

interface Clients {
  readonly source: string;
  readonly libraries: string;
  readonly socat: string;
}
type EnsureClients = () => Promise<Clients | undefined>;

const tool = new URL('../../../tools/qemu-source/fetch.mjs', import.meta.url).href;
const { ensureQemuSource } = (await import(tool)) as { ensureQemuSource: EnsureClients };
const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 7))']).status === 0;
const found = await ensureQemuSource();
const clients: Clients = found ?? { source: '', libraries: '', socat: '' };
const missing = found === undefined ? "QEMU's clients are not here and cannot be fetched" : python ? undefined : 'there is no python3';
const noRecordings = existsSync(RECORDINGS) ? undefined : `${RECORDINGS} does not exist`;

let scratch: string;
let machine: ChildProcess | undefined;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hotsocket-clients-'));
  writeFileSync(join(scratch, 'halt.rom'), ROMS.halt);
});

afterEach(async () => {
  const gone = machine && new Promise((resolve) => machine?.once('close', resolve));
  if (machine?.exitCode === null) {
    machine.kill();
    await gone;
  }
  machine = undefined;
  rmSync(scratch, { recursive: true });
});

/** Starts the command with a QMP socket `./qmp.sock` and waits until it listens. */
async function startMachine(dialect: string): Promise<void> {
  const socket = ['-qmp', 'unix:qmp.sock,server=on,wait=off', '--qmp-dialect', dialect];
  const args = ['-smp', '1,maxcpus=4', '-m', '4', '-display', 'none', '-bios', 'halt.rom', ...socket];
  machine = spawn(process.execPath, [MAIN, ...args], { cwd: scratch, stdio: ['ignore', 'ignore', 'inherit'] });
  while (!existsSync(join(scratch, 'qmp.sock')) && machine.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** What varies from run to run and from machine to machine: thread numbers, places in the code, the program's name. */
const masked = (text: string): string =>
  text
    .replaceAll('\r', '')
    .replaceAll(/"(pc|thread_id)": -?\d+/g, '"$1": *')
    .replaceAll(/"qom_path": "[^"]*"/g, '"qom_path": *')
    .replaceAll(/"package": "[^"]*"/g, '"package": *')
    .replaceAll(/ +$/gm, '');

// ------------------------------------------------------------------ qmp-shell

/** A program on a terminal of its own; what is typed is echoed on its screen. */
class Terminal {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<string>;
  #screen = '';
  #changed: () => void = () => {};

  constructor(command: readonly string[]) {
    const program = 'import pty, sys; pty.spawn(sys.argv[1:])';
    const env = { ...process.env, TERM: 'dumb', HOME: scratch };
    this.#process = spawn('python3', ['-c', program, ...command], { cwd: scratch, env });
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#screen += text;
      this.#changed();
    });
    this.#process.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => this.#process.on('close', () => resolve(this.#screen)));
  }

  /** Types a line when the prompt has come for the `count`th time. */
  async type(prompt: string, count: number, line: string): Promise<void> {
    while (this.#screen.split(prompt).length - 1 < count && this.#process.exitCode === null)
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
        setTimeout(resolve, 100);
      });
    this.#process.stdin.write(line);
  }

  /** End of input. */
  close(): void {
    this.#process.stdin.end();
  }
}

const PROMPT = '(QEMU) ';
/** Lists of objects are those of another board. */
const OTHER_OBJECTS = /^(qom-list|qom-get|query-hotpluggable-cpus|info|human)/;

/** The commands of a recorded screen with what they showed, until the recording turns to its guest. */
function recordedScreen(file: string): { readonly command: string; readonly shown: string }[] {
  const [screen = ''] = readFileSync(join(RECORDINGS, file), 'utf8').split('\n-- guest shell');
  return screen
    .split(PROMPT)
    .slice(1)
    .map((part) => ({ command: part.split('\n')[0]!.trim(), shown: masked(part.trimEnd()) }))
    .filter(({ command }) => command !== '' && !OTHER_OBJECTS.test(command));
}

describeWith(missing ?? noRecordings, 'qmp-shell of QEMU 7.2', () => {
  it.each([
    ['1.5', 'qemu-1.5.0-qmp-shell-screen.txt', 'Connected to QEMU 1.5.0', 10],
    ['3.1', 'qemu-3.1.0-qmp-shell-screen.txt', 'Connected to QEMU 3.1.0', 10],
  ])('in the dialect %s shows the recorded screen', async (dialect, file, hello, least) => {
    await startMachine(dialect);
    const recorded = recordedScreen(file);
    const terminal = new Terminal(['python3', join(clients.source, 'scripts/qmp/qmp-shell'), '-v', 'qmp.sock']);
    for (const [index, { command }] of recorded.entries()) await terminal.type(PROMPT, index + 1, `${command}\n`);
    await terminal.type(PROMPT, recorded.length + 1, '\x04');
    terminal.close();
    const screen = await terminal.ended;
    const shown = screen
      .split(PROMPT)
      .slice(1, recorded.length + 1)
      .map((part) => masked(part.trimEnd()));
    expect(screen).toContain(hello);
    expect(shown.map((text) => text.trimEnd())).toEqual(recorded.map((exchange) => exchange.shown));
    expect(shown.length).toBeGreaterThanOrEqual(least);
  });
});

// ------------------------------------------------------------------ qemu.qmp

const PROGRAM = `
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from qemu.qmp import QMPClient, ExecuteError
async def main():
    client = QMPClient("test")
    await client.connect(sys.argv[2])
    print("greeting", client.greeting.QMP.version["qemu"])
    with client.listener(("STOP", "RESUME")) as events:
        print(await client.execute("cpu-add", {"id": 1}))
        at_once = [client.execute(*call) for call in (("cpu-add", {"id": 2}), ("cpu-add", {"id": 3}), ("cpu-add", {"id": 2}), ("query-status",))]
        print([repr(result) for result in await asyncio.gather(*at_once, return_exceptions=True)])
        await client.execute("stop")
        await client.execute("cont")
        print([(await events.get())["event"] for _ in range(2)])
        try: await client.execute("cpu-add", {"id": 99})
        except ExecuteError as error: print(error.error_class, "|", error)
    await client.disconnect()
    print(client.runstate)
asyncio.run(main())
`;

describeWith(missing, 'the Python library qemu.qmp', () => {
  it('negotiates, has four commands in flight, hears events, and gets errors as exceptions, as recorded with QEMU 3.1', async () => {
    await startMachine('3.1');
    const run = spawnSync('python3', ['-c', PROGRAM, join(clients.source, 'python'), 'qmp.sock'], { cwd: scratch, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.stdout.trim().split('\n')).toEqual([
      "greeting {'micro': 0, 'minor': 1, 'major': 3}",
      '{}',
      `['{}', '{}', "ExecuteError('CPU[2] with APIC ID 2 exists')", "{'status': 'running', 'singlestep': False, 'running': True}"]`,
      "['STOP', 'RESUME']",
      'GenericError | Invalid CPU [socket: 99, core: 0, thread: 0] with APIC ID 99, valid index range 0:3',
      'Runstate.IDLE',
    ]);
  });
});

// ------------------------------------------------------------------ socat

/** The commands of the recording with what they printed. The last one has no socket to talk to. */
function recordedCommands(): { readonly command: string; readonly printed: string }[] {
  return readFileSync(join(RECORDINGS, 'qemu-3.1.0-socat-session.txt'), 'utf8')
    .split(/^\$ /m)
    .slice(1, -1)
    .map((part) => ({ command: part.split('\n')[0]!, printed: masked(part.slice(part.indexOf('\n') + 1).trimEnd()) }));
}

/** 3.1 answered one line of noise with an error for each word; here one line gets one error. */
const oneErrorALine = (text: string): string => text.replace(/\n[^\n]*invalid keyword 'status'[^\n]*/, '');

describeWith(missing ?? noRecordings, 'socat', () => {
  it('prints what was recorded with QEMU 3.1', async () => {
    await startMachine('3.1');
    const env = { ...process.env, LD_LIBRARY_PATH: clients.libraries };
    const shell = (command: string): string => {
      const run = spawnSync('bash', ['-c', command.replaceAll(/\bsocat\b/g, clients.socat)], { cwd: scratch, env, encoding: 'utf8' });
      return masked(`${run.stdout}[exit ${run.status}]`);
    };
    shell(`printf '{"execute":"qmp_capabilities"}{"execute":"cpu-add","arguments":{"id":1}}' | socat -t1 - UNIX-CONNECT:./qmp.sock`);
    const recorded = recordedCommands();
    expect(recorded.map(({ command }) => ({ command, printed: shell(command) }))).toEqual(
      recorded.map(({ command, printed }) => ({ command, printed: oneErrorALine(printed) })),
    );
    expect(recorded).toHaveLength(5);
  });
});
