import { IccBus, type InterruptMessage, type LocalApicPort } from '@hotsocket/icc-bus';
import { IrqLine } from '@hotsocket/irq-line';
import { fuzzRegion, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { Container } from 'inversify';
import { IoApic } from './index.js';
import { ioApicModule } from './module.js';

const listener = (taken: InterruptMessage[]): LocalApicPort => ({
  slot: 0,
  id: 0,
  base: 0xfee0_0000,
  accepting: true,
  arbitrationPriority: 0,
  matchesLogical: (destination) => (destination & 1) !== 0,
  accept: (message) => taken.push(message),
  lint: () => {},
  readRegister: () => 0,
  writeRegister: () => {},
});

function setup(version: 0x11 | 0x20 = 0x11): {
  ioapic: IoApic;
  taken: InterruptMessage[];
  lines: IrqLine[];
  read: (index: number) => number;
  write: (index: number, value: number) => void;
} {
  const bus = new IccBus();
  const taken: InterruptMessage[] = [];
  bus.attach(listener(taken));
  const ioapic = new IoApic({ bus }, { version });
  const lines = Array.from({ length: 24 }, (_, pin) => new IrqLine(`line${pin}`));
  lines.forEach((line, pin) => {
    line.connect(ioapic.pin(pin));
  });
  const read = (index: number): number => {
    ioapic.region.write(0x00, 4, index);
    return ioapic.region.read(0x10, 4);
  };
  const write = (index: number, value: number): void => {
    ioapic.region.write(0x00, 4, index);
    ioapic.region.write(0x10, 4, value);
  };
  return { ioapic, taken, lines, read, write };
}

/** Linux's entry for the SCI: level, active high, fixed, logical destination 1. */
const SCI_LOW = 0x22;
const SCI_ENTRY = 0x8821;

describe('IoApic registers', () => {
  it('reset values: 24 masked entries, version 11h', () => {
    const { read } = setup();
    expect([read(0), read(1), read(2)]).toEqual([0, 0x0017_0011, 0]);
    expect(Array.from({ length: 24 }, (_, pin) => [read(0x10 + 2 * pin), read(0x11 + 2 * pin)])).toEqual(
      Array.from({ length: 24 }, () => [0x0001_0000, 0]),
    );
  });

  it('version 20h is an option', () => {
    expect(setup(0x20).read(1)).toBe(0x0017_0020);
  });

  it('the ID has four bits and is copied to the arbitration register', () => {
    const { read, write } = setup();
    write(0, 0xffff_ffff);
    write(2, 0);
    expect([read(0), read(2)]).toEqual([0x0f00_0000, 0x0f00_0000]);
  });

  it('an entry keeps its writable bits only', () => {
    const { read, write } = setup();
    write(0x3e, 0xffff_ffff);
    write(0x3f, 0xffff_ffff);
    expect([read(0x3e), read(0x3f)]).toEqual([0x0001_afff, 0xff00_0000]);
  });

  it('indexes beyond the table read 0 and drop writes', () => {
    const { read, write } = setup();
    for (const index of [0x03, 0x0f, 0x40, 0x41, 0xff]) write(index, 0xffff_ffff);
    expect([0x03, 0x0f, 0x40, 0x41, 0xff].map(read)).toEqual([0, 0, 0, 0, 0]);
  });

  it('the index takes bytes, the data register double words only', () => {
    const { ioapic, read, write } = setup();
    ioapic.region.write(0x00, 1, 0x01);
    expect([ioapic.region.read(0x00, 1), ioapic.region.read(0x10, 4), ioapic.region.read(0x10, 2)]).toEqual([1, 0x0017_0011, 0]);
    write(0x10, 0x0001_0042);
    ioapic.region.write(0x10, 1, 0xff);
    expect(read(0x10)).toBe(0x0001_0042);
    expect(ioapic.region.read(0x20, 4)).toBe(0xffff_ffff);
  });
});

describe('IoApic edge-triggered pins', () => {
  it('a rising edge sends the message of the entry, once', () => {
    const { taken, lines, write } = setup();
    write(0x15, 0x0100_0000);
    write(0x14, 0x0830);
    lines[2]!.raise();
    expect(taken).toEqual([{ destination: 1, logical: true, deliveryMode: 0, vector: 0x30, levelTriggered: false }]);
    lines[2]!.lower();
    expect(taken.length).toBe(1);
  });

  it('an edge at a masked pin is lost', () => {
    const { taken, lines, write } = setup();
    write(0x14, 0x0001_0030);
    lines[2]!.raise();
    write(0x14, 0x0030);
    expect(taken).toEqual([]);
  });

  it('an active-low pin sends on the falling edge', () => {
    const { taken, lines, write } = setup();
    lines[3]!.raise();
    write(0x16, 0x2031);
    expect(taken).toEqual([]);
    lines[3]!.lower();
    expect(taken.length).toBe(1);
  });

  it('NMI with level trigger is an edge without remote IRR', () => {
    const { taken, lines, read, write } = setup();
    write(0x14, 0x8400);
    lines[2]!.raise();
    expect([taken[0]!.deliveryMode, taken[0]!.levelTriggered, read(0x14)]).toEqual([4, false, 0x8400]);
  });
});

describe('IoApic level-triggered pins', () => {
  function sci(): ReturnType<typeof setup> {
    const made = setup();
    made.write(SCI_LOW + 1, 0x0100_0000);
    made.write(SCI_LOW, SCI_ENTRY);
    return made;
  }

  it('sends once, holds remote IRR, and sends once more per EOI while active', () => {
    const { ioapic, taken, lines, read } = sci();
    lines[9]!.raise();
    expect([taken.length, read(SCI_LOW)]).toEqual([1, SCI_ENTRY | 0x4000]);
    ioapic.endOfInterrupt(0x21);
    expect([taken.length, read(SCI_LOW)]).toEqual([2, SCI_ENTRY | 0x4000]);
    lines[9]!.lower();
    ioapic.endOfInterrupt(0x21);
    expect([taken.length, read(SCI_LOW)]).toEqual([2, SCI_ENTRY]);
  });

  it('lowest priority messages are level-triggered too; the message says so', () => {
    const { taken, lines, read, write } = sci();
    write(SCI_LOW, SCI_ENTRY | 0x100);
    lines[9]!.raise();
    expect([taken[0]!.levelTriggered, taken[0]!.deliveryMode, read(SCI_LOW)]).toEqual([true, 1, SCI_ENTRY | 0x4100]);
  });

  it.each([0, 23])('pin %i ends with its EOI', (pin) => {
    const { ioapic, taken, lines, write } = setup();
    write(0x10 + 2 * pin, 0x8040);
    lines[pin]!.raise();
    ioapic.endOfInterrupt(0x40);
    expect(taken.length).toBe(2);
  });

  it('a pin that falls and rises before EOI sends after it', () => {
    const { ioapic, taken, lines } = sci();
    lines[9]!.raise();
    lines[9]!.lower();
    lines[9]!.raise();
    expect(taken.length).toBe(1);
    ioapic.endOfInterrupt(0x21);
    expect(taken.length).toBe(2);
  });

  it.each([0x20, 0x22, 35, 255])('an EOI of vector %i touches no other entry', (vector) => {
    const { ioapic, taken, lines, read } = sci();
    lines[9]!.raise();
    ioapic.endOfInterrupt(vector);
    expect([taken.length, read(SCI_LOW)]).toEqual([1, SCI_ENTRY | 0x4000]);
  });

  it('a pin that is active while its entry is unmasked sends then', () => {
    const { taken, lines, write } = sci();
    write(SCI_LOW, SCI_ENTRY | 0x1_0000);
    lines[9]!.raise();
    expect(taken.length).toBe(0);
    write(SCI_LOW, SCI_ENTRY);
    expect(taken.length).toBe(1);
  });

  it('writing the entry keeps remote IRR; switching to edge and back clears it and sends again', () => {
    const { taken, lines, read, write } = sci();
    lines[9]!.raise();
    write(SCI_LOW, SCI_ENTRY | 0x1_0000);
    expect(read(SCI_LOW)).toBe(SCI_ENTRY | 0x1_4000);
    write(SCI_LOW, (SCI_ENTRY | 0x1_0000) & ~0x8000);
    expect(read(SCI_LOW)).toBe(0x1_0821);
    write(SCI_LOW, SCI_ENTRY);
    expect(taken.length).toBe(2);
  });

  it('a message nobody takes leaves remote IRR clear', () => {
    const { lines, read, write } = sci();
    write(SCI_LOW + 1, 0x0200_0000);
    lines[9]!.raise();
    expect(read(SCI_LOW)).toBe(SCI_ENTRY);
  });

  it('the EOI register of version 20h ends an interrupt; version 11h has none', () => {
    const old = sci();
    old.lines[9]!.raise();
    old.ioapic.region.write(0x40, 4, 0x21);
    expect(old.taken.length).toBe(1);
    const newer = setup(0x20);
    newer.write(SCI_LOW, 0x8021);
    newer.lines[9]!.raise();
    newer.ioapic.region.write(0x40, 4, 0x21);
    expect(newer.taken.length).toBe(2);
  });
});

describe('IoApic as a device', () => {
  const make = (): IoApic => new IoApic({ bus: new IccBus(), trace: new Trace() });
  const disturb = (ioapic: IoApic): void => {
    const line = new IrqLine('line');
    line.connect(ioapic.pin(23));
    ioapic.region.write(0x00, 4, 0x3e);
    ioapic.region.write(0x10, 4, 0x8031);
    ioapic.region.write(0x00, 4, 0x00);
    ioapic.region.write(0x10, 4, 0x0300_0000);
    line.raise();
  };

  it('reset reaches the initial state but for the levels of its pins', () => {
    resetReachesInitialState(make, disturb, ['inputs']);
  });

  it('save and restore keep everything', () => {
    saveRestoreIsIdentity(make, disturb);
  });

  it('a restored level interrupt is neither lost nor sent twice', () => {
    const one = setup();
    one.write(SCI_LOW, 0x8021);
    one.lines[9]!.raise();
    const other = setup();
    other.ioapic.restore(one.ioapic.save());
    other.lines[9]!.raise();
    expect(other.taken.length).toBe(0);
    other.ioapic.endOfInterrupt(0x21);
    expect(other.taken.length).toBe(1);
  });

  it('refuses a state with numbers out of range and changes nothing', () => {
    const { ioapic } = setup();
    const saved = ioapic.save();
    expect(() => ioapic.restore({ ...saved, data: { ...saved.data, select: 0x100 } })).toThrow('ioapic: select is 256');
    expect(ioapic.save()).toEqual(saved);
  });

  it('has 24 pins and no more', () => {
    expect(() => make().pin(24)).toThrow(RangeError);
  });

  it('survives random accesses with all pins high', () => {
    const { ioapic, lines } = setup(0x20);
    for (const line of lines) line.raise();
    fuzzRegion(ioapic.region, 7, 40_000);
    fuzzRegion({ ...ioapic.region, length: 0x11 }, 8, 40_000);
    expect(() => ioapic.restore(ioapic.save())).not.toThrow();
  });

  it('is bound by its module', () => {
    const container = new Container();
    container.bind(Trace).toConstantValue(new Trace());
    container.bind(IccBus).toConstantValue(new IccBus());
    container.load(ioApicModule);
    expect(container.get(IccBus).ioApic).toBeUndefined();
    expect(container.get(IoApic)).toBe(container.get(IccBus).ioApic);
  });
});
