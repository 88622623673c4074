import type { Mmio } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import { fuzzRegion, PinRecorder, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { Container } from 'inversify';
import { I8259Pair } from './index.js';
import { i8259Module } from './module.js';

const write = (io: Mmio, offset: number, ...values: number[]): void => {
  for (const value of values) io.write(offset, 1, value);
};

/** What SeaBIOS writes: vectors 08h and 70h, cascade on IR2, 8086 mode. */
function initialised(icw4 = 0x01): I8259Pair {
  const pic = new I8259Pair();
  write(pic.masterIo, 0, 0x11);
  write(pic.masterIo, 1, 0x08, 0x04, icw4);
  write(pic.slaveIo, 0, 0x11);
  write(pic.slaveIo, 1, 0x70, 0x02, icw4);
  return pic;
}

function lines(pic: I8259Pair): IrqLine[] {
  return Array.from({ length: 16 }, (_, irq) => {
    const line = new IrqLine(`irq${irq}`);
    if (irq !== 2) line.connect(pic.ir(irq));
    return line;
  });
}

const irr = (io: Mmio): number => {
  io.write(0, 1, 0x0a);
  return io.read(0, 1);
};
const isr = (io: Mmio): number => {
  io.write(0, 1, 0x0b);
  return io.read(0, 1);
};

function setup(icw4 = 0x01): { pic: I8259Pair; irq: IrqLine[]; master: Mmio; slave: Mmio } {
  const pic = initialised(icw4);
  return { pic, irq: lines(pic), master: pic.masterIo, slave: pic.slaveIo };
}

describe('I8259 initialisation', () => {
  it('ICW1 clears the mask, the service register and the edge latches', () => {
    const { pic, irq, master } = setup();
    irq[3]!.raise();
    pic.acknowledge();
    irq[4]!.raise();
    write(master, 1, 0xaa);
    write(master, 0, 0x11);
    write(master, 1, 0x20, 0x04, 0x01);
    expect([master.read(1, 1), irr(master), isr(master), pic.intr.high]).toEqual([0, 0, 0, false]);
  });

  it('an input that was high during ICW1 requests after its next rising edge only', () => {
    const { pic, irq, master } = setup();
    irq[4]!.raise();
    write(master, 0, 0x11);
    write(master, 1, 0x08, 0x04, 0x01);
    expect(pic.intr.high).toBe(false);
    irq[4]!.lower();
    irq[4]!.raise();
    expect(pic.acknowledge()).toBe(0x0c);
  });

  it('with SNGL no ICW3 is awaited, without IC4 no ICW4', () => {
    const { master } = setup();
    write(master, 0, 0x12);
    write(master, 1, 0x40, 0x55);
    expect(master.read(1, 1)).toBe(0x55);
  });

  it('ICW1 with LTIM makes every input level triggered', () => {
    const { pic, irq, master } = setup();
    write(master, 0, 0x19);
    write(master, 1, 0x08, 0x04, 0x01);
    irq[5]!.raise();
    expect(pic.acknowledge()).toBe(0x0d);
    write(master, 0, 0x20);
    expect(pic.acknowledge()).toBe(0x0d);
  });
});

describe('I8259 requests', () => {
  it('acknowledge gives base + level, sets ISR and clears the edge latch', () => {
    const { pic, irq, master } = setup();
    irq[1]!.raise();
    expect([pic.intr.high, irr(master)]).toEqual([true, 0x02]);
    expect(pic.acknowledge()).toBe(0x09);
    expect([pic.intr.high, irr(master), isr(master)]).toEqual([false, 0, 0x02]);
  });

  it('a slave input passes through the cascade', () => {
    const { pic, irq, master, slave } = setup();
    irq[8]!.raise();
    expect(irr(master)).toBe(0x04);
    expect(pic.acknowledge()).toBe(0x70);
    expect([isr(master), isr(slave)]).toEqual([0x04, 0x01]);
  });

  it('a second slave request is not lost while the first is served', () => {
    const { pic, irq, master, slave } = setup();
    irq[12]!.raise();
    irq[9]!.raise();
    expect(pic.acknowledge()).toBe(0x71);
    write(slave, 0, 0x20);
    write(master, 0, 0x20);
    expect(pic.acknowledge()).toBe(0x74);
  });

  it('a higher level interrupts a lower one, a lower one waits for EOI', () => {
    const { pic, irq, master } = setup();
    irq[4]!.raise();
    pic.acknowledge();
    irq[6]!.raise();
    expect(pic.intr.high).toBe(false);
    irq[1]!.raise();
    expect(pic.acknowledge()).toBe(0x09);
    write(master, 0, 0x20);
    expect(pic.intr.high).toBe(false);
    write(master, 0, 0x20);
    expect(pic.acknowledge()).toBe(0x0e);
  });

  it('a masked input stays requested and reaches INT when unmasked', () => {
    const { pic, irq, master } = setup();
    write(master, 1, 0x01);
    irq[0]!.raise();
    expect([pic.intr.high, irr(master)]).toEqual([false, 0x01]);
    write(master, 1, 0x00);
    expect(pic.intr.high).toBe(true);
  });

  it('an edge that falls before INTA is answered with spurious level 7', () => {
    const { pic, irq, master } = setup();
    irq[3]!.raise();
    irq[3]!.lower();
    expect([pic.acknowledge(), isr(master)]).toEqual([0x0f, 0]);
  });

  it('a slave request that vanishes leaves the master serving the cascade and gives IRQ 15', () => {
    const { pic, irq, master, slave } = setup();
    const cascade = new IrqLine('held');
    cascade.connect(pic.ir(2));
    cascade.raise();
    irq[8]!.pulse();
    expect([pic.acknowledge(), isr(master), isr(slave)]).toEqual([0x77, 0x04, 0]);
  });

  it('an edge input that stays high is served once', () => {
    const { pic, irq, master } = setup();
    irq[3]!.raise();
    pic.acknowledge();
    write(master, 0, 0x20);
    expect(pic.intr.high).toBe(false);
  });

  it('a level input requests again after EOI until it falls', () => {
    const { pic, irq, slave, master } = setup();
    pic.setLevelTriggered(1 << 9);
    irq[9]!.raise();
    expect(pic.acknowledge()).toBe(0x71);
    write(slave, 0, 0x20);
    write(master, 0, 0x20);
    expect(pic.intr.high).toBe(true);
    irq[9]!.lower();
    expect(pic.intr.high).toBe(false);
  });

  it('an input made level triggered while high requests at once', () => {
    const { pic, irq, master } = setup();
    irq[5]!.raise();
    pic.acknowledge();
    write(master, 0, 0x20);
    pic.setLevelTriggered(1 << 5);
    expect(pic.intr.high).toBe(true);
  });
});

describe('I8259 OCW2', () => {
  const serve = (pic: I8259Pair, ...pulses: IrqLine[]): number[] =>
    pulses.map((line) => {
      line.raise();
      return pic.acknowledge();
    });

  it('specific EOI ends the named level', () => {
    const { pic, irq, master } = setup();
    serve(pic, irq[4]!, irq[1]!);
    write(master, 0, 0x64);
    expect(isr(master)).toBe(0x02);
  });

  it('rotate on non-specific EOI makes the ended level the lowest', () => {
    const { pic, irq, master } = setup();
    serve(pic, irq[3]!);
    write(master, 0, 0xa0);
    irq[1]!.raise();
    irq[5]!.raise();
    expect(pic.acknowledge()).toBe(0x0d);
  });

  it('rotate on specific EOI ends and lowers the named level', () => {
    const { pic, irq, master } = setup();
    serve(pic, irq[3]!);
    write(master, 0, 0xe3);
    irq[0]!.raise();
    irq[4]!.raise();
    expect([isr(master), pic.acknowledge()]).toEqual([0, 0x0c]);
  });

  it('set priority command makes the named level the lowest', () => {
    const { pic, irq, master } = setup();
    write(master, 0, 0xc4);
    irq[0]!.raise();
    irq[6]!.raise();
    expect(pic.acknowledge()).toBe(0x0e);
  });

  it('automatic EOI leaves nothing in service', () => {
    const { pic, irq, master } = setup(0x03);
    serve(pic, irq[4]!);
    expect(isr(master)).toBe(0);
    irq[6]!.raise();
    expect(pic.acknowledge()).toBe(0x0e);
  });

  it('automatic EOI keeps a second slave request', () => {
    const { pic, irq } = setup(0x03);
    irq[8]!.raise();
    irq[9]!.raise();
    expect([pic.acknowledge(), pic.acknowledge(), pic.intr.high]).toEqual([0x70, 0x71, false]);
  });

  it('rotate in automatic EOI mode lowers each served level, until cleared', () => {
    const { pic, irq, master } = setup(0x03);
    write(master, 0, 0x80);
    serve(pic, irq[1]!);
    irq[0]!.raise();
    irq[5]!.raise();
    expect(pic.acknowledge()).toBe(0x0d);
    write(master, 0, 0x00);
    expect(pic.acknowledge()).toBe(0x08);
    irq[5]!.lower();
    irq[6]!.raise();
    irq[5]!.raise();
    expect(pic.acknowledge()).toBe(0x0e);
  });
});

describe('I8259 OCW3', () => {
  it('special mask mode lets lower levels through a masked level in service', () => {
    const { pic, irq, master } = setup();
    irq[1]!.raise();
    pic.acknowledge();
    write(master, 1, 0x02);
    irq[5]!.raise();
    expect(pic.intr.high).toBe(false);
    write(master, 0, 0x68);
    expect(pic.acknowledge()).toBe(0x0d);
    write(master, 0, 0x20);
    expect(isr(master)).toBe(0x02);
    write(master, 0, 0x48);
    write(master, 0, 0x20);
    expect(isr(master)).toBe(0);
  });

  it('a poll acknowledges and names the level; without a request it reads 0', () => {
    const { irq, master } = setup();
    irq[6]!.raise();
    write(master, 0, 0x0c);
    expect([master.read(0, 1), isr(master)]).toEqual([0x86, 0x40]);
    write(master, 0, 0x0c);
    expect(master.read(1, 1)).toBe(0);
  });

  it('a poll waits for its read, also behind an OCW3 without P', () => {
    const { irq, master } = setup();
    irq[6]!.raise();
    write(master, 0, 0x0c);
    write(master, 0, 0x0b);
    expect([master.read(1, 1), master.read(0, 1)]).toEqual([0x86, 0x40]);
  });

  it('the choice between IRR and ISR is kept', () => {
    const { pic, irq, master } = setup();
    irq[6]!.raise();
    write(master, 0, 0x0b);
    expect([master.read(0, 1), master.read(0, 1)]).toEqual([0, 0]);
    pic.acknowledge();
    expect(master.read(0, 1)).toBe(0x40);
  });
});

describe('I8259 special fully nested mode', () => {
  const nested = (icw4: number): boolean => {
    const { pic, irq } = setup(icw4);
    irq[12]!.raise();
    pic.acknowledge();
    irq[9]!.raise();
    return pic.intr.high;
  };

  it('a higher slave request interrupts the slave in service', () => {
    expect([nested(0x01), nested(0x11)]).toEqual([false, true]);
  });

  it('levels below the cascade stay blocked', () => {
    const { pic, irq } = setup(0x11);
    irq[12]!.raise();
    pic.acknowledge();
    irq[3]!.raise();
    expect(pic.intr.high).toBe(false);
  });
});

describe('I8259 as a device', () => {
  const disturb = (pic: I8259Pair): void => {
    const irq = lines(pic);
    write(pic.masterIo, 0, 0x13);
    write(pic.masterIo, 1, 0x30, 0x13);
    pic.setLevelTriggered(0x0e20);
    for (const n of [0, 5, 9, 11]) irq[n]!.raise();
    pic.acknowledge();
    write(pic.masterIo, 0, 0x6b, 0xc3);
    write(pic.slaveIo, 0, 0x11);
    write(pic.slaveIo, 1, 0x38);
  };

  it('reset reaches the initial state but for the levels of its pins', () => {
    resetReachesInitialState(() => new I8259Pair(), disturb, ['master.inputs', 'slave.inputs']);
  });

  it('save and restore keep everything, and INT follows', () => {
    saveRestoreIsIdentity(() => new I8259Pair(), disturb);
    const pic = setup();
    pic.irq[9]!.raise();
    const copy = new I8259Pair();
    const intr = new PinRecorder(copy.intr);
    copy.restore(pic.pic.save());
    expect([intr.high, copy.acknowledge()]).toEqual([true, 0x71]);
  });

  it('refuses numbers out of range and changes nothing', () => {
    const pic = initialised();
    const saved = pic.save();
    const broken = { ...saved, data: { ...saved.data, master: { ...pic.master.state(), lowest: 8 } } };
    expect(() => pic.restore(broken)).toThrow('isa-i8259: master.lowest is 8');
    expect(pic.save()).toEqual(saved);
  });

  it('survives random accesses', () => {
    const pic = new I8259Pair({ trace: new Trace() });
    for (const line of lines(pic)) line.raise();
    fuzzRegion(pic.masterIo, 1, 20_000);
    fuzzRegion(pic.slaveIo, 2, 20_000);
    expect(pic.acknowledge()).toBeLessThan(256);
  });

  it('is bound by its module', () => {
    const container = new Container();
    container.bind(Trace).toConstantValue(new Trace());
    container.load(i8259Module);
    expect(container.get(I8259Pair)).toBe(container.get(I8259Pair));
  });
});
