import { Blob } from 'node:buffer';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEMO_GUEST_KEYS, DEMO_GUEST_LINES, demoGuestRom } from '@hotsocket/demo-guest';
import { createPc, type EmbeddedPc, type PcError, type PcEvent, PcOptionsError } from './index.js';
import { createPc as createNodePc } from './node.js';

const LIMIT = { timeout: 20_000 };
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: PcError) => error.code,
  );

async function withPc(pc: EmbeddedPc, use: (pc: EmbeddedPc) => Promise<void>): Promise<void> {
  try {
    await use(pc);
  } finally {
    await pc.dispose();
  }
}

const ready = async (pc: EmbeddedPc): Promise<void> => {
  await pc.start();
  await pc.serial(0).expect(DEMO_GUEST_LINES.ready, LIMIT);
};

describe('createPc', () => {
  it('adds a CPU that the guest notices and starts', () =>
    withPc(createPc({ smp: '1,maxcpus=4' }), async (pc) => {
      const seen: string[] = [];
      pc.events$.subscribe(({ name }) => seen.push(name));
      await ready(pc);
      const cpu = await pc.cpus.add(1);
      await cpu.noticed(LIMIT);
      await cpu.online(LIMIT);
      const [, index] = await pc.serial().expect(DEMO_GUEST_LINES.cpuOnline(1), LIMIT);
      expect([cpu.index, cpu.apicId, cpu.stage, index]).toEqual([1, 1, 'online', '1']);
      expect(pc.cpus.list.map((known) => known.index)).toEqual([0, 1]);
      expect(seen).toEqual(['RESUME', 'CPU_ADDED', 'CPU_NOTICED', 'CPU_ONLINE']);
    }));

  it('adds CPUs before the start, and the guest starts them at boot', () =>
    withPc(createPc({ smp: { cpus: 1, maxCpus: 2 } }), async (pc) => {
      const cpu = await pc.cpus.add(1);
      expect([pc.state, cpu.stage]).toEqual(['prelaunch', 'plugged']);
      await pc.start();
      await cpu.online(LIMIT);
    }));

  it('refuses a CPU with the code of the reason, and changes nothing', () =>
    withPc(createPc({ smp: '1,maxcpus=2' }), async (pc) => {
      expect(await Promise.all([-1, 0, 2, 2n ** 64n].map((index) => codeOf(pc.cpus.add(index))))).toEqual([
        'negative',
        'exists',
        'max-allowed',
        'max-allowed',
      ]);
      expect([pc.cpus.list.length, pc.cpus.slots.length]).toEqual([1, 2]);
    }));

  it('runs two machines side by side that share nothing', async () => {
    const [one, two] = [createPc({ smp: '1,maxcpus=2' }), createPc({ smp: '2,maxcpus=4', memory: '32M' })];
    await Promise.all([ready(one), ready(two)]);
    const [first, second] = await Promise.all([one.cpus.add(1), two.cpus.add(3)]);
    await Promise.all([first.online(LIMIT), second.online(LIMIT)]);
    expect([one, two].map((pc) => pc.cpus.list.map(({ index }) => index))).toEqual([
      [0, 1],
      [0, 1, 3],
    ]);
    await one.dispose();
    expect([one.state, two.state]).toEqual(['shutdown', 'running']);
    await two.serial().send(DEMO_GUEST_KEYS.status);
    await two.serial().expect(/3 CPUs online/, LIMIT);
    await two.dispose();
  });

  it('prints the same at the same instruction in every run', async () => {
    const run = async (): Promise<string> => {
      const pc = createPc({ smp: '1,maxcpus=2' });
      const machine = await pc.load();
      machine.cont();
      machine.stop();
      machine.cont();
      machine.runFor(100_000);
      const text = `${machine.instructions} ${machine.registers(0).map((group) => group.registers.map(({ value }) => value))}`;
      await pc.dispose();
      return text;
    };
    expect(await run()).toBe(await run());
  });
});

describe('life', () => {
  it('starts, pauses, resets and disposes any number of times', () =>
    withPc(createPc(), async (pc) => {
      await pc.pause();
      await pc.reset();
      await Promise.all([pc.start(), pc.start()]);
      await pc.serial().expect(DEMO_GUEST_LINES.ready, LIMIT);
      await Promise.all([pc.pause(), pc.pause()]);
      const { instructions } = pc.machine;
      await new Promise((turn) => setTimeout(turn, 5));
      expect([pc.state, pc.machine.instructions]).toEqual(['paused', instructions]);
      await pc.reset();
      expect(pc.state).toBe('paused');
      await pc.start();
      await pc.serial().expect(DEMO_GUEST_LINES.ready, LIMIT);
      await pc.reset();
      await pc.serial().expect(DEMO_GUEST_LINES.ready, LIMIT);
      await Promise.all([pc.dispose(), pc.dispose(), pc[Symbol.asyncDispose]()]);
      expect([pc.state, await codeOf(pc.start()), await codeOf(pc.cpus.add(0))]).toEqual(['shutdown', 'MACHINE_ENDED', 'MACHINE_ENDED']);
      await pc.pause();
      await pc.reset();
    }));

  it('can be disposed of before it was ever started', async () => {
    const pc = createPc();
    await pc.dispose();
    expect([await codeOf(pc.load()), await pc.ended()]).toEqual(['MACHINE_ENDED', { reason: 'none', exitCode: undefined }]);
  });

  it('says how it ended when the guest powers off', () =>
    withPc(createPc(), async (pc) => {
      await ready(pc);
      const online = pc.serial().expect('never printed');
      await pc.serial().send(DEMO_GUEST_KEYS.powerOff);
      expect(await pc.ended(LIMIT)).toEqual({ reason: 'guest-shutdown', exitCode: undefined });
      expect(await codeOf(online)).toBe('MACHINE_ENDED');
      await expect(pc.serial().expect('never printed')).rejects.toThrow(
        /^the machine ended \(guest-shutdown\) before never printed on serial/,
      );
    }));

  it('ends at a reset with noReboot', () =>
    withPc(createPc({ noReboot: true }), async (pc) => {
      await ready(pc);
      await pc.serial().send(DEMO_GUEST_KEYS.reset);
      expect((await pc.ended(LIMIT)).reason).toBe('guest-reset');
    }));

  it('keeps the process when the run loop fails, and tells everybody who waits', () =>
    withPc(createPc(), async (pc) => {
      await ready(pc);
      pc.machine.board.com1.transmitted = () => {
        throw new Error('a defect');
      };
      await pc.serial().send(DEMO_GUEST_KEYS.status);
      const failure = pc.once('SUSPEND', LIMIT);
      await expect(failure).rejects.toMatchObject({ code: 'INTERNAL_ERROR', message: expect.stringContaining('a defect') });
      expect((await pc.ended()).reason).toBe('host-error');
    }));

  it('has no machine before it is loaded', () => {
    const pc = createPc();
    expect(() => pc.machine).toThrow(expect.objectContaining({ code: 'NOT_LOADED' }));
    expect(() => pc.serial(1)).toThrow(expect.objectContaining({ code: 'NO_SUCH_PORT' }));
  });
});

describe('waits', () => {
  it('give up after their time and say what was last seen', () =>
    withPc(createPc(), async (pc) => {
      await ready(pc);
      const waiting = pc.serial().expect(/login: $/, { timeout: 20 });
      await expect(waiting).rejects.toMatchObject({
        code: 'WAIT_TIMEOUT',
        message: expect.stringMatching(/^20 ms passed without .*last printed: "/),
      });
    }));

  it('give up when their signal aborts, with its reason as the cause', () =>
    withPc(createPc({ smp: '1,maxcpus=2' }), async (pc) => {
      const [reason, abort] = [new Error('the user left'), new AbortController()];
      const cpu = await pc.cpus.add(1);
      const waiting = cpu.noticed({ signal: abort.signal });
      abort.abort(reason);
      await expect(waiting).rejects.toMatchObject({
        code: 'WAIT_ABORTED',
        cause: reason,
        message: expect.stringContaining('CPU 1 is plugged, GPE0_STS=04 GPE0_EN=00 (the guest has not enabled CPU hot-plug events)'),
      });
      expect(await codeOf(pc.start({ signal: abort.signal }))).toBe('WAIT_ABORTED');
      expect(await codeOf(pc.serial().expect('x', { signal: abort.signal }))).toBe('WAIT_ABORTED');
      expect(await codeOf(pc.serial().send('x'.repeat(40), { signal: abort.signal }))).toBe('WAIT_ABORTED');
      expect(await codeOf(pc.once('RESET', { signal: abort.signal }))).toBe('WAIT_ABORTED');
      expect(await codeOf(pc.ended({ signal: abort.signal }))).toBe('WAIT_ABORTED');
    }));
});

describe('serial port', () => {
  it('streams what the guest prints from power-on, whenever it is asked for, and closes at the end', () =>
    withPc(createPc(), async (pc) => {
      await ready(pc);
      await pc.serial().send(DEMO_GUEST_KEYS.powerOff);
      await pc.ended(LIMIT);
      const text = await new Response(pc.serial().readable).text();
      expect(text).toMatch(/demo guest[\s\S]*ready: /);
      expect(pc.serial().readable.locked).toBe(true);
    }));

  it('holds the guest while nobody reads, and loses nothing', () =>
    withPc(createPc({ smp: '2' }), async (pc) => {
      await ready(pc);
      const port = pc.serial();
      const reader = port.readable.getReader();
      const { com1 } = pc.machine.board;
      let printed = 0;
      for (let at = 0; at < 100_000; at++, printed++) com1.transmitted(0x41);
      await new Promise((turn) => setTimeout(turn, 20));
      const { instructions } = pc.machine;
      await new Promise((turn) => setTimeout(turn, 20));
      expect(pc.machine.instructions).toBe(instructions);
      let read = 0;
      while (read < printed) read += ((await reader.read()).value ?? new Uint8Array()).filter((byte) => byte === 0x41).length;
      await new Promise((turn) => setTimeout(turn, 20));
      expect(pc.machine.instructions).toBeGreaterThan(instructions);
      await reader.cancel();
    }));

  it('a machine that is held can be paused, reset and disposed of', () =>
    withPc(createPc(), async (pc) => {
      await ready(pc);
      expect(pc.serial().readable.locked).toBe(false);
      for (let at = 0; at < 100_000; at++) pc.machine.board.com1.transmitted(0x41);
      await new Promise((turn) => setTimeout(turn, 10));
      await pc.reset(LIMIT);
      await pc.pause();
      await pc.start();
      await pc.dispose();
      expect(pc.state).toBe('shutdown');
    }));

  it('takes what is written to its stream', () =>
    withPc(createPc(), async (pc) => {
      await ready(pc);
      const writer = pc.serial().writable.getWriter();
      await writer.write(new TextEncoder().encode(DEMO_GUEST_KEYS.status));
      await pc.serial().expect(/1 CPUs? online/, LIMIT);
    }));

  it('sends no faster than the guest reads, in order', () =>
    withPc(createPc(), async (pc) => {
      await ready(pc);
      await Promise.all([pc.serial().send('s'.repeat(300), LIMIT), pc.serial().send(DEMO_GUEST_KEYS.powerOff, LIMIT)]);
      expect((await pc.ended(LIMIT)).reason).toBe('guest-shutdown');
    }));

  it('matches text literally, and each match only once', () =>
    withPc(createPc(), async (pc) => {
      await pc.load();
      for (const char of 'a.b axb login: ') pc.machine.board.com1.transmitted(char.charCodeAt(0));
      const [first, second] = [await pc.serial().expect('a.b'), await pc.serial().expect(/a.b/g)];
      expect([first[0], second[0], pc.serial().unmatched]).toEqual(['a.b', 'axb', ' login: ']);
    }));
});

describe('events', () => {
  it('come in order from an iterator, which ends with the machine', async () => {
    const pc = createPc({ smp: '1,maxcpus=2' });
    const names: string[] = [];
    const reading = (async () => {
      for await (const event of pc.events) names.push(event.name);
    })();
    await pc.start();
    await pc.cpus.add(1);
    await pc.pause();
    await pc.dispose();
    await reading;
    expect(names).toEqual(['RESUME', 'CPU_ADDED', 'STOP', 'SHUTDOWN']);
  });

  it('an observer may call the machine', () =>
    withPc(createPc({ smp: '1,maxcpus=3' }), async (pc) => {
      const chain = pc.events$.subscribe((event: PcEvent) => {
        if (event.name === 'CPU_ADDED' && event.index === 1) void pc.cpus.add(2);
      });
      await pc.cpus.add(1);
      await pc.once('CPU_ADDED', LIMIT);
      chain.unsubscribe();
      expect(pc.cpus.list.map(({ index }) => index)).toEqual([0, 1, 2]);
    }));

  it('an iterator that was left hears nothing more', async () => {
    const pc = createPc();
    void pc.load().then(() => pc.start());
    for await (const event of pc.events) {
      expect(event.name).toBe('RESUME');
      break;
    }
    await pc.dispose();
  });
});

describe('images', () => {
  const folder = mkdtempSync(join(tmpdir(), 'create-pc-'));
  const file = join(folder, 'rom.bin');
  beforeAll(() => writeFileSync(file, demoGuestRom()));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['bytes', () => demoGuestRom()],
    ['a Blob', () => new Blob([demoGuestRom()]) as unknown as globalThis.Blob],
    ['a data: URL', () => new URL(`data:application/octet-stream;base64,${Buffer.from(demoGuestRom()).toString('base64')}`)],
    ['a file: URL', () => pathToFileURL(file)],
  ])('come from %s', async (_name, firmware) => {
    await withPc(createNodePc({ firmware: firmware(), acpi: 'machine' }), ready);
  });

  it('that cannot be read are named', async () => {
    await expect(createNodePc({ firmware: pathToFileURL('/none/bios.bin') }).load()).rejects.toMatchObject({
      code: 'IMAGE_SOURCE',
      message: expect.stringMatching(/^cannot read the firmware from file:.*ENOENT/),
    });
    await expect(createPc({ firmware: pathToFileURL(file) }).load()).rejects.toThrow('@hotsocket/machine-pc/node');
  });

  it('dispose gives up reading them', async () => {
    const pc = createPc({
      firmware: new URL('https://firmware.invalid/'),
      readUrl: (_url, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const starting = codeOf(pc.start());
    await pc.dispose();
    expect(await starting).toBe('MACHINE_ENDED');
  });
});

describe('options', () => {
  it.each([
    [{ smp: '4,maxcpus=2' }, 'maxcpus'],
    [{ smp: '1,maxcpus=many' }, "'maxcpus=many' is not one of cpus, maxcpus, sockets, cores, threads"],
    [{ smp: '1,toString=2' }, 'toString'],
    [{ smp: '0' }, 'cpus is 0'],
    [{ smp: '4,sockets=1,cores=2,threads=1' }, 'sockets (1) * cores (2) * threads (1) is less than maxcpus (4)'],
    [{ smp: { cpus: 1.5 } }, 'cpus is 1.5'],
    [{ memory: 'much' }, "memory 'much'"],
    [{ memory: '64K' }, '1 MiB'],
    [{ kernel: new Uint8Array(1) }, 'a kernel needs firmware'],
    [{ append: 'quiet' }, 'without a kernel'],
  ])('%j are refused at once', (options, text) => {
    expect(() => createPc(options)).toThrow(PcOptionsError);
    expect(() => createPc(options)).toThrow(text);
  });

  it.each([
    ['1,maxcpus=6,cores=3', [0, 1, 2, 4, 5, 6]],
    ['cpus=2,maxcpus=3', [0, 1, 2]],
    ['2,threads=2', [0, 1]],
  ])('smp %s gives these APIC ids', async (smp, ids) => {
    await withPc(createPc({ smp }), async (pc) => {
      await pc.load();
      expect(pc.cpus.slots.map(({ apicId }) => apicId)).toEqual(ids);
    });
  });

  it.each([
    ['24M', 24],
    ['24', 24],
    [24 * 2 ** 20, 24],
    ['1g', 1024],
  ])('memory %p is %p MiB', async (memory, mebibytes) => {
    await withPc(createPc({ memory }), async (pc) => {
      expect((await pc.load()).options.ramBytes / 2 ** 20).toBe(mebibytes);
    });
  });
});
