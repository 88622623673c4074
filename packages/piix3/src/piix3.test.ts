import { IoSpace } from '@hotsocket/address-space';
import { IrqLine } from '@hotsocket/irq-line';
import { SavedStateError, savedState } from '@hotsocket/saved-state';
import { fuzzRegion, PinRecorder, Random, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { Container } from 'inversify';
import { ELCR, ELCR_PORT, Piix3, RC_PORT } from './index.js';
import { piix3Module } from './module.js';

function wired() {
  const piix3 = new Piix3();
  const pirq = piix3.pirq.map((pin) => {
    const line = new IrqLine(pin.label);
    line.connect(pin);
    return line;
  });
  const high = () => piix3.irq.flatMap((line, irq) => (line.high ? [irq] : []));
  return { piix3, pirq, high };
}

describe('configuration space', () => {
  it('holds the identification of function 0 of a device with several functions', () => {
    const { pci } = new Piix3();
    expect([0x00, 0x04, 0x08, 0x0c, 0x2c, 0x3c].map((offset) => pci.configRead(offset, 4))).toEqual([
      0x7000_8086, 0x0200_0000, 0x0601_0000, 0x0080_0000, 0x1100_1af4, 0,
    ]);
  });

  it('holds the reset values of the datasheet', () => {
    const { pci } = new Piix3();
    const dwords = [0x4c, 0x60, 0x68, 0x70, 0x74, 0x78, 0x80, 0xa0, 0xa8].map((offset) => pci.configRead(offset, 4));
    expect(dwords).toEqual([0x0003_004d, 0x8080_8080, 0x0000_0200, 0x80, 0x0c0c_0000, 0x02, 0, 0x08, 0x0f]);
  });
});

describe('interrupt steering', () => {
  it('is off after reset', () => {
    const { pirq, high } = wired();
    for (const line of pirq) line.raise();
    expect(high()).toEqual([]);
  });

  it.each([
    [0x60, 0, 0x0a, [10]],
    [0x61, 1, 0x03, [3]],
    [0x62, 2, 0x0f, [15]],
    [0x63, 3, 0x0b, [11]],
    [0x60, 0, 0x8a, []],
    [0x60, 0, 0x00, []],
    [0x60, 0, 0x01, []],
    [0x60, 0, 0x02, []],
    [0x60, 0, 0x08, []],
    [0x60, 0, 0x0d, []],
  ])('register %p steers PIRQ %p with value %p to %p', (offset, index, value, irqs) => {
    const { piix3, pirq, high } = wired();
    piix3.pci.configWrite(offset, 1, value);
    pirq[index]?.raise();
    expect(high()).toEqual(irqs);
  });

  it('moves a level that is already high', () => {
    const { piix3, pirq, high } = wired();
    pirq[0]?.raise();
    piix3.pci.configWrite(0x60, 4, 0x0b0b_0a0a);
    const before = high();
    piix3.pci.configWrite(0x60, 1, 0x8a);
    const disabled = high();
    piix3.pci.configWrite(0x60, 1, 0x05);
    expect([before, disabled, high()]).toEqual([[10], [], [5]]);
  });

  it('keeps a shared interrupt high until the last wire is low', () => {
    const { piix3, pirq } = wired();
    piix3.pci.configWrite(0x60, 2, 0x0a0a);
    const { levels } = new PinRecorder(piix3.irq[10]!);
    pirq[0]?.raise();
    pirq[1]?.raise();
    pirq[0]?.lower();
    expect(levels).toEqual([true]);
    pirq[1]?.lower();
    expect(levels).toEqual([true, false]);
  });
});

describe('ELCR', () => {
  it('keeps only the bits of interrupts that may be level triggered', () => {
    const { elcr } = new Piix3();
    elcr.write(0, 1, 0xff);
    elcr.write(1, 1, 0xff);
    expect([elcr.read(0, 1), elcr.read(1, 1)]).toEqual([0xf8, 0xde]);
  });

  it('tells both ports as one mask', () => {
    const piix3 = new Piix3();
    const masks: number[] = [];
    piix3.elcrChanged = (mask) => masks.push(mask);
    const io = new IoSpace();
    io.map(0x4d0, piix3.elcr);
    io.write(0x4d0, 1, 0x20);
    io.write(0x4d0, 2, 0x0c00);
    piix3.reset();
    expect(masks).toEqual([0x0020, 0x0000, 0x0c00, 0x0000]);
  });
});

it('ports are those of the datasheet', () => {
  expect([RC_PORT, ELCR_PORT, ...ELCR.map((register) => register.offset)]).toEqual([0xcf9, 0x4d0, 0x4d0, 0x4d1]);
});

describe('reset control', () => {
  it.each([
    [0x06, ['hard']],
    [0x04, ['soft']],
    [0x0e, ['hard']],
    [0x02, []],
  ])('value %p requests %p', (value, requests) => {
    const piix3 = new Piix3();
    const seen: string[] = [];
    piix3.resetRequested = (kind) => seen.push(kind);
    piix3.resetControl.write(0, 1, value);
    expect(seen).toEqual(requests);
  });

  it('reads back the kind of reset only', () => {
    const { resetControl } = new Piix3();
    resetControl.write(0, 1, 0xfb);
    expect(resetControl.read(0, 1)).toBe(0x02);
  });
});

describe('reset and saved state', () => {
  const disturb = (piix3: Piix3) => {
    piix3.pci.configWrite(0x60, 4, 0x0b0b_0a0a);
    piix3.pci.configWrite(0x82, 1, 0x02);
    piix3.elcr.write(1, 1, 0x0c);
    piix3.resetControl.write(0, 1, 0x02);
  };

  it('reset reaches the initial state and stops steering', () => {
    const { piix3, pirq, high } = wired();
    disturb(piix3);
    pirq[0]?.raise();
    piix3.reset();
    expect(high()).toEqual([]);
    resetReachesInitialState(() => new Piix3(), disturb);
  });

  it('save and restore lose nothing', () => {
    saveRestoreIsIdentity(() => new Piix3(), disturb);
  });

  it('restore steers and tells the trigger modes', () => {
    const original = new Piix3();
    disturb(original);
    const { piix3, pirq, high } = wired();
    const masks: number[] = [];
    piix3.elcrChanged = (mask) => masks.push(mask);
    pirq[2]?.raise();
    piix3.restore(original.save());
    expect([high(), masks]).toEqual([[11], [0x0c00]]);
  });

  it.each([
    ['of another kind', savedState('i440FX', 1, {})],
    ['with a byte of 256', savedState('PIIX3', 1, { ...new Piix3().save().data, elcr: [256, 0] })],
    ['of another function', savedState('PIIX3', 1, { elcr: [0, 0], rc: 0, pci: { config: new Uint8Array(256), interrupt: false } })],
  ])('a state %s is refused and changes nothing', (_, saved) => {
    const piix3 = new Piix3();
    expect(() => piix3.restore(saved)).toThrow(SavedStateError);
    expect(piix3.save()).toEqual(new Piix3().save());
  });
});

it('random accesses never throw, and interrupts of the board stay low', () => {
  const { piix3, pirq, high } = wired();
  const random = new Random(7);
  fuzzRegion(piix3.elcr, 1, 1000);
  fuzzRegion(piix3.resetControl, 2, 1000);
  const seen = new Set<number>();
  for (let count = 0; count < 5000; count++) {
    piix3.pci.configWrite(random.below(256), random.pick([1, 2, 4]), random.next());
    random.pick(pirq).set(random.below(2) === 0);
    for (const irq of high()) seen.add(irq);
  }
  expect([...seen].sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15]);
});

it('the module makes one ISA bridge', () => {
  const container = new Container();
  container.bind(Trace).toConstantValue(new Trace());
  container.load(piix3Module);
  expect(container.get(Piix3)).toBe(container.get(Piix3));
});
