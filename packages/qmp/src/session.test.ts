import fc from 'fast-check';
import { COMMANDS } from './commands.js';
import type { Dialect } from './dialect.js';
import { JsonStreamParser } from './json-parser.js';
import type { JsonObject, JsonValue } from './json-value.js';
import { checksOf } from './qapi-types.js';
import { QmpServer, type QmpServerOptions } from './server.js';
import type { QmpSession } from './session.js';
import { FakeMachine } from './testing/fake-machine.js';

const NOW_US = 1_366_675_200_123_456;

/** Timers that run only when told. */
class ManualTimers {
  readonly #tasks = new Map<number, () => void>();
  #next = 0;

  readonly services = {
    now: () => NOW_US,
    schedule: (_ms: number, task: () => void): (() => void) => {
      const key = this.#next++;
      this.#tasks.set(key, task);
      return () => this.#tasks.delete(key);
    },
  };

  get waiting(): number {
    return this.#tasks.size;
  }

  fire(): void {
    const tasks = [...this.#tasks.values()];
    this.#tasks.clear();
    for (const task of tasks) task();
  }
}

/** A client in the same process: `writes` are the packets it got. */
class Client {
  readonly writes: string[] = [];
  pendingBytes = 0;
  ended = false;
  session!: QmpSession;

  write(text: string): void {
    this.writes.push(text);
  }

  end(): void {
    this.ended = true;
  }

  get lines(): string[] {
    return this.writes.join('').split('\r\n').slice(0, -1);
  }

  take(): unknown[] {
    const lines = this.lines.map((line) => JSON.parse(line) as unknown);
    this.writes.length = 0;
    return lines;
  }

  send(text: string): unknown[] {
    this.session.receive(Uint8Array.from(text, (char) => char.charCodeAt(0)));
    return this.take();
  }
}

interface SchemaEntry {
  readonly name: string;
  readonly 'meta-type': string;
  readonly 'arg-type'?: string;
  readonly 'ret-type'?: string;
  readonly 'element-type'?: string;
  readonly members?: readonly { readonly type: string }[];
}

interface Bench {
  readonly machine: FakeMachine;
  readonly client: Client;
  readonly server: QmpServer;
  readonly timers: ManualTimers;
  readonly log: string[];
  connect(): Client;
}

function bench(options: Partial<QmpServerOptions> = {}, machine: FakeMachine = new FakeMachine()): Bench {
  const timers = new ManualTimers();
  const log: string[] = [];
  const server = new QmpServer({ machine, services: timers.services, log: (line) => log.push(line), ...options });
  const connect = (): Client => {
    const client = new Client();
    client.session = server.connect(client);
    return client;
  };
  return { machine, client: connect(), server, timers, log, connect };
}

function negotiated(options: Partial<QmpServerOptions> = {}, machine?: FakeMachine): Bench {
  const made = bench(options, machine);
  made.client.send('{"execute":"qmp_capabilities"}');
  made.timers.fire();
  return made;
}

const generic = (desc: string): unknown => ({ error: { class: 'GenericError', desc } });
const stamped = (event: string, data?: unknown): unknown => ({
  timestamp: { seconds: 1_366_675_200, microseconds: 123_456 },
  event,
  ...(data === undefined ? {} : { data }),
});
const run = (name: string, args?: unknown): string => JSON.stringify({ execute: name, arguments: args });
const OK = { return: {} };

describe('greeting and negotiation', () => {
  it('greets at once with the dialect, the program and no capabilities, ending in CR LF', () => {
    const { client } = bench({ packageName: 'hotsocket 0.1.0' });
    expect(client.writes).toEqual([
      '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 5, "major": 1}, "package": "hotsocket 0.1.0"}, "capabilities": []}}\r\n',
    ]);
  });

  it('says 3.1.0 in the dialect 3.1', () => {
    expect(bench({ dialect: '3.1' }).client.take()).toEqual([
      { QMP: { version: { qemu: { major: 3, minor: 1, micro: 0 }, package: 'hotsocket' }, capabilities: [] } },
    ]);
  });

  it.each<[Dialect, string]>([
    ['1.5', 'The command cpu-add has not been found'],
    ['3.1', "Expecting capabilities negotiation with 'qmp_capabilities'"],
    ['default', "Expecting capabilities negotiation with 'qmp_capabilities'"],
  ])('refuses commands before the negotiation (%s)', (dialect, desc) => {
    const { client, machine } = bench({ dialect });
    client.take();
    expect(client.send('{"execute":"cpu-add","arguments":{"id":1},"id":7}')).toEqual([
      { id: 7, error: { class: 'CommandNotFound', desc } },
    ]);
    expect(machine.calls).toEqual([]);
  });

  it.each<[Dialect, string]>([
    ['1.5', 'The command qmp_capabilities has not been found'],
    ['3.1', 'Capabilities negotiation is already complete, command ignored'],
    ['default', 'Capabilities negotiation is already complete, command ignored'],
  ])('refuses a second negotiation (%s)', (dialect, desc) => {
    const { client } = negotiated({ dialect });
    expect(client.send(run('qmp_capabilities'))).toEqual([{ error: { class: 'CommandNotFound', desc } }]);
  });

  it('offers no capabilities and stays in negotiation when one is asked for', () => {
    const { client } = bench();
    client.take();
    expect(client.send(run('qmp_capabilities', { enable: ['oob'] }))).toEqual([generic("Capability 'oob' is not offered by this server")]);
    expect(client.send(run('query-status'))).toMatchObject([{ error: { class: 'CommandNotFound' } }]);
    expect(client.send(run('qmp_capabilities', { enable: [] }))).toEqual([OK]);
  });
});

describe('envelope', () => {
  it.each([
    '1',
    '"abc"',
    '{"a": [1, 2]}',
    'null',
    '[1]',
    'true',
    '1.5',
    '1e400',
    '0.1',
    '-0',
    '9223372036854775808',
    '18446744073709551616',
    '-9223372036854775809',
    '"\\uD83D\\uDE00 \\u0000"',
    `"${'x'.repeat(1000)}"`,
  ])('echoes the id %s as it was sent, in replies and in errors', (id) => {
    const { client } = negotiated();
    client.session.receive(new TextEncoder().encode(`{"execute":"stop","id":${id}}{"execute":"nope","id":${id}}`));
    expect(client.lines.slice(1)).toEqual([
      `{"return": {}, "id": ${id}}`,
      `{"id": ${id}, "error": {"class": "CommandNotFound", "desc": "The command nope has not been found"}}`,
    ]);
  });

  it('keeps the echo of an id with line breaks on one line', () => {
    const { client } = negotiated();
    client.session.receive(new TextEncoder().encode("{'execute':'cont','id':{\r\n'a'\n:\n1}}"));
    expect(client.lines).toEqual(['{"return": {}, "id": {"a": 1}}']);
  });

  const rows: [string, string, string][] = [
    ['{"execute":1}', "QMP input object member 'execute' expects 'string'", "QMP input member 'execute' must be a string"],
    ['{}', "Expected 'execute' in QMP input", "QMP input lacks member 'execute'"],
    ['{"arguments":{}}', "Expected 'execute' in QMP input", "QMP input lacks member 'execute'"],
    ['[]', "Expected 'object' in QMP input", 'QMP input must be a JSON object'],
    ['1', "Expected 'object' in QMP input", 'QMP input must be a JSON object'],
    ['"x"', "Expected 'object' in QMP input", 'QMP input must be a JSON object'],
    ['true', "Expected 'object' in QMP input", 'QMP input must be a JSON object'],
    ['{"execute":"stop","bogus":1}', "QMP input object member 'bogus' is unexpected", "QMP input member 'bogus' is unexpected"],
    ['{"exec-oob":"stop"}', "QMP input object member 'exec-oob' is unexpected", "QMP input member 'exec-oob' is unexpected"],
    [
      '{"execute":"stop","arguments":[]}',
      "QMP input object member 'arguments' expects 'object'",
      "QMP input member 'arguments' must be an object",
    ],
    ['nonsense', 'Invalid JSON syntax', "JSON parse error, invalid keyword 'nonsense'"],
    ['{"execute":"query-status",}', 'Invalid JSON syntax', 'JSON parse error, expecting value'],
    ['{execute:1}', 'Invalid JSON syntax', "JSON parse error, invalid keyword 'execute'"],
    ['{"a":01}', 'Invalid JSON syntax', "JSON parse error, stray '01'"],
    ['{"a":"\\x"}', 'Invalid JSON syntax', 'JSON parse error, invalid escape sequence in string'],
    ['{"a":"\xed\xa0\x80"}', 'Invalid JSON syntax', 'JSON parse error, invalid UTF-8 sequence in string'],
    ['{"a":"\\ud800"}', 'Invalid JSON syntax', 'JSON parse error, \\ud800 is not a valid Unicode character'],
    ['{"a":1,"a":1}', 'Invalid JSON syntax', 'JSON parse error, duplicate key'],
    ['['.repeat(1100), 'Invalid JSON syntax', 'JSON nesting depth limit exceeded'],
    ['{"execute":"stop","arguments":{"a":1}}', "Invalid parameter 'a'", "Parameter 'a' is unexpected"],
  ];
  it.each(rows)('%j has the text of each dialect and changes nothing', (input, text15, text31) => {
    for (const [dialect, desc] of [
      ['1.5', text15],
      ['3.1', text31],
      ['default', text31],
    ] as const) {
      const { client, machine } = negotiated({ dialect });
      expect(client.send(`${input}\n`)).toEqual([generic(desc)]);
      expect(machine.calls).toEqual([]);
      expect(client.send('{"execute":"stop"}')).toHaveLength(2);
    }
  });

  it('refuses arguments that are null', () => {
    const { client } = negotiated();
    expect(client.send('{"execute":"stop","arguments":null}')).toEqual([generic("QMP input member 'arguments' must be an object")]);
  });

  it('keeps error lines short whatever the names are', () => {
    const { client } = negotiated();
    client.send(`{"execute":"${'x'.repeat(1_000_000)}"}`);
    client.session.receive(new TextEncoder().encode(`{"execute":"${'x'.repeat(1_000_000)}"}{"${'y'.repeat(1_000_000)}":1}`));
    expect(Math.max(...client.lines.map((line) => line.length))).toBeLessThan(1000);
  });

  it('refuses a message above the limit and goes on', () => {
    const { client } = negotiated({ limits: { maxBytes: 1000 } });
    expect(client.send(`{"execute":"stop","id":"${'x'.repeat(2000)}"}{"execute":"cont"}`)).toEqual([
      generic('JSON token size limit exceeded'),
      OK,
    ]);
  });

  it('knows no null in the dialect 1.5', () => {
    const { client } = negotiated({ dialect: '1.5' });
    expect(client.send('{"execute":"cpu-add","arguments":{"id":null},"id":1}')).toEqual([generic('Invalid JSON syntax')]);
  });
});

describe('HTTP on the socket', () => {
  it.each(['POST / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'GET /x HTTP/1.1\r\n\r\n', 'OPTIONS * HTTP/1.1\r\n', 'PRI * HTTP/2.0\r\n\r\n'])(
    '%j closes the connection, logs one line and runs nothing',
    (head) => {
      const { client, machine, log } = bench();
      client.take();
      expect(client.send(`${head}{"execute":"qmp_capabilities"}{"execute":"stop"}`)).toEqual([]);
      expect(client.ended).toBe(true);
      expect(client.send('{"execute":"qmp_capabilities"}')).toEqual([]);
      expect(machine.calls).toEqual([]);
      expect(log).toEqual(['an HTTP request on a QMP socket: connection closed']);
    },
  );

  it('with a verb of its own is recognised by its headers', () => {
    const { client, machine } = bench();
    client.take();
    client.send('foo / HTTP/1.1\r\nHost: localhost\r\n\r\n{"execute":"qmp_capabilities"}{"execute":"stop"}');
    expect(client.ended).toBe(true);
    expect(machine.calls).toEqual([]);
  });

  it('is recognised when it comes byte by byte', () => {
    const { client } = bench();
    client.take();
    for (const char of 'POST / HTTP/1.1\r\n') client.send(char);
    expect(client.ended).toBe(true);
  });
});

describe('events', () => {
  it('are not sent before the negotiation', () => {
    const { client, machine, timers } = bench();
    client.take();
    machine.emit({ name: 'STOP' });
    expect(client.take()).toEqual([]);
    client.send(run('qmp_capabilities'));
    timers.fire();
    expect(client.take()).toEqual([]);
  });

  it('wait a little after the negotiation reply', () => {
    const { client, machine, timers } = bench();
    client.take();
    expect(client.send(run('qmp_capabilities'))).toEqual([OK]);
    machine.emit({ name: 'STOP' });
    expect(client.take()).toEqual([]);
    timers.fire();
    expect(client.take()).toEqual([stamped('STOP')]);
    expect(timers.waiting).toBe(0);
  });

  it('that waited come before the reply of the next command', () => {
    const { client, machine } = bench();
    client.send(run('qmp_capabilities'));
    machine.emit({ name: 'WAKEUP' });
    expect(client.send(run('query-name'))).toEqual([stamped('WAKEUP'), OK]);
  });

  it('STOP and RESUME come before their reply', () => {
    const { client } = negotiated();
    expect(client.send(run('stop') + run('cont'))).toEqual([stamped('STOP'), OK, stamped('RESUME'), OK]);
  });

  it('RESET comes once and after its reply', () => {
    const { client } = negotiated();
    expect(client.send(run('system_reset'))).toEqual([OK, stamped('RESET', { guest: false, reason: 'host-qmp-system-reset' })]);
  });

  it('SHUTDOWN comes after the reply of quit, also when the server is taken down by it', () => {
    const made = negotiated();
    made.machine.events$.subscribe((event) => event.name === 'SHUTDOWN' && made.server.dispose());
    expect(made.client.send(run('quit') + run('stop'))).toEqual([OK, stamped('SHUTDOWN', { guest: false, reason: 'host-qmp-quit' })]);
    expect(made.client.ended).toBe(true);
    expect(made.machine.calls).toEqual(['quit host-qmp-quit']);
  });

  it('that a hot-add raises come after its reply', () => {
    const { client, machine } = negotiated();
    machine.onHotAdd = (slot) => machine.emit({ name: 'ACPI_DEVICE_OST', info: { slot, slotType: 'CPU', source: 1, status: 0 } });
    expect(client.send(run('cpu-add', { id: 1 }))).toEqual([
      OK,
      stamped('ACPI_DEVICE_OST', { info: { source: 1, status: 0, slot: '1', 'slot-type': 'CPU' } }),
    ]);
  });

  it('carry what their dialect knows', () => {
    const seen = (dialect: Dialect): unknown[] => {
      const { client, machine } = negotiated({ dialect });
      machine.emit({ name: 'RESET', guest: true, reason: 'guest-reset' });
      machine.emit({ name: 'ACPI_DEVICE_OST', info: { device: 'cpu1', slot: 1, slotType: 'CPU', source: 1, status: 0 } });
      return client.take();
    };
    const ost = stamped('ACPI_DEVICE_OST', { info: { device: 'cpu1', source: 1, status: 0, slot: '1', 'slot-type': 'CPU' } });
    expect(seen('1.5')).toEqual([stamped('RESET')]);
    expect(seen('3.1')).toEqual([stamped('RESET', { guest: true }), ost]);
    expect(seen('default')).toEqual([stamped('RESET', { guest: true, reason: 'guest-reset' }), ost]);
  });

  it('have data for every kind', () => {
    const { client, machine } = negotiated();
    machine.emit({ name: 'DEVICE_DELETED', path: '/machine/peripheral/cpu1' });
    machine.emit({ name: 'GUEST_PANICKED', action: 'pause' });
    machine.emit({ name: 'RTC_CHANGE', offsetSeconds: -3.7 });
    expect(client.take()).toEqual([
      stamped('DEVICE_DELETED', { path: '/machine/peripheral/cpu1' }),
      stamped('GUEST_PANICKED', { action: 'pause' }),
      stamped('RTC_CHANGE', { offset: -3 }),
    ]);
  });

  it('go to every session that has negotiated', () => {
    const { client, machine, connect } = negotiated();
    const second = connect();
    second.take();
    machine.emit({ name: 'WAKEUP' });
    expect([client.take(), second.take()]).toEqual([[stamped('WAKEUP')], []]);
  });

  it('RTC_CHANGE goes out once a second, the last one wins', () => {
    const { client, machine, timers } = negotiated();
    for (const offsetSeconds of [1, 2, 3]) machine.emit({ name: 'RTC_CHANGE', offsetSeconds });
    expect(client.take()).toEqual([stamped('RTC_CHANGE', { offset: 1 })]);
    timers.fire();
    expect(client.take()).toEqual([stamped('RTC_CHANGE', { offset: 3 })]);
    timers.fire();
    expect(client.take()).toEqual([]);
    expect(timers.waiting).toBe(0);
  });

  it('are dropped and counted while the client does not read', () => {
    const { client, machine, log } = negotiated({ limits: { maxPendingBytes: 1000 } });
    client.pendingBytes = 950;
    machine.emit({ name: 'WAKEUP' });
    machine.emit({ name: 'WAKEUP' });
    expect(client.take()).toEqual([]);
    expect(client.session.droppedEvents).toBe(2);
    expect(log).toEqual(['a QMP client does not read: its events are dropped']);
    client.pendingBytes = 0;
    machine.emit({ name: 'WAKEUP' });
    expect(client.take()).toEqual([stamped('WAKEUP')]);
  });

  it('do not pile up while they wait', () => {
    const { client, machine } = bench({ limits: { maxPendingBytes: 10_000 } });
    client.send(run('qmp_capabilities'));
    for (let count = 0; count < 1000; count++) machine.emit({ name: 'WAKEUP' });
    expect(client.session.droppedEvents).toBeGreaterThan(800);
    expect(client.send(run('query-name')).length).toBeLessThan(200);
  });
});

describe('flow', () => {
  it('answers 10,000 commands in one write in order', () => {
    const { client } = negotiated();
    const text = Array.from({ length: 10_000 }, (_, id) => `{"execute":"query-status","id":${id}}`).join('');
    const replies = client.send(text) as { id: number }[];
    expect(replies.map(({ id }) => id)).toEqual(Array.from({ length: 10_000 }, (_, id) => id));
  });

  it('stops answering while the client does not read, and goes on where it was', () => {
    const { client, machine } = negotiated({ limits: { maxPendingBytes: 100 } });
    client.pendingBytes = 101;
    expect(client.send(run('stop') + run('cont'))).toEqual([]);
    expect(client.session.blocked).toBe(true);
    expect(machine.calls).toEqual([]);
    client.pendingBytes = 0;
    client.session.resume();
    expect(client.take()).toHaveLength(4);
  });

  it('answers what was sent before the client closed its side, then closes', () => {
    const { client } = bench();
    client.session.receive(new TextEncoder().encode('{"execute":"qmp_capabilities"}{"execute":"query-name"}{"execute":'));
    client.session.end();
    expect(client.lines.slice(1)).toEqual(['{"return": {}}', '{"return": {}}']);
    expect(client.ended).toBe(true);
  });

  it('leaves the machine alone when a client is gone', () => {
    const { client, machine, server } = negotiated();
    server.release(client.session);
    machine.emit({ name: 'WAKEUP' });
    expect(client.take()).toEqual([]);
    expect(machine.calls).toEqual([]);
  });

  it('gives one of two sessions the CPU that both add', () => {
    const { client, connect, timers } = negotiated();
    const second = connect();
    second.send(run('qmp_capabilities'));
    timers.fire();
    const answers = [...client.send(run('cpu-add', { id: 1 })), ...second.send(run('cpu-add', { id: 1 }))];
    expect(answers).toEqual([OK, generic('Unable to add CPU: 1, it already exists')]);
  });

  it('answers an unexpected exception with an error, logs it and goes on', () => {
    const { client, machine, log } = negotiated();
    machine.onHotAdd = () => {
      throw new TypeError('boom');
    };
    expect(client.send(run('cpu-add', { id: 1 }) + run('query-name'))).toEqual([generic('Internal error: boom'), OK]);
    expect(log).toEqual(['a command failed: boom']);
    machine.reset = () => {
      throw new Error('no reset');
    };
    expect(client.send(run('system_reset') + run('query-name'))).toEqual([OK, OK]);
    expect(log.at(-1)).toBe('after the reply: no reset');
  });
});

describe('commands', () => {
  const CALLS: Record<string, unknown> = {
    'qom-list': { path: '/machine' },
    'qom-get': { path: '/machine', property: 'type' },
    'qom-set': { path: '/machine', property: 'note', value: 'x' },
    'cpu-add': { id: 3 },
    device_add: { driver: 'qemu64-x86_64-cpu', 'socket-id': 2, 'core-id': 0, 'thread-id': 0 },
    device_del: { id: '/machine/unattached/device[1]' },
    'human-monitor-command': { 'command-line': 'info status' },
  };
  const machineTypes = [{ name: 'pc-1', alias: 'pc', isDefault: true, maxCpus: 255, hotpluggableCpus: true, defaultCpuType: 'a-cpu' }];
  const humanMonitor = { execute: (line: string, cpu?: number) => `${line} on ${cpu}\r\n` };

  it.each(COMMANDS.filter(({ name }) => name !== 'qmp_capabilities').map((command) => [command.name, command] as const))(
    '%s returns what it declares, has a text, and refuses arguments it does not know',
    (name, command) => {
      for (const dialect of ['default', '3.1'] as const) {
        const { client } = negotiated({ dialect, humanMonitor, machineTypes }, new FakeMachine({ name: 'pc', bootCpus: 2 }));
        client.session.receive(new TextEncoder().encode(run(name, CALLS[name])));
        const values: JsonValue[] = [];
        new JsonStreamParser({ value: (value) => values.push(value), error: () => values.push(null) }).feed(
          new TextEncoder().encode(client.lines.join('\n')),
        );
        const reply = values.map((value) => (value as JsonObject).get('return')).find((value) => value !== undefined) as JsonValue;
        if (command.returns === undefined) expect(reply).toEqual(new Map());
        else expect(() => command.returns?.read(reply, 'return', checksOf(dialect))).not.toThrow();
        client.take();
        expect(client.send(run(name, { ...(CALLS[name] as object), 'no-such-argument': 1 }))).toMatchObject([
          { error: { class: 'GenericError' } },
        ]);
      }
      expect(command.doc).toMatch(/^[A-Z`].*\.$/s);
    },
  );

  it('are listed by query-commands, each once, and by dialect', () => {
    const names = (options: Partial<QmpServerOptions>): string[] => {
      const [reply] = negotiated(options).client.send(run('query-commands')) as [{ return: { name: string }[] }];
      return reply.return.map(({ name }) => name);
    };
    expect(new Set(names({})).size).toBe(names({}).length);
    expect(names({ humanMonitor, machineTypes })).toEqual(COMMANDS.map(({ name }) => name));
    expect(names({})).not.toContain('human-monitor-command');
    expect(names({ dialect: '1.5' })).toContain('cpu-add');
    expect(names({ dialect: '1.5' })).not.toContain('query-hotpluggable-cpus');
  });

  it('query-qmp-schema describes every command and event, and every type that it names', () => {
    const [{ return: entries }] = negotiated({ humanMonitor, machineTypes }).client.send(run('query-qmp-schema')) as [
      { return: SchemaEntry[] },
    ];
    const names = new Set(entries.map(({ name }) => name));
    expect(names.size).toBe(entries.length);
    const used = entries.flatMap((entry) => [
      entry['arg-type'],
      entry['ret-type'],
      entry['element-type'],
      ...(entry.members ?? []).map(({ type }) => type),
    ]);
    expect(used.filter((name) => name !== undefined && !names.has(name))).toEqual([]);
    const entry = (name: string): unknown => entries.find((candidate) => candidate.name === name);
    expect(entry('cpu-add')).toEqual({ name: 'cpu-add', 'meta-type': 'command', 'arg-type': 'q_obj_cpu-add-arg', 'ret-type': 'q_empty' });
    expect(entry('q_obj_cpu-add-arg')).toEqual({
      name: 'q_obj_cpu-add-arg',
      'meta-type': 'object',
      members: [{ name: 'id', type: 'int' }],
    });
    expect(entry('NameInfo')).toEqual({
      name: 'NameInfo',
      'meta-type': 'object',
      members: [{ name: 'name', type: 'str', default: null }],
    });
    expect(entry('query-cpus')).toMatchObject({ 'ret-type': '[CpuInfo]' });
    expect(entry('STOP')).toEqual({ name: 'STOP', 'meta-type': 'event', 'arg-type': 'q_empty' });
    expect(entries.filter((candidate) => candidate['meta-type'] === 'command')).toHaveLength(COMMANDS.length);
  });

  it('query-machines tells of each type what its dialect knew', () => {
    const types = (dialect: Dialect): unknown => negotiated({ dialect, machineTypes }).client.send(run('query-machines'));
    const first = { name: 'pc-1', alias: 'pc', 'is-default': true, 'cpu-max': 255 };
    const last = { 'hotpluggable-cpus': true, 'numa-mem-supported': false, deprecated: false, 'default-cpu-type': 'a-cpu' };
    expect(types('1.5')).toEqual([{ return: [first] }]);
    expect(types('3.1')).toEqual([{ return: [{ ...first, 'hotpluggable-cpus': true }] }]);
    expect(types('default')).toEqual([{ return: [{ ...first, ...last }] }]);
  });

  it('query-events follows the dialect', () => {
    const names = (dialect: Dialect): unknown[] => negotiated({ dialect }).client.send(run('query-events'));
    expect(JSON.stringify(names('1.5'))).not.toContain('ACPI_DEVICE_OST');
    expect(JSON.stringify(names('default'))).toContain('ACPI_DEVICE_OST');
  });

  it('query-status and query-name say what the machine is', () => {
    const { client } = negotiated({}, new FakeMachine({ runState: 'prelaunch', name: 'box' }));
    expect(client.send(run('query-status') + run('query-name'))).toEqual([
      { return: { status: 'prelaunch', singlestep: false, running: false } },
      { return: { name: 'box' } },
    ]);
  });

  it('query-kvm, query-target and query-uuid state facts', () => {
    const { client } = negotiated();
    expect(client.send(run('query-kvm') + run('query-target') + run('query-uuid'))).toEqual([
      { return: { enabled: false, present: false } },
      { return: { arch: 'x86_64' } },
      { return: { UUID: '00000000-0000-0000-0000-000000000000' } },
    ]);
  });

  it('query-cpus has the members of its release; the program counter is signed', () => {
    const cpus = (dialect: Dialect): unknown[] => negotiated({ dialect }).client.send(run('query-cpus'));
    const common = { current: true, CPU: 0, pc: 4294967280, halted: false, thread_id: 1 };
    expect(cpus('1.5')).toEqual([{ return: [common] }]);
    expect(cpus('3.1')).toEqual([
      {
        return: [
          { ...common, arch: 'x86', qom_path: '/machine/unattached/device[0]', props: { 'core-id': 0, 'thread-id': 0, 'socket-id': 0 } },
        ],
      },
    ]);
    const machine = new FakeMachine();
    (machine.cpus[0] as { pc: bigint }).pc = 0xffff_ffff_bb85_92ebn;
    expect(negotiated({}, machine).client.send(run('query-cpus'))).toMatchObject([{ return: [{ pc: -1148874005 }] }]);
  });

  it('query-hotpluggable-cpus shows the highest place first and paths of those that are taken', () => {
    const { client } = negotiated({}, new FakeMachine({ maxCpus: 2 }));
    const props = { 'core-id': 0, 'thread-id': 0 };
    expect(client.send(run('query-hotpluggable-cpus'))).toEqual([
      {
        return: [
          { props: { ...props, 'socket-id': 1 }, 'vcpus-count': 1, type: 'qemu64-x86_64-cpu' },
          { props: { ...props, 'socket-id': 0 }, 'vcpus-count': 1, type: 'qemu64-x86_64-cpu', 'qom-path': '/machine/unattached/device[0]' },
        ],
      },
    ]);
  });

  it('lists of 255 CPUs fit one reply', () => {
    const machine = new FakeMachine({ maxCpus: 255, bootCpus: 255 });
    const { client } = negotiated({ dialect: '3.1' }, machine);
    for (const name of ['query-cpus', 'query-cpus-fast', 'query-hotpluggable-cpus']) {
      client.session.receive(new TextEncoder().encode(run(name)));
    }
    expect(client.lines.map((line) => line.length < 65_536)).toEqual([true, true, true]);
    expect(client.take()).toMatchObject([{ return: { length: 255 } }, { return: { length: 255 } }, { return: { length: 255 } }]);
  });

  it('cpu-add without a hot-add hook is not supported', () => {
    const machine = new FakeMachine();
    Object.defineProperty(machine, 'hotAddCpu', { value: undefined });
    const { client } = negotiated({}, machine);
    expect(client.send(run('cpu-add', { id: 1 }) + run('device_add', { driver: 'x' }))).toEqual([
      generic('Not supported'),
      { error: { class: 'CommandNotFound', desc: 'The command device_add has not been found' } },
    ]);
  });

  it('cpu-add works while the machine is not running', () => {
    const { client, machine } = negotiated({}, new FakeMachine({ runState: 'prelaunch' }));
    expect(client.send(run('cpu-add', { id: 3 }) + run('cpu-add', { id: 1 }))).toEqual([OK, OK]);
    expect(machine.cpus.map(({ index }) => index)).toEqual([0, 3, 1]);
  });

  it('cont is refused when only a reset helps', () => {
    const { client } = negotiated({}, new FakeMachine({ runState: 'internal-error' }));
    expect(client.send(run('cont'))).toEqual([generic('Resetting the Virtual Machine is required')]);
  });

  it('the buttons reach the machine', () => {
    const { client, machine } = negotiated();
    client.send(['system_powerdown', 'system_wakeup', 'inject-nmi'].map((name) => run(name)).join(''));
    expect(machine.calls).toEqual(['powerdown', 'wakeup', 'nmi']);
  });

  it('reads and writes QOM, 64-bit values exactly', () => {
    const { client, machine } = negotiated();
    expect(client.send(run('qom-get', { path: '/machine', property: 'phandle' }).replace(/$/, '\n'))).toEqual([{ return: 2 ** 63 }]);
    client.session.receive(new TextEncoder().encode(run('qom-get', { path: '/machine', property: 'phandle' })));
    expect(client.lines).toEqual(['{"return": 9223372036854775808}']);
    client.take();
    expect(
      client.send('{"execute":"qom-set","arguments":{"path":"/machine","property":"note","value":[18446744073709551615,1.5,{"a":null}]}}'),
    ).toEqual([OK]);
    expect(machine.qom.resolve('/machine')?.get('note')).toEqual([18446744073709551615n, 1.5, { a: null }]);
  });

  it('refuses unknown objects and properties by class and text', () => {
    const { client } = negotiated();
    expect(client.send(run('qom-list', { path: '/nosuch' }))).toEqual([
      { error: { class: 'DeviceNotFound', desc: "Device '/nosuch' not found" } },
    ]);
    expect(client.send(run('qom-get', { path: '/machine', property: 'x' }))).toEqual([
      generic("Property 'pc-i440fx-1.5-machine.x' not found"),
    ]);
    expect(client.send(run('qom-set', { path: '/machine', property: 'type', value: 1 }))).toEqual([
      generic("Property 'pc-i440fx-1.5-machine.type' is read-only"),
    ]);
  });

  it('qom-list-types filters by ancestor and hides abstract types', () => {
    const { client } = negotiated();
    const types = (args: unknown): unknown => {
      const [reply] = client.send(run('qom-list-types', args)) as [{ return: { name: string }[] }];
      return reply.return.map(({ name }) => name);
    };
    expect(types({ implements: 'cpu' })).toEqual(['qemu64-x86_64-cpu', 'Haswell-x86_64-cpu']);
    expect(types({ implements: 'cpu', abstract: true })).toEqual(['cpu', 'qemu64-x86_64-cpu', 'Haswell-x86_64-cpu']);
    expect(types({})).toHaveLength(4);
  });

  it('human-monitor-command passes the line and the CPU on', () => {
    const { client } = negotiated({ humanMonitor });
    expect(client.send(run('human-monitor-command', { 'command-line': 'info cpus', 'cpu-index': 0 }))).toEqual([
      { return: 'info cpus on 0\r\n' },
    ]);
    expect(client.send(run('human-monitor-command', { 'command-line': 'x', 'cpu-index': 9 }))).toEqual([
      generic("Parameter 'cpu-index' expects a CPU number"),
    ]);
    expect(client.send(run('human-monitor-command', { 'command-line': 5 }))).toEqual([
      generic("Invalid parameter type for 'command-line', expected: string"),
    ]);
  });

  it('human-monitor-command cuts a long text at a line and says so', () => {
    const { client } = negotiated({ humanMonitor: { execute: () => 'é'.repeat(97).concat('\r\n').repeat(1000) } });
    client.session.receive(new TextEncoder().encode(run('human-monitor-command', { 'command-line': 'x' })));
    expect(client.lines[0]!.length).toBeLessThan(64_000);
    const [{ return: text }] = client.take() as [{ return: string }];
    expect(text).toMatch(/^(é{97}\r\n){50,}\(\d+ more lines; the human monitor shows them\)\r\n$/);
  });

  it('an oversized reply becomes an error', () => {
    const { client, machine } = negotiated();
    machine.qom.resolve('/machine')?.set('note', 'x'.repeat(70_000));
    expect(client.send(run('qom-get', { path: '/machine', property: 'note' }))).toEqual([
      generic('Reply of 70002 bytes exceeds the limit of 64000'),
    ]);
  });
});

describe('device_add', () => {
  const cpu = { driver: 'qemu64-x86_64-cpu', 'core-id': 0, 'thread-id': 0 };
  it.each<[unknown, string]>([
    [{ ...cpu, id: 'b', 'socket-id': 0 }, 'CPU[0] with APIC ID 0 exists'],
    [{ ...cpu, id: 'cpu1', 'socket-id': 2 }, "Duplicate device ID 'cpu1'"],
    [{ ...cpu, id: '1x', 'socket-id': 2 }, "Parameter 'id' expects an identifier"],
    [{ ...cpu, 'socket-id': 9 }, 'Invalid CPU socket-id: 9 must be in range 0:3'],
    [{ ...cpu, 'socket-id': -1 }, 'CPU socket-id is not set'],
    [{ ...cpu, 'socket-id': 'two' }, "Parameter 'socket-id' expects integer"],
    [{ ...cpu, 'socket-id': 1.5 }, "Parameter 'socket-id' expects integer"],
    [{ ...cpu, 'socket-id': 1, 'core-id': 1 }, 'Invalid CPU core-id: 1 must be in range 0:0'],
    [{ driver: cpu.driver, id: 'x' }, 'CPU socket-id is not set'],
    [{ driver: cpu.driver, 'apic-id': 77 }, 'Invalid CPU with APIC ID 77, valid index range 0:3'],
    [{ ...cpu, 'socket-id': 2, foo: 1 }, "Property 'qemu64-x86_64-cpu.foo' not found"],
    [{ driver: 'nosuch', id: 'x' }, "'nosuch' is not a valid device model name"],
    [{ id: 'x' }, "Parameter 'driver' is missing"],
    [{ driver: 'kvmclock' }, "Parameter 'driver' expects a pluggable device type"],
    [{ ...cpu, driver: 'Haswell-x86_64-cpu', 'socket-id': 2 }, "Invalid CPU type, expected cpu type: 'qemu64-x86_64-cpu'"],
  ])('%j is refused and changes nothing', (args, desc) => {
    const { client, machine } = negotiated();
    client.send(run('device_add', { ...cpu, id: 'cpu1', 'socket-id': 1 }));
    expect(client.send(run('device_add', args))).toEqual([generic(desc)]);
    expect(machine.cpus).toHaveLength(2);
  });

  it('adds a CPU by place and by APIC id, and the queries of a hot-plug client see it', () => {
    const { client } = negotiated();
    expect(client.send(run('device_add', { ...cpu, id: 'vcpu1', 'socket-id': 1 }))).toEqual([OK]);
    expect(client.send(run('device_add', { driver: cpu.driver, 'apic-id': 3 }))).toEqual([OK]);
    const [fast] = client.send(run('query-cpus-fast')) as [{ return: Record<string, unknown>[] }];
    expect(fast.return.map((entry) => entry['qom-path'])).toEqual([
      '/machine/unattached/device[0]',
      '/machine/peripheral/vcpu1',
      '/machine/unattached/device[3]',
    ]);
  });
});

const request = fc.record(
  {
    execute: fc.oneof(fc.constantFrom(...COMMANDS.map(({ name }) => name)), fc.string(), fc.jsonValue()),
    arguments: fc.oneof(
      fc.record({ id: fc.jsonValue(), path: fc.jsonValue(), property: fc.string() }, { requiredKeys: [] }),
      fc.jsonValue(),
    ),
    id: fc.jsonValue(),
  },
  { requiredKeys: ['execute'] },
);

describe('device_del', () => {
  const notFound = (id: string): unknown => ({ error: { class: 'DeviceNotFound', desc: `Device '${id}' not found` } });
  it.each<[unknown, unknown]>([
    [{ id: 'nosuch' }, notFound('nosuch')],
    [{ id: '' }, notFound('')],
    [{ id: '/machine/unattached/device[0]' }, generic('The boot CPU cannot be unplugged')],
    [{ id: '/machine/icc-bridge' }, generic("Device '/machine/icc-bridge' does not support hotplugging")],
    [{ id: 7 }, generic("Invalid parameter type for 'id', expected: string")],
    [{}, generic("Parameter 'id' is missing")],
  ])('%j is refused and asks the guest nothing', (args, error) => {
    const { client, machine } = negotiated();
    machine.onRemovalRequested = () => client.writes.push('asked\r\n');
    expect(client.send(run('device_del', args))).toEqual([error]);
  });

  it('replies before the guest answers; the place is free again after the events', () => {
    const { client, machine } = negotiated();
    const add = run('device_add', { driver: 'qemu64-x86_64-cpu', id: 'x', 'socket-id': 1, 'core-id': 0, 'thread-id': 0 });
    expect(client.send(add)).toEqual([{ return: {} }]);
    for (let request = 0; request < 2; request++) expect(client.send(run('device_del', { id: 'x' }))).toEqual([{ return: {} }]);
    machine.eject(1);
    const path = '/machine/peripheral/x';
    expect(client.take()).toMatchObject([{ data: { path: `${path}/lapic` } }, { event: 'DEVICE_DELETED', data: { path, device: 'x' } }]);
    expect(client.send(run('device_del', { id: 'x' }))).toEqual([notFound('x')]);
    expect(client.send(add)).toEqual([{ return: {} }]);
  });

  it('is not there for a machine that cannot remove CPUs', () => {
    const machine = new FakeMachine();
    Object.defineProperty(machine, 'requestCpuRemoval', { value: undefined });
    const { client } = negotiated({}, machine);
    expect(client.send(run('device_del', { id: 'x' }))).toMatchObject([{ error: { class: 'CommandNotFound' } }]);
  });
});

describe('session, fuzz', () => {
  it('answers every request once, in order, with one line of JSON', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 20 }), fc.constantFrom<Dialect>('default', '3.1'), (requests, dialect) => {
        const { client } = negotiated({ dialect });
        client.session.receive(new TextEncoder().encode(requests.map((item) => JSON.stringify(item)).join('')));
        expect(Math.max(0, ...client.lines.map((line) => line.length))).toBeLessThan(65_536);
        const replies = (client.take() as Record<string, unknown>[]).filter((line) => !('event' in line));
        expect(replies.map((reply) => reply.id)).toEqual(
          requests.map(({ id }) => (id === undefined ? undefined : JSON.parse(JSON.stringify(id)))),
        );
        expect(replies.every((reply) => 'return' in reply !== 'error' in reply)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('survives any bytes; every line it writes is JSON', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 400 }), (first, second) => {
        const { client } = negotiated();
        client.session.receive(first);
        client.session.receive(second);
        expect(client.take().every((line) => typeof line === 'object')).toBe(true);
        client.send('\xff\n');
        expect(client.send('{"execute":"query-name","id":"last"}')).toEqual([{ return: {}, id: 'last' }]);
      }),
      { numRuns: 500 },
    );
  });
});
