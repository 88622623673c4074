import { IoSpace, MemorySpace, mmio, storage } from '@hotsocket/address-space';
import { register, ro, rw, w1c } from '@hotsocket/registers';
import { SavedStateError } from '@hotsocket/saved-state';
import { PinRecorder, Random } from '@hotsocket/testbench';
import { type ConfigWrite, PciFunction, type PciFunctionOptions } from './index.js';

const BASE = register('BASE', 0x40, 32, { FIXED: ro(0, 0, 1), ADDRESS: rw(15, 6) });
const EVENTS = register('EVENTS', 0x44, 8, { SEEN: w1c(3, 0, 0xf) });
const ports = () => mmio('ports', 16, { read: (offset) => offset, write: () => {} });

const make = (options: Partial<PciFunctionOptions> = {}) =>
  new PciFunction(
    {},
    {
      name: 'card',
      vendorId: 0x8086,
      deviceId: 0x7113,
      revision: 3,
      classCode: 0x06_8000,
      subsystemVendorId: 0x1af4,
      subsystemId: 0x1100,
      status: 0x0280,
      interruptPin: 1,
      registers: [BASE, EVENTS],
      initial: { 95: 0x10 },
      ...options,
    },
  );

const attached = (options: Partial<PciFunctionOptions> = {}) => {
  const spaces = { io: new IoSpace(), mem: new MemorySpace() };
  const card = make(options);
  card.attach(spaces);
  return { card, ...spaces };
};

describe('header', () => {
  it('reads identification at the offsets of the specification', () => {
    const card = make();
    const read = [0x00, 0x04, 0x08, 0x0c, 0x2c, 0x3c].map((offset) => card.configRead(offset, 4));
    expect(read).toEqual([0x7113_8086, 0x0280_0000, 0x0680_0003, 0, 0x1100_1af4, 0x0000_0100]);
  });

  it('says in bit 7 of the header type that there are more functions', () => {
    expect(make({ multifunction: true }).configRead(0x0e, 1)).toBe(0x80);
  });

  it('keeps identification when a guest writes all ones to every byte', () => {
    const card = make({ registers: [], initial: {} });
    for (let offset = 0; offset < 0x40; offset += 4) card.configWrite(offset, 4, 0xffff_ffff);
    const read = Array.from({ length: 16 }, (_, index) => card.configRead(4 * index, 4));
    expect(read).toEqual([0x7113_8086, 0x0280_0507, 0x0680_0003, 0xff, 0, 0, 0, 0, 0, 0, 0, 0x1100_1af4, 0, 0, 0, 0x0000_01ff]);
  });

  it('answers ones for bytes past the end of configuration space', () => {
    expect(make({ initial: { 255: 0x12 } }).configRead(0xff, 4)).toBe(0xffff_ff12);
  });
});

describe('registers of the device', () => {
  it('change only where a field is writable', () => {
    const card = make();
    card.configWrite(0x40, 4, 0xffff_ffff);
    expect(card.configRead(0x40, 4)).toBe(0x0000_ffc1);
  });

  it('clear where ones are written', () => {
    const card = make();
    card.configWrite(0x44, 1, 0x05);
    expect(card.configRead(0x44, 1)).toBe(0x0a);
  });

  it('are storage where none is declared', () => {
    const card = make();
    card.configWrite(0x5c, 4, 0xdead_beef);
    expect(card.configRead(0x5e, 2)).toBe(0xdead);
  });

  it('tell the device after a write which registers it covered', () => {
    const card = make();
    const writes: ConfigWrite[] = [];
    card.configWritten = (write) => writes.push(write);
    card.configWrite(0x43, 2, 0x0000);
    card.configWrite(0x45, 1, 0x00);
    expect(writes.map((write) => [write.touches(BASE), write.touches(EVENTS)])).toEqual([
      [true, true],
      [false, false],
    ]);
  });

  it('can be set by the device against their masks', () => {
    const card = make();
    card.set(BASE, 0xafe0_0001);
    expect([card.get(BASE), card.configRead(0x40, 4)]).toEqual([0xafe0_0001, 0xafe0_0001]);
  });

  it('outside configuration space are refused', () => {
    const wide = register('WIDE', 0xfe, 32, { ALL: rw(31, 0) });
    expect(() => make({ registers: [wide] })).toThrow('card: WIDE lies outside configuration space');
  });
});

describe('base address registers', () => {
  const bars = () => [
    { index: 4, kind: 'io' as const, region: ports() },
    { index: 0, kind: 'memory' as const, region: storage('ram', 'frame', new Uint8Array(0x1000)), prefetchable: true },
  ];

  it('tell their size when written with ones', () => {
    const { card } = attached({ bars: bars() });
    card.configWrite(0x20, 4, 0xffff_ffff);
    card.configWrite(0x10, 4, 0xffff_ffff);
    expect([card.configRead(0x20, 4), card.configRead(0x10, 4)]).toEqual([0xffff_fff1, 0xffff_f008]);
  });

  it('of memory that may not be prefetched read 0 in bits 3:0, as a new function does everywhere', () => {
    const card = new PciFunction(
      {},
      {
        name: 'card',
        vendorId: 0x1234,
        deviceId: 1,
        classCode: 0xff_0000,
        bars: [{ index: 1, kind: 'memory', region: mmio('m', 32, ports()) }],
      },
    );
    card.configWrite(0x14, 4, 0xffff_ffff);
    expect([card.configRead(0x14, 4), card.configRead(0x04, 4), card.configRead(0x08, 4), card.configRead(0x2c, 4)]).toEqual([
      0xffff_ffe0, 0, 0xff00_0000, 0,
    ]);
  });

  it('map ports while I/O is enabled', () => {
    const { card, io } = attached({ bars: bars() });
    card.configWrite(0x20, 4, 0xc001);
    const before = io.read(0xc005, 1);
    card.configWrite(0x04, 2, 0x0001);
    expect([before, io.read(0xc005, 1), card.barAddress(4)]).toEqual([0xff, 5, 0xc000]);
  });

  it('move and unmap', () => {
    const { card, io } = attached({ bars: bars() });
    card.configWrite(0x04, 2, 0x0001);
    card.configWrite(0x20, 4, 0xc001);
    card.configWrite(0x20, 4, 0xd001);
    const moved = [io.read(0xc005, 1), io.read(0xd005, 1)];
    card.configWrite(0x04, 2, 0x0000);
    expect([...moved, io.read(0xd005, 1)]).toEqual([0xff, 5, 0xff]);
  });

  it('map memory under RAM', () => {
    const { card, mem } = attached({ bars: bars() });
    mem.map(0, storage('ram', 'ram', new Uint8Array(0x2000).fill(0x11)));
    card.configWrite(0x04, 2, 0x0002);
    card.configWrite(0x10, 4, 0x0000_1000);
    const hidden = mem.read(0x1000, 1);
    card.configWrite(0x10, 4, 0xfebf_0000);
    mem.write(0xfebf_0000, 1, 0x5a);
    expect([hidden, mem.read(0xfebf_0000, 1)]).toEqual([0x11, 0x5a]);
  });

  it('stay unmapped over ports of another device, at zero and at the end of the space', () => {
    const { card, io } = attached({ bars: bars() });
    io.map(0x60, mmio('keyboard', 1, { read: () => 0x77, write: () => {} }));
    card.configWrite(0x04, 2, 0x0003);
    const addresses = [0x60, 0, 0xffff_fff0, 0x1_0000].map((address) => {
      card.configWrite(0x20, 4, address);
      return card.barAddress(4);
    });
    card.configWrite(0x10, 4, 0xffff_ffff);
    expect([...addresses, card.barAddress(0), io.read(0x60, 1)]).toEqual([undefined, undefined, undefined, undefined, undefined, 0x77]);
  });

  it('claim a place that has become free when they are written again', () => {
    const { card, io } = attached({ bars: bars() });
    const release = io.map(0xc000, mmio('other', 1, { read: () => 0x77, write: () => {} }));
    card.configWrite(0x04, 2, 0x0001);
    card.configWrite(0x20, 4, 0xc000);
    release();
    card.configWrite(0x20, 4, 0xc000);
    expect(io.read(0xc003, 1)).toBe(3);
  });

  it.each([
    [{ index: 6, kind: 'io' as const, region: ports() }, 'no base address register 6'],
    [{ index: 0, kind: 'io' as const, region: mmio('odd', 12, ports()) }, 'a window of 12 bytes is not a power of two from 4'],
    [{ index: 0, kind: 'io' as const, region: storage('ram', 'ram', new Uint8Array(16)) }, 'ports need an mmio region'],
  ])('are refused when they cannot exist', (bar, message) => {
    expect(() => make({ bars: [bar] })).toThrow(message);
  });
});

describe('interrupt', () => {
  it('drives the line and the status bit', () => {
    const card = make();
    card.setInterrupt(true);
    expect([card.intx.high, card.configRead(0x06, 2)]).toEqual([true, 0x0288]);
  });

  it('stays off the wire while the guest disables it', () => {
    const card = make();
    const { levels } = new PinRecorder(card.intx);
    card.setInterrupt(true);
    card.configWrite(0x04, 2, 0x0400);
    card.configWrite(0x04, 2, 0x0000);
    expect(levels).toEqual([true, false, true]);
  });
});

describe('reset', () => {
  it('restores the bytes of a new function, unmaps and lowers', () => {
    const { card, io } = attached({ bars: [{ index: 4, kind: 'io', region: ports() }] });
    card.configWrite(0x20, 4, 0xc001);
    card.configWrite(0x04, 2, 0x0001);
    card.configWrite(0x5f, 1, 0xee);
    card.setInterrupt(true);
    card.reset();
    const fresh = make({ bars: [{ index: 4, kind: 'io', region: ports() }] });
    expect([card.save(), io.read(0xc000, 1), card.intx.high]).toEqual([fresh.save(), 0xff, false]);
  });
});

describe('saved state', () => {
  it('brings windows and interrupt back', () => {
    const options = { bars: [{ index: 4, kind: 'io' as const, region: ports() }] };
    const { card } = attached(options);
    card.configWrite(0x20, 4, 0xc001);
    card.configWrite(0x04, 2, 0x0001);
    card.setInterrupt(true);
    const copy = attached(options);
    copy.card.restore(card.save());
    expect([copy.card.save(), copy.io.read(0xc002, 1), copy.card.intx.high]).toEqual([card.save(), 2, true]);
  });

  it.each([
    ['of another device', { config: make({ deviceId: 0x7000 }).save().config, interrupt: false }],
    ['too short', { config: make().save().config.slice(0, 255), interrupt: false }],
    ['without the interrupt', { config: make().save().config }],
    ['not bytes', { config: 'text', interrupt: false }],
  ])('%s is refused and changes nothing', (_, state) => {
    const card = make();
    const before = card.save();
    expect(() => card.restore(state)).toThrow(SavedStateError);
    expect(card.save()).toEqual(before);
  });
});

it('random configuration writes never throw and keep the identification', () => {
  const { card } = attached({
    bars: [
      { index: 0, kind: 'memory', region: storage('ram', 'frame', new Uint8Array(0x1000)) },
      { index: 4, kind: 'io', region: ports() },
    ],
  });
  const random = new Random(4);
  for (let count = 0; count < 5000; count++) card.configWrite(random.below(256), random.pick([1, 2, 4]), random.next());
  expect([card.configRead(0, 4), card.configRead(0x2c, 4)]).toEqual([0x7113_8086, 0x1100_1af4]);
});
