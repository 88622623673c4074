import { IoSpace, MemorySpace } from '@hotsocket/address-space';
import { PciBus, PciFunction } from '@hotsocket/pci-bus';
import { ManualClock, PinRecorder, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace, type TraceRecord } from '@hotsocket/trace';
import { AcpiPiix4, type AcpiPiix4Options } from './acpi-piix4.js';

const SECOND = 1_000_000_000;
/** The first nanosecond after 2^23 ticks of 3,579,545 Hz. */
const HALF_NS = 2_343_484_438;

/** The function on a bench, at the ports where PCs have it. Tests write the documents' numbers. */
class Bench {
  readonly clock = new ManualClock();
  readonly trace = new Trace();
  readonly io = new IoSpace();
  readonly pm: AcpiPiix4;
  readonly sci: PinRecorder;

  constructor(options: AcpiPiix4Options = {}) {
    this.pm = new AcpiPiix4({ clock: this.clock, trace: this.trace }, options);
    this.sci = new PinRecorder(this.pm.sci);
    for (const [port, region] of [
      [0xb000, this.pm.pm],
      [0xafe0, this.pm.gpe0],
      [0xaf00, this.pm.cpuHotplug],
      [0xae00, this.pm.pciHotplug],
      [0xb2, this.pm.apm],
    ] as const)
      this.io.map(port, region);
  }

  in8 = (port: number): number => this.io.read(port, 1);
  in16 = (port: number): number => this.io.read(port, 2);
  in32 = (port: number): number => this.io.read(port, 4);
  out8 = (port: number, value: number): void => this.io.write(port, 1, value);
  out16 = (port: number, value: number): void => this.io.write(port, 2, value);
  out32 = (port: number, value: number): void => this.io.write(port, 4, value);
}

describe('power management timer', () => {
  it('counts 3,579,545 Hz exactly and wraps at 24 bits', () => {
    const bench = new Bench();
    expect(bench.in32(0xb008)).toBe(0);
    bench.clock.advance(SECOND);
    expect(bench.in32(0xb008)).toBe(3_579_545);
    bench.clock.advance(86_400 * SECOND);
    expect(bench.in32(0xb008)).toBe((3_579_545 * 86_401) % 0x100_0000);
  });

  it('reads in bytes and words, and ignores writes', () => {
    const bench = new Bench();
    bench.clock.advance(SECOND);
    bench.out32(0xb008, 0);
    expect([bench.in8(0xb008), bench.in16(0xb009), bench.in8(0xb00b)]).toEqual([0x99, 0x369e, 0x00]);
  });

  it('sets its status when bit 23 changes, every 2.343 s', () => {
    const bench = new Bench();
    bench.clock.advance(HALF_NS - 1);
    expect(bench.in16(0xb000)).toBe(0);
    bench.clock.advance(1);
    expect([bench.in16(0xb000), bench.in32(0xb008)]).toEqual([0x0001, 0x80_0000]);
    bench.out16(0xb000, 0x0001);
    expect(bench.in16(0xb000)).toBe(0);
    bench.clock.advance(HALF_NS);
    expect([bench.in16(0xb000), bench.in32(0xb008) < 10]).toEqual([0x0001, true]);
  });

  it('raises the SCI at that nanosecond when enabled', () => {
    const bench = new Bench();
    bench.out16(0xb002, 0x0001);
    bench.clock.advance(HALF_NS - 1);
    expect(bench.sci.levels).toEqual([]);
    bench.clock.advance(1);
    expect(bench.sci.levels).toEqual([true]);
    bench.out16(0xb000, 0x0001);
    expect(bench.sci.levels).toEqual([true, false]);
  });

  it('raises the SCI at once when it is enabled late', () => {
    const bench = new Bench();
    bench.clock.advance(3 * SECOND);
    bench.out16(0xb002, 0x0001);
    expect(bench.sci.high).toBe(true);
  });

  it('waits for nothing while nobody listens', () => {
    const bench = new Bench();
    expect(bench.clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    bench.out16(0xb002, 0x0001);
    expect(bench.clock.nextDeadline()).toBe(HALF_NS);
    bench.clock.advance(HALF_NS);
    expect(bench.clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('PM1', () => {
  it('keeps the enable bits of the register model only', () => {
    const bench = new Bench();
    bench.out16(0xb002, 0xffff);
    expect(bench.in16(0xb002)).toBe(0x0721);
  });

  it('takes bytes, and dwords over status and enable', () => {
    const bench = new Bench();
    bench.out8(0xb003, 0xff);
    expect(bench.in16(0xb002)).toBe(0x0700);
    bench.out32(0xb000, 0x0021_0000);
    expect([bench.in32(0xb000), bench.in8(0xb002)]).toEqual([0x0021_0000, 0x21]);
  });

  it('sets PWRBTN and the SCI for the power button when the guest wants it', () => {
    const bench = new Bench();
    bench.pm.pressPowerButton();
    expect(bench.in16(0xb000)).toBe(0);
    bench.out16(0xb002, 0x0100);
    bench.pm.pressPowerButton();
    expect([bench.in16(0xb000), bench.sci.levels]).toEqual([0x0100, [true]]);
    bench.out8(0xb001, 0x01);
    expect([bench.in16(0xb000), bench.sci.high]).toEqual([0, false]);
  });

  it('raises the SCI whether or not SCI_EN is set', () => {
    const bench = new Bench();
    bench.out16(0xb002, 0x0100);
    bench.pm.pressPowerButton();
    expect([bench.in16(0xb004), bench.sci.high]).toEqual([0, true]);
  });

  it.each([
    ['rtc', 0x8400],
    ['pm-timer', 0x8001],
    ['other', 0x8100],
  ] as const)('says that %s woke it', (cause, status) => {
    const bench = new Bench();
    bench.pm.wake(cause);
    expect(bench.in16(0xb000)).toBe(status);
  });

  it.each([
    [0x2000, ['off']],
    [0x2400, ['suspend-to-ram']],
    [0x2800, ['suspend-to-disk']],
    [0x2c00, []],
    [0x1c00, []],
  ])('control %d asks for %j', (control, expected) => {
    const bench = new Bench();
    const asked: string[] = [];
    bench.pm.sleep$.subscribe((request) => asked.push(request));
    bench.out16(0xb004, control);
    expect([asked, bench.in16(0xb004)]).toEqual([expected, control & 0x1c00]);
  });

  it('sleeps when the high byte of control is written alone', () => {
    const bench = new Bench();
    const asked: string[] = [];
    bench.pm.sleep$.subscribe((request) => asked.push(request));
    bench.out8(0xb004, 0x01);
    bench.out8(0xb005, 0x20);
    expect([asked, bench.in16(0xb004)]).toEqual([['off'], 0x0001]);
  });

  it('takes another SLP_TYP for suspend to disk', () => {
    const bench = new Bench({ s4Value: 3 });
    const asked: string[] = [];
    bench.pm.sleep$.subscribe((request) => asked.push(request));
    bench.out16(0xb004, 0x2800);
    bench.out16(0xb004, 0x2c00);
    expect(asked).toEqual(['suspend-to-disk']);
  });

  it('reads ones where it has no register', () => {
    const bench = new Bench();
    expect([bench.in16(0xb006), bench.in32(0xb00c), bench.in32(0xb010), bench.in32(0xb03c)]).toEqual([
      0xffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff,
    ]);
  });
});

describe('APM', () => {
  it('sets and clears SCI_EN by commands F1 and F0, and gives the last one back', () => {
    const bench = new Bench();
    bench.out8(0xb2, 0xf1);
    expect([bench.in16(0xb004), bench.in8(0xb2)]).toEqual([1, 0xf1]);
    bench.out8(0xb2, 0xf0);
    expect([bench.in16(0xb004), bench.in8(0xb2)]).toEqual([0, 0xf0]);
  });

  it('keeps a scratch byte', () => {
    const bench = new Bench();
    bench.out8(0xb3, 0x5a);
    expect(bench.in16(0xb2)).toBe(0x5a00);
  });

  it('raises an SMI for other commands while APMC_EN is set', () => {
    const bench = new Bench({ smm: true });
    const smi = new PinRecorder(bench.pm.smi);
    bench.out8(0xb2, 0x01);
    expect(smi.rises).toBe(0);
    bench.pm.pci.configWrite(0x5b, 1, 0x02);
    for (const command of [0xf1, 0xf0, 0x01]) bench.out8(0xb2, command);
    expect([smi.rises, smi.high]).toEqual([1, false]);
  });
});

describe('GPE0', () => {
  it('clears status by ones and stores enable', () => {
    const bench = new Bench();
    bench.pm.cpuAdded({ apicId: 1, present: 2 });
    expect(bench.in8(0xafe0)).toBe(0x04);
    bench.out8(0xafe0, 0x00);
    expect(bench.in8(0xafe0)).toBe(0x04);
    bench.out8(0xafe0, 0x04);
    bench.out16(0xafe2, 0xa55a);
    expect(bench.in32(0xafe0)).toBe(0xa55a_0000);
  });

  it('survives accesses over its end', () => {
    const bench = new Bench();
    bench.out16(0xafe2, 0x1234);
    expect([bench.in32(0xafe2), bench.in16(0xafe3), bench.in32(0xafde)]).toEqual([0xffff_1234, 0xff12, 0x0000_ffff]);
    bench.out32(0xafe2, 0xffff_5678);
    expect(bench.in16(0xafe2)).toBe(0x5678);
  });

  it('never raises the SCI from byte 1', () => {
    const bench = new Bench();
    bench.out8(0xafe3, 0xff);
    expect(bench.sci.levels).toEqual([]);
  });
});

describe('CPU hot-add', () => {
  it('shows the CPUs that were there, and no event', () => {
    const bench = new Bench({ presentCpus: [0, 1, 2, 255] });
    expect([bench.in8(0xaf00), bench.in8(0xaf01), bench.in8(0xaf1f), bench.in8(0xafe0)]).toEqual([0x07, 0x00, 0x80, 0x00]);
  });

  it.each([-1, 256, 1.5])('refuses APIC id %d', (apicId) => {
    expect(() => new Bench({ presentCpus: [apicId] })).toThrow(RangeError);
    const bench = new Bench();
    expect(() => bench.pm.cpuAdded({ apicId, present: 1 })).toThrow(RangeError);
    expect(bench.in8(0xafe0)).toBe(0);
  });

  it('follows the conformance run with three cores a package', () => {
    const bench = new Bench({ presentCpus: [0, 1, 2] });
    const look = (): number[] => [bench.in8(0xaf00), bench.in8(0xafe0)];
    const seen = [look()];
    bench.pm.cpuAdded({ apicId: 5, present: 4 });
    seen.push(look());
    bench.pm.cpuAdded({ apicId: 4, present: 5 });
    seen.push(look());
    bench.out8(0xafe0, 0x04);
    seen.push(look());
    bench.pm.reset();
    seen.push(look());
    expect(seen).toEqual([
      [0x07, 0x00],
      [0x27, 0x04],
      [0x37, 0x04],
      [0x37, 0x00],
      [0x37, 0x00],
    ]);
  });

  it('raises the SCI when the guest has enabled the event, and drops it when it is cleared', () => {
    const bench = new Bench({ presentCpus: [0] });
    bench.out8(0xafe2, 0xff);
    bench.pm.cpuAdded({ apicId: 1, present: 2 });
    expect(bench.sci.levels).toEqual([true]);
    bench.out8(0xafe2, 0xfb);
    bench.out8(0xafe0, 0x04);
    expect(bench.sci.levels).toEqual([true, false]);
    expect(bench.in8(0xaf00)).toBe(0x03);
    bench.out8(0xafe2, 0xff);
    expect(bench.sci.levels).toEqual([true, false]);
  });

  it('is idempotent', () => {
    const bench = new Bench({ presentCpus: [0] });
    bench.out8(0xafe2, 0x04);
    bench.pm.cpuAdded({ apicId: 1, present: 2 });
    const once = bench.pm.save();
    bench.pm.cpuAdded({ apicId: 1, present: 2 });
    expect([bench.pm.save(), bench.sci.levels]).toEqual([once, [true]]);
  });

  it('keeps an event that comes before the guest enables it, for one scan over both CPUs', () => {
    const bench = new Bench({ presentCpus: [0] });
    bench.pm.cpuAdded({ apicId: 1, present: 2 });
    bench.pm.cpuAdded({ apicId: 2, present: 3 });
    expect(bench.sci.levels).toEqual([]);
    bench.out8(0xafe2, 0x04);
    expect([bench.sci.levels, bench.in8(0xaf00)]).toEqual([[true], 0x07]);
  });

  describe('of an event that the guest cleared unseen', () => {
    const clearThenEnable = (options: AcpiPiix4Options, between: (bench: Bench) => void = () => {}): Bench => {
      const bench = new Bench({ presentCpus: [0], ...options });
      bench.pm.cpuAdded({ apicId: 9, present: 2 });
      bench.out8(0xafe0, 0xff);
      between(bench);
      bench.out8(0xafe2, 0x0c);
      return bench;
    };

    it('comes again when the guest enables it', () => {
      const bench = clearThenEnable({});
      expect([bench.in8(0xafe0), bench.sci.levels]).toEqual([0x04, [true]]);
    });

    it('stays lost in strict legacy mode', () => {
      const bench = clearThenEnable({ strictLegacy: true });
      expect([bench.in8(0xafe0), bench.sci.levels]).toEqual([0x00, []]);
    });

    it('does not come again when the guest has looked at the CPU', () => {
      expect(clearThenEnable({}, (bench) => bench.in32(0xaf00)).in8(0xafe0)).toBe(0x00);
    });

    it('does not come again when the guest has looked at other CPUs only', () => {
      expect(clearThenEnable({}, (bench) => bench.in8(0xaf00)).in8(0xafe0)).toBe(0x04);
    });

    it('does not come again when another event is enabled, or after a reset', () => {
      const bench = clearThenEnable({}, (each) => each.out8(0xafe2, 0x02));
      bench.out8(0xafe0, 0xff);
      bench.out8(0xafe2, 0x0e);
      expect(bench.in8(0xafe0)).toBe(0x00);
      expect(clearThenEnable({}, ({ pm }) => pm.reset()).in8(0xafe0)).toBe(0x00);
    });
  });

  it('tells which CPUs the guest has looked at, once', () => {
    const bench = new Bench({ presentCpus: [0] });
    const noticed: number[] = [];
    bench.pm.noticed$.subscribe(({ apicId }) => noticed.push(apicId));
    for (const apicId of [3, 1, 200]) bench.pm.cpuAdded({ apicId, present: 2 });
    bench.in8(0xaf00);
    expect(noticed).toEqual([1, 3]);
    for (let port = 0xaf00; port < 0xaf20; port += 4) bench.in32(port);
    expect(noticed).toEqual([1, 3, 200]);
  });

  it('reads the bitmap in any width, over its end as well, and ignores writes', () => {
    const bench = new Bench({ presentCpus: [0, 8, 17, 255] });
    bench.out32(0xaf00, 0);
    bench.out8(0xaf01, 0xff);
    expect([bench.in32(0xaf00), bench.in16(0xaf01), bench.in32(0xaf1e)]).toEqual([0x0002_0101, 0x0201, 0xffff_8000]);
  });

  it('lets only events 1 and 2 through in strict legacy mode', () => {
    const levels = [true, false].map((strictLegacy) => {
      const bench = new Bench({ strictLegacy });
      const saved = bench.pm.save();
      const gpe0 = { sts: [0x08, 0], en: [0x08, 0] };
      bench.pm.restore({ ...saved, data: { ...saved.data, gpe0 } });
      return bench.sci.high;
    });
    expect(levels).toEqual([false, true]);
  });
});

describe('CPU register block', () => {
  const SLOTS = [0, 1, 2, 3, 4, 5];
  const switched = (presentCpus: readonly number[] = [0], cpuSlots: readonly number[] = SLOTS): Bench => {
    const bench = new Bench({ presentCpus, cpuSlots });
    bench.out32(0xaf00, 0);
    return bench;
  };

  it('takes the place of the bitmap when 0 is written to its first byte, and of nothing else', () => {
    const bench = new Bench({ presentCpus: [0], cpuSlots: SLOTS });
    for (const [port, value] of [
      [0xaf01, 0],
      [0xaf00, 1],
      [0xaf04, 0],
    ] as const)
      bench.out8(port, value);
    expect([bench.in32(0xaf00), bench.pm.properties['cpu-hotplug-legacy']?.get()]).toEqual([0x01, true]);
    bench.out8(0xaf00, 0);
    expect([bench.in32(0xaf00), bench.in8(0xaf04), bench.in32(0xaf0c), bench.pm.properties['cpu-hotplug-legacy']?.get()]).toEqual([
      0,
      1,
      0xffff_ffff,
      false,
    ]);
    bench.pm.reset();
    expect(bench.in8(0xaf04)).toBe(1);
  });

  it('follows the observed run: add, find, identify, clear, remove, eject', () => {
    const bench = switched();
    bench.pm.cpuEjected$.subscribe(bench.pm.cpuRemoved);
    bench.pm.cpuAdded({ apicId: 3, present: 2 });
    bench.out8(0xaf05, 0);
    const seen = [bench.in32(0xaf08), bench.in8(0xaf04)];
    bench.out8(0xaf05, 3);
    seen.push(bench.in32(0xaf08), bench.in32(0xaf00));
    bench.out8(0xaf04, 2);
    seen.push(bench.in8(0xaf04));
    expect(bench.pm.requestCpuRemoval(3)).toBe(true);
    seen.push(bench.in8(0xaf04));
    bench.out8(0xaf04, 4);
    seen.push(bench.in8(0xaf04));
    bench.out8(0xaf04, 8);
    seen.push(bench.in8(0xaf04));
    expect(seen).toEqual([3, 0x03, 3, 0, 0x01, 0x05, 0x01, 0x00]);
  });

  it('keeps the event of a CPU that came before the switch', () => {
    const bench = new Bench({ presentCpus: [0], cpuSlots: SLOTS });
    bench.pm.cpuAdded({ apicId: 2, present: 2 });
    bench.out32(0xaf00, 0);
    bench.out8(0xaf05, 0);
    expect([bench.in32(0xaf08), bench.in8(0xaf04)]).toEqual([2, 0x03]);
  });

  it('finds events around the end, and leaves the selector when there is none', () => {
    const bench = switched();
    bench.out32(0xaf00, 5);
    bench.out8(0xaf05, 0);
    expect(bench.in32(0xaf08)).toBe(5);
    bench.pm.cpuAdded({ apicId: 1, present: 2 });
    bench.out8(0xaf05, 0);
    expect(bench.in32(0xaf08)).toBe(1);
  });

  it('speaks of slots where APIC ids have holes', () => {
    const bench = switched([0], [0, 1, 2, 4, 5, 6]);
    bench.pm.cpuAdded({ apicId: 5, present: 2 });
    bench.out8(0xaf05, 0);
    const slot = bench.in32(0xaf08);
    bench.out8(0xaf05, 3);
    expect([slot, bench.in32(0xaf08)]).toEqual([4, 5]);
  });

  it('answers 0 and ignores writes while no slot is selected', () => {
    const bench = switched();
    for (const selector of [6, 0xffff_ffff]) {
      bench.out32(0xaf00, selector);
      bench.out8(0xaf05, 3);
      expect([bench.in32(0xaf00), bench.in8(0xaf04), bench.in32(0xaf08)]).toEqual([0, 0, 0]);
    }
    bench.out32(0xaf00, 2);
    expect(bench.in32(0xaf08)).toBe(2);
  });

  it('ignores unknown commands', () => {
    const bench = switched();
    bench.out32(0xaf00, 3);
    bench.out8(0xaf05, 3);
    bench.out8(0xaf05, 4);
    expect(bench.in32(0xaf08)).toBe(3);
  });

  it('acts on the lowest control bit only', () => {
    const bench = switched();
    bench.pm.cpuAdded({ apicId: 1, present: 2 });
    bench.pm.requestCpuRemoval(1);
    bench.out32(0xaf00, 1);
    bench.out8(0xaf04, 0x1e);
    expect(bench.in8(0xaf04)).toBe(0x05);
  });

  it('hands an eject to the firmware', () => {
    const bench = switched([0, 1]);
    bench.out32(0xaf00, 1);
    bench.out8(0xaf04, 0x10);
    expect(bench.in8(0xaf04)).toBe(0x11);
  });

  it('ejects neither the first CPU nor one that is not there', () => {
    const bench = switched();
    const ejected: number[] = [];
    bench.pm.cpuEjected$.subscribe(({ apicId }) => ejected.push(apicId));
    for (const slot of [0, 1]) {
      bench.out32(0xaf00, slot);
      bench.out8(0xaf04, 0x08);
      bench.out8(0xaf04, 0x10);
    }
    expect([ejected, bench.in8(0xaf04)]).toEqual([[], 0x00]);
  });

  it('reports what the guest says of a CPU', () => {
    const bench = switched();
    const reports: unknown[] = [];
    bench.pm.ost$.subscribe((report) => reports.push(report));
    bench.out32(0xaf00, 2);
    for (const [port, value] of [
      [0xaf05, 1],
      [0xaf08, 0x103],
      [0xaf05, 2],
      [0xaf08, 0x84],
    ] as const)
      bench.io.write(port, port === 0xaf08 ? 4 : 1, value);
    expect(reports).toEqual([{ slot: 2, source: 0x103, status: 0x84 }]);
  });

  it('tells that the guest has noticed a CPU when its event is cleared', () => {
    const bench = switched();
    const noticed: number[] = [];
    bench.pm.noticed$.subscribe(({ apicId }) => noticed.push(apicId));
    bench.pm.cpuAdded({ apicId: 2, present: 2 });
    bench.out32(0xaf00, 2);
    bench.in8(0xaf04);
    expect(noticed).toEqual([]);
    bench.out8(0xaf04, 2);
    expect(noticed).toEqual([2]);
  });

  it('is not offered without slots or in strict legacy mode, and then no CPU can be asked to go', () => {
    for (const options of [{}, { cpuSlots: SLOTS, strictLegacy: true }]) {
      const bench = new Bench({ presentCpus: [0, 1], ...options });
      bench.out32(0xaf00, 0);
      expect([bench.in8(0xaf00), bench.pm.requestCpuRemoval(1), bench.in8(0xafe0)]).toEqual([0x03, false, 0]);
    }
  });
});

describe('PCI hot-plug', () => {
  it('reads as an empty board does', () => {
    const bench = new Bench();
    expect([0, 4, 8, 12, 16, 20].map((offset) => bench.in32(0xae00 + offset))).toEqual([0, 0, 0, 0xffff_fffc, 0, 0]);
  });

  it('tells of devices that came and that shall go, by event 1', () => {
    const bench = new Bench();
    bench.out8(0xafe2, 0x02);
    bench.pm.pciAdded(31);
    bench.pm.requestPciRemoval(4);
    expect([bench.in32(0xae00), bench.in32(0xae04), bench.in8(0xafe0), bench.sci.levels]).toEqual([0x8000_0000, 0x10, 0x02, [true]]);
  });

  it('ejects the lowest slot that is written, if it may', () => {
    const bench = new Bench();
    const ejected: number[] = [];
    bench.pm.pciEjected$.subscribe(({ slot }) => ejected.push(slot));
    bench.pm.pciAdded(4);
    bench.pm.requestPciRemoval(4);
    for (const value of [0x8000_0010, 0x8000_0000, 0x2, 0]) bench.out32(0xae08, value);
    expect([ejected, bench.in32(0xae00), bench.in32(0xae04)]).toEqual([[4, 31], 0, 0]);
  });

  it('lets devices that were asked to go leave at a reset', () => {
    const bench = new Bench();
    const ejected: number[] = [];
    bench.pm.pciEjected$.subscribe(({ slot }) => ejected.push(slot));
    bench.pm.requestPciRemoval(7);
    bench.pm.reset();
    expect([ejected, bench.in32(0xae04)]).toEqual([[7], 0]);
  });

  it('has slots on bus 0 only', () => {
    const bench = new Bench();
    bench.out32(0xae10, 1);
    expect([bench.in32(0xae0c), bench.in32(0xae10)]).toEqual([0, 1]);
  });
});

describe('configuration space', () => {
  function plugged(options: AcpiPiix4Options = {}): { pm: AcpiPiix4; io: IoSpace; read: (offset: number, size?: 1 | 2 | 4) => number } {
    const io = new IoSpace();
    const bus = new PciBus({ io, mem: new MemorySpace() });
    const pm = new AcpiPiix4({ clock: new ManualClock() }, options);
    bus.plug(1, 0, new PciFunction({}, { name: 'isa', vendorId: 0x8086, deviceId: 0x7000, classCode: 0x06_0100, multifunction: true }));
    bus.plug(1, 3, pm.pci);
    return { pm, io, read: (offset, size = 4) => bus.configRead(1, 3, offset, size) };
  }

  it('identifies the chip', () => {
    const { read } = plugged();
    expect([0x00, 0x04, 0x08, 0x2c, 0x3c, 0x40, 0x90].map((offset) => read(offset))).toEqual([
      0x7113_8086, 0x0280_0000, 0x0680_0003, 0x1100_1af4, 0x0000_0100, 0x0000_0001, 0x0000_b101,
    ]);
    expect([0x5b, 0x5f, 0x63, 0x67, 0x80, 0xd2].map((offset) => read(offset, 1))).toEqual([0x02, 0x10, 0x60, 0x00, 0x00, 0x09]);
  });

  it('tells firmware which legacy devices the board has', () => {
    const { read } = plugged({ parallel: true, serial1: true, serial2: true, smm: true, smbIoBase: 0x700 });
    expect([0x5b, 0x5f, 0x67, 0x90, 0x91].map((offset) => read(offset, 1))).toEqual([0x00, 0x90, 0x98, 0x01, 0x07]);
  });

  it('moves the power management window where firmware says, and takes it away at reset', () => {
    const { pm, io, read } = plugged();
    pm.pci.configWrite(0x40, 4, 0xffff_b03f);
    expect([read(0x40), io.read(0xb004, 2)]).toEqual([0xb001, 0xffff]);
    pm.pci.configWrite(0x80, 1, 1);
    expect(io.read(0xb004, 2)).toBe(0);
    pm.pci.configWrite(0x40, 4, 0x0600);
    expect([io.read(0xb004, 2), io.read(0x604, 2)]).toEqual([0xffff, 0]);
    pm.reset();
    expect([io.read(0x604, 2), read(0x40), read(0x80, 1)]).toEqual([0xffff, 1, 0]);
  });

  it('ends SMBus transactions with a device error, as nobody is there', () => {
    const { io } = plugged();
    io.write(0xb104, 1, 0xa1);
    io.write(0xb102, 1, 0x48);
    expect([io.read(0xb100, 1), io.read(0xb102, 1), io.read(0xb104, 1)]).toEqual([0x04, 0x08, 0xa1]);
    io.write(0xb100, 1, 0x04);
    expect(io.read(0xb100, 1)).toBe(0x00);
  });

  it('hides the SMBus when its host is off', () => {
    const { pm, io } = plugged();
    pm.pci.configWrite(0xd2, 1, 0x08);
    expect(io.read(0xb100, 1)).toBe(0xff);
  });
});

describe('AcpiPiix4', () => {
  it.each([
    [{}, [0x80, 0, 0, 0x81, 0x82, 0x80]],
    [{ disableS3: true, s4Value: 3 }, [0x80, 0, 0, 0x01, 0x83, 0x80]],
    [{ disableS4: true }, [0x80, 0, 0, 0x81, 0x02, 0x80]],
  ])('describes the sleep states of %j to firmware', (options, expected) => {
    expect([...new Bench(options).pm.systemStates]).toEqual(expected);
  });

  it('shows where its blocks are as properties', () => {
    const { pm } = new Bench();
    pm.pci.configWrite(0x40, 4, 0xb001);
    const values = ['gpe0_blk', 'gpe0_blk_len', 'sci_int', 'pm_io_base', 's4_val', 'smb_io_base'].map((name) => pm.properties[name]?.get());
    expect(values).toEqual([0xafe0, 4, 9, 0xb000, 2, 0xb100]);
  });

  const disturb = (pm: AcpiPiix4): void => {
    pm.pm.write(0x02, 2, 0x0701);
    pm.pm.write(0x04, 2, 0x0402);
    pm.gpe0.write(2, 1, 0xff);
    pm.cpuAdded({ apicId: 2, present: 2 });
    pm.pciAdded(5);
    pm.apm.write(0, 1, 0xf1);
    pm.apm.write(1, 1, 0x11);
    pm.pressPowerButton();
    for (const [offset, value] of [
      [0x40, 0xb001],
      [0x80, 1],
      [0x58, 0x77],
    ] as const)
      pm.pci.configWrite(offset, 4, value);
  };
  const make = (): AcpiPiix4 => new AcpiPiix4({ clock: new ManualClock(5) }, { presentCpus: [0], cpuSlots: [0, 1, 2] });

  it('is as new after a reset, but for the CPUs', () => {
    resetReachesInitialState(make, disturb, ['cpuHotplug.present']);
  });

  it('lowers the SCI at a reset', () => {
    const bench = new Bench();
    disturb(bench.pm);
    expect(bench.sci.high).toBe(true);
    bench.pm.reset();
    expect(bench.sci.high).toBe(false);
  });

  it('is complete in its saved state', () => {
    saveRestoreIsIdentity(make, disturb);
    saveRestoreIsIdentity(make, (pm) => {
      disturb(pm);
      pm.cpuHotplug.write(0, 4, 0);
      pm.cpuHotplug.write(0, 4, 2);
      pm.cpuHotplug.write(5, 1, 3);
    });
  });

  it('goes on in another machine: level, timer, windows', () => {
    const original = new Bench();
    disturb(original.pm);
    const copy = new Bench();
    copy.pm.restore(original.pm.save());
    expect([copy.sci.levels, copy.in16(0xb000), copy.in8(0xaf00)]).toEqual([[true], 0x0100, 0x04]);
    for (const bench of [original, copy]) {
      bench.out16(0xb000, 0xffff);
      bench.out8(0xafe0, 0xff);
      bench.sci.clear();
      bench.clock.advance(HALF_NS);
    }
    expect([copy.sci.levels, original.sci.levels]).toEqual([[true], [true]]);
  });

  it('refuses a state that is not its own, and keeps its own', () => {
    const { pm } = new Bench();
    const saved = pm.save();
    const damaged = [
      { ...saved, kind: 'x' },
      { ...saved, version: 9 },
      { ...saved, data: { ...saved.data, apm: { command: 256, status: 0 } } },
      { ...saved, data: { ...saved.data, cpuHotplug: {} } },
    ];
    for (const record of damaged) expect(() => pm.restore(record)).toThrow();
    expect(pm.save()).toEqual(saved);
  });

  it('traces what it does', () => {
    const bench = new Bench();
    const records: TraceRecord[] = [];
    bench.trace.listen((record) => records.push(record));
    bench.trace.enable('piix4_*');
    bench.out8(0xafe2, 4);
    bench.pm.cpuAdded({ apicId: 1, present: 2 });
    bench.in8(0xaf00);
    bench.out8(0xb2, 0xf1);
    bench.out16(0xb004, 0x2000);
    expect(records.map(({ name, values }) => [name, ...values].join(' '))).toEqual([
      'piix4_cpu insert 1',
      'piix4_sci 1',
      'piix4_cpu noticed 1',
      'piix4_apm 241',
      'piix4_sleep 0',
    ]);
  });
});
