import { IoSpace, type Mapping, MemorySpace, mmio, storage } from '@hotsocket/address-space';
import { PciBus, PciFunction } from '@hotsocket/pci-bus';
import { SavedStateError, savedState } from '@hotsocket/saved-state';
import { fuzzRegion, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { CONFADD_PORT, CONFDATA_PORT, I440fx, PAM_SEGMENTS } from './index.js';

const MIB = 1024 * 1024;

function board() {
  const [io, mem] = [new IoSpace(), new MemorySpace()];
  const pci = new PciBus({ io, mem });
  const host = new I440fx({ pci }, { ramBytes: 128 * MIB });
  pci.plug(0, 0, host.pci);
  io.map(CONFADD_PORT, host.configAddress);
  io.map(CONFDATA_PORT, host.configData);
  const select = (offset: number, slot = 0) => io.write(0xcf8, 4, 0x8000_0000 + slot * 0x800 + (offset & 0xfc));
  const readByte = (offset: number) => {
    select(offset);
    return io.read(0xcfc + (offset & 3), 1);
  };
  const writeByte = (offset: number, value: number) => {
    select(offset);
    io.write(0xcfc + (offset & 3), 1, value);
  };
  const readDword = (offset: number) => {
    select(offset);
    return io.read(0xcfc, 4);
  };
  return { io, mem, pci, host, select, readByte, readDword, writeByte };
}

function shadowed() {
  const made = board();
  made.mem.map(0, storage('ram', 'ram', new Uint8Array(2 * MIB).fill(0x11)));
  const overlay = (gpa: number, length: number): Mapping =>
    made.mem.map(gpa, storage('rom', `rom@${gpa.toString(16)}`, new Uint8Array(length).fill(0xee)), { priority: 1 });
  for (const [index, { gpa, length }] of PAM_SEGMENTS.entries()) made.host.attachPam(index, [overlay(gpa, length)]);
  made.host.attachSmram([overlay(0xa_0000, 0x2_0000)]);
  return made;
}

describe('configuration mechanism #1', () => {
  it('reads CONFADD back, low bits included', () => {
    const { io } = board();
    io.write(0xcf8, 4, 0xffff_ffff);
    expect(io.read(0xcf8, 4)).toBe(0xffff_ffff);
  });

  it('reads identification in bytes, words and dwords', () => {
    const { io } = board();
    io.write(0xcf8, 4, 0x8000_0000);
    expect([io.read(0xcfc, 4), io.read(0xcfc, 2), io.read(0xcfe, 2), io.read(0xcfd, 2), io.read(0xcff, 1)]).toEqual([
      0x1237_8086, 0x8086, 0x1237, 0x3780, 0x12,
    ]);
  });

  it('adds the low two bits of CONFADD to the port', () => {
    const { io } = board();
    io.write(0xcf8, 4, 0x8000_0002);
    const word = io.read(0xcfc, 2);
    io.write(0xcf8, 4, 0x8000_0003);
    expect([word, io.read(0xcfc, 1), io.read(0xcfd, 1)]).toEqual([0x1237, 0x12, 0x12]);
  });

  it('reads ones past CFFh', () => {
    const { io } = board();
    io.write(0xcf8, 4, 0x8000_0000);
    expect([io.read(0xcff, 2), io.read(0xcfd, 4)]).toEqual([0xff12, 0xff12_3780]);
  });

  it.each([
    ['disabled', 0x0000_0000],
    ['another bus', 0x8001_0000],
    ['an empty slot', 0x8000_1000],
  ])('reads ones and drops writes: %s', (_, confAdd) => {
    const { io } = board();
    io.write(0xcf8, 4, confAdd);
    io.write(0xcfc, 4, 0);
    expect([io.read(0xcfc, 4), io.read(0xcfc, 2), io.read(0xcfc, 1)]).toEqual([0xffff_ffff, 0xffff, 0xff]);
  });

  it('leaves CONFADD alone on narrow writes, as the probe for mechanism #1 wants', () => {
    const { io } = board();
    io.write(0xcf8, 4, 0x8000_0010);
    io.write(0xcfb, 1, 0x01);
    io.write(0xcf8, 2, 0x1234);
    expect(io.read(0xcf8, 4)).toBe(0x8000_0010);
  });

  it('passes narrow accesses to what lies behind', () => {
    const { io, host } = board();
    const written: number[] = [];
    host.attachNarrow(1, mmio('reset', 1, { read: () => 0x02, write: (_offset, _size, value) => written.push(value) }));
    io.write(0xcf9, 1, 0x06);
    io.write(0xcf8, 2, 0xae55);
    io.write(0xcf8, 1, 0x77);
    io.write(0xcf8, 4, 0x8000_ff00);
    expect([io.read(0xcf9, 1), io.read(0xcf8, 1), io.read(0xcf8, 2), ...written]).toEqual([0x02, 0xff, 0x02ff, 0x06, 0xae]);
  });

  it('refuses something behind a port that is not there', () => {
    expect(() => board().host.attachNarrow(4, board().host.configData)).toThrow(RangeError);
  });

  it('reaches other functions of the bus', () => {
    const { io, pci } = board();
    pci.plug(1, 0, new PciFunction({}, { name: 'isa', vendorId: 0x8086, deviceId: 0x7000, classCode: 0x06_0100 }));
    io.write(0xcf8, 4, 0x8000_083c);
    io.write(0xcfc, 1, 0x0b);
    expect([pci.at(1, 0)?.configRead(0x3c, 1), io.read(0xcfc, 1)]).toEqual([0x0b, 0x0b]);
  });
});

describe('configuration space', () => {
  it('holds the values of the datasheet and of a board with 128 MiB', () => {
    const { readByte, readDword } = board();
    const dwords = [0x00, 0x04, 0x08, 0x0c, 0x2c].map(readDword);
    expect(dwords).toEqual([0x1237_8086, 0, 0x0600_0002, 0, 0x1100_1af4]);
    expect([readByte(0x57), readByte(0x59), readByte(0x5f), readByte(0x72)]).toEqual([0x10, 0, 0, 0x02]);
  });

  it('keeps the count of 8 MiB units in one byte', () => {
    const { pci } = board();
    expect(new I440fx({ pci }, { ramBytes: 3072 * MIB }).pci.configRead(0x57, 1)).toBe(255);
  });
});

describe('shadow RAM', () => {
  it.each([
    [0x59, 4, 0xf_0000, 0xf_ffff],
    [0x5a, 0, 0xc_0000, 0xc_3fff],
    [0x5a, 4, 0xc_4000, 0xc_7fff],
    [0x5b, 0, 0xc_8000, 0xc_bfff],
    [0x5b, 4, 0xc_c000, 0xc_ffff],
    [0x5c, 0, 0xd_0000, 0xd_3fff],
    [0x5c, 4, 0xd_4000, 0xd_7fff],
    [0x5d, 0, 0xd_8000, 0xd_bfff],
    [0x5d, 4, 0xd_c000, 0xd_ffff],
    [0x5e, 0, 0xe_0000, 0xe_3fff],
    [0x5e, 4, 0xe_4000, 0xe_7fff],
    [0x5f, 0, 0xe_8000, 0xe_bfff],
    [0x5f, 4, 0xe_c000, 0xe_ffff],
  ])('register %p, bit %p enables exactly its segment for reads', (offset, shift, first, last) => {
    const { mem, writeByte } = shadowed();
    writeByte(offset, 1 << shift);
    const inside = [mem.read(first, 1), mem.read(last, 1)];
    const outside = PAM_SEGMENTS.filter(({ gpa }) => gpa !== first).map(({ gpa }) => mem.read(gpa, 1));
    expect([...inside, ...outside]).toEqual([0x11, 0x11, ...new Array(12).fill(0xee)]);
  });

  it.each([
    [0x00, 0xee, 0x11],
    [0x10, 0x11, 0x11],
    [0x20, 0xee, 0x77],
    [0x30, 0x77, 0x77],
    [0xff, 0x77, 0x77],
  ])('PAM0 = %p: a write of 77h, then reads %p, RAM holds %p', (value, read, ram) => {
    const { mem, writeByte } = shadowed();
    writeByte(0x59, value);
    mem.write(0xf_8000, 1, 0x77);
    const seen = mem.read(0xf_8000, 1);
    writeByte(0x59, 0x10);
    expect([seen, mem.read(0xf_8000, 1)]).toEqual([read, ram]);
  });

  it('opens and locks as firmware does, by dwords', () => {
    const { io, mem, select } = shadowed();
    select(0x58);
    io.write(0xcfc, 4, 0x3333_3000);
    select(0x5c);
    io.write(0xcfc, 4, 0x3333_3333);
    mem.write(0xc_0000, 4, 0x4433_2211);
    io.write(0xcfc, 4, 0x3311_1111);
    select(0x58);
    io.write(0xcfc, 4, 0x1111_1000);
    mem.write(0xc_0000, 4, 0);
    mem.write(0xe_c000, 4, 0x1234_5678);
    expect([mem.read(0xc_0000, 4), mem.read(0xe_c000, 4)]).toEqual([0x4433_2211, 0x1234_5678]);
  });

  it('refuses a segment that is not there', () => {
    expect(() => board().host.attachPam(13, [])).toThrow('i440FX: no PAM segment 13');
  });
});

describe('SMRAM', () => {
  it.each([
    [0x0a, 0xee],
    [0x4a, 0x11],
    [0x42, 0xee],
  ])('control %p shows %p at a0000h', (value, read) => {
    const { mem, writeByte } = shadowed();
    writeByte(0x72, value);
    expect([mem.read(0xa_0000, 1), mem.read(0xb_ffff, 1)]).toEqual([read, read]);
  });

  it('closes and stays closed once locked, until reset', () => {
    const { host, mem, readByte, writeByte } = shadowed();
    writeByte(0x72, 0x5a);
    const locked = readByte(0x72);
    writeByte(0x72, 0x4a);
    const still = [readByte(0x72), mem.read(0xa_0000, 1)];
    host.reset();
    writeByte(0x72, 0x4a);
    expect([locked, ...still, readByte(0x72), mem.read(0xa_0000, 1)]).toEqual([0x1a, 0x1a, 0xee, 0x4a, 0x11]);
  });
});

describe('reset and saved state', () => {
  const disturb = (host: I440fx) => {
    host.configAddress.write(0, 4, 0x8000_0058);
    host.pci.configWrite(0x58, 4, 0x3333_3000);
    host.pci.configWrite(0x72, 1, 0x1a);
  };
  const make = () => board().host;

  it('reset brings back the initial state and the ROM', () => {
    const { host, mem } = shadowed();
    disturb(host);
    host.reset();
    expect(mem.read(0xf_0000, 1)).toBe(0xee);
    resetReachesInitialState(make, disturb);
  });

  it('save and restore lose nothing', () => {
    saveRestoreIsIdentity(make, disturb);
  });

  it('restore steers the windows and the lock', () => {
    const { host } = board();
    disturb(host);
    const copy = shadowed();
    copy.host.restore(host.save());
    copy.writeByte(0x72, 0x4a);
    expect([copy.mem.read(0xf_0000, 1), copy.mem.read(0xa_0000, 1)]).toEqual([0x11, 0xee]);
  });

  it.each([
    ['of another kind', savedState('PIIX3', 1, {})],
    ['of another version', savedState('i440FX', 2, {})],
    ['with an address of 33 bits', savedState('i440FX', 1, { ...make().save().data, confAdd: 2 ** 32 })],
    ['without configuration space', savedState('i440FX', 1, { confAdd: 0 })],
  ])('a state %s is refused and changes nothing', (_, saved) => {
    const host = make();
    const before = host.save();
    expect(() => host.restore(saved)).toThrow(SavedStateError);
    expect(host.save()).toEqual(before);
  });
});

it('random accesses to both ports never throw', () => {
  const { host } = shadowed();
  fuzzRegion(host.configAddress, 1, 2000);
  host.configAddress.write(0, 4, 0x8000_0058);
  fuzzRegion(host.configData, 2, 5000);
  expect(host.pci.configRead(0, 4)).toBe(0x1237_8086);
});
