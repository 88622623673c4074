import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { Pc, type PcOptions } from '@hotsocket/machine-pc';
import { QmpServer, type QmpSession } from '@hotsocket/qmp';
import { PcQtestTarget } from './pc.js';
import { QtestSession } from './session.js';
import type { QtestTarget } from './target.js';

const RECORDINGS = join(fileURLToPath(new URL('.', import.meta.url)), '../../../../shared/transcripts/qtest');
const present = existsSync(RECORDINGS);
if (!present) process.stderr.write(`\n*** recordings of QEMU's device tests are not at ${RECORDINGS}: their replay is SKIPPED ***\n\n`);

/** A command and the lines that answered it; the last one is the reply, the others are interrupts. */
interface Exchange {
  readonly command: string;
  readonly answers: readonly string[];
}

/** One run of the emulator in a recording: its qtest exchanges and its QMP lines, each in order. */
interface Run {
  readonly commandLine: string;
  readonly qtest: readonly Exchange[];
  readonly qmp: readonly string[];
  /** All lines. */
  readonly log: readonly string[];
}

function runsOf(test: string): Run[] {
  const text = gunzipSync(readFileSync(join(RECORDINGS, `${test}.txt.gz`))).toString('latin1');
  const lines = text.split('\n');
  const commandLines = lines.filter((line) => line.startsWith('# '));
  const blocks = lines
    .filter((line) => !line.startsWith('# '))
    .join('\n')
    .split('- CLOSED');
  return commandLines.map((commandLine, index) => ({ commandLine, ...parseRun(blocks[index] ?? '') }));
}

function parseRun(block: string): Omit<Run, 'commandLine'> {
  const qtest: { command: string; answers: string[] }[] = [];
  const [qmp = '', exchanges = ''] = block.split('- OPENED');
  for (const line of exchanges.split('\n')) {
    if (line.startsWith('> ')) qtest.push({ command: line.slice(2), answers: [] });
    else if (line.startsWith('< ')) qtest.at(-1)?.answers.push(line.slice(2));
  }
  return { qtest, qmp: qmp.split('\n').filter((line) => line !== ''), log: block.split('\n') };
}

const pcWith = (options: Partial<PcOptions> = {}): Pc =>
  new Pc({
    cpus: 1,
    maxCpus: 1,
    topology: { cores: 1, threads: 1 },
    ramBytes: 128 << 20,
    firmware: new Uint8Array(0x1_0000).fill(0xf4),
    ...options,
  });

class Client {
  readonly #session: QtestSession;
  #lines: string[] = [];

  constructor(target: QtestTarget) {
    this.#session = new QtestSession(target, (text) => this.#lines.push(text.slice(0, -1)));
  }

  ask(command: string): string[] {
    this.#lines = [];
    this.#session.receive(`${command}\n`);
    return this.#lines;
  }
}

interface Difference extends Exchange {
  readonly at: number;
  readonly ours: readonly string[];
}

/** The first exchange that a machine answers otherwise; undefined when all are equal. */
function firstDifference(client: Client, exchanges: readonly Exchange[], isDefined = always): Difference | undefined {
  for (const [at, { command, answers }] of exchanges.entries()) {
    const ours = client.ask(command);
    if (isDefined(command, answers) && ours.join('\n') !== answers.join('\n'))
      return { at, command: shown(command), answers: answers.map(shown), ours: ours.map(shown) };
  }
  return undefined;
}

/** Whether a recorded answer binds us. */
type IsDefined = (command: string, answers: readonly string[]) => boolean;
const always: IsDefined = () => true;

const shown = (line: string): string => (line.length > 160 ? `${line.slice(0, 160)}... (${line.length} characters)` : line);

/** MASK: port 0 belongs to the 8237 DMA controller, which the board lacks; the test reads it only to pass time on real hardware. */
const withoutDma = (exchanges: readonly Exchange[]): Exchange[] => exchanges.filter(({ command }) => command !== 'inb 0x0');

/**
 * MASK: `clock_step` without an argument goes to the next timer of any device. QEMU also has timers of devices that the board lacks (display,
 * network, HPET), so the replay goes to the moment that QEMU answered.
 */
const atRecordedTimes = (exchanges: readonly Exchange[]): Exchange[] =>
  exchanges.map(({ command, answers }) => ({
    command: command === 'clock_step' ? `clock_set ${answers.at(-1)?.slice(3)}` : command,
    answers,
  }));

/** MASK: OUT of the PIT's counter 0 is high from power-on. QEMU drives the wire 1 ns later, so only there this is a change. */
function withoutFirstPitEdge(exchanges: readonly Exchange[]): Exchange[] {
  const first = exchanges.findIndex(({ answers }) => answers[0] === 'IRQ raise 0');
  return exchanges.map(({ command, answers }, at) => ({ command, answers: at === first ? answers.slice(1) : answers }));
}

/**
 * MASK: from this moment on rtc-test writes random bytes, dates that do not exist among them. What the time bytes are then, and when the
 * second ends (UF of register C), the data sheet leaves open; all other registers and every interrupt are compared.
 */
const RANDOM_DATES_FROM_NS = 615_000_122_070;
const TIME_BYTES_AND_C = [0, 2, 4, 6, 7, 8, 9, 0x0c, 0x32, 0x37];

function definedByDataSheet(): IsDefined {
  let [index, random] = [0, false];
  return (command, answers) => {
    const [name, port, value] = command.split(' ');
    if (name === 'clock_set' || name === 'clock_step') random ||= Number(answers.at(-1)?.slice(3)) >= RANDOM_DATES_FROM_NS;
    if (name === 'outb' && port === '0x70') index = Number(value);
    return !random || name !== 'inb' || !TIME_BYTES_AND_C.includes(index);
  };
}

/** An image of 256 KiB that has the firmware which closed PAM segments of a recording show where they show it. */
function firmwareOf(exchanges: readonly Exchange[]): Uint8Array {
  const image = new Uint8Array(0x4_0000);
  for (const { command, answers } of exchanges) {
    const [name, gpa] = command.split(' ');
    const bytes = Buffer.from(answers[0]?.slice(5) ?? '', 'hex');
    const isPattern = bytes.every((byte) => byte === bytes[0]);
    if (name === 'read' && Number(gpa) >= 0xe_0000 && !isPattern) image.set(bytes, Number(gpa) - 0x10_0000 + image.length);
  }
  return image;
}

/** The fw_cfg directory in bytes that were read from key 19h: key and size of each file. */
function directoryOf(bytes: Uint8Array): Map<string, { readonly key: number; readonly size: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const entries = Array.from({ length: view.getUint32(0) }, (_, index) => 4 + 64 * index).filter((at) => at + 64 <= bytes.length);
  return new Map(
    entries.map((at) => {
      const name = Buffer.from(bytes.subarray(at + 8, at + 64))
        .toString('latin1')
        .replace(/\0.*$/, '');
      return [name, { key: view.getUint16(at + 4), size: view.getUint32(at) }];
    }),
  );
}

/** What was read from each key that was selected, in order. */
function itemsRead(exchanges: readonly Exchange[]): { readonly key: number; readonly bytes: Uint8Array }[] {
  const items: { key: number; bytes: number[] }[] = [];
  for (const { command, answers } of exchanges) {
    if (command.startsWith('outw 0x510')) items.push({ key: Number(command.split(' ')[2]), bytes: [] });
    else if (command === 'inb 0x511') items.at(-1)?.bytes.push(Number(answers[0]?.slice(3)));
  }
  return items.map(({ key, bytes }) => ({ key, bytes: Uint8Array.from(bytes) }));
}

function readItem(client: Client, key: number, length: number): Uint8Array {
  client.ask(`outw 0x510 ${key}`);
  return Uint8Array.from({ length }, () => Number(client.ask('inb 0x511')[0]?.slice(3)));
}

/** The file that a run read, by name, and the same file of ours. MASK: keys and the directory follow from which files a machine has. */
function fileOf(run: Run, name: string, pc: Pc): { readonly recorded: Uint8Array; readonly ours: Uint8Array } {
  const items = itemsRead(run.qtest);
  const recordedKey = directoryOf(items[1]?.bytes ?? new Uint8Array(4)).get(name)?.key;
  const client = new Client(new PcQtestTarget(pc));
  const count = new DataView(readItem(client, 0x19, 4).buffer).getUint32(0);
  const file = directoryOf(readItem(client, 0x19, 4 + 64 * count)).get(name);
  const ours = file ? readItem(client, file.key, file.size) : new Uint8Array(0);
  return { recorded: items.find(({ key }) => key === recordedKey)?.bytes ?? new Uint8Array(0), ours };
}

/** Requests of a QMP log, each with the answers that follow it. Every client line of these tests starts with what no server line starts with. */
function qmpExchanges(lines: readonly string[]): { readonly request: string; readonly answers: readonly string[] }[] {
  const found: { request: string; answers: string[] }[] = [];
  for (const line of lines.slice(1)) {
    if (/^\{"(?:return|error|timestamp)"|^\{"id": \S+, "(?:return|error)"/.test(line)) found.at(-1)?.answers.push(line);
    else found.push({ request: line, answers: [] });
  }
  return found;
}

/** MASK: the CPU model (ours has its own) and the paths of objects. */
const withoutModel = (line: string): unknown =>
  JSON.parse(line, (key, value: unknown) => (key === 'type' || key === 'qom-path' ? '*' : value)) as unknown;

class QmpClient {
  readonly #session: QmpSession;
  #lines: string[] = [];

  constructor(pc: Pc) {
    const server = new QmpServer({
      machine: pc,
      dialect: '3.1',
      humanMonitor: { execute: () => '' },
      services: { now: () => 0, schedule: () => () => {} },
    });
    this.#session = server.connect({ write: (text) => this.#lines.push(...text.trimEnd().split('\r\n')), pendingBytes: 0, end: () => {} });
    this.#lines = [];
  }

  ask(request: string): string[] {
    this.#lines = [];
    this.#session.receive(Buffer.from(`${request}\n`, 'latin1'));
    return this.#lines;
  }
}

/** A machine that runs as under `-accel qtest`: its CPUs do not. */
function runningPc(options: Partial<PcOptions>): Pc {
  const pc = pcWith({ ...options, executes: false });
  pc.cont();
  return pc;
}

/**
 * Plays a run on a machine and gives the events that it told. MASK: the recordings of these tests have QMP lines, and pieces of lines, between
 * those of qtest, so interrupts are left out and a reply is compared where it was recorded in one piece.
 */
function eventsOf(pc: Pc, exchanges: readonly Exchange[]): unknown[] {
  const events: unknown[] = [];
  pc.events$.subscribe(({ name, ...data }) => events.push({ event: name, data }));
  const client = new Client(new PcQtestTarget(pc));
  for (const { command, answers } of exchanges) {
    const reply = client.ask(command).at(-1);
    const recorded = answers.find((line) => line.startsWith('OK'));
    if (recorded !== undefined) expect({ command, reply }).toEqual({ command, reply: recorded });
  }
  return events;
}

/** The events of a run, wherever they stand in its log; one without data has none in both. */
const recordedEvents = ({ log }: Run): unknown[] =>
  log
    .filter((line) => line.startsWith('{"timestamp"'))
    .map((line) => JSON.parse(line) as { event: string; data?: object })
    .map(({ event, data = {} }) => ({ event, data }));

const suite = present ? describe : describe.skip;

suite('recorded device tests', () => {
  describe('boot-order-test', () => {
    /** In the order of the recording's command lines. Cells are read twice, with a system reset between. */
    const settings: NonNullable<PcOptions['boot']>[] = [
      {},
      { floppySignatureCheck: false },
      { order: 'c' },
      { order: 'nda' },
      { order: '' },
      { order: 'c' },
      { once: 'a' },
      { once: 'a', floppySignatureCheck: false },
      { once: 'a', order: 'c' },
      { once: 'd', order: 'nda' },
      { once: 'c' },
    ];
    it.each(settings.map((boot, index) => ({ boot, index })))(
      'run $index: $boot gives the recorded cells before and after a reset',
      (row) => {
        const { qtest } = runsOf('boot-order-test')[row.index] as Run;
        const pc = pcWith({ boot: row.boot });
        const client = new Client(new PcQtestTarget(pc));
        const before = firstDifference(client, qtest.slice(0, 5));
        pc.reset('host-qmp-system-reset');
        expect([before, firstDifference(client, qtest.slice(5)), qtest.length]).toEqual([undefined, undefined, 9]);
      },
    );
  });

  describe('rtc-test', () => {
    it('every register value, every interrupt 8 and every instant is the recorded one', () => {
      const [run] = runsOf('rtc-test');
      const pc = pcWith({ startDate: Date.UTC(2026, 10, 23, 2, 22, 39) });
      const exchanges = withoutDma(atRecordedTimes(withoutFirstPitEdge((run as Run).qtest)));
      const difference = firstDifference(new Client(new PcQtestTarget(pc)), exchanges, definedByDataSheet());
      expect([difference, exchanges.length]).toEqual([undefined, 7676]);
    });
  });

  describe('endianness-test', () => {
    it.each([1, 2, 3])('run %p: accesses of every width meet in the recorded bytes', (index) => {
      const { qtest } = runsOf('endianness-test')[index] as Run;
      const target = new PcQtestTarget(pcWith({ testdev: true }));
      expect([firstDifference(new Client(target), qtest), qtest.length > 20]).toEqual([undefined, true]);
    });
  });

  describe('fw_cfg-test', () => {
    it.each([
      ['signature', 0, {}],
      ['revision', 1, {}],
      ['UUID', 2, { uuid: '4600cb32-38ec-4b2f-8acb-81c6ea54f2d8' }],
      ['RAM size', 3, {}],
      ['no graphics', 4, {}],
      ['number of CPUs', 5, {}],
      ['highest number of CPUs', 6, {}],
      ['NUMA', 7, {}],
      ['boot menu', 8, {}],
    ])('item %s is the recorded one', (_name, index, options) => {
      const { qtest } = runsOf('fw_cfg-test')[index] as Run;
      expect([firstDifference(new Client(new PcQtestTarget(pcWith(options))), qtest), qtest.length > 3]).toEqual([undefined, true]);
    });

    it.each([
      ['etc/boot-fail-wait', 9, { rebootTimeoutMs: 15 }, 4],
      ['etc/boot-fail-wait', 10, {}, 4],
      ['etc/boot-menu-wait', 11, { splashTimeMs: 12 }, 2],
    ] as const)('file %s of run %p has the recorded bytes', (name, index, boot, size) => {
      const { recorded, ours } = fileOf(runsOf('fw_cfg-test')[index] as Run, name, pcWith({ boot }));
      expect([ours, ours.length]).toEqual([recorded, size]);
    });
  });

  describe('i440fx-test', () => {
    it('the host bridge has the recorded registers', () => {
      const { qtest } = runsOf('i440fx-test')[0] as Run;
      expect([firstDifference(new Client(new PcQtestTarget(pcWith())), qtest), qtest.length]).toEqual([undefined, 51]);
    });

    it('PAM shows RAM and firmware as recorded, every byte', () => {
      const { qtest } = runsOf('i440fx-test')[1] as Run;
      const pc = pcWith({ firmware: firmwareOf(qtest) });
      expect([firstDifference(new Client(new PcQtestTarget(pc)), qtest), qtest.length]).toEqual([undefined, 237]);
    });

    it.each([
      ['ROM', 2],
      ['flash', 3],
    ])('firmware in %s stands below 4 GiB and below 1 MiB', (_chip, index) => {
      const { qtest } = runsOf('i440fx-test')[index] as Run;
      const firmware = Buffer.from(qtest[1]?.answers[0]?.slice(5) ?? '', 'hex');
      expect([firstDifference(new Client(new PcQtestTarget(pcWith({ firmware }))), qtest), qtest.length]).toEqual([undefined, 3]);
    });
  });

  it.each([
    ['pause', 0],
    ['none', 1],
  ] as const)('pvpanic-test: with -action panic=%s the guest is answered and the event told as recorded', (setting, index) => {
    const run = runsOf('pvpanic-test')[index] as Run;
    const pc = runningPc({ pvpanic: {} });
    pc.panicSetting = setting;
    // the recording ends before the machine has stopped
    expect(eventsOf(pc, run.qtest).filter((event) => !JSON.stringify(event).includes('STOP'))).toEqual(recordedEvents(run));
    expect(pc.runState).toBe(setting === 'pause' ? 'guest-panicked' : 'running');
  });

  it.each([
    ['pause', 0, 'watchdog'],
    ['reset', 1, 'running'],
    ['reset', 2, 'shutdown'],
    ['none', 3, 'running'],
  ] as const)('wdt_ib700-test: with -watchdog-action %s run %p tells the recorded events and ends in state %s', (action, index, state) => {
    const run = runsOf('wdt_ib700-test')[index] as Run;
    const pc = runningPc({ watchdog: true });
    pc.watchdogAction = action;
    pc.noReboot = run.commandLine.includes('-no-reboot');
    expect(eventsOf(pc, run.qtest)).toEqual(recordedEvents(run));
    expect(recordedEvents(run).length).toBeGreaterThan(0);
    expect(pc.runState).toBe(state);
  });

  it('cpu-plug-test: every slot is listed and takes its CPU, as recorded', () => {
    const { qmp } = runsOf('cpu-plug-test')[2] as Run;
    const pc = pcWith({ maxCpus: 6, topology: { cores: 3, threads: 2 } });
    const client = new QmpClient(pc);
    const model = pc.cpuSlots[0]?.type ?? '';
    const exchanges = qmpExchanges(qmp).map(({ request, answers }) => ({ request: request.replace('Haswell-x86_64-cpu', model), answers }));
    const ours = exchanges.map(({ request }) => client.ask(request).map(withoutModel));
    expect(ours).toEqual(exchanges.map(({ answers }) => answers.map(withoutModel)));
  });

  it('qmp-test: malformed requests get the recorded error classes, one answer each', () => {
    const { qmp } = runsOf('qmp-test')[0] as Run;
    const client = new QmpClient(pcWith());
    const exchanges = qmpExchanges(qmp).filter(({ request }) => !request.includes('query-version'));
    const classOf = (line: string): unknown => {
      const { error, id } = JSON.parse(line.replace(/[\u0080-\uffff]/g, '?')) as { error?: { class: string }; id?: unknown };
      return { class: error?.class, id };
    };
    const ours = exchanges.map(({ request }) => ({ request, answers: client.ask(request).map(classOf) }));
    expect(ours).toEqual(exchanges.map(({ request, answers }) => ({ request, answers: answers.map(classOf) })));
  });

  /** Every recording is replayed above or has its reason here. */
  it.each([
    ['boot-order-test', 'nothing'],
    ['rtc-test', 'reads of port 0 and what the masks above say'],
    ['endianness-test', 'run 0 starts no machine'],
    ['fw_cfg-test', 'keys of files and the directory: they follow from which files a machine has'],
    ['i440fx-test', 'nothing'],
    ['cpu-plug-test', 'run 0 starts no machine, run 1 a Q35'],
    ['qmp-test', 'query-version names the program; runs 1 to 3: out-of-band commands, -preconfig, a property of another machine'],
    ['fdc-test', 'all: no floppy controller on the board'],
    ['hd-geo-test', 'all: no disks on the board, and CMOS cells that describe them'],
    ['ide-test', 'all: no IDE controller on the board'],
    ['numa-test', 'all: one memory node only, -numa does not exist'],
    ['pvpanic-test', 'nothing'],
    ['tco-test', 'all: Q35 only'],
    ['wdt_ib700-test', 'nothing'],
  ])('%s is a known recording; excluded: %s', (test, _reason) => {
    expect(runsOf(test).length).toBeGreaterThan(0);
  });

  it('there is no recording that is neither replayed nor excluded', () => {
    expect(readdirSync(RECORDINGS).filter((name) => name.endsWith('.gz')).length).toBe(14);
  });
});
