import { DEMO_GUEST_LINES, demoGuestRom } from '@hotsocket/demo-guest';
import { decodeState, readSections, SavedStateError } from '@hotsocket/saved-state';
import fc from 'fast-check';
import { createPc, Pc, type PcOptions } from './index.js';
import { SAVED_PARTS } from './snapshot.js';

const MiB = 2 ** 20;
const OPTIONS: PcOptions = {
  cpus: 1,
  maxCpus: 4,
  topology: { cores: 1, threads: 1 },
  ramBytes: 8 * MiB,
  firmware: demoGuestRom(),
  acpi: 'machine',
};
const LIMIT = { timeout: 30_000 };

interface Bench {
  readonly pc: Pc;
  readonly printed: () => string;
}

function bench(options: Partial<PcOptions> = {}): Bench {
  const pc = new Pc({ ...OPTIONS, ...options });
  let text = '';
  pc.board.com1.transmitted = (byte) => {
    text += String.fromCharCode(byte);
  };
  return { pc, printed: () => text };
}

/** Executes so many more instructions. */
function run({ pc }: Bench, instructions: number): void {
  pc.cont();
  pc.runFor(instructions);
  pc.stop();
}

/** Executes until a line is printed. */
function until({ pc, printed }: Bench, line: RegExp): void {
  pc.cont();
  expect(pc.runFor(20_000_000, () => line.test(printed()))).toBe(true);
  pc.stop();
}

const SECTIONS = ['machine', 'devices', 'cpus', 'ram'];

/** A machine's state; out0Tick says only how far the wire of the timer was looked at, which a restore does anew. */
function stateOf({ pc }: Bench): Record<string, unknown> {
  const sections = readSections(pc.snapshot(), SECTIONS);
  const [machine, devices, cpus] = SECTIONS.map((name) => (name === 'ram' ? undefined : decodeState(sections.get(name)!)));
  (devices as unknown as { pit: { data: { out0Tick: number } } }).pit.data.out0Tick = 0;
  return { machine, devices, cpus, ram: Buffer.from(sections.get('ram')!).toString('base64') };
}

/** Executes exactly so many instructions of each CPU, in turns. */
function steps({ pc }: Bench, count: number): void {
  const how = { interrupts: true, time: true, others: false };
  for (let at = 0; at < count; at++) for (const { index } of pc.cpus) pc.debug.step(index, how);
}

/** A machine whose hot-added CPU has just come online. */
function twoCpus(): Bench {
  const one = bench();
  until(one, DEMO_GUEST_LINES.ready);
  one.pc.hotAddCpu(2, { deviceId: 'extra' });
  until(one, DEMO_GUEST_LINES.cpuOnline(2));
  return one;
}

describe('a snapshot', () => {
  it('taken anywhere goes on in a fresh machine as it goes on in its own', () => {
    const one = bench();
    for (const instructions of [1, 50_000]) {
      run(one, instructions);
      const other = bench();
      other.pc.restore(one.pc.snapshot());
      expect(stateOf(other)).toEqual(stateOf(one));
      for (const each of [one, other]) steps(each, 300);
      expect(stateOf(other)).toEqual(stateOf(one));
    }
  }, 60_000);

  it('brings hot-added CPUs with it, with their names, and takes away those that came later', () => {
    const one = twoCpus();
    const file = one.pc.snapshot();
    const other = bench();
    other.pc.restore(file);
    expect(other.pc.cpus.map(({ index, qomPath }) => [index, qomPath])).toEqual(one.pc.cpus.map(({ index, qomPath }) => [index, qomPath]));
    expect(other.pc.cpus[1]?.qomPath).toBe('/machine/peripheral/extra');
    one.pc.hotAddCpu(1);
    steps(one, 100);
    one.pc.restore(file);
    expect(one.pc.cpus.map(({ index }) => index)).toEqual([0, 2]);
    for (const each of [one, other]) steps(each, 300);
    expect(stateOf(other)).toEqual(stateOf(one));
  }, 60_000);

  it('has every part of the board that can be saved', () => {
    const { board } = bench({ testdev: true, watchdog: true, pvpanic: {}, debugExit: { iobase: 0xf4, iosize: 4 } }).pc;
    const savable = Object.entries(board).flatMap(([name, part]) =>
      typeof (part as { save?: unknown } | undefined)?.save === 'function' ? [name] : [],
    );
    expect(savable.filter((name) => name !== 'time').sort()).toEqual([...SAVED_PARTS].sort());
  });

  it('of a machine that is running, or over, is refused with a code', async () => {
    const { pc } = bench();
    pc.cont();
    expect(() => pc.snapshot()).toThrow(expect.objectContaining({ code: 'busy' }));
    pc.quit('none');
    expect(() => pc.snapshot()).toThrow(expect.objectContaining({ code: 'reset-required' }));
    await pc.idle();
  });

  it('of another machine is refused, and says in what it differs', () => {
    const file = bench().pc.snapshot();
    const other = bench({ ramBytes: 16 * MiB, maxCpus: 2 }).pc;
    expect(() => other.restore(file)).toThrow('the saved machine is another one: ramBytes is 8388608, here 16777216; maxCpus is 4, here 2');
  });

  it('that is damaged anywhere is refused, and the machine goes on as if nothing had been', () => {
    const { pc } = twoCpus();
    const file = pc.snapshot();
    const damage = fc.oneof(
      fc.nat(file.length - 1).map((length) => file.slice(0, length)),
      fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
        const changed = file.slice();
        changed[at]! ^= bits;
        return changed;
      }),
    );
    fc.assert(
      fc.property(damage, (bytes) => expect(() => pc.restore(bytes)).toThrow(SavedStateError)),
      { numRuns: 30 },
    );
    expect(Buffer.compare(pc.snapshot(), file)).toBe(0);
  }, 60_000);
});

describe('createPc', () => {
  it('saves a machine that runs, and goes on from it in another', async () => {
    await using one = createPc({ smp: '1,maxcpus=2', memory: '8M' });
    await one.start();
    await one.serial(0).expect(DEMO_GUEST_LINES.ready, LIMIT);
    const snapshot = await one.snapshot();
    expect([one.state, snapshot.length < 2 * MiB]).toEqual(['running', true]);
    await using other = createPc({ smp: '1,maxcpus=2', memory: '8M' });
    await other.restore(snapshot);
    expect(other.state).toBe('paused');
    await other.start();
    await (await other.cpus.add(1)).online(LIMIT);
    await other.serial(0).expect(DEMO_GUEST_LINES.cpuOnline(1), LIMIT);
  }, 60_000);
});
