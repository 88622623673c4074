import { DEMO_GUEST_KEYS, DEMO_GUEST_LINES } from '@hotsocket/demo-guest';
import { createPc } from '@hotsocket/machine-pc';
import { fuzzRegion, ManualClock, PinRecorder, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { acpiAlone } from './acpi-alone.js';
import { headlessBoard } from './headless-board.js';
import { StoppedClock, stoppedClockModule } from './own-rtc.js';
import { twoMachines } from './two-machines.js';
import { plugWatchdog, watchdogBoard } from './watchdog-boards.js';
import { WatchdogCard } from './watchdog-card.js';

const LIMIT = { timeout: 30_000 };

describe('headless board', () => {
  it('runs the demo guest, which starts a CPU that is added', async () => {
    const board = headlessBoard(4);
    const printed = recorder(board.com1);
    board.loop.start();
    try {
      await printed(DEMO_GUEST_LINES.ready);
      board.cpus.add(2);
      await printed(DEMO_GUEST_LINES.cpuOnline(2));
      board.com1.receive(new TextEncoder().encode(DEMO_GUEST_KEYS.status));
      await printed(/2 CPUs online/);
    } finally {
      board.loop.stop();
      await board.loop.idle();
    }
  }, 60_000);

  function recorder(com1: { transmitted: (byte: number) => void }): (pattern: RegExp) => Promise<void> {
    let text = '';
    let look = (): void => {};
    com1.transmitted = (byte) => {
      text += String.fromCharCode(byte);
      if (byte === 0x0a) look();
    };
    return (pattern) =>
      new Promise((found) => {
        look = () => pattern.test(text) && found();
        look();
      });
  }
});

describe('the PC with a clock of one’s own', () => {
  it('boots, reads that clock, and counts hot-added CPUs in it', async () => {
    const clock = new StoppedClock();
    await using pc = createPc({ smp: '1,maxcpus=2', modules: [stoppedClockModule(clock)] });
    await pc.start();
    await pc.serial(0).expect(DEMO_GUEST_LINES.ready, LIMIT);
    const cpu = await pc.cpus.add(1);
    await cpu.online(LIMIT);
    expect([clock.reads > 0, clock.cell(0x5f), clock.cell(4)]).toEqual([true, 1, 0x12]);
    expect(pc.machine.board.rtc).toBe(clock);
  }, 60_000);

  it('keeps the rules of a device', () => {
    fuzzRegion(new StoppedClock().io, 1, 1000);
    saveRestoreIsIdentity(
      () => new StoppedClock(),
      (clock) => clock.io.write(0, 1, 0x33),
    );
  });
});

describe('two machines', () => {
  it('run side by side; a CPU that one has started is added to the other', async () => {
    const [left, right] = await twoMachines(AbortSignal.timeout(30_000));
    await Promise.all([left, right].map((pc) => pc.serial(0).expect(DEMO_GUEST_LINES.ready, LIMIT)));
    await left.cpus.add(3);
    await right.serial(0).expect(DEMO_GUEST_LINES.cpuOnline(3), LIMIT);
    expect([left, right].map((pc) => pc.cpus.list.map(({ index }) => index))).toEqual([
      [0, 3],
      [0, 3],
    ]);
    await Promise.all([left.dispose(), right.dispose()]);
  }, 60_000);
});

describe('watchdog card', () => {
  const make = (): WatchdogCard => new WatchdogCard({ clock: new ManualClock() });

  it('bites when it was not fed in time, and lets go when told', () => {
    const clock = new ManualClock();
    const card = new WatchdogCard({ clock });
    const irq = new PinRecorder(card.irq);
    card.io.write(0, 1, 5);
    clock.advance(49_999_999);
    card.io.write(0, 1, 5);
    clock.advance(49_999_999);
    expect(irq.rises).toBe(0);
    clock.advance(1);
    expect([irq.high, card.io.read(1, 1)]).toEqual([true, 1]);
    card.io.write(1, 1, 0);
    expect([irq.high, card.io.read(1, 1)]).toEqual([false, 0]);
  });

  it('keeps the rules of a device', () => {
    fuzzRegion(make().io, 1, 1000);
    resetReachesInitialState(make, (card) => card.io.write(0, 1, 5));
    saveRestoreIsIdentity(make, (card) => card.io.write(0, 1, 5));
  });

  it('interrupts a board of its own, and goes on from a saved state on another', () => {
    const [first, second] = [watchdogBoard.build(), watchdogBoard.build()];
    first.io.write(0x300, 1, 1);
    second.parts.card.restore(first.parts.card.save());
    const [one, other] = [first.clock as ManualClock, second.clock as ManualClock];
    one.advance(10_000_000);
    expect([first.parts.pic.ir(5).high, second.parts.pic.ir(5).high]).toEqual([true, false]);
    other.advance(10_000_000);
    expect([second.parts.pic.ir(5).high, second.io.read(0x301, 1)]).toEqual([true, 1]);
  });

  it('interrupts a PC at pin 5', async () => {
    await using pc = createPc();
    const { board } = await pc.load();
    const card = plugWatchdog(board);
    board.io.write(0x300, 1, 1);
    await pc.start();
    await pc.serial(0).expect(DEMO_GUEST_LINES.ready, LIMIT);
    expect(board.clock.now()).toBeGreaterThan(10_000_000);
    expect([card.irq.high, board.pic.ir(5).high, board.io.read(0x301, 1)]).toEqual([true, true, 1]);
  }, 60_000);
});

describe('the ACPI model alone', () => {
  it('raises the SCI for a CPU and shows it in the bitmap', () => {
    expect(acpiAlone()).toEqual(['SCI high', 'GPE0_STS 4', 'SCI low', 'CPU 1 noticed', 'bitmap 11']);
  });
});
