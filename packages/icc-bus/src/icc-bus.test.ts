import { MemorySpace, type Mmio, mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import { fuzzRegion, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { Container } from 'inversify';
import {
  APIC_SPACE_BASE,
  APIC_SPACE_SIZE,
  DELIVERY,
  IccBridge,
  IccBus,
  IccBusError,
  type InterruptMessage,
  IO_APIC_BASE,
  IO_APIC_SIZE,
  type LocalApicPort,
  messageOfMsi,
  SHORTHAND,
} from './index.js';
import { iccBusModule } from './module.js';

class RecordingApic implements LocalApicPort {
  readonly slot: number;
  id: number;
  base = APIC_SPACE_BASE;
  accepting = true;
  arbitrationPriority = 0;
  logicalId = 0;
  readonly taken: InterruptMessage[] = [];
  readonly levels = [false, false];
  readonly written: [number, number][] = [];

  constructor(slot: number) {
    this.slot = slot;
    this.id = slot;
  }

  matchesLogical(destination: number): boolean {
    return (destination & this.logicalId) !== 0;
  }

  accept(message: InterruptMessage): void {
    this.taken.push(message);
  }

  lint(input: 0 | 1, high: boolean): void {
    this.levels[input] = high;
  }

  readRegister(index: number): number {
    return 0x100 + index;
  }

  writeRegister(index: number, value: number): void {
    this.written.push([index, value]);
  }
}

function setup(...slots: number[]): { bus: IccBus; apics: RecordingApic[]; takers: (message: Partial<InterruptMessage>) => number[] } {
  const bus = new IccBus();
  const apics = slots.map((slot) => new RecordingApic(slot));
  for (const apic of apics) bus.attach(apic);
  const takers = (message: Partial<InterruptMessage>): number[] => {
    bus.deliver({ ...fixed, ...message });
    return apics.filter((apic) => apic.taken.length > 0).map((apic) => apic.slot);
  };
  return { bus, apics, takers };
}

const fixed: InterruptMessage = { destination: 0, logical: false, deliveryMode: DELIVERY.FIXED, vector: 0x41, levelTriggered: false };

describe('IccBus slots', () => {
  it.each([-1, 255, 256, 1.5, 2 ** 32])('id %d does not exist', (slot) => {
    expect(() => new IccBus().attach(new RecordingApic(slot))).toThrow(IccBusError);
  });

  it('a taken slot is refused and nothing changes', () => {
    const { bus, apics } = setup(3);
    expect(() => bus.attach(new RecordingApic(3))).toThrow('local APIC id 3 is already on the bus');
    expect(bus.localApics).toEqual(apics);
  });

  it('holds 255 APICs, lists them by slot whatever the order of plugging, and survives any number of cycles', () => {
    const bus = new IccBus();
    const apics = Array.from({ length: 255 }, (_, index) => new RecordingApic(254 - index));
    for (const apic of apics) bus.attach(apic);
    for (let cycle = 0; cycle < 300; cycle++) {
      bus.detach(apics[0]!);
      bus.attach(apics[0]!);
    }
    expect(bus.localApics.map(({ slot }) => slot)).toEqual(Array.from({ length: 255 }, (_, slot) => slot));
  });

  it('detach forgets the APIC, also as the current one', () => {
    const { bus, apics, takers } = setup(0, 1);
    bus.current = apics[1];
    bus.detach(apics[1]!);
    bus.detach(new RecordingApic(0));
    expect([takers({ destination: 0xff }), bus.current, bus.localApic(1)]).toEqual([[0], undefined, undefined]);
  });

  it('takes one I/O APIC', () => {
    const bus = new IccBus();
    const port = { region: mmio('ioapic', 16, { read: () => 0, write: () => {} }), endOfInterrupt: () => {} };
    bus.attachIoApic(port);
    expect(() => bus.attachIoApic(port)).toThrow(IccBusError);
  });
});

describe('IccBus delivery', () => {
  it('a physical destination names one id; gaps before it do not matter', () => {
    expect(setup(0, 1, 5).takers({ destination: 5 })).toEqual([5]);
  });

  it('a physical destination follows a changed id register', () => {
    const { apics, takers } = setup(0, 1);
    apics[1]!.id = 9;
    expect([takers({ destination: 1 }), takers({ destination: 9 })]).toEqual([[], [1]]);
  });

  it('an empty id takes nothing', () => {
    const { bus } = setup(0);
    expect(bus.deliver({ ...fixed, destination: 7 })).toBe(0);
  });

  it.each([false, true])('FFh is a broadcast (logical %s)', (logical) => {
    expect(setup(0, 4, 200).takers({ destination: 0xff, logical })).toEqual([0, 4, 200]);
  });

  it('a logical destination names every APIC that matches', () => {
    const { apics, takers } = setup(0, 1, 2);
    apics.forEach((apic, index) => {
      apic.logicalId = 1 << index;
    });
    expect(takers({ destination: 0x06, logical: true })).toEqual([1, 2]);
  });

  it('lowest priority picks the lowest arbitration priority, then the lowest slot, among those that accept', () => {
    const { apics, takers } = setup(0, 1, 2, 3);
    apics[0]!.arbitrationPriority = 0x40;
    apics[1]!.accepting = false;
    expect(takers({ destination: 0xff, deliveryMode: DELIVERY.LOWEST_PRIORITY })).toEqual([2]);
  });

  it.each([
    [SHORTHAND.NONE, [2]],
    [SHORTHAND.SELF, [1]],
    [SHORTHAND.ALL, [0, 1, 2]],
    [SHORTHAND.ALL_BUT_SELF, [0, 2]],
  ])('shorthand %i from APIC 1 reaches %j', (shorthand, expected) => {
    const { bus, apics } = setup(0, 1, 2);
    bus.deliverFrom(apics[1]!, shorthand, { ...fixed, destination: 2 });
    expect(apics.filter((apic) => apic.taken.length > 0).map(({ slot }) => slot)).toEqual(expected);
  });

  it('an EOI reaches the I/O APIC', () => {
    const bus = new IccBus();
    const ended: number[] = [];
    bus.endOfInterrupt(0x30);
    bus.attachIoApic({ region: mmio('ioapic', 16, { read: () => 0, write: () => {} }), endOfInterrupt: (vector) => ended.push(vector) });
    bus.endOfInterrupt(0x35);
    expect(ended).toEqual([0x35]);
  });
});

describe('IccBus wires', () => {
  it('LINT0 reaches every APIC, and one plugged later finds its level', () => {
    const { bus, apics } = setup(0);
    const intr = new IrqLine('intr');
    intr.connect(bus.lint0);
    intr.raise();
    const late = new RecordingApic(1);
    bus.attach(late);
    expect([apics[0]!.levels, late.levels]).toEqual([
      [true, false],
      [true, false],
    ]);
  });

  it('LINT1 does so too', () => {
    const { bus, apics } = setup(0);
    const nmi = new IrqLine('nmi');
    nmi.connect(bus.lint1);
    nmi.raise();
    expect(apics[0]!.levels).toEqual([false, true]);
  });
});

describe('messageOfMsi', () => {
  it('reads the bits of the raw address and data', () => {
    expect(messageOfMsi(0x0_5004, 0x8131)).toEqual({ destination: 5, logical: true, deliveryMode: 1, vector: 0x31, levelTriggered: true });
    expect(messageOfMsi(0xf_f000, 0x0420)).toEqual({
      destination: 0xff,
      logical: false,
      deliveryMode: 4,
      vector: 0x20,
      levelTriggered: false,
    });
  });
});

describe('IccBridge', () => {
  const bridged = (): { apic: Mmio; bus: IccBus; apics: RecordingApic[]; bridge: IccBridge } => {
    const { bus, apics } = setup(0, 1);
    const bridge = new IccBridge({ bus, trace: new Trace() });
    return { apic: bridge.apicContainer, bus, apics, bridge };
  };

  it('has the windows of the PC', () => {
    const { bridge } = bridged();
    expect([APIC_SPACE_BASE, APIC_SPACE_SIZE, IO_APIC_BASE, IO_APIC_SIZE]).toEqual([0xfee0_0000, 0x10_0000, 0xfec0_0000, 0x1000]);
    expect([bridge.apicContainer.length, bridge.ioApicContainer.length]).toEqual([0x10_0000, 0x1000]);
  });

  it('serves the registers of the APIC of the CPU that executes', () => {
    const { apic, bus, apics } = bridged();
    bus.current = apics[1];
    apic.write(0x10, 4, 7);
    apic.write(0xff0, 4, 8);
    expect([apic.read(0x20, 4), apic.read(0xff0, 4), apic.read(0x1000, 4)]).toEqual([0x102, 0x1ff, 0xffff_ffff]);
    expect([apics[1]!.written, apics[0]!.written]).toEqual([
      [
        [0x01, 7],
        [0xff, 8],
      ],
      [],
    ]);
  });

  it('shows an APIC that its guest moved at the new address, to its CPU only', () => {
    const { apic, bus, apics, bridge } = bridged();
    const mem = new MemorySpace();
    mem.map(APIC_SPACE_BASE, apic, { priority: 1 });
    bridge.attachWindows((gpa, registers) => mem.map(gpa, registers, { priority: 2 }));
    apics[1]!.base = 0xfed4_0000;
    bus.apicMoved();
    bus.current = apics[1];
    mem.write(0xfed4_0010, 4, 7);
    mem.write(0xfee0_0010, 4, 8);
    expect([mem.read(0xfed4_0020, 4), mem.read(0xfee0_0020, 4), apics[1]!.written]).toEqual([0x102, 0xffff_ffff, [[1, 7]]]);
    bus.current = apics[0];
    expect([mem.read(0xfed4_0020, 4), mem.read(0xfee0_0020, 4)]).toEqual([0xffff_ffff, 0x102]);
    apics[1]!.base = APIC_SPACE_BASE;
    bus.apicMoved();
    expect(mem.mappings().map(({ gpa }) => gpa)).toEqual([APIC_SPACE_BASE]);
  });

  it('two APICs may be at one new address', () => {
    const { bus, apics, bridge } = bridged();
    const mem = new MemorySpace();
    bridge.attachWindows((gpa, registers) => mem.map(gpa, registers));
    for (const moved of apics) {
      moved.base = 0x10_0000;
      bus.apicMoved();
    }
    expect(mem.mappings()).toHaveLength(1);
  });

  it('narrow reads give 0 and narrow writes are dropped', () => {
    const { apic, bus, apics } = bridged();
    bus.current = apics[0];
    apic.write(0xb0, 2, 0);
    apic.write(0x1000, 1, 0x31);
    expect([apic.read(0x20, 1), apic.read(0x20, 2), apics[0]!.written, apics[0]!.taken]).toEqual([0, 0, [], []]);
  });

  it('a destination of 32 bits is a broadcast with all of them set, not with eight', () => {
    const { bus, apics } = setup(0, 1);
    const message = { logical: false, deliveryMode: DELIVERY.FIXED, vector: 0x40, levelTriggered: false, extended: true };
    expect([bus.deliver({ ...message, destination: 0xff }), bus.deliver({ ...message, destination: 0xffff_ffff })]).toEqual([0, 2]);
    expect(apics.map(({ taken }) => taken.length)).toEqual([1, 1]);
  });

  it('a write beyond the first page, or before its first register, is a message', () => {
    const { apic, bus, apics } = bridged();
    bus.current = apics[0];
    apic.write(0x1000, 4, 0x31);
    apic.write(0x0000, 4, 0x32);
    expect(apics.map(({ taken }) => taken.map(({ vector }) => vector))).toEqual([[0x32], [0x31]]);
  });

  it('without a running CPU every write is a message and reads give ones', () => {
    const { apic, apics } = bridged();
    apic.write(0x00f0, 4, 0x33);
    expect([apic.read(0xf0, 4), apics[0]!.taken.length, apics[0]!.written.length]).toEqual([0xffff_ffff, 1, 0]);
  });

  it('shows the I/O APIC, or ones without it', () => {
    const { bridge, bus } = bridged();
    expect(bridge.ioApicContainer.read(0x10, 4)).toBe(0xffff_ffff);
    bridge.ioApicContainer.write(0x10, 4, 0);
    bus.attachIoApic({ region: mmio('ioapic', 0x1000, { read: (offset) => offset, write: () => {} }), endOfInterrupt: () => {} });
    expect(bridge.ioApicContainer.read(0x10, 4)).toBe(0x10);
  });

  it('survives random accesses and saves nothing', () => {
    const { apic, bus, apics, bridge } = bridged();
    bus.current = apics[0];
    fuzzRegion({ ...apic, length: 0x1100 }, 3, 20_000);
    expect(() => bridge.reset()).not.toThrow();
    saveRestoreIsIdentity(
      () => bridge,
      () => {},
    );
  });
});

describe('iccBusModule', () => {
  const container = (): Container => {
    const made = new Container();
    made.bind(Trace).toConstantValue(new Trace());
    return made;
  };

  it('binds one bus, which the bridge serves', () => {
    const loaded = container();
    loaded.load(iccBusModule);
    expect(loaded.get(IccBridge).bus).toBe(loaded.get(IccBus));
  });

  it('zero or two buses abort the construction', () => {
    const twice = container();
    twice.load(iccBusModule);
    twice.bind(IccBus).toConstantValue(new IccBus());
    expect(() => twice.get(IccBus)).toThrow(/Ambiguous/);
    expect(() => container().get(IccBus)).toThrow(/No bindings/i);
  });
});

describe('the numbers of the SDM', () => {
  it('are those of delivery modes, shorthands, addresses and messages', () => {
    expect(DELIVERY).toEqual({ FIXED: 0, LOWEST_PRIORITY: 1, SMI: 2, REMOTE_READ: 3, NMI: 4, INIT: 5, STARTUP: 6, EXTINT: 7 });
    expect(SHORTHAND).toEqual({ NONE: 0, SELF: 1, ALL: 2, ALL_BUT_SELF: 3 });
    expect([APIC_SPACE_BASE, APIC_SPACE_SIZE, IO_APIC_BASE, IO_APIC_SIZE]).toEqual([0xfee0_0000, 0x10_0000, 0xfec0_0000, 0x1000]);
    expect(messageOfMsi(0xf_f00c, 0xc7ff)).toEqual({
      destination: 0xff,
      logical: true,
      deliveryMode: 7,
      vector: 0xff,
      levelTriggered: true,
    });
    expect(messageOfMsi(0x1000, 0x0100)).toEqual({ destination: 1, logical: false, deliveryMode: 1, vector: 0, levelTriggered: false });
  });
});

describe('IccBus', () => {
  it('can be hot-plugged, and without a controller its data lines float high', () => {
    const bus = new IccBus();
    expect([bus.hotpluggable, bus.extInt()]).toEqual([true, 0xff]);
  });

  it('shows an APIC that is plugged later the level of both wires', () => {
    const { bus } = setup();
    bus.lint1.drive(true);
    const late = new RecordingApic(3);
    bus.attach(late);
    expect(late.levels).toEqual([false, true]);
    bus.lint0.drive(true);
    const later = new RecordingApic(4);
    bus.attach(later);
    expect(later.levels).toEqual([true, true]);
  });

  it('traces who comes and goes and what is sent', () => {
    const trace = new Trace();
    const seen: unknown[] = [];
    const bus = new IccBus({ trace });
    const bridge = new IccBridge({ bus, trace });
    trace.listen(({ name, values }) => seen.push([name, ...values]));
    trace.enable('icc_*');
    const apic = new RecordingApic(5);
    bus.attach(apic);
    bus.deliver({ ...fixed, destination: 5, logical: false, levelTriggered: true });
    bus.endOfInterrupt(0x41);
    bus.detach(apic);
    bridge.apicContainer.read(0x20, 4);
    expect(seen).toEqual([
      ['icc_attach', 5],
      ['icc_message', 5, 0, 0, 0x41, 1, 1],
      ['icc_eoi', 0x41],
      ['icc_detach', 5],
      ['icc_unclaimed', 0x20, 4],
    ]);
  });
});
