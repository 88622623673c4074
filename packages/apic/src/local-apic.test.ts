import { DELIVERY, IccBus, IccBusError } from '@hotsocket/icc-bus';
import { IrqLine } from '@hotsocket/irq-line';
import { Random, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { ManualClock, VirtualClock } from '@hotsocket/virtual-clock';
import { Container } from 'inversify';
import { type ApicCpu, LocalApic } from './index.js';
import { apicModule, MakeLocalApic } from './module.js';
import { APIC_VERSION, DFR, ESR, ICR_LOW, LVT_ERROR, LVT_LINT, LVT_SENSOR, LVT_TIMER, SVR } from './spec.js';

class RecordingCpu implements ApicCpu {
  pending = false;
  readonly events: string[] = [];

  interruptPending(pending: boolean): void {
    this.pending = pending;
  }

  nmi(): void {
    this.events.push('nmi');
  }

  smi(): void {
    this.events.push('smi');
  }

  init(): void {
    this.events.push('init');
  }

  sipi(vector: number): void {
    this.events.push(`sipi ${vector.toString(16)}`);
  }
}

interface Cpu {
  readonly apic: LocalApic;
  readonly cpu: RecordingCpu;
}

interface Board {
  readonly bus: IccBus;
  readonly clock: ManualClock;
  readonly ended: number[];
  readonly cpus: readonly Cpu[];
  readonly apic: LocalApic;
  readonly cpu: RecordingCpu;
}

const softwareEnable = (apic: LocalApic): void => apic.writeRegister(0x0f, 0x1ff);

function board(count = 1): Board {
  const bus = new IccBus();
  const clock = new ManualClock();
  const ended: number[] = [];
  bus.attachIoApic({
    region: { kind: 'mmio', name: 'none', length: 1, minSize: 1, maxSize: 1, read: () => 0, write: () => {} },
    endOfInterrupt: (vector) => ended.push(vector),
  });
  const cpus = Array.from({ length: count }, (_, id) => {
    const made = { apic: new LocalApic({ clock, bus }, { id, bootstrap: id === 0 }), cpu: new RecordingCpu() };
    made.apic.cpu = made.cpu;
    softwareEnable(made.apic);
    return made;
  });
  return { bus, clock, ended, cpus, apic: cpus[0]!.apic, cpu: cpus[0]!.cpu };
}

const request = ({ bus }: Board, vector: number, levelTriggered = false): number =>
  bus.deliver({ destination: 0, logical: false, deliveryMode: DELIVERY.FIXED, vector, levelTriggered });

const errors = (apic: LocalApic): number => {
  apic.writeRegister(0x28, 0);
  return apic.readRegister(0x28);
};

describe('LocalApic after power-on', () => {
  const fresh = (bootstrap: boolean): LocalApic => new LocalApic({ clock: new ManualClock(), bus: new IccBus() }, { id: 3, bootstrap });

  it('has the reset values of the SDM and the virtual wire of a PC firmware', () => {
    const apic = fresh(true);
    const values = [0x02, 0x03, 0x08, 0x0a, 0x0d, 0x0e, 0x0f, 0x28, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3e];
    expect(values.map((index) => apic.readRegister(index))).toEqual([
      0x0300_0000, 0x0005_0011, 0, 0, 0, 0xffff_ffff, 0xff, 0, 0, 0, 0x1_0000, 0x1_0000, 0x1_0000, 0x700, 0x1_0000, 0x1_0000, 0, 0, 0,
    ]);
  });

  it('the base MSR names the bootstrap processor, the others wait for SIPI with LINT0 masked', () => {
    const [first, other] = [fresh(true), fresh(false)];
    expect([first.apicBase, first.waitsForSipi]).toEqual([{ hi: 0, lo: 0xfee0_0900 }, false]);
    expect([other.apicBase, other.waitsForSipi, other.readRegister(0x35)]).toEqual([{ hi: 0, lo: 0xfee0_0800 }, true, 0x1_0000]);
  });

  it('a taken id is refused', () => {
    const { bus, clock } = board(2);
    expect(() => new LocalApic({ clock, bus }, { id: 1, bootstrap: false })).toThrow(IccBusError);
    expect(() => new LocalApic({ clock, bus }, { id: 2, bootstrap: false, timerHz: 133_333_333 })).toThrow(RangeError);
    expect(bus.localApics.length).toBe(2);
  });

  it('dispose frees the id', () => {
    const { bus, clock, cpus } = board(2);
    cpus[1]!.apic.dispose();
    expect(() => new LocalApic({ clock, bus }, { id: 1, bootstrap: false })).not.toThrow();
  });
});

describe('LocalApic registers', () => {
  it.each([
    [0x02, 0xff00_0000],
    [0x03, 0x0005_0011],
    [0x08, 0xff],
    [0x0d, 0xff00_0000],
    [0x0e, 0xffff_ffff],
    [0x0f, 0x3ff],
    [0x31, 0xff00_0000],
    [0x32, 0x7_00ff],
    [0x33, 0x1_07ff],
    [0x34, 0x1_07ff],
    [0x35, 0x1_a7ff],
    [0x36, 0x1_a7ff],
    [0x37, 0x1_00ff],
    [0x38, 0xffff_ffff],
    [0x3e, 0x0b],
  ])('register %i keeps its defined bits: %i', (index, expected) => {
    const { apic } = board();
    apic.writeRegister(index, 0xffff_ffff);
    expect(apic.readRegister(index)).toBe(expected);
  });

  it('DFR keeps ones below its model', () => {
    const { apic } = board();
    apic.writeRegister(0x0e, 0);
    expect(apic.readRegister(0x0e)).toBe(0x0fff_ffff);
  });

  it('switching off by software masks the vector table and keeps it masked', () => {
    const { apic } = board();
    apic.writeRegister(0x32, 0x200ec);
    apic.writeRegister(0x0f, 0xff);
    apic.writeRegister(0x36, 0x400);
    expect([apic.readRegister(0x32), apic.readRegister(0x35), apic.readRegister(0x36)]).toEqual([0x300ec, 0x1_0700, 0x1_0400]);
  });

  it('an index without register logs an illegal register address', () => {
    const { apic } = board();
    expect(apic.readRegister(0x00)).toBe(0);
    expect(errors(apic)).toBe(0x80);
    apic.writeRegister(0x3f, 1);
    expect(errors(apic)).toBe(0x80);
    apic.writeRegister(0x10, 1);
    apic.writeRegister(0x39, 1);
    expect(errors(apic)).toBe(0);
  });

  it('ESR shows errors after a write only, and the write clears what was logged', () => {
    const { apic } = board();
    apic.readRegister(0x01);
    expect(apic.readRegister(0x28)).toBe(0);
    expect([errors(apic), apic.readRegister(0x28), errors(apic)]).toEqual([0x80, 0x80, 0]);
  });

  it('the first error after a write of ESR raises the error interrupt', () => {
    const { apic } = board();
    apic.writeRegister(0x37, 0xfe);
    apic.readRegister(0x01);
    expect(apic.acknowledge()).toBe(0xfe);
    apic.writeRegister(0x0b, 0);
    apic.readRegister(0x01);
    expect(apic.pending).toBe(false);
    errors(apic);
    apic.readRegister(0x01);
    expect(apic.pending).toBe(true);
  });

  it('the error interrupt is an edge', () => {
    const { apic, ended } = board();
    apic.writeRegister(0x37, 0xfe);
    apic.readRegister(0x01);
    apic.acknowledge();
    apic.writeRegister(0x0b, 0);
    expect(ended).toEqual([]);
  });

  it('an error vector that is illegal itself logs and delivers nothing', () => {
    const { apic } = board();
    apic.writeRegister(0x37, 0x05);
    apic.readRegister(0x01);
    expect([apic.pending, errors(apic)]).toEqual([false, 0xc0]);
  });
});

describe('LocalApic fixed interrupts', () => {
  it('pass from IRR to ISR and end with EOI', () => {
    const made = board();
    const { apic, cpu } = made;
    request(made, 0x41);
    expect([cpu.pending, apic.readRegister(0x22)]).toEqual([true, 0x02]);
    expect([apic.acknowledge(), cpu.pending]).toEqual([0x41, false]);
    expect([apic.readRegister(0x22), apic.readRegister(0x12), apic.readRegister(0x0a)]).toEqual([0, 0x02, 0x40]);
    apic.writeRegister(0x0b, 0);
    expect([apic.readRegister(0x12), apic.readRegister(0x0a)]).toEqual([0, 0]);
  });

  it('a higher class interrupts, the same class waits for EOI', () => {
    const made = board();
    const { apic } = made;
    request(made, 0x45);
    apic.acknowledge();
    request(made, 0x4f);
    expect(apic.pending).toBe(false);
    request(made, 0x51);
    expect(apic.acknowledge()).toBe(0x51);
    apic.writeRegister(0x0b, 0);
    expect(apic.pending).toBe(false);
    apic.writeRegister(0x0b, 0);
    expect(apic.acknowledge()).toBe(0x4f);
  });

  it('the task priority holds back its class and the lower ones', () => {
    const made = board();
    const { apic, cpu } = made;
    apic.writeRegister(0x08, 0x40);
    request(made, 0x4f);
    expect(cpu.pending).toBe(false);
    apic.tpr = 0x3f;
    expect([cpu.pending, apic.readRegister(0x08), apic.readRegister(0x0a)]).toEqual([true, 0x3f, 0x3f]);
  });

  it('an interrupt withdrawn by the task priority gives the spurious vector and no ISR bit', () => {
    const made = board();
    const { apic } = made;
    apic.writeRegister(0x0f, 0x1ef);
    request(made, 0x41);
    apic.tpr = 0xf0;
    expect([apic.acknowledge(), apic.readRegister(0x12)]).toEqual([0xef, 0]);
  });

  it('level trigger sets TMR and broadcasts the EOI; an edge does neither', () => {
    const made = board();
    const { apic, ended } = made;
    request(made, 0x31, true);
    expect(apic.readRegister(0x19)).toBe(0x0002_0000);
    apic.acknowledge();
    apic.writeRegister(0x0b, 0);
    request(made, 0x31, false);
    expect(apic.readRegister(0x19)).toBe(0);
    apic.acknowledge();
    apic.writeRegister(0x0b, 0);
    expect(ended).toEqual([0x31]);
  });

  it('each vector has its bit in the eight words of IRR, TMR and ISR', () => {
    const made = board();
    const { apic } = made;
    const words = (first: number): number[] => Array.from({ length: 8 }, (_, word) => apic.readRegister(first + word));
    for (const vector of [0x10, 0x1f, 0x3f, 0xff]) request(made, vector, vector !== 0x3f);
    expect([words(0x10), words(0x18), words(0x20)]).toEqual([
      [0, 0, 0, 0, 0, 0, 0, 0],
      [0x8001_0000, 0, 0, 0, 0, 0, 0, 0x8000_0000],
      [0x8001_0000, 0x8000_0000, 0, 0, 0, 0, 0, 0x8000_0000],
    ]);
    apic.acknowledge();
    expect([words(0x10)[7], words(0x20)[7]]).toEqual([0x8000_0000, 0]);
    for (let count = 0; count < 3; count++) {
      apic.writeRegister(0x0b, 0);
      apic.acknowledge();
    }
    expect(words(0x10)).toEqual([0x0001_0000, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('an EOI with nothing in service is ignored', () => {
    const { apic, ended } = board();
    apic.writeRegister(0x0b, 0);
    expect(ended).toEqual([]);
  });

  it.each([0, 5, 15])('vector %i is an illegal vector received', (vector) => {
    const made = board();
    request(made, vector);
    expect([made.apic.pending, errors(made.apic)]).toEqual([false, 0x40]);
  });

  it('are refused while switched off by software; what was pending stays deliverable', () => {
    const made = board();
    const { apic } = made;
    request(made, 0x41);
    apic.writeRegister(0x0f, 0xff);
    request(made, 0x51);
    expect([apic.acknowledge(), apic.pending]).toEqual([0x41, false]);
  });

  it('a CPU connected late hears that something waits', () => {
    const made = board();
    request(made, 0x41);
    const late = new RecordingCpu();
    made.apic.cpu = late;
    expect(late.pending).toBe(true);
  });
});

describe('LocalApic ExtINT and LINT', () => {
  const wire = (pin: IccBus['lint0']): IrqLine => {
    const line = new IrqLine('line');
    line.connect(pin);
    return line;
  };

  it('virtual wire: LINT0 as ExtINT asks the 8259 for the vector, before any software enable', () => {
    const bus = new IccBus();
    const intr = wire(bus.lint0);
    const cpu = new RecordingCpu();
    const apic = new LocalApic({ clock: new ManualClock(), bus }, { id: 0, bootstrap: true });
    apic.cpu = cpu;
    bus.extInt = () => {
      intr.lower();
      return 0x08;
    };
    intr.raise();
    expect(cpu.pending).toBe(true);
    expect([apic.acknowledge(), cpu.pending, apic.readRegister(0x10)]).toEqual([0x08, false, 0]);
  });

  it('masking LINT0 blocks the 8259', () => {
    const { bus, apic, cpu } = board();
    wire(bus.lint0).raise();
    expect(cpu.pending).toBe(true);
    apic.writeRegister(0x35, 0x1_0700);
    expect(cpu.pending).toBe(false);
  });

  it('APIC interrupts come before the 8259', () => {
    const made = board();
    wire(made.bus.lint0).raise();
    made.bus.extInt = () => 0x08;
    request(made, 0x31);
    expect([made.apic.acknowledge(), made.apic.acknowledge()]).toEqual([0x31, 0x08]);
  });

  it('an ExtINT message waits for one acknowledge', () => {
    const { bus, apic } = board();
    bus.extInt = () => 0x77;
    bus.deliver({ destination: 0, logical: false, deliveryMode: DELIVERY.EXTINT, vector: 0, levelTriggered: false });
    expect([apic.pending, apic.acknowledge(), apic.pending]).toEqual([true, 0x77, false]);
  });

  it('LINT1 as NMI fires on its rising edge, when unmasked', () => {
    const { bus, apic, cpu } = board();
    const nmi = wire(bus.lint1);
    nmi.pulse();
    expect(cpu.events).toEqual([]);
    apic.writeRegister(0x36, 0x400);
    nmi.pulse();
    expect(cpu.events).toEqual(['nmi']);
  });

  it('LINT0 fixed and level triggered is delivered again at EOI while active', () => {
    const { bus, apic } = board();
    const line = wire(bus.lint0);
    apic.writeRegister(0x35, 0x8061);
    line.raise();
    expect([apic.acknowledge(), apic.readRegister(0x35)]).toEqual([0x61, 0xc061]);
    apic.writeRegister(0x0b, 0);
    expect(apic.acknowledge()).toBe(0x61);
    line.lower();
    apic.writeRegister(0x0b, 0);
    expect([apic.pending, apic.readRegister(0x35)]).toEqual([false, 0x8061]);
  });

  it('a masked LINT0 waits, and only the EOI of its vector delivers it again', () => {
    const made = board();
    const { bus, apic } = made;
    apic.writeRegister(0x35, 0x1_8061);
    wire(bus.lint0).raise();
    expect([apic.pending, apic.readRegister(0x35)]).toEqual([false, 0x1_8061]);
    apic.writeRegister(0x35, 0x8061);
    expect(apic.acknowledge()).toBe(0x61);
    request(made, 0x71, true);
    apic.acknowledge();
    apic.writeRegister(0x0b, 0);
    expect([apic.pending, apic.readRegister(0x35)]).toEqual([false, 0xc061]);
  });

  it('edges of LINT0 do not set TMR', () => {
    const { bus, apic, ended } = board();
    apic.writeRegister(0x35, 0x0061);
    wire(bus.lint0).raise();
    expect([apic.acknowledge(), apic.readRegister(0x1b)]).toEqual([0x61, 0]);
    apic.writeRegister(0x0b, 0);
    expect(ended).toEqual([]);
  });

  it('LINT0 written as edge-triggered forgets remote IRR', () => {
    const { bus, apic } = board();
    apic.writeRegister(0x35, 0x8061);
    wire(bus.lint0).raise();
    apic.writeRegister(0x35, 0x1_8061);
    expect(apic.readRegister(0x35)).toBe(0x1_c061);
    apic.writeRegister(0x35, 0x0061);
    expect(apic.readRegister(0x35)).toBe(0x0061);
    apic.writeRegister(0x35, 0x8061);
    expect(apic.readRegister(0x35)).toBe(0xc061);
  });

  it('LINT1 is always edge triggered, and can be ExtINT', () => {
    const { bus, apic } = board();
    bus.extInt = () => 0x22;
    const line = wire(bus.lint1);
    apic.writeRegister(0x36, 0x8062);
    line.raise();
    expect([apic.acknowledge(), apic.readRegister(0x36)]).toEqual([0x62, 0x8062]);
    apic.writeRegister(0x36, 0x0700);
    expect([apic.pending, apic.acknowledge()]).toEqual([true, 0x22]);
  });

  it('an active-low LINT1 fires when the wire falls', () => {
    const { bus, apic, cpu } = board();
    const line = wire(bus.lint1);
    line.raise();
    apic.writeRegister(0x36, 0x2071);
    expect(cpu.pending).toBe(false);
    line.lower();
    expect(apic.acknowledge()).toBe(0x71);
  });
});

describe('LocalApic interprocessor interrupts', () => {
  const send = (apic: LocalApic, high: number, low: number): void => {
    apic.writeRegister(0x31, high);
    apic.writeRegister(0x30, low);
  };

  it('SeaBIOS start-up: INIT and SIPI to all but self', () => {
    const { apic, cpus } = board(3);
    send(apic, 0, 0x000c_4500);
    send(apic, 0, 0x000c_4610);
    expect(cpus.map(({ cpu }) => cpu.events)).toEqual([[], ['init', 'sipi 10'], ['init', 'sipi 10']]);
    expect(cpus.map((each) => each.apic.waitsForSipi)).toEqual([false, false, false]);
  });

  it('Linux start-up of APIC 1: INIT, level de-assert, two SIPIs of which the second is ignored', () => {
    const { apic, cpus } = board(2);
    send(apic, 0x0100_0000, 0xc500);
    send(apic, 0x0100_0000, 0x8500);
    send(apic, 0x0100_0000, 0x0699);
    send(apic, 0x0100_0000, 0x0699);
    expect(cpus[1]!.cpu.events).toEqual(['init', 'sipi 99']);
  });

  it('a SIPI to a running CPU, to an empty id and to oneself does nothing', () => {
    const { apic, cpus } = board(2);
    send(apic, 0, 0x4611);
    send(apic, 0x0900_0000, 0x4611);
    send(apic, 0, 0x0004_4611);
    expect(cpus.map(({ cpu }) => cpu.events)).toEqual([[], []]);
  });

  it('INIT keeps id and base, clears the rest, and the bootstrap processor does not wait', () => {
    const made = board(2);
    const { apic, cpus } = made;
    apic.writeRegister(0x0d, 0x0100_0000);
    request(made, 0x41);
    send(cpus[1]!.apic, 0, 0x4500);
    expect([apic.waitsForSipi, made.cpu.pending, made.cpu.events]).toEqual([false, false, ['init']]);
    expect([apic.readRegister(0x0d), apic.readRegister(0x0f), apic.readRegister(0x35), apic.apicBase.lo]).toEqual([
      0, 0xff, 0x1_0000, 0xfee0_0900,
    ]);
  });

  it('Linux function call: fixed, logical flat', () => {
    const { apic, cpus } = board(3);
    cpus.forEach((each, index) => {
      each.apic.writeRegister(0x0d, 0x0100_0000 << index);
    });
    send(apic, 0x0600_0000, 0x08fd);
    expect(cpus.map(({ cpu }) => cpu.pending)).toEqual([false, true, true]);
    expect(apic.readRegister(0x30)).toBe(0x08fd);
  });

  it('logical cluster: cluster number and member bit must match; all ones is everyone', () => {
    const { apic, cpus } = board(3);
    [0x11, 0x12, 0x21].forEach((ldr, index) => {
      cpus[index]!.apic.writeRegister(0x0e, 0x0fff_ffff);
      cpus[index]!.apic.writeRegister(0x0d, ldr * 0x100_0000);
    });
    send(apic, 0x1400_0000, 0x0840);
    expect(cpus.map(({ cpu }) => cpu.pending)).toEqual([false, false, false]);
    send(apic, 0x1300_0000, 0x0841);
    expect(cpus.map(({ cpu }) => cpu.pending)).toEqual([true, true, false]);
    send(apic, 0xff00_0000, 0x0842);
    expect(cpus[2]!.cpu.pending).toBe(true);
  });

  it('an undefined destination model matches nothing', () => {
    const { apic } = board();
    apic.writeRegister(0x0d, 0xff00_0000);
    apic.writeRegister(0x0e, 0x5000_0000);
    expect(apic.matchesLogical(0xf1)).toBe(false);
  });

  it('lowest priority goes to the CPU with the lowest priority', () => {
    const { apic, cpus } = board(3);
    cpus[0]!.apic.tpr = 0x30;
    cpus[1]!.apic.tpr = 0x20;
    cpus[2]!.apic.tpr = 0x10;
    send(apic, 0, 0x0008_0141);
    expect(cpus.map(({ cpu }) => cpu.pending)).toEqual([false, false, true]);
  });

  it.each([
    [0x0004_4041, ['41'], []],
    [0x0008_4041, ['41'], ['41']],
    [0x000c_4041, [], ['41']],
  ])('shorthand %i', (low, self, other) => {
    const { apic, cpus } = board(2);
    send(apic, 0x0100_0000, low);
    const taken = (each: Cpu): string[] => (each.apic.pending ? [each.apic.acknowledge().toString(16)] : []);
    expect(cpus.map(taken)).toEqual([self, other]);
  });

  it('NMI and SMI reach the CPU even when its APIC is off by software', () => {
    const { apic, cpus } = board(2);
    cpus[1]!.apic.writeRegister(0x0f, 0xff);
    send(apic, 0x0100_0000, 0x4400);
    send(apic, 0x0100_0000, 0x4200);
    expect(cpus[1]!.cpu.events).toEqual(['nmi', 'smi']);
  });

  it.each([0x400f, 0x410f])('an illegal vector is logged by the sender and not sent: %i', (low) => {
    const { apic, cpus } = board(2);
    send(apic, 0x0100_0000, low);
    expect([errors(apic), errors(cpus[1]!.apic)]).toEqual([0x20, 0]);
  });

  it('a remote read is not supported and changes nothing', () => {
    const { apic, cpus } = board(2);
    send(apic, 0x0100_0000, 0x4310);
    expect([cpus[1]!.cpu.events, apic.readRegister(0x0c), errors(apic)]).toEqual([[], 0, 0]);
  });
});

describe('LocalApic arbitration priority', () => {
  it('is the task priority while it leads, else the class of the leading vector', () => {
    const made = board();
    const { apic } = made;
    apic.tpr = 0x35;
    expect(apic.readRegister(0x09)).toBe(0x35);
    request(made, 0x52);
    expect(apic.readRegister(0x09)).toBe(0x50);
    apic.acknowledge();
    expect(apic.readRegister(0x09)).toBe(0x50);
    apic.tpr = 0x55;
    expect(apic.readRegister(0x09)).toBe(0x50);
    apic.tpr = 0x61;
    expect(apic.readRegister(0x09)).toBe(0x61);
  });

  it('is the whole task priority when a request is of its class', () => {
    const made = board();
    made.apic.tpr = 0x55;
    request(made, 0x52);
    expect(made.apic.readRegister(0x09)).toBe(0x55);
  });
});

describe('the numbers of the SDM', () => {
  it('are those of the local vector table', () => {
    expect([LVT_TIMER.offset, LVT_TIMER.VECTOR.mask, LVT_TIMER.MASK.mask, LVT_TIMER.resetValue]).toEqual([0x32, 0xff, 0x1_0000, 0x1_0000]);
    expect([LVT_LINT.DELIVERY_MODE.mask, LVT_LINT.POLARITY.mask, LVT_LINT.REMOTE_IRR.mask, LVT_LINT.TRIGGER.mask]).toEqual([
      0x700, 0x2000, 0x4000, 0x8000,
    ]);
    expect([LVT_ERROR.offset, LVT_ERROR.VECTOR.mask, LVT_ERROR.MASK.mask]).toEqual([0x37, 0xff, 0x1_0000]);
    expect([LVT_LINT.offset, LVT_SENSOR.offset]).toEqual([0x35, 0x33]);
  });

  it('are those of the interrupt command register, the identification and the error bits', () => {
    const { VECTOR, DELIVERY_MODE, LOGICAL, DELIVERY_STATUS, LEVEL, TRIGGER, SHORTHAND } = ICR_LOW;
    const masks = [VECTOR, DELIVERY_MODE, LOGICAL, DELIVERY_STATUS, LEVEL, TRIGGER, SHORTHAND].map(({ mask }) => mask);
    expect(masks).toEqual([0xff, 0x700, 0x800, 0x1000, 0x4000, 0x8000, 0xc_0000]);
    expect([APIC_VERSION.resetValue, DFR.resetValue >>> 0, SVR.resetValue]).toEqual([0x5_0011, 0xffff_ffff, 0xff]);
    expect([ESR.SEND_ILLEGAL_VECTOR, ESR.RECEIVE_ILLEGAL_VECTOR, ESR.ILLEGAL_REGISTER].map(({ mask }) => mask)).toEqual([0x20, 0x40, 0x80]);
  });
});

describe('LocalApic base MSR', () => {
  it('switching off loses the state but the id; LINT0 is INTR and LINT1 NMI then', () => {
    const made = board();
    const { apic, bus, cpu } = made;
    const [intr, nmi] = [new IrqLine('intr'), new IrqLine('nmi')];
    intr.connect(bus.lint0);
    nmi.connect(bus.lint1);
    bus.extInt = () => 0x20;
    request(made, 0x41);
    expect(apic.writeApicBase(0, 0xfee0_0000)).toBe(true);
    expect([cpu.pending, apic.enabled, apic.readRegister(0x03), apic.accepting]).toEqual([false, false, 0xffff_ffff, false]);
    nmi.raise();
    nmi.lower();
    expect([cpu.pending, cpu.events]).toEqual([false, ['nmi']]);
    intr.raise();
    request(made, 0x42);
    expect([cpu.pending, cpu.events, apic.acknowledge()]).toEqual([true, ['nmi'], 0x20]);
  });

  it('switching on again gives the registers of power-on', () => {
    const { apic } = board();
    apic.writeApicBase(0, 0xfee0_0000);
    apic.writeRegister(0x08, 0x50);
    expect(apic.writeApicBase(0, 0xfee0_0800)).toBe(true);
    expect([apic.readRegister(0x08), apic.readRegister(0x0f), apic.apicBase.lo]).toEqual([0, 0xff, 0xfee0_0900]);
  });

  it('switching off brings the id back and does not make a running processor wait for a startup message', () => {
    const { apic } = board(2).cpus[1]!;
    apic.accept({ destination: 1, logical: false, deliveryMode: DELIVERY.STARTUP, vector: 1, levelTriggered: false });
    apic.writeRegister(0x02, 0x0700_0000);
    apic.writeApicBase(0, 0xfee0_0000);
    apic.writeApicBase(0, 0xfee0_0800);
    expect([apic.readRegister(0x02), apic.waitsForSipi]).toEqual([0x0100_0000, false]);
  });

  it.each([0xfee0_0c00, 0xfee0_0801, 0xfee0_0a00])('reserved bits are refused: %i', (lo) => {
    const { apic } = board();
    expect([apic.writeApicBase(0, lo), apic.apicBase.lo]).toEqual([false, 0xfee0_0900]);
  });

  it('the base can move; the BSP flag cannot be written', () => {
    const { apic } = board(2);
    expect(apic.writeApicBase(1, 0xfed0_0800)).toBe(true);
    expect(apic.apicBase).toEqual({ hi: 1, lo: 0xfed0_0900 });
  });
});

describe('LocalApic in x2APIC mode', () => {
  const extendedBoard = (ids: readonly number[]): { bus: IccBus; cpus: Cpu[] } => {
    const bus = new IccBus();
    const clock = new ManualClock();
    const cpus = ids.map((id) => {
      const made = { apic: new LocalApic({ clock, bus }, { id, bootstrap: id === 0, x2apic: true }), cpu: new RecordingCpu() };
      made.apic.cpu = made.cpu;
      made.apic.writeApicBase(0, 0xfee0_0c00);
      made.apic.writeMsr(0x0f, 0, 0x1ff);
      return made;
    });
    return { bus, cpus };
  };
  const read = (apic: LocalApic, index: number): string => {
    const into = { high: 0, low: 0 };
    return apic.readMsr(index, into) ? `${into.high.toString(16)}:${into.low.toString(16)}` : '#GP';
  };

  // SDM volume 3A, 'x2APIC State Transitions': EXTD is bit 10, EN bit 11
  it.each([
    [0x000, 0x400, false],
    [0x000, 0xc00, false],
    [0x000, 0x800, true],
    [0x800, 0x400, false],
    [0x800, 0xc00, true],
    [0xc00, 0x800, false],
    [0xc00, 0x400, false],
    [0xc00, 0xc00, true],
    [0xc00, 0x000, true],
  ])('from %i to %i: %s', (from, to, possible) => {
    const apic = new LocalApic({ clock: new ManualClock(), bus: new IccBus() }, { id: 0, bootstrap: false, x2apic: true });
    if (from !== 0x800) apic.writeApicBase(0, 0xfee0_0000 | from);
    expect([apic.apicBase.lo & 0xc00, apic.writeApicBase(0, 0xfee0_0000 | to), apic.apicBase.lo & 0xc00]).toEqual([
      from,
      possible,
      possible ? to : from,
    ]);
  });

  it('has its registers in MSRs, ids of 32 bits, and nothing in memory', () => {
    const { apic } = extendedBoard([0x25]).cpus[0]!;
    expect([0x02, 0x03, 0x0d, 0x0f].map((index) => read(apic, index))).toEqual(['0:25', '0:50011', '0:20020', '0:1ff']);
    apic.writeRegister(0x08, 0x50);
    expect([apic.readRegister(0x02), read(apic, 0x08)]).toEqual([0xffff_ffff, '0:0']);
  });

  it('faults on registers that do not exist or cannot be accessed so, and on reserved bits', () => {
    const { apic } = extendedBoard([0]).cpus[0]!;
    expect([0x00, 0x09, 0x0b, 0x0c, 0x0e, 0x2f, 0x31, 0x3f].map((index) => read(apic, index))).toEqual(
      Array.from({ length: 8 }, () => '#GP'),
    );
    const refused: [number, number, number][] = [
      [0x02, 0, 1],
      [0x0b, 0, 1],
      [0x0d, 0, 1],
      [0x08, 0, 0x100],
      [0x08, 1, 0],
      [0x28, 0, 1],
      [0x30, 0, 0x1000_0000],
      [0x39, 0, 1],
      [0x3f, 0, 0x100],
    ];
    for (const [index, high, low] of refused) expect([index, apic.writeMsr(index, high, low)]).toEqual([index, false]);
    expect([apic.writeMsr(0x0b, 0, 0), apic.writeMsr(0x08, 0, 0xff), apic.writeMsr(0x28, 0, 0)]).toEqual([true, true, true]);
  });

  it('has no MSRs in xAPIC mode', () => {
    const { apic } = board();
    expect([read(apic, 0x02), apic.writeMsr(0x08, 0, 0)]).toEqual(['#GP', false]);
  });

  it('sends by 32-bit ids, to all, to clusters, and to itself', () => {
    const { cpus } = extendedBoard([0, 1, 0x12]);
    const [first] = cpus as [Cpu, ...Cpu[]];
    const taken = (): number[] => cpus.map(({ apic }) => (apic.pending ? apic.acknowledge() : 0));
    first.apic.writeMsr(0x30, 0x12, 0x41);
    expect([read(first.apic, 0x30), taken()]).toEqual(['12:41', [0, 0, 0x41]]);
    first.apic.writeMsr(0x30, 0xffff_ffff, 0x52);
    expect(taken()).toEqual([0x52, 0x52, 0x52]);
    first.apic.writeMsr(0x30, 0x0000_0002, 0x863);
    expect(taken()).toEqual([0, 0x63, 0]);
    first.apic.writeMsr(0x30, 0x0001_0004, 0x874);
    expect(taken()).toEqual([0, 0, 0x74]);
    first.apic.writeMsr(0x3f, 0, 0x85);
    expect(taken()).toEqual([0x85, 0, 0]);
  });

  it('is a target of the 8-bit logical destinations of the I/O APIC: those of its first cluster', () => {
    const { bus, cpus } = extendedBoard([0, 1, 2]);
    const message = { destination: 0b101, logical: true, deliveryMode: DELIVERY.FIXED, vector: 0x86, levelTriggered: true };
    expect([bus.deliver(message), cpus.map(({ cpu }) => cpu.pending)]).toEqual([2, [true, false, true]]);
  });
});

describe('LocalApic as a device', () => {
  const make = (): LocalApic =>
    new LocalApic({ clock: new ManualClock(1000), bus: new IccBus(), trace: new Trace() }, { id: 4, bootstrap: false });
  const disturb = (apic: LocalApic): void => {
    const random = new Random(11);
    softwareEnable(apic);
    for (let index = 0x02; index < 0x40; index++) if (index !== 0x30) apic.writeRegister(index, random.next());
    apic.writeRegister(0x0f, 0x1fe);
    apic.writeRegister(0x32, 0x2_0041);
    apic.writeRegister(0x38, 0x1234);
    for (const vector of [0x22, 0x51, 0x93])
      apic.accept({ destination: 4, logical: false, deliveryMode: 0, vector, levelTriggered: vector > 0x50 });
    apic.acknowledge();
    apic.readRegister(0x01);
    apic.lint(1, true);
    apic.tpr = 0x95;
  };

  it('reset reaches the initial state but for the levels of its wires', () => {
    resetReachesInitialState(make, disturb, ['lintInputs']);
  });

  it('save and restore keep everything', () => {
    saveRestoreIsIdentity(make, disturb);
  });

  it('a restored APIC tells its CPU what waits', () => {
    const made = board();
    request(made, 0x41);
    const other = board();
    other.apic.restore(made.apic.save());
    expect([other.cpu.pending, other.apic.acknowledge()]).toEqual([true, 0x41]);
  });

  it.each([
    ['divide', 16],
    ['running', 1],
  ])('refuses a state whose timer has %s = %i, and changes nothing', (name, value) => {
    const { apic } = board();
    const saved = apic.save();
    const timer = { ...(saved.data.timer as object), [name]: value };
    expect(() => apic.restore({ ...saved, data: { ...saved.data, timer } })).toThrow(`apic: timer.${name}`);
    expect(apic.save()).toEqual(saved);
  });

  it('survives random writes, messages and wires on four CPUs', () => {
    const { cpus, bus, clock } = board(4);
    const random = new Random(5);
    for (let count = 0; count < 30_000; count++) {
      const { apic } = random.pick(cpus);
      apic.writeRegister(random.below(0x48), random.below(2) ? random.next() : random.next() & 0xcffff);
      const value = apic.readRegister(random.below(0x48));
      if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new Error(`read ${value}`);
      if (random.below(8) === 0) apic.lint(random.below(2) as 0 | 1, random.below(2) === 0);
      if (random.below(8) === 0) apic.acknowledge();
      if (random.below(64) === 0) apic.writeApicBase(0, 0xfee0_0000 | (random.below(4) ? 0x800 : 0));
      bus.deliver({
        destination: random.below(256),
        logical: random.below(2) === 0,
        deliveryMode: random.below(8),
        vector: random.below(256),
        levelTriggered: random.below(2) === 0,
      });
      clock.advance(random.below(3) * 100);
    }
    for (const { apic } of cpus) expect(() => apic.restore(apic.save())).not.toThrow();
  });

  it('shows its id and version', () => {
    expect([make().properties.id!.get(), make().properties.version!.get()]).toEqual([4, 0x11]);
  });

  it('is made by its module, on the bus of the container', () => {
    const container = new Container();
    container.bind(Trace).toConstantValue(new Trace());
    container.bind(IccBus).toConstantValue(new IccBus());
    container.bind(VirtualClock).toConstantValue(new ManualClock());
    container.load(apicModule);
    const apic = container.get<MakeLocalApic>(MakeLocalApic)({ id: 2, bootstrap: false });
    expect(container.get(IccBus).localApic(2)).toBe(apic);
  });
});
