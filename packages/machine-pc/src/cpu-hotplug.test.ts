import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IccBus } from '@hotsocket/icc-bus';
import { QmpServer } from '@hotsocket/qmp';
import { listenQmp, type QmpListener } from '@hotsocket/qmp/node';
import { ContainerModule } from 'inversify';
import type { PcOptions } from './options.js';
import { Pc } from './pc.js';

/** A firmware image that halts: HLT at every address, so also at the reset vector. */
const HALTED = new Uint8Array(0x1_0000).fill(0xf4);

const pcWith = (options: Partial<PcOptions> = {}, modules: readonly ContainerModule[] = []): Pc =>
  new Pc({ cpus: 1, maxCpus: 4, topology: { cores: 1, threads: 1 }, ramBytes: 4 << 20, firmware: HALTED, ...options }, modules);

type Reply = Readonly<Record<string, unknown>>;

/** Speaks QMP over a unix socket. Events are kept apart from replies. */
class Client {
  readonly events: Reply[] = [];
  readonly #socket: Socket;
  readonly #replies: Reply[] = [];
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #text = '';

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on('data', (bytes: Buffer) => this.#take(bytes.toString('utf8')));
  }

  ask(command: string, args?: object): Promise<Reply> {
    this.send(JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}) }));
    return this.next();
  }

  /** The outcome of `cpu-add` in one word or the text of the error. */
  async add(id: unknown): Promise<unknown> {
    const { error } = await this.ask('cpu-add', { id });
    return error === undefined ? 'added' : (error as { desc: string }).desc;
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  next(): Promise<Reply> {
    const ready = this.#replies.shift();
    return ready ? Promise.resolve(ready) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    const lines = (this.#text + text).split('\r\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#message(JSON.parse(line) as Reply);
  }

  #message(message: Reply): void {
    if ('QMP' in message) return;
    if ('event' in message) this.events.push(message);
    else if (this.#waiting.length > 0) this.#waiting.shift()?.(message);
    else this.#replies.push(message);
  }
}

let folder: string;
let listeners: QmpListener[];
let clients: Client[];
beforeEach(() => {
  [folder, listeners, clients] = [mkdtempSync(join(tmpdir(), 'hotplug-')), [], []];
});
afterEach(async () => {
  for (const client of clients) client.close();
  for (const listener of listeners) await listener.close();
  rmSync(folder, { recursive: true });
});

async function qmp(pc: Pc): Promise<Client> {
  const path = join(folder, `qmp${listeners.length}`);
  listeners.push(await listenQmp(new QmpServer({ machine: pc }), { kind: 'unix', path }));
  const client = new Client(path);
  clients.push(client);
  await client.ask('qmp_capabilities');
  return client;
}

// What a guest sees.

function fwCfgWord(pc: Pc, key: number): number {
  pc.writePort(0x510, 2, key);
  return pc.readPort(0x511, 1) | (pc.readPort(0x511, 1) << 8);
}

function cmos(pc: Pc, cell: number): number {
  pc.writePort(0x70, 1, cell);
  return pc.readPort(0x71, 1);
}

const present = (pc: Pc): number[] =>
  Array.from({ length: 256 }, (_, id) => id).filter((id) => (pc.board.io.read(0xaf00 + (id >> 3), 1) & (1 << (id & 7))) !== 0);

const gpeStatus = (pc: Pc): number => pc.readPort(0xafe0, 1);

/** Bitmap byte 0, GPE0 status, CMOS 5Fh, fw_cfg keys 5 and 0Fh, level of the SCI. */
const guestView = (pc: Pc): number[] => [
  pc.readPort(0xaf00, 1),
  gpeStatus(pc),
  cmos(pc, 0x5f),
  fwCfgWord(pc, 5),
  fwCfgWord(pc, 0x0f),
  Number(pc.board.pm.sci.high),
];

/** All that an add may change, for comparisons. */
const everything = (pc: Pc): unknown => ({
  cpus: pc.cpus,
  slots: pc.cpuSlots,
  apics: pc.board.bus.localApics.map(({ slot }) => slot),
  pm: pc.board.pm.save(),
  rtc: pc.board.rtc.save(),
  sci: pc.board.pm.sci.high,
  unattached: pc.qom.resolve('/machine/unattached')?.list(),
  peripheral: pc.qom.resolve('/machine/peripheral')?.list(),
});

describe('conformance vectors: 3 CPUs, 3 cores a package, at most 6, over a unix socket', () => {
  it('every row', async () => {
    const pc = pcWith({ cpus: 3, maxCpus: 6, topology: { cores: 3, threads: 1 } });
    const client = await qmp(pc);
    const rows: unknown[] = [['boot', ...guestView(pc)]];
    for (const id of [4, 4, 3, 6, -1, 0]) rows.push([`${id}: ${await client.add(id)}`, ...guestView(pc)]);
    pc.writePort(0xafe0, 1, 0x04);
    rows.push(['status cleared', ...guestView(pc)]);
    await client.ask('system_reset');
    rows.push(['reset', ...guestView(pc)]);
    expect(rows).toEqual([
      ['boot', 0x07, 0x00, 2, 3, 7, 0],
      ['4: added', 0x27, 0x04, 3, 4, 7, 0],
      ['4: Unable to add CPU: 4, it already exists', 0x27, 0x04, 3, 4, 7, 0],
      ['3: added', 0x37, 0x04, 4, 5, 7, 0],
      ['6: Unable to add CPU: 6, max allowed: 5', 0x37, 0x04, 4, 5, 7, 0],
      ['-1: Invalid CPU id: -1', 0x37, 0x04, 4, 5, 7, 0],
      ['0: Unable to add CPU: 0, it already exists', 0x37, 0x04, 4, 5, 7, 0],
      ['status cleared', 0x37, 0x00, 4, 5, 7, 0],
      ['reset', 0x37, 0x00, 4, 5, 7, 0],
    ]);
  });

  it('the reply of the first add is {"return": {}} and no event comes with it', async () => {
    const client = await qmp(pcWith());
    expect([await client.ask('cpu-add', { id: 1 }), client.events]).toEqual([{ return: {} }, []]);
  });
});

describe('arguments of cpu-add over a socket', () => {
  const TOO_LARGE = 'resulting APIC ID (256) is too large';
  it.each([
    ['{"id":1}', undefined],
    ['{"id":0}', 'Unable to add CPU: 0, it already exists'],
    ['{"id":255}', 'Unable to add CPU: 255, max allowed: 254'],
    ['{"id":2147483648}', 'Unable to add CPU: 2147483648, max allowed: 254'],
    ['{"id":4294967296}', 'Unable to add CPU: 4294967296, max allowed: 254'],
    ['{"id":9007199254740993}', 'Unable to add CPU: 9007199254740993, max allowed: 254'],
    ['{"id":9223372036854775807}', 'Unable to add CPU: 9223372036854775807, max allowed: 254'],
    ['{"id":-1}', 'Invalid CPU id: -1'],
    ['{"id":-9223372036854775808}', 'Invalid CPU id: -9223372036854775808'],
    ['{"id":192}', `Unable to add CPU: 192, ${TOO_LARGE}`],
    ['{"id":9223372036854775808}', "Invalid parameter type for 'id', expected: integer"],
    ['{"id":null}', "Invalid parameter type for 'id', expected: integer"],
    ['{"id":2.0}', "Invalid parameter type for 'id', expected: int"],
    ['{"id":1e2}', "Invalid parameter type for 'id', expected: int"],
    ['{"id":"1"}', "Invalid parameter type for 'id', expected: int"],
    ['{"id":true}', "Invalid parameter type for 'id', expected: int"],
    ['{"id":[1]}', "Invalid parameter type for 'id', expected: int"],
    ['{"id":{}}', "Invalid parameter type for 'id', expected: int"],
    ['{}', "Parameter 'id' is missing"],
  ])('%s', async (args, error) => {
    const pc = pcWith({ maxCpus: 255, topology: { cores: 3, threads: 1 } });
    const before = everything(pc);
    const client = await qmp(pc);
    client.send(`{"execute":"cpu-add","arguments":${args}}`);
    const reply = await client.next();
    expect((reply.error as { class: string; desc: string } | undefined)?.desc).toBe(error);
    expect(error === undefined || JSON.stringify(everything(pc), big) === JSON.stringify(before, big)).toBe(true);
  });

  it('arguments that are absent, and a member too many', async () => {
    const client = await qmp(pcWith());
    const replies = [await client.ask('cpu-add'), await client.ask('cpu-add', { id: 1, extra: 2 })];
    expect(replies.map(({ error }) => (error as { class: string; desc: string }).desc)).toEqual([
      "Parameter 'id' is missing",
      "Parameter 'extra' is unexpected",
    ]);
  });
});

const big = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);

describe('index and APIC id', () => {
  it.each([
    [3, 1, 9, [0, 1, 2, 4, 5, 6, 8, 9, 10]],
    [3, 2, 9, [0, 1, 2, 3, 4, 5, 8, 9, 10]],
    [5, 1, 9, [0, 1, 2, 3, 4, 8, 9, 10, 11]],
    [2, 2, 9, [0, 1, 2, 3, 4, 5, 6, 7, 8]],
    [1, 1, 9, [0, 1, 2, 3, 4, 5, 6, 7, 8]],
  ])('%p cores of %p threads: every index lights its own bit', (cores, threads, maxCpus, apicIds) => {
    const pc = pcWith({ maxCpus, topology: { cores, threads } });
    const lit = apicIds.slice(1).map((_, at) => {
      const before = present(pc);
      pc.hotAddCpu(at + 1);
      return present(pc).filter((id) => !before.includes(id));
    });
    expect([lit, pc.cpus.map(({ apicId }) => apicId), cmos(pc, 0x5f)]).toEqual([apicIds.slice(1).map((id) => [id]), apicIds, 8]);
  });

  it('the highest id of 3 cores is 254, at index 191; 192 would be 256 and is refused', () => {
    const pc = pcWith({ maxCpus: 255, topology: { cores: 3, threads: 1 } });
    pc.hotAddCpu(191);
    expect(present(pc)).toEqual([0, 254]);
    expect(() => pc.hotAddCpu(192)).toThrow('Unable to add CPU: 192, resulting APIC ID (256) is too large');
  });

  it('order of adding does not matter, and the list is in order of adding', () => {
    const pc = pcWith({ maxCpus: 6, topology: { cores: 3, threads: 1 } });
    for (const index of [5, 1, 4, 2, 3]) pc.hotAddCpu(index);
    expect([pc.cpus.map(({ index }) => index), present(pc), cmos(pc, 0x5f)]).toEqual([[0, 5, 1, 4, 2, 3], [0, 1, 2, 4, 5, 6], 5]);
  });

  it('254 CPUs added in one write are all there, each with one reply', async () => {
    const pc = pcWith({ maxCpus: 255 });
    const client = await qmp(pc);
    const ids = Array.from({ length: 254 }, (_, at) => 254 - at);
    client.send(ids.map((id) => JSON.stringify({ execute: 'cpu-add', arguments: { id }, id })).join(''));
    const replies = [];
    for (const _ of ids) replies.push(await client.next());
    expect(replies).toEqual(ids.map((id) => ({ return: {}, id })));
    expect([present(pc), cmos(pc, 0x5f), fwCfgWord(pc, 5)]).toEqual([Array.from({ length: 255 }, (_, id) => id), 254, 255]);
  });

  it('of two clients that add the same CPU at once exactly one wins', async () => {
    const pc = pcWith();
    const [first, second] = [await qmp(pc), await qmp(pc)];
    const replies = await Promise.all([first.add(2), second.add(2)]);
    expect([[...replies].sort(), pc.cpus.length]).toEqual([['Unable to add CPU: 2, it already exists', 'added'], 2]);
  });
});

describe('order of a hot-add', () => {
  it('the notice comes before the CPU is realized and running, after its state is in step; afterwards it runs', () => {
    const pc = pcWith({ cpus: 2 });
    const seen: unknown[] = [];
    const state = (): unknown => {
      const { realized, stopped, synchronized, archId, hotplugged } = pc.board.cpus.list.at(-1) ?? {};
      return { realized, stopped, synchronized, archId, hotplugged };
    };
    pc.board.cpus.notify((added) => seen.push([added, state()]));
    pc.hotAddCpu(3);
    expect([seen, state()]).toEqual([
      [
        [
          { apicId: 3, present: 3, index: 3 },
          { realized: false, stopped: true, synchronized: true, archId: 3, hotplugged: true },
        ],
      ],
      { realized: true, stopped: false, synchronized: true, archId: 3, hotplugged: true },
    ]);
  });

  it('PIIX4 and the RTC have been told when a later subscriber hears of it', () => {
    const pc = pcWith();
    const seen: number[][] = [];
    pc.board.cpus.notify(() => seen.push([...present(pc), gpeStatus(pc), cmos(pc, 0x5f)]));
    pc.hotAddCpu(2);
    expect(seen).toEqual([[0, 2, 4, 1]]);
  });

  it('CPUs that are there at power-on are no news', () => {
    const pc = pcWith({ cpus: 4 });
    expect([gpeStatus(pc), pc.board.cpus.list.map(({ hotplugged }) => hotplugged)]).toEqual([0, [false, false, false, false]]);
  });

  it('an add from inside the notice of another is refused, and the outer one succeeds', () => {
    const pc = pcWith();
    const errors: unknown[] = [];
    pc.board.cpus.notify(() => {
      try {
        pc.hotAddCpu(3);
      } catch (error) {
        errors.push((error as Error).message);
      }
    });
    pc.hotAddCpu(2);
    expect([errors, present(pc)]).toEqual([['Unable to add CPU: 3, another CPU is being added'], [0, 2]]);
    expect(() => pc.hotAddCpu(2)).toThrow('already exists');
  });
});

describe('a hot-add that fails leaves no trace', () => {
  it('when a subscriber throws', () => {
    const pc = pcWith();
    let fail = true;
    pc.board.cpus.notify(() => {
      if (fail) throw new Error('no room');
    });
    pc.writePort(0xafe2, 1, 0x04);
    const before = everything(pc);
    expect(() => pc.hotAddCpu(2)).toThrow('Unable to add CPU: 2, no room');
    expect(everything(pc)).toEqual(before);
    fail = false;
    pc.hotAddCpu(2);
    expect([present(pc), gpeStatus(pc), cmos(pc, 0x5f), pc.board.pm.sci.high]).toEqual([[0, 2], 4, 1, true]);
  });

  it('when an earlier event is pending', () => {
    const pc = pcWith();
    pc.hotAddCpu(1);
    pc.board.cpus.notify(({ index }) => {
      if (index === 2) throw new Error('no room');
    });
    const before = everything(pc);
    expect(() => pc.hotAddCpu(2)).toThrow('no room');
    expect([everything(pc), gpeStatus(pc)]).toEqual([before, 4]);
  });

  it('when its local APIC cannot be attached', () => {
    const pc = pcWith();
    const { bus } = pc.board;
    const attach = bus.attach.bind(bus);
    bus.attach = () => {
      throw new Error('APIC initialization failed');
    };
    const before = everything(pc);
    expect(() => pc.hotAddCpu(2)).toThrow('Unable to add CPU: 2, APIC initialization failed');
    expect(everything(pc)).toEqual(before);
    bus.attach = attach;
    pc.hotAddCpu(2);
    expect(present(pc)).toEqual([0, 2]);
  });

  it('when its name is taken', () => {
    const pc = pcWith();
    pc.hotAddCpu(1, { deviceId: 'cpu-a' });
    const before = everything(pc);
    expect(() => pc.hotAddCpu(2, { deviceId: 'cpu-a' })).toThrow('Unable to add CPU: 2');
    expect(everything(pc)).toEqual(before);
  });

  it('a hundred times, and then all CPUs still fit', () => {
    const pc = pcWith({ maxCpus: 255 });
    let fail = true;
    pc.board.cpus.notify(() => {
      if (fail) throw new Error('not now');
    });
    for (let attempt = 0; attempt < 100; attempt++) expect(() => pc.hotAddCpu(7)).toThrow('not now');
    fail = false;
    for (let index = 1; index < 255; index++) pc.hotAddCpu(index);
    expect([pc.cpus.length, new Set(pc.board.cpus.list.map(({ block }) => block)).size]).toEqual([255, 255]);
  });
});

describe('the guest is told', () => {
  it('two CPUs while the event is off: switching it on raises the SCI once, one look finds both', () => {
    const pc = pcWith();
    pc.hotAddCpu(1);
    pc.hotAddCpu(3);
    const before = pc.board.pm.sci.high;
    pc.writePort(0xafe2, 1, 0x04);
    const raised = pc.board.pm.sci.high;
    pc.writePort(0xafe0, 1, 0x04);
    expect([before, raised, pc.board.pm.sci.high, present(pc)]).toEqual([false, true, false, [0, 1, 3]]);
  });

  it('again, when it clears all events while booting and enables this one without having read the bitmap', () => {
    const pc = pcWith();
    pc.hotAddCpu(2);
    pc.writePort(0xafe0, 1, 0xff);
    const cleared = gpeStatus(pc);
    pc.writePort(0xafe2, 1, 0x04);
    expect([cleared, gpeStatus(pc), pc.board.pm.sci.high]).toEqual([0, 4, true]);
  });

  it('not again, when it has read the bitmap', () => {
    const pc = pcWith();
    pc.hotAddCpu(2);
    pc.writePort(0xafe0, 1, 0xff);
    pc.readPort(0xaf00, 1);
    pc.writePort(0xafe2, 1, 0x04);
    expect([gpeStatus(pc), pc.board.pm.sci.high]).toEqual([0, false]);
  });

  it('no more after a reset: firmware reads the bitmap anyway', () => {
    const pc = pcWith();
    pc.hotAddCpu(2);
    pc.reset('guest-reset');
    pc.writePort(0xafe0, 1, 0xff);
    pc.writePort(0xafe2, 1, 0x04);
    expect([gpeStatus(pc), present(pc), cmos(pc, 0x5f)]).toEqual([0, [0, 2], 1]);
  });

  it('by CMOS 5Fh from the count, whatever the guest wrote there', () => {
    const pc = pcWith();
    pc.writePort(0x70, 1, 0x5f);
    pc.writePort(0x71, 1, 0xff);
    pc.hotAddCpu(2);
    expect(cmos(pc, 0x5f)).toBe(1);
  });

  it('writes to the bitmap change nothing', () => {
    const pc = pcWith({ strictLegacy: true });
    for (let port = 0xaf00; port < 0xaf20; port++) pc.writePort(port, 1, 0xff);
    expect([present(pc), pc.readPort(0xaf00, 4)]).toEqual([[0], 1]);
  });
});

describe('states', () => {
  it('adds in prelaunch, running and paused, and tells the state', async () => {
    const pc = pcWith();
    const client = await qmp(pc);
    const outcomes: unknown[] = [await client.add(1), (await client.ask('query-status')).return];
    await client.ask('cont');
    outcomes.push(await client.add(2));
    await client.ask('stop');
    outcomes.push(await client.add(3), (await client.ask('query-status')).return);
    await pc[Symbol.asyncDispose]();
    const status = (name: string): object => ({ status: name, running: false, singlestep: false });
    expect(outcomes).toEqual(['added', status('prelaunch'), 'added', 'added', status('paused')]);
  });

  it('a CPU added while paused executes nothing', async () => {
    const pc = pcWith();
    pc.cont();
    pc.stop();
    await pc.idle();
    const executed = pc.instructions;
    pc.hotAddCpu(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect([pc.instructions, pc.cpus[1]?.halted]).toEqual([executed, true]);
  });
});

describe('the ICC bus of a machine', () => {
  it('two bindings stop the construction', () => {
    const second = new ContainerModule(({ bind }) => {
      bind(IccBus).toConstantValue(new IccBus());
    });
    expect(() => pcWith({}, [second])).toThrow(/IccBus is bound 2 times: module 1 of the machine, module 1 of those added/);
  });

  it('no binding stops the construction', () => {
    const none = new ContainerModule(({ unbind }) => {
      unbind(IccBus);
    });
    expect(() => pcWith({}, [none])).toThrow(/no module binds IccBus.*IccBridge needs IccBus.*IoApic needs IccBus/s);
  });

  it('a module may put another one in its place', () => {
    const bus = new IccBus();
    const other = new ContainerModule(({ rebind }) => {
      rebind(IccBus).toConstantValue(bus);
    });
    const pc = pcWith({ cpus: 2 }, [other]);
    expect([pc.board.bus === bus, bus.localApics.length, bus.ioApic === pc.board.ioapic]).toEqual([true, 2, true]);
  });
});
