import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dialect } from './dialect.js';
import { dialQmp, listenQmp, parseQmpEndpoint, type QmpAddress, QmpListenError, type QmpListener } from './node.js';
import { QmpServer, type QmpServerOptions } from './server.js';
import { FakeMachine, type FakeMachineOptions } from './testing/fake-machine.js';

/** A client over a real socket that reads line by line. */
class Wire {
  readonly socket: Socket;
  readonly #lines: string[] = [];
  #text = '';
  #closed = false;
  #wake: () => void = () => {};

  constructor(address: QmpAddress) {
    this.socket = address.kind === 'unix' ? dial(address.path) : dial(address.port, address.host || '127.0.0.1');
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => this.#take(text));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** The next line, parsed; undefined when the connection has ended. */
  async next(): Promise<Record<string, unknown> | undefined> {
    while (this.#lines.length === 0 && !this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    const line = this.#lines.shift();
    return line === undefined ? undefined : (JSON.parse(line) as Record<string, unknown>);
  }

  async ask(text: string): Promise<unknown> {
    this.send(text);
    return this.next();
  }

  get buffered(): number {
    return this.#lines.length;
  }

  #take(text: string): void {
    this.#text += text;
    const lines = this.#text.split('\r\n');
    this.#text = lines.pop() ?? '';
    this.#lines.push(...lines);
    this.#wake();
  }
}

let folder: string;
let path: string;
const open: (QmpListener | QmpServer | Wire)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qmp-'));
  path = join(folder, 'q.sock');
});

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) {
    if (thing instanceof Wire) thing.socket.destroy();
    else if (thing instanceof QmpServer) thing.dispose();
    else await thing.close();
  }
  rmSync(folder, { recursive: true });
});

async function listen(
  options: Partial<QmpServerOptions> = {},
  machineOptions: FakeMachineOptions = {},
): Promise<{ machine: FakeMachine; listener: QmpListener; server: QmpServer }> {
  const machine = new FakeMachine(machineOptions);
  const server = new QmpServer({ machine, ...options });
  const listener = await listenQmp(server, { kind: 'unix', path });
  open.push(server, listener);
  return { machine, listener, server };
}

function wire(address: QmpAddress = { kind: 'unix', path }): Wire {
  const client = new Wire(address);
  open.push(client);
  return client;
}

async function negotiated(address?: QmpAddress): Promise<Wire> {
  const client = wire(address);
  await client.next();
  await client.ask('{"execute":"qmp_capabilities"}');
  return client;
}

const tick = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const OK = { return: {} };
const generic = (desc: string): unknown => ({ error: { class: 'GenericError', desc } });

/** Arguments of `cpu-add`, and the answers of 1.5, of 3.1 and of the default dialect, on a machine with CPUs 0 and 1 of at most 4. */
const CPU_ADD: [string, unknown, unknown, unknown][] = [
  ['{"id":2}', OK, OK, OK],
  row('{"id":1}', 'Unable to add CPU: 1, it already exists', 'CPU[1] with APIC ID 1 exists', '1.5'),
  row('{"id":0}', 'Unable to add CPU: 0, it already exists', 'CPU[0] with APIC ID 0 exists', '1.5'),
  row(
    '{"id":4}',
    'Unable to add CPU: 4, max allowed: 3',
    'Invalid CPU [socket: 4, core: 0, thread: 0] with APIC ID 4, valid index range 0:3',
    '1.5',
  ),
  row(
    '{"id":254}',
    'Unable to add CPU: 254, max allowed: 3',
    'Invalid CPU [socket: 254, core: 0, thread: 0] with APIC ID 254, valid index range 0:3',
    '1.5',
  ),
  row(
    '{"id":255}',
    'Unable to add CPU: 255, max allowed: 3',
    'Invalid CPU [socket: 255, core: 0, thread: 0] with APIC ID 255, valid index range 0:3',
    '1.5',
  ),
  row('{"id":256}', 'Unable to add CPU: 256, max allowed: 3', 'Unable to add CPU: 256, resulting APIC ID (256) is too large', '1.5'),
  row(
    '{"id":2147483648}',
    'Unable to add CPU: 2147483648, max allowed: 3',
    'Unable to add CPU: 2147483648, resulting APIC ID (2147483648) is too large',
    '1.5',
  ),
  row(
    '{"id":4294967296}',
    'Unable to add CPU: 4294967296, max allowed: 3',
    'Unable to add CPU: 4294967296, resulting APIC ID (4294967295) is too large',
    '1.5',
  ),
  row(
    '{"id":9007199254740993}',
    'Unable to add CPU: 9007199254740993, max allowed: 3',
    'Unable to add CPU: 9007199254740993, resulting APIC ID (4294967295) is too large',
    '1.5',
  ),
  row(
    '{"id":9223372036854775807}',
    'Unable to add CPU: 9223372036854775807, max allowed: 3',
    'Unable to add CPU: 9223372036854775807, resulting APIC ID (4294967295) is too large',
    '1.5',
  ),
  row(
    '{"id":9223372036854775808}',
    'Unable to add CPU: 9223372036854775807, max allowed: 3',
    "Invalid parameter type for 'id', expected: integer",
    '3.1',
  ),
  row(
    `{"id":1${'0'.repeat(4000)}}`,
    'Unable to add CPU: 9223372036854775807, max allowed: 3',
    "Invalid parameter type for 'id', expected: integer",
    '3.1',
  ),
  row('{"id":-1}', 'Invalid CPU id: -1', 'Invalid CPU id: -1', '3.1'),
  row('{"id":-2}', 'Invalid CPU id: -2', 'Invalid CPU id: -2', '3.1'),
  row('{"id":-256}', 'Invalid CPU id: -256', 'Invalid CPU id: -256', '3.1'),
  row('{"id":-4294967296}', 'Invalid CPU id: -4294967296', 'Invalid CPU id: -4294967296', '3.1'),
  row('{"id":-9223372036854775808}', 'Invalid CPU id: -9223372036854775808', 'Invalid CPU id: -9223372036854775808', '3.1'),
  row('{"id":-9223372036854775809}', 'Invalid CPU id: -9223372036854775808', "Invalid parameter type for 'id', expected: integer", '3.1'),
  ...['1e2', '2.0', '2.5', '"2"', 'true', '[2]', '{}'].map((value) =>
    row(`{"id":${value}}`, "Invalid parameter type for 'id', expected: int", "Invalid parameter type for 'id', expected: integer", '1.5'),
  ),
  row('{"id":null}', 'Invalid JSON syntax', "Invalid parameter type for 'id', expected: integer", '3.1'),
  row('{}', "Parameter 'id' is missing", "Parameter 'id' is missing", '1.5'),
  row('{"ID":2}', "Parameter 'id' is missing", "Parameter 'id' is missing", '1.5'),
  row('{"id":2,"extra":1}', "Invalid parameter 'extra'", "Parameter 'extra' is unexpected", '3.1'),
  row('[]', "QMP input object member 'arguments' expects 'object'", "QMP input member 'arguments' must be an object", '3.1'),
];

function row(args: string, text15: string, text31: string, advice: '1.5' | '3.1'): [string, unknown, unknown, unknown] {
  return [args, generic(text15), generic(text31), generic(advice === '1.5' ? text15 : text31)];
}

describe('cpu-add over a Unix socket', () => {
  it.each<[Dialect, 1 | 2 | 3]>([
    ['1.5', 1],
    ['3.1', 2],
    ['default', 3],
  ])('answers every row of the table in the dialect %s and changes nothing when it refuses', async (dialect, column) => {
    const { machine } = await listen({ dialect }, { bootCpus: 2 });
    const client = await negotiated();
    const answers: unknown[] = [];
    for (const [args] of CPU_ADD) answers.push([args, await client.ask(`{"execute":"cpu-add","arguments":${args}}`)]);
    expect(answers).toEqual(CPU_ADD.map((expected) => [expected[0], expected[column]]));
    expect(machine.cpus.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it.each<[Dialect]>([['1.5'], ['3.1'], ['default']])('needs its argument (%s)', async (dialect) => {
    await listen({ dialect });
    const client = await negotiated();
    expect(await client.ask('{"execute":"cpu-add"}')).toEqual(generic("Parameter 'id' is missing"));
    expect(await client.ask('{"execute":"cpu-add","arguments":{"id":2},"id":"req-7"}')).toEqual({ return: {}, id: 'req-7' });
  });

  it.each<[Dialect]>([['1.5'], ['3.1'], ['default']])('refuses APIC ids that do not fit (%s)', async (dialect) => {
    const { machine } = await listen({ dialect }, { maxCpus: 255, cores: 3 });
    const client = await negotiated();
    const add = (id: number): Promise<unknown> => client.ask(`{"execute":"cpu-add","arguments":{"id":${id}}}`);
    expect(await add(192)).toEqual(generic('Unable to add CPU: 192, resulting APIC ID (256) is too large'));
    expect(await add(254)).toEqual(generic('Unable to add CPU: 254, resulting APIC ID (338) is too large'));
    expect(await add(191)).toEqual(OK);
    expect(machine.cpus.map(({ apicId }) => apicId)).toEqual([0, 254]);
  });

  it('refuses APIC id 255, the broadcast id', async () => {
    await listen({}, { maxCpus: 256 });
    const client = await negotiated();
    expect(await client.ask('{"execute":"cpu-add","arguments":{"id":255}}')).toEqual(
      generic('Unable to add CPU: 255, resulting APIC ID (255) is too large'),
    );
  });

  it('gives APIC ids 8 to 13 to the CPUs 6 to 11 of a machine with 3 cores of 2 threads', async () => {
    const { machine } = await listen({}, { maxCpus: 12, bootCpus: 6, cores: 3, threads: 2 });
    const client = await negotiated();
    for (let id = 6; id < 12; id++) expect(await client.ask(`{"execute":"cpu-add","arguments":{"id":${id}}}`)).toEqual(OK);
    expect(machine.cpus.slice(6).map(({ apicId }) => apicId)).toEqual([8, 9, 10, 11, 12, 13]);
  });
});

describe('framing over a socket', () => {
  it('takes commands before the greeting was read, glued and unterminated', async () => {
    await listen();
    const client = wire();
    client.send('{"execute":"qmp_capabilities"}{"execute":"query-name","id":1}');
    expect([await client.next(), await client.next(), await client.next()]).toMatchObject([{ QMP: {} }, OK, { return: {}, id: 1 }]);
  });

  it('takes one byte a packet', async () => {
    await listen();
    const client = await negotiated();
    client.socket.setNoDelay(true);
    for (const char of '{"execute":"query-name","id":"split"}') {
      client.send(char);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.next()).toEqual({ return: {}, id: 'split' });
  });

  it('keeps four commands in flight in order', async () => {
    await listen();
    const client = await negotiated();
    for (const id of ['a', 'b', 'c', 'd']) client.send(`{"execute":"query-status","id":"${id}"}`);
    expect([await client.next(), await client.next(), await client.next(), await client.next()]).toMatchObject(
      ['a', 'b', 'c', 'd'].map((id) => ({ id })),
    );
  });

  it('answers all that a client sent before it closed its side', async () => {
    await listen();
    const client = wire();
    client.socket.end('{"execute":"qmp_capabilities"}\n{"execute":"query-name"}\n{"execute":"nope"}\n');
    const lines = [await client.next(), await client.next(), await client.next(), await client.next(), await client.next()];
    expect(lines).toMatchObject([{ QMP: {} }, OK, OK, { error: { class: 'CommandNotFound' } }, undefined]);
  });

  it('closes on an HTTP request and runs nothing', async () => {
    const log: string[] = [];
    const { machine } = await listen({ log: (line) => log.push(line) });
    const client = wire();
    await client.next();
    client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n{"execute":"qmp_capabilities"}{"execute":"quit"}');
    expect(await client.next()).toBeUndefined();
    expect(machine.calls).toEqual([]);
    expect(log).toHaveLength(1);
  });

  it('sends no event in the packet of the negotiation reply', async () => {
    const waiting: (() => void)[] = [];
    const schedule = (_ms: number, task: () => void): (() => void) => {
      waiting.push(task);
      return () => {};
    };
    const { machine } = await listen({ services: { now: () => 0, schedule } });
    const client = wire();
    await client.next();
    const packets: string[] = [];
    client.socket.on('data', (text: string) => packets.push(text));
    client.send('{"execute":"qmp_capabilities"}');
    await client.next();
    machine.emit({ name: 'WAKEUP' });
    await tick(20);
    expect(packets).toEqual(['{"return": {}}\r\n']);
    for (const task of waiting) task();
    expect(await client.next()).toMatchObject({ event: 'WAKEUP' });
  });

  it('writes the reply of quit and SHUTDOWN before the connection ends', async () => {
    const { machine, listener } = await listen();
    const client = await negotiated();
    machine.events$.subscribe((event) => event.name === 'SHUTDOWN' && void listener.close());
    client.send('{"execute":"quit"}');
    const lines = [await client.next(), await client.next(), await client.next()];
    expect(lines).toMatchObject([OK, { event: 'SHUTDOWN', data: { guest: false, reason: 'host-qmp-quit' } }, undefined]);
    expect(existsSync(path)).toBe(false);
  });
});

describe('clients that misbehave', () => {
  it('a client that vanishes in a message leaves machine and server alone', async () => {
    const { machine } = await listen();
    const first = await negotiated();
    first.send('{"execute":"sto');
    await tick(5);
    first.socket.destroy();
    const second = await negotiated();
    expect(await second.ask('{"execute":"query-status"}')).toMatchObject({ return: { status: 'running' } });
    expect(machine.calls).toEqual([]);
  });

  it('a client that does not read loses events and has its requests wait; when it reads on, every request is answered', async () => {
    const log: string[] = [];
    const { machine } = await listen({ limits: { maxPendingBytes: 1 << 16 }, log: (line) => log.push(line) });
    const client = await negotiated();
    client.socket.pause();
    const flood = '{"execute":"query-commands"}'.repeat(2000);
    client.send(flood);
    for (let count = 0; count < 20; count++) await tick(1);
    for (let count = 0; count < 20_000; count++) machine.emit({ name: 'WAKEUP' });
    expect(log).toEqual(['a QMP client does not read: its events are dropped']);
    client.socket.resume();
    let replies = 0;
    let events = 0;
    while (replies < 2000) {
      const line = await client.next();
      if (line !== undefined && 'return' in line) replies++;
      else events++;
    }
    expect(events).toBeLessThan(20_000);
    expect(await lastReply(client)).toEqual({ return: {}, id: 'end' });
  });

  it('serves 100 clients on one socket one after the other', async () => {
    await listen();
    const clients = Array.from({ length: 100 }, () => wire());
    for (const client of clients) {
      expect(await client.next()).toMatchObject({ QMP: {} });
      client.socket.destroy();
    }
  });

  it('greets a second client when the first has left', async () => {
    await listen();
    const first = await negotiated();
    const second = wire();
    await tick(30);
    expect(second.buffered).toBe(0);
    first.socket.end();
    expect(await second.next()).toMatchObject({ QMP: {} });
  });

  it('gives two sockets of one server the same events, and one of them the CPU', async () => {
    const { server, machine } = await listen();
    const other: QmpAddress = { kind: 'unix', path: join(folder, 'r.sock') };
    open.push(await listenQmp(server, other));
    const [first, second] = [await negotiated(), await negotiated(other)];
    await tick(30);
    const answers = await Promise.all([first, second].map((client) => client.ask('{"execute":"cpu-add","arguments":{"id":1}}')));
    expect(answers).toContainEqual(OK);
    expect(answers).toContainEqual(generic('Unable to add CPU: 1, it already exists'));
    machine.emit({ name: 'WAKEUP' });
    expect([await first.next(), await second.next()]).toMatchObject([{ event: 'WAKEUP' }, { event: 'WAKEUP' }]);
  });
});

async function lastReply(client: Wire): Promise<unknown> {
  client.send('{"execute":"query-name","id":"end"}');
  let line = await client.next();
  while (line !== undefined && 'event' in line) line = await client.next();
  return line;
}

describe('the socket file', () => {
  it('has mode 0600 and is gone after close', async () => {
    const umask = process.umask();
    const { listener } = await listen();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(process.umask()).toBe(umask);
    await listener.close();
    open.splice(open.indexOf(listener), 1);
    expect(existsSync(path)).toBe(false);
  });

  it('that is dead is replaced', async () => {
    makeDead(path);
    expect(statSync(path).isSocket()).toBe(true);
    await listen();
    expect(await wire().next()).toMatchObject({ QMP: {} });
  });

  it('that is alive is an error, and its owner keeps it', async () => {
    await listen();
    const server = new QmpServer({ machine: new FakeMachine() });
    await expect(listenQmp(server, { kind: 'unix', path })).rejects.toThrow(`${path}: another process listens on this socket`);
    expect(await wire().next()).toMatchObject({ QMP: {} });
  });

  it('is never made over another file', async () => {
    writeFileSync(path, 'precious');
    const server = new QmpServer({ machine: new FakeMachine() });
    await expect(listenQmp(server, { kind: 'unix', path })).rejects.toThrow(`${path}: exists and is not a socket`);
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  it('in a missing folder, or with a path that is too long, is one clear error', async () => {
    const server = new QmpServer({ machine: new FakeMachine() });
    await expect(listenQmp(server, { kind: 'unix', path: join(folder, 'no', 'q') })).rejects.toThrow(QmpListenError);
    await expect(listenQmp(server, { kind: 'unix', path: `/tmp/${'x'.repeat(120)}` })).rejects.toThrow('a socket path has at most');
  });

  it('firstClient resolves with the first client and not before', async () => {
    const { listener } = await listen();
    let come = false;
    void listener.firstClient.then(() => {
      come = true;
    });
    await tick(10);
    expect(come).toBe(false);
    await wire().next();
    await listener.firstClient;
    expect(come).toBe(true);
  });
});

describe('TCP', () => {
  it('listens on loopback and tells its port', async () => {
    const server = new QmpServer({ machine: new FakeMachine() });
    const listener = await listenQmp(server, { kind: 'tcp', host: '', port: 0 });
    open.push(server, listener);
    expect(await wire(listener.address).next()).toMatchObject({ QMP: {} });
  });

  it.each(['0.0.0.0', '192.0.2.1', 'example.org', '::', '127.evil.example'])(
    'refuses %s unless remote clients are allowed',
    async (host) => {
      const server = new QmpServer({ machine: new FakeMachine() });
      await expect(listenQmp(server, { kind: 'tcp', host, port: 0 })).rejects.toThrow(`tcp:${host}: only loopback addresses are allowed`);
    },
  );

  it('listens on all addresses when told so', async () => {
    const server = new QmpServer({ machine: new FakeMachine() });
    const listener = await listenQmp(server, { kind: 'tcp', host: '0.0.0.0', port: 0 }, { allowRemote: true });
    open.push(server, listener);
    expect(await wire({ ...(listener.address as Extract<QmpAddress, { kind: 'tcp' }>), host: '127.0.0.1' }).next()).toMatchObject({
      QMP: {},
    });
  });
});

describe('a client that listens', () => {
  it('is greeted and served by a server that connects to it', async () => {
    const accepted = new Promise<Socket>((resolve) => createServer(resolve).listen(path).unref());
    await new Promise((resolve) => setImmediate(resolve));
    const server = new QmpServer({ machine: new FakeMachine() });
    open.push(server);
    const connection = await dialQmp(server, { kind: 'unix', path });
    const socket = (await accepted).setEncoding('latin1');
    const text = new Promise((resolve) => {
      let all = '';
      socket.on('data', (part: string) => /running.*\r\n$/.test((all += part)) && resolve(all));
    });
    socket.write('{"execute":"qmp_capabilities"}{"execute":"query-status"}');
    expect(await text).toMatch(/^\{"QMP".*\r\n\{"return": \{\}\}\r\n\{"return": \{"status": "running"/);
    socket.end();
    await connection.close();
  });

  it('that is not there is one clear error', async () => {
    const server = new QmpServer({ machine: new FakeMachine() });
    open.push(server);
    await expect(dialQmp(server, { kind: 'unix', path })).rejects.toThrow(QmpListenError);
  });
});

describe('parseQmpEndpoint', () => {
  it.each<[string, QmpAddress, boolean]>([
    ['unix:./q.sock,server=on,wait=off', { kind: 'unix', path: './q.sock' }, false],
    ['unix:/q,server,nowait', { kind: 'unix', path: '/q' }, false],
    ['unix:/q,server', { kind: 'unix', path: '/q' }, true],
    ['unix:/a,,b,server=on,wait=on', { kind: 'unix', path: '/a,b' }, true],
    ['tcp:localhost:4444,server=on,wait=off', { kind: 'tcp', host: 'localhost', port: 4444 }, false],
    ['tcp::4444,server=on', { kind: 'tcp', host: '', port: 4444 }, true],
    ['tcp:[::1]:0,server=on', { kind: 'tcp', host: '::1', port: 0 }, true],
  ])('%s', (text, address, wait) => {
    expect(parseQmpEndpoint(text)).toEqual({ address, wait });
  });

  it.each([
    ['unix:/q', 'only server=on is supported'],
    ['unix:/q,server=off', 'only server=on is supported'],
    ['unix:,server', 'expected unix:PATH or tcp:HOST:PORT'],
    ['tcp:host:99999,server', 'expected unix:PATH or tcp:HOST:PORT'],
    ['stdio,server', 'expected unix:PATH or tcp:HOST:PORT'],
    ['unix:/q,server,bogus=1', "invalid option 'bogus=1'"],
    ['unix:/q,server,nowait=on', "invalid option 'nowait=on'"],
  ])('%s is refused', (text, message) => {
    expect(() => parseQmpEndpoint(text)).toThrow(`-qmp ${text}: ${message}`);
  });
});

/** Leaves a socket file behind that nobody listens on: a child binds it and ends without cleaning up. */
function makeDead(file: string): void {
  const listenAndDie = `require('node:net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', listenAndDie]);
}
