import type { Mmio } from '@hotsocket/address-space';
import { IrqPin } from '@hotsocket/irq-line';
import { fuzzRegion, PinRecorder, Random, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { Crystal, ManualClock, VirtualClock } from '@hotsocket/virtual-clock';
import { Container } from 'inversify';
import { I8254, PIT_HZ, PortB } from './index.js';
import { i8254Module } from './module.js';

interface Rig {
  readonly clock: ManualClock;
  readonly pit: I8254;
  readonly portB: PortB;
  readonly out0: PinRecorder;
  /** Moves to a tick of the PIT's input, counted from the start of the test. */
  readonly toTick: (tick: number) => void;
  /** Ticks, from the start, of the rises of OUT0. */
  readonly rises: number[];
}

const START = 1000;

function rig(): Rig {
  const crystal = new Crystal(PIT_HZ);
  const clock = new ManualClock(crystal.nsAt(START));
  const pit = new I8254({ clock });
  const portB = new PortB({ pit });
  const rises: number[] = [];
  const out0 = new PinRecorder(pit.out0);
  const riser = new IrqPin('riser', (high) => {
    if (high) rises.push(crystal.ticksAt(clock.now()) - START);
  });
  pit.out0.connect(riser);
  return { clock, pit, portB, out0, toTick: (tick) => clock.advanceTo(crystal.nsAt(START + tick)), rises };
}

const program = (io: Mmio, counter: number, control: number, ...bytes: number[]): void => {
  io.write(3, 1, (counter << 6) | control);
  for (const byte of bytes) io.write(counter, 1, byte);
};

const readWord = (io: Mmio, counter: number): number => {
  const low = io.read(counter, 1);
  return low | (io.read(counter, 1) << 8);
};

const latched = (io: Mmio, counter: number): number => {
  io.write(3, 1, counter << 6);
  return readWord(io, counter);
};

const status = (io: Mmio, counter: number): number => {
  io.write(3, 1, 0xe0 | (2 << counter));
  return io.read(counter, 1);
};

/** OUT of counter 2 at ticks 0, 1, 2 … */
const outs = ({ pit, toTick }: Rig, from: number, to: number): string => {
  let levels = '';
  for (let tick = from; tick <= to; tick++) {
    toTick(tick);
    levels += pit.out(2) ? 'H' : 'L';
  }
  return levels;
};

const counts = ({ pit, toTick }: Rig, from: number, to: number): number[] => {
  const values: number[] = [];
  for (let tick = from; tick <= to; tick++) {
    toTick(tick);
    values.push(latched(pit.io, 2));
  }
  return values;
};

/** Counter 2 with its gate high. */
function gated(control: number, ...bytes: number[]): Rig {
  const made = rig();
  made.portB.io.write(0, 1, 0x01);
  program(made.pit.io, 2, control, ...bytes);
  return made;
}

describe('I8254 mode 0, interrupt on terminal count', () => {
  it('OUT is low from the control word until N + 1 ticks after the count', () => {
    expect(outs(gated(0x30, 4, 0), 0, 8)).toBe('LLLLLHHHH');
  });

  it('the count is loaded by the first tick, falls to 0 and wraps', () => {
    expect(counts(gated(0x30, 4, 0), 1, 7)).toEqual([4, 3, 2, 1, 0, 0xffff, 0xfffe]);
  });

  it('GATE low stops the count, high lets it go on', () => {
    const made = gated(0x30, 4, 0);
    made.toTick(3);
    made.portB.io.write(0, 1, 0);
    made.toTick(100);
    expect([latched(made.pit.io, 2), made.pit.out(2)]).toEqual([2, false]);
    made.portB.io.write(0, 1, 1);
    expect(outs(made, 101, 103)).toBe('LHH');
  });

  it('a count written while GATE is low runs N ticks from its rise', () => {
    const made = rig();
    program(made.pit.io, 2, 0x30, 4, 0);
    made.toTick(10);
    expect(latched(made.pit.io, 2)).toBe(4);
    made.portB.io.write(0, 1, 1);
    expect(outs(made, 11, 15)).toBe('LLLHH');
  });

  it('the first byte of a new count stops it and lowers OUT, the second starts it', () => {
    const made = gated(0x30, 4, 0);
    made.toTick(10);
    made.pit.io.write(2, 1, 2);
    made.toTick(20);
    expect(made.pit.out(2)).toBe(false);
    made.pit.io.write(2, 1, 0);
    expect(outs(made, 21, 24)).toBe('LLHH');
  });
});

describe('I8254 mode 1, hardware retriggerable one-shot', () => {
  it('OUT is low for N ticks from the tick after the trigger, and the trigger restarts it', () => {
    const made = gated(0x32, 3, 0);
    expect(outs(made, 0, 5)).toBe('HHHHHH');
    const trigger = (): void => {
      made.portB.io.write(0, 1, 0);
      made.portB.io.write(0, 1, 1);
    };
    trigger();
    expect(outs(made, 5, 10)).toBe('HLLLHH');
    trigger();
    made.toTick(12);
    trigger();
    expect(outs(made, 12, 17)).toBe('LLLLHH');
  });

  it('a new count waits for the next trigger', () => {
    const made = gated(0x32, 3, 0);
    made.portB.io.write(0, 1, 0);
    made.portB.io.write(0, 1, 1);
    made.toTick(2);
    program(made.pit.io, 2, 0x32, 5, 0);
    expect(status(made.pit.io, 2)).toBe(0xf2);
    made.portB.io.write(0, 1, 0);
    made.portB.io.write(0, 1, 1);
    expect(outs(made, 3, 8)).toBe('LLLLLH');
  });
});

describe('I8254 mode 2, rate generator', () => {
  it('OUT is low for the last tick of every N', () => {
    expect(outs(gated(0x34, 3, 0), 0, 9)).toBe('HHHLHHLHHL');
  });

  it('the count runs from N to 1', () => {
    expect(counts(gated(0x34, 3, 0), 1, 7)).toEqual([3, 2, 1, 3, 2, 1, 3]);
  });

  it('GATE low raises OUT and its rise starts a period', () => {
    const made = gated(0x34, 3, 0);
    made.toTick(3);
    expect(made.pit.out(2)).toBe(false);
    made.portB.io.write(0, 1, 0);
    expect([made.pit.out(2), latched(made.pit.io, 2)]).toEqual([true, 1]);
    made.toTick(50);
    made.portB.io.write(0, 1, 1);
    expect(outs(made, 51, 55)).toBe('HHLHH');
  });

  it('a new count takes over at the end of the period', () => {
    const made = gated(0x34, 4, 0);
    made.toTick(2);
    made.pit.io.write(2, 1, 3);
    made.pit.io.write(2, 1, 0);
    expect(status(made.pit.io, 2)).toBe(0xf4);
    expect(outs(made, 3, 11)).toBe('HLHHLHHLH');
    expect(status(made.pit.io, 2)).toBe(0xb4);
  });

  it('modes 6 and 7 are modes 2 and 3, and status shows them as written', () => {
    const made = gated(0x3c, 3, 0);
    expect([outs(made, 0, 6), status(made.pit.io, 2)]).toEqual(['HHHLHHL', 0x3c]);
  });
});

describe('I8254 mode 3, square wave', () => {
  it('an even count is high and low for half of it', () => {
    expect(outs(gated(0x36, 4, 0), 0, 9)).toBe('HHHLLHHLLH');
  });

  it('an odd count is high one tick longer', () => {
    expect(outs(gated(0x36, 5, 0), 0, 11)).toBe('HHHHLLHHHLLH');
  });

  it('counts down by two: from N when even, from N - 1 when odd', () => {
    expect(counts(gated(0x36, 4, 0), 1, 6)).toEqual([4, 2, 4, 2, 4, 2]);
    expect(counts(gated(0x36, 5, 0), 1, 7)).toEqual([4, 2, 0, 4, 2, 4, 2]);
  });

  it('a new count takes over at the end of the half period', () => {
    const made = gated(0x36, 4, 0);
    made.toTick(1);
    made.pit.io.write(2, 1, 6);
    made.pit.io.write(2, 1, 0);
    expect(outs(made, 1, 10)).toBe('HHLLLHHHLL');
    made.pit.io.write(2, 1, 2);
    made.pit.io.write(2, 1, 0);
    expect(outs(made, 10, 15)).toBe('LLHLHL');
  });
});

describe('I8254 modes 4 and 5, strobes', () => {
  it('mode 4 is low for one tick, N + 1 ticks after the count, once', () => {
    expect(outs(gated(0x38, 3, 0), 0, 8)).toBe('HHHHLHHHH');
  });

  it('mode 4 stands still while GATE is low', () => {
    const made = gated(0x38, 3, 0);
    made.toTick(2);
    made.portB.io.write(0, 1, 0);
    made.toTick(50);
    made.portB.io.write(0, 1, 1);
    expect(outs(made, 50, 53)).toBe('HHLH');
  });

  it('mode 5 strobes N ticks after its trigger', () => {
    const made = rig();
    program(made.pit.io, 2, 0x3a, 3, 0);
    expect(outs(made, 0, 6)).toBe('HHHHHHH');
    made.portB.io.write(0, 1, 1);
    expect(outs(made, 7, 11)).toBe('HHHLH');
  });
});

describe('I8254 reading and writing', () => {
  it('the longest count is 0: 65536, or 10000 in BCD', () => {
    const made = gated(0x30, 0, 0);
    made.toTick(65_536);
    expect(made.pit.out(2)).toBe(false);
    made.toTick(65_537);
    expect(made.pit.out(2)).toBe(true);
    const bcd = gated(0x31, 0, 0);
    bcd.toTick(2);
    expect(latched(bcd.pit.io, 2)).toBe(0x9999);
    bcd.toTick(10_001);
    expect(bcd.pit.out(2)).toBe(true);
  });

  it('BCD counts in decimal', () => {
    const made = gated(0x31, 0x00, 0x10);
    made.toTick(2);
    expect(latched(made.pit.io, 2)).toBe(0x0999);
  });

  it.each([
    [0x10, 0x0034],
    [0x20, 0x3400],
  ])('control %i takes and gives one byte', (control, loaded) => {
    const made = gated(control, 0x34);
    made.toTick(1);
    expect([made.pit.io.read(2, 1), made.pit.io.read(2, 1)]).toEqual([0x34, 0x34]);
    made.toTick(1 + loaded);
    expect(made.pit.out(2)).toBe(true);
  });

  it('live word reads alternate between low and high byte', () => {
    const made = gated(0x30, 0xff, 0xff);
    made.toTick(1);
    expect(readWord(made.pit.io, 2)).toBe(0xffff);
    made.toTick(257);
    expect(readWord(made.pit.io, 2)).toBe(0xfeff);
  });

  it('a latched count stands until it is read whole; a second latch before is ignored', () => {
    const made = gated(0x30, 0xff, 0xff);
    made.toTick(1);
    made.pit.io.write(3, 1, 0x80);
    made.toTick(500);
    made.pit.io.write(3, 1, 0x80);
    expect([readWord(made.pit.io, 2), readWord(made.pit.io, 2)]).toEqual([0xffff, 0xffff - 499]);
  });

  it('read-back of status and count gives the status first', () => {
    const made = gated(0x30, 0x34, 0x12);
    made.toTick(1);
    made.pit.io.write(3, 1, 0xc8);
    made.toTick(9);
    expect([made.pit.io.read(2, 1), readWord(made.pit.io, 2)]).toEqual([0x30, 0x1234]);
  });

  it('null count is set by the control word and the count, and cleared by the load', () => {
    const made = gated(0x34);
    expect(status(made.pit.io, 2)).toBe(0xf4);
    made.pit.io.write(2, 1, 9);
    made.pit.io.write(2, 1, 0);
    expect(status(made.pit.io, 2)).toBe(0xf4);
    made.toTick(1);
    expect(status(made.pit.io, 2)).toBe(0xb4);
  });

  it('read-back names its counters and leaves the others alone', () => {
    const made = rig();
    program(made.pit.io, 0, 0x34, 0, 0);
    program(made.pit.io, 1, 0x14, 18);
    made.pit.io.write(3, 1, 0xe4);
    expect([made.pit.io.read(1, 1), made.pit.io.read(0, 1)]).not.toEqual([0xd4, 0xf4]);
    made.pit.io.write(3, 1, 0xee);
    expect([0, 1, 2].map((counter) => made.pit.io.read(counter, 1))).toEqual([0xf4, 0xd4, 0xb6]);
  });

  it('a read-back of no counter, and the control port, do nothing', () => {
    const made = rig();
    const before = made.pit.save();
    made.pit.io.write(3, 1, 0xc0);
    expect([made.pit.io.read(3, 1), made.pit.save()]).toEqual([0xff, before]);
  });

  it('a control word stops the counter, which keeps its value until the tick after the new count', () => {
    const made = gated(0x30, 9, 0);
    made.toTick(4);
    made.pit.io.write(3, 1, 0xb0);
    made.toTick(20);
    expect(latched(made.pit.io, 2)).toBe(6);
    made.pit.io.write(2, 1, 3);
    made.pit.io.write(2, 1, 0);
    expect(latched(made.pit.io, 2)).toBe(6);
    made.toTick(21);
    expect(latched(made.pit.io, 2)).toBe(3);
  });

  it('a count written while the gate of mode 2 is low stands until the gate rises', () => {
    const made = rig();
    program(made.pit.io, 2, 0x34, 9, 0);
    made.toTick(50);
    expect(latched(made.pit.io, 2)).toBe(9);
    made.portB.io.write(0, 1, 1);
    made.toTick(53);
    expect(latched(made.pit.io, 2)).toBe(7);
  });

  it('a control word drops latches and half-written counts', () => {
    const made = gated(0x30, 0xff);
    made.pit.io.write(3, 1, 0xc8);
    program(made.pit.io, 2, 0x30, 0x34, 0x12);
    made.toTick(1);
    expect(readWord(made.pit.io, 2)).toBe(0x1234);
  });
});

describe('I8254 OUT0', () => {
  it('Linux at 250 Hz: mode 2 with 12A5h gives one edge per 4773 ticks', () => {
    const made = rig();
    program(made.pit.io, 0, 0x34, 0xa5, 0x12);
    made.out0.clear();
    made.rises.length = 0;
    made.toTick(4 * 4773 + 1);
    expect([made.rises, made.out0.high]).toEqual([[4774, 9547, 14_320, 19_093], true]);
  });

  it('a second holds 1193182 / 65536 edges of the firmware rate', () => {
    const made = rig();
    program(made.pit.io, 0, 0x34, 0, 0);
    made.rises.length = 0;
    made.clock.advance(1_000_000_000);
    expect(made.rises.length).toBe(18);
  });

  it('mode 3 shows both halves', () => {
    const made = rig();
    program(made.pit.io, 0, 0x36, 100, 0);
    made.out0.clear();
    made.toTick(301);
    expect(made.out0.levels).toEqual([false, true, false, true, false, true]);
    made.toTick(350);
    expect(made.out0.high).toBe(true);
    made.toTick(351);
    expect(made.out0.high).toBe(false);
  });

  it('a control word forgets a new count that waited, and its edge', () => {
    const made = rig();
    program(made.pit.io, 0, 0x34, 100, 0);
    made.toTick(50);
    made.pit.io.write(0, 1, 60);
    made.pit.io.write(0, 1, 0);
    program(made.pit.io, 0, 0x30, 0, 1);
    made.rises.length = 0;
    made.toTick(1000);
    expect(made.rises).toEqual([50 + 257]);
  });

  it('mode 0 rises once; then nothing is armed', () => {
    const made = rig();
    program(made.pit.io, 0, 0x30, 100, 0);
    made.rises.length = 0;
    made.clock.advance(1_000_000_000);
    expect([made.rises, made.clock.nextDeadline()]).toEqual([[101], Number.POSITIVE_INFINITY]);
  });

  it('mode 4 pulses low for a tick', () => {
    const made = rig();
    program(made.pit.io, 0, 0x38, 100, 0);
    made.out0.clear();
    made.toTick(101);
    expect(made.out0.levels).toEqual([false]);
    made.toTick(102);
    expect(made.out0.levels).toEqual([false, true]);
  });

  it('a new count in mode 2 loses no edge', () => {
    const made = rig();
    program(made.pit.io, 0, 0x34, 100, 0);
    made.rises.length = 0;
    made.toTick(50);
    made.pit.io.write(0, 1, 60);
    made.pit.io.write(0, 1, 0);
    made.toTick(230);
    expect(made.rises).toEqual([101, 161, 221]);
  });

  it.each([
    ['0 in mode 2', 0x34, 0],
    ['1 in mode 2', 0x34, 1],
    ['1 in mode 3', 0x36, 1],
    ['2 in mode 3', 0x36, 2],
    ['1 in mode 4', 0x38, 1],
    ['1 in mode 0', 0x30, 1],
  ])('count %s keeps events apart by 10 µs at least', (_what, control, count) => {
    const made = rig();
    program(made.pit.io, 0, control, count, 0);
    made.rises.length = 0;
    made.clock.advance(1_000_000);
    expect(made.rises.length).toBeLessThanOrEqual(100);
  });

  it('a late host gets one edge for all that it missed, and the phase is kept', () => {
    let nowNs = 0;
    const clock = new VirtualClock(() => nowNs);
    const pit = new I8254({ clock });
    program(pit.io, 0, 0x34, 0xa5, 0x12);
    const out0 = new PinRecorder(pit.out0);
    out0.clear();
    nowNs = 50_000_000;
    clock.runExpired();
    expect([out0.rises, clock.nextDeadline()]).toEqual([1, new Crystal(PIT_HZ).nsAt(1 + 13 * 4773)]);
  });
});

describe('PortB', () => {
  it('keeps its four writable bits and shows OUT2', () => {
    const made = rig();
    made.portB.io.write(0, 1, 0xff);
    expect(made.portB.io.read(0, 1) & ~0x10).toBe(0x2f);
    program(made.pit.io, 2, 0x30, 0xff, 0xff);
    expect(made.portB.io.read(0, 1) & ~0x10).toBe(0x0f);
  });

  it('the refresh bit toggles every 18 ticks', () => {
    const made = rig();
    const bits = [0, 18, 36, 54].map((tick) => {
      made.toTick(tick + 8);
      return (made.portB.io.read(0, 1) >>> 4) & 1;
    });
    expect(bits).toEqual([bits[0], 1 - bits[0]!, bits[0], 1 - bits[0]!]);
  });

  it('Linux calibrates: mode 0 with FFFFh, then live reads of counter 2', () => {
    const made = rig();
    made.portB.io.write(0, 1, 0x01);
    program(made.pit.io, 2, 0x30, 0xff, 0xff);
    made.toTick(1 + 256 * 3 + 7);
    expect([made.pit.io.read(2, 1), made.pit.io.read(2, 1)]).toEqual([0xf8, 0xfc]);
  });

  it('names the tone on the speaker', () => {
    const made = rig();
    program(made.pit.io, 2, 0x36, 0xa9, 0x04);
    made.portB.io.write(0, 1, 0x01);
    expect(made.portB.tonePeriodNs).toBe(0);
    made.portB.io.write(0, 1, 0x03);
    expect(made.portB.tonePeriodNs).toBe(new Crystal(PIT_HZ).nsAt(0x4a9));
    made.portB.reset();
    expect([made.portB.tonePeriodNs, made.portB.io.read(0, 1) & 0x0f]).toEqual([0, 0]);
  });
});

describe('PortB reset', () => {
  it('lowers the gate of counter 2', () => {
    const made = gated(0x34, 100, 0);
    made.toTick(11);
    made.portB.reset();
    made.toTick(50);
    expect(latched(made.pit.io, 2)).toBe(90);
  });
});

describe('I8254 as a device', () => {
  const clock = new ManualClock(5_000_000);
  const disturb = (pit: I8254): void => {
    const portB = new PortB({ pit });
    portB.io.write(0, 1, 0x01);
    program(pit.io, 0, 0x34, 0xa5, 0x12);
    program(pit.io, 1, 0x1b, 0x99);
    program(pit.io, 2, 0x36, 0x05, 0x00);
    pit.io.write(2, 1, 0x77);
    pit.io.write(3, 1, 0xcc);
    pit.io.read(2, 1);
  };

  it('reset reaches the initial state', () => {
    resetReachesInitialState(() => new I8254({ clock, trace: new Trace() }), disturb);
  });

  it('save and restore keep everything', () => {
    saveRestoreIsIdentity(() => new I8254({ clock }), disturb);
    const pit = new I8254({ clock });
    saveRestoreIsIdentity(
      () => new PortB({ pit }),
      (portB) => portB.io.write(0, 1, 0x0e),
    );
  });

  it('a restored timer goes on where the original would', () => {
    const one = rig();
    program(one.pit.io, 0, 0x34, 0xa5, 0x12);
    one.toTick(5000);
    const other = rig();
    other.toTick(5000);
    other.pit.restore(one.pit.save());
    other.rises.length = 0;
    other.toTick(20_000);
    expect(other.rises).toEqual([9547, 14_320, 19_093]);
  });

  it.each([
    ['count', 0],
    ['count', 65_537],
    ['phase', 3],
    ['control', 64],
    ['reload', -1],
  ])('refuses a state with %s = %i and changes nothing', (name, value) => {
    const { pit } = rig();
    const saved = pit.save();
    const [first, ...others] = structuredClone(saved.data.counters) as object[];
    expect(() => pit.restore({ ...saved, data: { ...saved.data, counters: [{ ...first, [name]: value }, ...others] as never } })).toThrow(
      `isa-pit: counters.0.${name} is ${value}`,
    );
    expect(pit.save()).toEqual(saved);
  });

  it('survives random accesses while time passes', () => {
    const made = rig();
    const random = new Random(9);
    for (let round = 0; round < 200; round++) {
      fuzzRegion(made.pit.io, round + 1, 100);
      fuzzRegion(made.portB.io, round + 1, 20);
      made.clock.advance(random.below(100_000));
      expect(() => made.pit.restore(made.pit.save())).not.toThrow();
    }
  });

  it('is bound by its module', () => {
    const container = new Container();
    container.bind(Trace).toConstantValue(new Trace());
    container.bind(VirtualClock).toConstantValue(new ManualClock());
    container.load(i8254Module);
    container.get(PortB).io.write(0, 1, 0x01);
    program(container.get(I8254).io, 2, 0x30, 1, 0);
    expect(container.get(PortB).io.read(0, 1) & 0x20).toBe(0);
  });
});
