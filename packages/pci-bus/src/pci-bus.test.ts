import { IoSpace, MemorySpace } from '@hotsocket/address-space';
import { Trace } from '@hotsocket/trace';
import { PciBus, PciFunction, PciSlotError } from './index.js';

const bus = (trace = new Trace()) => new PciBus({ io: new IoSpace(), mem: new MemorySpace(), trace });
const card = (name: string, more: { multifunction?: boolean; interruptPin?: number } = {}) =>
  new PciFunction({}, { name, vendorId: 0x8086, deviceId: 0x7000, classCode: 0x06_0100, ...more });

describe('configuration accesses', () => {
  it('reach the function in its place', () => {
    const pci = bus();
    pci.plug(1, 0, card('bridge'));
    pci.configWrite(1, 0, 0x3c, 1, 0x0b);
    expect([pci.configRead(1, 0, 0, 4), pci.configRead(1, 0, 0x3c, 1)]).toEqual([0x7000_8086, 0x0b]);
  });

  it('to empty places read as ones and drop writes', () => {
    const pci = bus();
    pci.configWrite(2, 0, 0, 4, 0);
    expect([pci.configRead(2, 0, 0, 4), pci.configRead(2, 0, 0, 2), pci.configRead(31, 7, 0, 1)]).toEqual([0xffff_ffff, 0xffff, 0xff]);
  });

  it('to empty places are traced', () => {
    const trace = new Trace();
    const seen: unknown[] = [];
    trace.enable('pci_absent');
    trace.listen((record) => seen.push(record.values));
    bus(trace).configRead(5, 2, 0x10, 4);
    expect(seen).toEqual([[5, 2, 0x10]]);
  });
});

describe('plugging', () => {
  it('keeps the functions of a device apart', () => {
    const pci = bus();
    const [bridge, power] = [card('bridge', { multifunction: true }), card('power')];
    pci.plug(1, 0, bridge);
    pci.plug(1, 3, power);
    expect([pci.at(1, 0), pci.at(1, 3), pci.at(0, 5), pci.at(1, 2)]).toEqual([bridge, power, undefined, undefined]);
  });

  it('lists functions in order of their places', () => {
    const pci = bus();
    pci.plug(1, 0, card('bridge', { multifunction: true }));
    pci.plug(0, 0, card('host'));
    pci.plug(1, 3, card('power'));
    expect(pci.functions().map(({ slot, number, function: { name } }) => [slot, number, name])).toEqual([
      [0, 0, 'host'],
      [1, 0, 'bridge'],
      [1, 3, 'power'],
    ]);
  });

  it.each([
    [1, 0, "new: PCI 01.0 is taken by 'bridge'"],
    [1, 3, "new: PCI 01.3: function 0 ('bridge') is not multifunction"],
    [32, 0, 'new: PCI 20.0 does not exist'],
    [0, 8, 'new: PCI 00.8 does not exist'],
    [-1, 0, 'does not exist'],
    [0.5, 0, 'does not exist'],
  ])('at %p.%p is refused', (slot, number, message) => {
    const pci = bus();
    pci.plug(1, 0, card('bridge'));
    expect(() => pci.plug(slot, number, card('new'))).toThrow(PciSlotError);
    expect(() => pci.plug(slot, number, card('new'))).toThrow(message);
  });

  it('function 0 after others needs the multifunction bit too', () => {
    const pci = bus();
    pci.plug(1, 3, card('power'));
    expect(() => pci.plug(1, 0, card('bridge'))).toThrow('not multifunction');
  });
});

describe('interrupt wires', () => {
  it.each([
    [1, 1, 0],
    [1, 4, 3],
    [2, 1, 1],
    [3, 1, 2],
    [4, 2, 0],
    [31, 1, 2],
  ])('slot %p pin %p reaches PIRQ %p', (slot, pin, pirq) => {
    const pci = bus();
    const device = card('card', { interruptPin: pin });
    pci.plug(slot, 0, device);
    device.setInterrupt(true);
    expect(pci.pirq.map((line) => line.high)).toEqual([0, 1, 2, 3].map((index) => index === pirq));
  });

  it('stay high until the last function releases them', () => {
    const pci = bus();
    const [one, other] = [card('one', { interruptPin: 1 }), card('other', { interruptPin: 1 })];
    pci.plug(3, 0, one);
    pci.plug(7, 0, other);
    one.setInterrupt(true);
    other.setInterrupt(true);
    one.setInterrupt(false);
    const still = pci.pirq[2]?.high;
    other.setInterrupt(false);
    expect([still, pci.pirq[2]?.high]).toEqual([true, false]);
  });
});
