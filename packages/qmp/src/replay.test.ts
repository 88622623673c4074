import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeWith } from '@hotsocket/testbench';
import type { Dialect } from './dialect.js';
import { QmpServer } from './server.js';
import type { QmpSession } from './session.js';
import { FakeMachine, type FakeMachineOptions } from './testing/fake-machine.js';

const RECORDINGS = join(fileURLToPath(new URL('.', import.meta.url)), '../../../../shared/transcripts');

/** A request of a recording with the lines that answered it. */
interface Exchange {
  readonly section: string;
  readonly request: string;
  readonly answers: readonly string[];
}

function exchanges(file: string): Exchange[] {
  const found: { section: string; request: string; answers: string[] }[] = [];
  let section = '';
  for (const line of readFileSync(join(RECORDINGS, file), 'utf8').split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3);
    else if (line.startsWith('C: ')) found.push({ section, request: line.slice(3), answers: [] });
    else if (line.startsWith('S: ')) found.at(-1)?.answers.push(line.slice(3).replace(/\\r$/, ''));
  }
  return found;
}

/** Facts that differ from run to run or from machine to machine are masked; the order of members does not matter. */
function masked(line: string): unknown {
  const mask = (key: string, value: unknown): unknown =>
    ['timestamp', 'pc', 'thread_id', 'thread-id', 'halted', 'package', 'qom_path', 'qom-path'].includes(key) ? '*' : value;
  return JSON.parse(line, mask);
}

class Replayer {
  readonly #lines: string[] = [];
  readonly #session: QmpSession;

  constructor(dialect: Dialect, options: FakeMachineOptions, negotiated: boolean) {
    const machine = new FakeMachine(options);
    const services = { now: () => 0, schedule: () => () => {} };
    const server = new QmpServer({ machine, dialect, services });
    this.#session = server.connect({ write: (text) => this.#lines.push(text.trimEnd()), pendingBytes: 0, end: () => {} });
    if (negotiated) this.ask('{"execute":"qmp_capabilities"}');
    this.#lines.length = 0;
  }

  ask(request: string): unknown[] {
    this.#session.receive(new TextEncoder().encode(`${request}\n`));
    return this.#lines.splice(0).map(masked);
  }
}

/** A recorded answer that this server gives too, event by event; later events belong to a guest, which a fake machine has not. */
function comparable({ answers }: Exchange): unknown[] | undefined {
  const kept = answers.filter((line) => !line.includes('ACPI_DEVICE_OST'));
  return kept.every((line) => line.startsWith('{')) ? kept.map(masked) : undefined;
}

const OTHER_MACHINE = /query-(commands|machines|version)|human-monitor|qom-|system_reset|"quit"/;

/** 1.5 cut ids to 32 bits, and numbered CPUs in order of creation, so that a gap in the ids did not show. */
function isBugOf15({ section, request }: Exchange): boolean {
  return /-4294967296|-9223372036854775808/.test(request) || (section.includes('-S') && request.includes('query-cpus'));
}

const missing = existsSync(RECORDINGS) ? undefined : `${RECORDINGS} does not exist`;

describeWith(missing, 'recorded sessions with raw bytes', () => {
  it.each<[Dialect, string, number]>([
    ['1.5', 'qemu-1.5.0-qmp-raw-cpu-add-session.txt', 45],
    ['3.1', 'qemu-3.1.0-qmp-raw-cpu-add-session.txt', 55],
  ])('are answered as %s answered', (dialect, file, least) => {
    let replayer = new Replayer(dialect, {}, false);
    let section = '';
    let compared = 0;
    for (const exchange of exchanges(file)) {
      const fresh = exchange.section !== section && /^(negative id|cpu-add while stopped|cpu-add of all)/.test(exchange.section);
      section = exchange.section;
      if (fresh) replayer = new Replayer(dialect, { runState: section.includes('-S') ? 'prelaunch' : 'running' }, true);
      const expected = comparable(exchange);
      if (expected === undefined || OTHER_MACHINE.test(exchange.request)) continue;
      if (dialect === '1.5' && isBugOf15(exchange)) continue;
      expect({ ...exchange, answers: replayer.ask(exchange.request) }).toEqual({ ...exchange, answers: expected });
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(least);
  });

  it('of 7.2: hot-add by device_add, its refusals, envelopes and numbers are answered as 7.2 answered', () => {
    const replayer = new Replayer('3.1', {}, true);
    const told = /device_add|syntax errors|unknown command|id echo|number edges|^after$|stop \/ cont/;
    let compared = 0;
    for (const exchange of exchanges('qemu-7.2-qmp-raw-session.txt')) {
      if (!told.test(exchange.section) || /exec-oob|query-acpi|query-cpus|human-monitor|1e400|:-0\}/.test(exchange.request)) continue;
      const expected = comparable(exchange);
      const [line] = exchange.answers;
      if (expected === undefined) continue;
      // 7.2 answers one broken line with several errors; the first is the one that names the mistake.
      const syntax = line?.includes('JSON parse error');
      const answers = replayer.ask(exchange.request);
      expect({ ...exchange, answers }).toEqual({ ...exchange, answers: syntax ? expected.slice(0, 1) : expected });
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(45);
  });
});

interface Recording {
  /** What the client sent, packet by packet, without anything added. */
  readonly packets: readonly string[];
  /** What it got, message by message. */
  readonly messages: readonly string[];
}

function wireRecording(file: string, keep: (line: string) => boolean): Recording {
  const lines = readFileSync(join(RECORDINGS, file), 'utf8').split('\n').filter(keep);
  const after = (mark: string): string[] => lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
  return { packets: after('C> '), messages: after('S< ').flatMap((text) => text.split('\\r\\n').filter((part) => part !== '')) };
}

/** Lists of commands and of objects are not those of QEMU. */
function comparableMessage(line: string): unknown {
  return line.startsWith('{"return": [{"name":') ? 'a list of names' : masked(line);
}

function replay(recording: Recording, dialect: Dialect): { readonly got: unknown[]; readonly expected: unknown[] } {
  const lines: string[] = [];
  const services = { now: () => 0, schedule: () => () => {} };
  const server = new QmpServer({ machine: new FakeMachine(), dialect, services });
  const session = server.connect({ write: (text) => lines.push(text.trimEnd()), pendingBytes: 0, end: () => {} });
  for (const packet of recording.packets) session.receive(new TextEncoder().encode(packet));
  const told = (line: string): boolean => !line.includes('ACPI_DEVICE_OST');
  return { got: lines.map(comparableMessage), expected: recording.messages.filter(told).map(comparableMessage) };
}

interface RecordedEvent {
  readonly event: string;
  readonly data: { readonly info: { readonly device?: string; readonly source: number; readonly status: number; readonly slot: string } };
}

/** Does to a machine what the guest of a recording did; it deletes the APIC and, behind it, the CPU: the recorded program died before that. */
function actAsGuest(machine: FakeMachine, { event, data }: RecordedEvent): void {
  if (event === 'DEVICE_DELETED') return machine.eject(2);
  const { slot, device, source, status } = data.info;
  machine.emit({
    name: 'ACPI_DEVICE_OST',
    info: { slot: Number(slot), slotType: 'CPU', source, status, ...(device === undefined ? {} : { device }) },
  });
}

function connectedClient(): { machine: FakeMachine; receive: (text: string) => void; take: () => string[] } {
  const lines: string[] = [];
  const machine = new FakeMachine();
  const server = new QmpServer({ machine, services: { now: () => 0, schedule: () => () => {} } });
  const session = server.connect({ write: (text) => lines.push(text.trimEnd()), pendingBytes: 0, end: () => {} });
  const receive = (text: string): void => session.receive(new TextEncoder().encode(text));
  receive('{"execute":"qmp_capabilities"}{"execute":"query-status"}');
  lines.length = 0;
  const lastOfCpu = '"device": "vcpu2", "path"';
  return { machine, receive, take: () => lines.splice(0).filter((line) => !line.includes(lastOfCpu)) };
}

describeWith(missing, 'recorded clients', () => {
  it.each<[string, string, Dialect, number]>([
    ['qmp-shell with 1.5', 'qemu-1.5.0-qmp-shell-wire.txt', '1.5', 15],
    ['qmp-shell with 3.1', 'qemu-3.1.0-qmp-shell-wire.txt', '3.1', 15],
    ['qemu.qmp with 3.1, four commands in flight', 'qemu-3.1.0-python-qemu.qmp-wire.txt', '3.1', 7],
  ])('%s: unterminated messages get the recorded answers', (_name, file, dialect, least) => {
    const notOurObjects = (line: string): boolean => !(dialect === '3.1' && /icc-bridge/.test(line));
    const recording = wireRecording(file, notOurObjects);
    const { got, expected } = replay(recording, dialect);
    expect(got).toEqual(expected);
    expect(got.length).toBeGreaterThanOrEqual(least);
  });

  it('setvcpus of libvirt: the exchange of each hot-plug gets the recorded answers', () => {
    const ids = /"libvirt-(1|41[1-6])"/;
    const recording = wireRecording('libvirt-9.0-qemu-7.2-start-and-setvcpus.txt', (line) => ids.test(line) || line.includes('"QMP"'));
    const { got, expected } = replay(recording, 'default');
    expect(got.slice(1)).toEqual(expected.slice(1));
    expect(got).toHaveLength(8);
  });

  it('setvcpus of libvirt, up and down: replies and events come as recorded', () => {
    const path = join(RECORDINGS, 'libvirt-9.0-qemu-7.2-start-and-setvcpus.txt');
    const lines = readFileSync(path, 'utf8').split('\n');
    const recorded = lines
      .slice(lines.indexOf('# MARK setvcpus3'), lines.indexOf('# MARK setvcpu'))
      .filter((line) => /^[CS][<>!] /.test(line));
    const { machine, receive, take } = connectedClient();
    const expected: unknown[] = [];
    const got: unknown[] = [];
    for (const line of recorded) {
      const text = line.slice(3);
      if (line.startsWith('C> ')) receive(text);
      else {
        if (line.startsWith('S! ')) actAsGuest(machine, JSON.parse(text) as RecordedEvent);
        expected.push(masked(text));
        got.push(...take().map(masked));
      }
    }
    expect(got).toEqual(expected);
    expect(got).toHaveLength(12);
  });
});
