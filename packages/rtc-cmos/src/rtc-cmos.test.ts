import { ManualClock, PinRecorder, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace, type TraceRecord } from '@hotsocket/trace';
import { RtcCmos } from './rtc-cmos.js';

const START = Date.UTC(2026, 10, 23, 2, 22, 39);
const SECOND = 1_000_000_000;

/** A clock on a bench. Tests write the data sheet's numbers. */
class Bench {
  readonly clock = new ManualClock();
  readonly trace = new Trace();
  readonly rtc: RtcCmos;
  readonly irq: PinRecorder;

  constructor(startDate: number = START) {
    this.rtc = new RtcCmos({ clock: this.clock, trace: this.trace }, { startDate });
    this.irq = new PinRecorder(this.rtc.irq);
  }

  read(index: number): number {
    this.rtc.io.write(0, 1, index);
    return this.rtc.io.read(1, 1);
  }

  write(index: number, value: number): void {
    this.rtc.io.write(0, 1, index);
    this.rtc.io.write(1, 1, value);
  }

  /** Hours, minutes, seconds as shown. */
  time(): number[] {
    return [4, 2, 0].map((index) => this.read(index));
  }
}

describe('RtcCmos registers', () => {
  it('shows the start date and the power-on values of the data sheet', () => {
    const bench = new Bench();
    const shown = [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32, 0x0a, 0x0b, 0x0c, 0x0d].map((index) => bench.read(index));
    expect(shown).toEqual([0x39, 0x22, 0x02, 0x02, 0x23, 0x11, 0x26, 0x20, 0x26, 0x02, 0x00, 0x80]);
  });

  it('reads the index port as ones', () => {
    expect(new Bench().rtc.io.read(0, 1)).toBe(0xff);
  });

  it('drops the NMI mask of the index', () => {
    expect(new Bench().read(0x8d)).toBe(0x80);
  });

  it('keeps 114 bytes of RAM', () => {
    const bench = new Bench();
    const ram = Array.from({ length: 0x80 - 0x0e }, (_, at) => at + 0x0e).filter((index) => index !== 0x32 && index !== 0x37);
    for (const index of ram) bench.write(index, index ^ 0xa5);
    expect(ram.map((index) => bench.read(index))).toEqual(ram.map((index) => index ^ 0xa5));
  });

  it('takes index 37h for the century, and keeps it selected', () => {
    const bench = new Bench();
    bench.write(0x37, 0x19);
    expect([bench.read(0x32), bench.rtc.io.read(1, 1), bench.read(0x37)]).toEqual([0x19, 0x19, 0x19]);
  });

  it('ignores writes to registers C and D and to UIP', () => {
    const bench = new Bench();
    bench.write(0x0c, 0xff);
    bench.write(0x0d, 0x00);
    bench.write(0x0a, 0xa6);
    expect([bench.read(0x0c), bench.read(0x0d), bench.read(0x0a)]).toEqual([0x00, 0x80, 0x26]);
  });
});

describe('RtcCmos time', () => {
  it('advances by the second', () => {
    const bench = new Bench();
    bench.clock.advance(20 * SECOND);
    expect(bench.time()).toEqual([0x02, 0x22, 0x59]);
    bench.clock.advance(SECOND - 1);
    expect(bench.time()).toEqual([0x02, 0x22, 0x59]);
    bench.clock.advance(1);
    expect(bench.time()).toEqual([0x02, 0x23, 0x00]);
  });

  it('begins within a second when the start date does', () => {
    const bench = new Bench(START + 250);
    bench.clock.advance(750_000_000 - 1);
    expect(bench.read(0)).toBe(0x39);
    bench.clock.advance(1);
    expect(bench.read(0)).toBe(0x40);
  });

  it('sets UIP 244 us before an update', () => {
    const bench = new Bench();
    bench.clock.advance(SECOND - 244_141);
    expect(bench.read(0x0a)).toBe(0x26);
    bench.clock.advance(1);
    expect(bench.read(0x0a)).toBe(0xa6);
    bench.clock.advance(244_140);
    expect(bench.read(0x0a)).toBe(0x26);
  });

  it('stands still with its time in the bytes while SET is set, without UIP', () => {
    const bench = new Bench();
    bench.clock.advance(SECOND);
    bench.write(0x0b, 0x82);
    bench.clock.advance(10 * SECOND - 1000);
    expect([...bench.time(), bench.read(0x0a)]).toEqual([0x02, 0x22, 0x40, 0x26]);
  });

  it('runs on from the bytes when SET is cleared, at the same place within the second', () => {
    const bench = new Bench();
    bench.write(0x0b, 0x82);
    bench.clock.advance(300_000_000);
    bench.write(0x04, 0x23);
    bench.write(0x0b, 0x02);
    bench.clock.advance(700_000_000);
    expect(bench.time()).toEqual([0x23, 0x22, 0x40]);
  });

  it('takes times written while it runs, at the same place within the second', () => {
    const bench = new Bench();
    bench.clock.advance(900_000_000);
    bench.write(0x00, 0x10);
    bench.clock.advance(100_000_000);
    expect(bench.time()).toEqual([0x02, 0x22, 0x11]);
  });

  it('carries into the century', () => {
    const bench = new Bench(Date.UTC(2099, 11, 31, 23, 59, 59));
    bench.clock.advance(SECOND);
    expect([0x32, 0x09, 0x08, 0x07, 0x04].map((index) => bench.read(index))).toEqual([0x21, 0x00, 0x01, 0x01, 0x00]);
  });

  it('begins half a second before its first update when the divider is released', () => {
    const bench = new Bench();
    bench.write(0x0a, 0x76);
    bench.clock.advance(5 * SECOND + 123);
    expect(bench.read(0)).toBe(0x39);
    bench.write(0x0a, 0x26);
    bench.clock.advance(SECOND / 2 - 1);
    expect(bench.read(0)).toBe(0x39);
    bench.clock.advance(1);
    expect(bench.read(0)).toBe(0x40);
  });

  it('changes the data mode of a running clock at the next read', () => {
    const bench = new Bench();
    bench.write(0x0b, 0x06);
    expect(bench.time()).toEqual([2, 22, 39]);
  });

  it('tells how far the guest has set it', () => {
    const bench = new Bench();
    const offsets: number[] = [];
    bench.rtc.timeSet$.subscribe(({ offsetSeconds }) => offsets.push(offsetSeconds));
    bench.clock.advance(3 * SECOND);
    bench.write(0x04, 0x03);
    bench.write(0x0b, 0x82);
    bench.clock.advance(2 * SECOND);
    bench.write(0x0b, 0x02);
    expect(offsets).toEqual([3600, 3598]);
  });
});

describe('RtcCmos interrupts', () => {
  it('sets UF at every update, and IRQF with it only while UIE is set', () => {
    const bench = new Bench();
    bench.clock.advance(SECOND);
    expect(bench.read(0x0c)).toBe(0x10);
    bench.write(0x0b, 0x12);
    bench.clock.advance(SECOND);
    expect(bench.irq.levels).toEqual([true]);
    expect(bench.read(0x0c)).toBe(0x90);
  });

  it('clears all flags and lowers the line when register C is read', () => {
    const bench = new Bench();
    bench.write(0x0b, 0x12);
    bench.clock.advance(SECOND);
    bench.read(0x0c);
    expect(bench.read(0x0c)).toBe(0x00);
    expect(bench.irq.levels).toEqual([true, false]);
  });

  it('interrupts at once when the enable of a pending flag is set, and stops when it is cleared', () => {
    const bench = new Bench();
    bench.clock.advance(SECOND);
    bench.write(0x0b, 0x12);
    expect(bench.rtc.irq.high).toBe(true);
    bench.write(0x0b, 0x02);
    expect(bench.rtc.irq.high).toBe(false);
    expect(bench.read(0x0c)).toBe(0x10);
  });

  it('clears UIE when SET is set', () => {
    const bench = new Bench();
    bench.write(0x0b, 0xf2);
    expect(bench.read(0x0b)).toBe(0xe2);
  });

  it('raises the alarm at its second', () => {
    const bench = new Bench();
    for (const [index, value] of [
      [5, 0x02],
      [3, 0x22],
      [1, 0x45],
      [0x0b, 0x22],
    ] as const)
      bench.write(index, value);
    bench.clock.advance(6 * SECOND - 1);
    expect(bench.rtc.irq.high).toBe(false);
    bench.clock.advance(1);
    expect(bench.irq.levels).toEqual([true]);
    expect(bench.read(0x0c)).toBe(0xb0);
  });

  it('hears of an alarm that is set while an update is pending', () => {
    const bench = new Bench();
    bench.clock.advance(2 * SECOND);
    for (const [index, value] of [
      [5, 0xff],
      [3, 0xff],
      [1, 0x50],
      [0x0b, 0x22],
    ] as const)
      bench.write(index, value);
    bench.clock.advance(9 * SECOND);
    expect(bench.read(0x0c)).toBe(0xb0);
  });

  it('does not miss an alarm when its timer fires late', () => {
    const clock = new LateClock();
    const rtc = new RtcCmos({ clock }, { startDate: START });
    for (const [index, value] of [
      [5, 0xff],
      [3, 0xff],
      [1, 0x42],
    ] as const) {
      rtc.io.write(0, 1, index);
      rtc.io.write(1, 1, value);
    }
    clock.late(10 * SECOND);
    expect(rtc.cell(0x0c)).toBe(0x30);
  });

  it.each([
    [0x3, 122_071],
    [0x6, 976_563],
    [0x1, 3_906_250],
    [0x2, 7_812_500],
    [0xf, 500_000_000],
  ])('interrupts periodically at rate %d', (rate, firstNs) => {
    const bench = new Bench();
    bench.write(0x0a, 0x20 | rate);
    bench.write(0x0b, 0x42);
    bench.clock.advance(firstNs - 1);
    expect(bench.rtc.irq.high).toBe(false);
    bench.clock.advance(1);
    expect(bench.read(0x0c)).toBe(0xc0);
  });

  it('keeps exactly 1024 periods a second', () => {
    const bench = new Bench();
    bench.write(0x0b, 0x42);
    bench.rtc.io.write(0, 1, 0x0c);
    let count = 0;
    for (const end = 100 * SECOND; bench.clock.nextDeadline() <= end; ) {
      bench.clock.advanceTo(bench.clock.nextDeadline());
      count += (bench.rtc.io.read(1, 1) >> 6) & 1;
    }
    expect(count).toBe(102_400);
  });

  it('counts the period from the last interrupt when the rate changes', () => {
    const bench = new Bench();
    bench.write(0x0a, 0x2f);
    bench.write(0x0b, 0x42);
    bench.clock.advance(SECOND / 2);
    bench.read(0x0c);
    bench.clock.advance(SECOND / 8);
    bench.write(0x0a, 0x2e);
    bench.clock.advance(SECOND / 8 - 1);
    expect(bench.rtc.irq.high).toBe(false);
    bench.clock.advance(1);
    expect(bench.rtc.irq.high).toBe(true);
  });

  it('arms no timer for what cannot change anything', () => {
    const bench = new Bench();
    for (const index of [1, 3, 5]) bench.write(index, 0xff);
    bench.clock.advance(SECOND);
    expect(bench.clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('RtcCmos and the board', () => {
  it('derives the CPU count from the notice, however often it is heard', () => {
    const bench = new Bench();
    bench.rtc.cpuAdded({ apicId: 5, present: 4 });
    bench.rtc.cpuAdded({ apicId: 5, present: 4 });
    expect(bench.read(0x5f)).toBe(3);
  });

  it('shows 0 CPUs more when a byte cannot count them', () => {
    const bench = new Bench();
    bench.rtc.cpuAdded({ apicId: 254, present: 255 });
    expect(bench.rtc.cell(0x5f)).toBe(254);
    bench.rtc.cpuAdded({ apicId: 255, present: 256 });
    expect(bench.rtc.cell(0x5f)).toBe(0);
  });

  it('asks the firmware to resume when the machine is suspended', () => {
    const bench = new Bench();
    bench.rtc.suspended();
    expect(bench.read(0x0f)).toBe(0xfe);
  });

  it('lets the board look without clearing flags', () => {
    const bench = new Bench();
    bench.clock.advance(SECOND);
    expect([bench.rtc.cell(0x0c), bench.rtc.cell(0x0c), bench.rtc.cell(0x00)]).toEqual([0x10, 0x10, 0x40]);
  });

  it.each([[-1], [128], [1.5]])('has no cell %d', (index) => {
    expect(() => new Bench().rtc.cell(index)).toThrow(RangeError);
    expect(() => new Bench().rtc.setCell(index, 0)).toThrow(RangeError);
  });

  it.each([[0x0d], [0x32]])('does not let the board write byte %d of the clock', (index) => {
    expect(() => new Bench().rtc.setCell(index, 0)).toThrow('belongs to the clock');
  });

  it('shows its date as a property', () => {
    expect(new Bench().rtc.properties.date?.get()).toBe('2026-11-23T02:22:39.000Z');
  });

  it('traces accesses and flags', () => {
    const bench = new Bench();
    const records: TraceRecord[] = [];
    bench.trace.enable('rtc_*');
    bench.trace.listen((record) => records.push(record));
    bench.write(0x20, 7);
    bench.clock.advance(SECOND);
    bench.read(0x0c);
    expect(records.map(({ name, values }) => [name, ...values])).toEqual([
      ['rtc_write', 0x20, 7],
      ['rtc_flags', 0x10, 0x10],
      ['rtc_read', 0x0c, 0x10],
    ]);
  });
});

describe('RtcCmos reset', () => {
  const disturb = (rtc: RtcCmos): void => {
    const writes = [0x0a, 0x23, 0x0b, 0x7a, 0x20, 0x55];
    for (const [at, value] of writes.entries()) rtc.io.write(at % 2, 1, value);
  };

  it('keeps time, RAM and rate and clears interrupt enables and flags', () => {
    const bench = new Bench();
    disturb(bench.rtc);
    bench.clock.advance(SECOND);
    bench.rtc.reset();
    expect([0x0a, 0x0b, 0x0c, 0x20, 0x00].map((index) => bench.read(index))).toEqual([0x23, 0x02, 0x00, 0x55, 0x40]);
    expect(bench.rtc.irq.high).toBe(false);
  });

  it('raises no interrupt of an earlier life', () => {
    const bench = new Bench();
    disturb(bench.rtc);
    bench.rtc.reset();
    bench.irq.clear();
    bench.clock.advance(10 * SECOND);
    expect(bench.irq.levels).toEqual([]);
  });

  it('leaves nothing else behind', () => {
    resetReachesInitialState(() => new RtcCmos({ clock: new ManualClock() }, { startDate: START }), disturb, [
      'index',
      'cells.10',
      'cells.32',
      'nextPeriodicCycle',
    ]);
  });
});

describe('RtcCmos saved state', () => {
  it('is complete', () => {
    const make = (): RtcCmos => new RtcCmos({ clock: new ManualClock() }, { startDate: START });
    saveRestoreIsIdentity(make, (rtc) => {
      for (const [index, value] of [
        [0x0b, 0x5a],
        [0x20, 9],
        [0x02, 0x11],
      ] as const) {
        rtc.io.write(0, 1, index);
        rtc.io.write(1, 1, value);
      }
    });
  });

  it('goes on in another machine with the same time, interrupts and phase', () => {
    const original = new Bench();
    original.write(0x0a, 0x2f);
    original.write(0x0b, 0x52);
    original.clock.advance(SECOND + 100);
    const copy = new Bench(0);
    copy.clock.advance(SECOND + 100);
    copy.rtc.restore(original.rtc.save());
    expect(copy.irq.levels).toEqual([true]);
    expect(copy.read(0x0c)).toBe(0xd0);
    copy.clock.advance(SECOND / 2 - 100);
    expect([copy.read(0x0c), copy.read(0x00)]).toEqual([0xc0, 0x40]);
  });

  it('refuses a state that is not its own, and keeps its own', () => {
    const bench = new Bench();
    const saved = bench.rtc.save();
    const damaged = [
      { ...saved, kind: 'i8254' },
      { ...saved, version: 99 },
      { ...saved, data: { ...saved.data, edgeNs: 'soon' } },
      { ...saved, data: { ...saved.data, cells: new Uint8Array(4) } },
    ];
    for (const record of damaged) expect(() => bench.rtc.restore(record)).toThrow(/mc146818rtc/);
    expect(bench.rtc.save()).toEqual(saved);
  });
});

/** A clock whose timers come late, as those of a busy host do. */
class LateClock extends ManualClock {
  #lateNs = 0;

  override now(): number {
    return super.now() + (this.#lateNs ?? 0);
  }

  late(ns: number): void {
    this.#lateNs = ns;
    this.runExpired();
  }
}
