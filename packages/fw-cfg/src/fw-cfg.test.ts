import { IoSpace, MemorySpace, mmio, storage } from '@hotsocket/address-space';
import { SavedStateError, savedState } from '@hotsocket/saved-state';
import { fuzzRegion, resetReachesInitialState, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { Trace } from '@hotsocket/trace';
import { Container } from 'inversify';
import { FW_CFG_DMA_PORT, FW_CFG_PORT, FwCfg, FwCfgError, FwCfgKey, type FwCfgOptions, le16, le32, le64 } from './index.js';
import { fwCfgModule } from './module.js';

const RAM = 0x1_0000;
const hex = (bytes: Uint8Array | readonly number[]) => Buffer.from(bytes).toString('hex');

function board(options: FwCfgOptions = {}) {
  const [io, mem] = [new IoSpace(), new MemorySpace()];
  const ram = new Uint8Array(RAM).fill(0xaa);
  mem.map(0, storage('ram', 'ram', ram));
  mem.map(0xffff_0000, storage('rom', 'rom', new Uint8Array(RAM).fill(0x90)));
  const fwCfg = new FwCfg({ mem }, options);
  io.map(0x510, fwCfg.io);
  io.map(0x514, fwCfg.dmaIo);
  const read = (key: number, length: number) => {
    io.write(0x510, 2, key);
    return hex(Array.from({ length }, () => io.read(0x511, 1)));
  };
  return { io, mem, ram, fwCfg, read };
}

/** Puts a descriptor at 1000h, starts it and answers the control word it leaves. */
function dma({ io, mem }: ReturnType<typeof board>, control: number, length: number, address: number, at = 0x1000): number {
  const bytes = new DataView(new ArrayBuffer(16));
  for (const [offset, value] of [control, length, Math.floor(address / 2 ** 32), address % 2 ** 32].entries())
    bytes.setUint32(4 * offset, value);
  mem.writeBytes(at, new Uint8Array(bytes.buffer));
  const register = new DataView(new ArrayBuffer(4));
  register.setUint32(0, at);
  io.write(0x514, 4, 0);
  io.write(0x518, 4, register.getUint32(0, true));
  const left = new Uint8Array(4);
  mem.readBytes(at, left);
  return new DataView(left.buffer).getUint32(0);
}

it('ports and keys are those of the specification', () => {
  expect([FW_CFG_PORT, FW_CFG_DMA_PORT]).toEqual([0x510, 0x514]);
  expect(FwCfgKey).toEqual({
    ...{ SIGNATURE: 0x00, ID: 0x01, UUID: 0x02, RAM_SIZE: 0x03, NOGRAPHIC: 0x04, NB_CPUS: 0x05, KERNEL_ADDR: 0x07, KERNEL_SIZE: 0x08 },
    ...{ INITRD_ADDR: 0x0a, INITRD_SIZE: 0x0b, BOOT_DEVICE: 0x0c, NUMA: 0x0d, BOOT_MENU: 0x0e, MAX_CPUS: 0x0f, KERNEL_ENTRY: 0x10 },
    ...{ KERNEL_DATA: 0x11, INITRD_DATA: 0x12, CMDLINE_ADDR: 0x13, CMDLINE_SIZE: 0x14, CMDLINE_DATA: 0x15, SETUP_ADDR: 0x16 },
    ...{ SETUP_SIZE: 0x17, SETUP_DATA: 0x18, FILE_DIR: 0x19 },
    ...{ ACPI_TABLES: 0x8000, SMBIOS_ENTRIES: 0x8001, IRQ0_OVERRIDE: 0x8002, E820_TABLE: 0x8003, HPET: 0x8004 },
  });
});

describe('ports', () => {
  it('read the signature byte by byte, then zeros', () => {
    expect(board().read(0x0000, 6)).toBe('51454d550000');
  });

  it('say in the id whether DMA is there', () => {
    expect([board().read(0x0001, 4), board({ dma: false }).read(0x0001, 4)]).toEqual(['03000000', '01000000']);
  });

  it('start over when a key is selected', () => {
    const { read } = board();
    expect([read(0, 2), read(0, 2)]).toEqual(['5145', '5145']);
  });

  it('take a byte at 510h too, and none by words', () => {
    const { io } = board();
    io.write(0x510, 2, 0);
    expect([io.read(0x510, 1), io.read(0x510, 2), io.read(0x511, 1)]).toEqual([0x51, 0, 0x45]);
  });

  it('ignore writes that are not a word at 510h', () => {
    const { io } = board();
    io.write(0x510, 2, 0);
    io.write(0x510, 1, 1);
    io.write(0x511, 1, 1);
    expect(io.read(0x511, 1)).toBe(0x51);
  });

  it.each([0x3fff, 0x00ff, 0x8020, 0xbfff, 0x0020])('read zeros for the unknown key %p', (key) => {
    expect(board().read(key, 4)).toBe('00000000');
  });

  it('ignore bit 14 of the key', () => {
    const { fwCfg, read } = board();
    fwCfg.setItem(0x8002, le32(1));
    expect([read(0x4000, 4), read(0xc002, 4)]).toEqual(['51454d55', '01000000']);
  });
});

describe('items', () => {
  it('are little-endian numbers and bytes', () => {
    const { fwCfg, read } = board();
    fwCfg.setItem(FwCfgKey.NB_CPUS, le16(0x0203));
    fwCfg.setItem(FwCfgKey.KERNEL_ADDR, le32(0x10_0000));
    fwCfg.setItem(FwCfgKey.RAM_SIZE, le64(0x8000_0000_0000));
    expect([read(5, 2), read(7, 4), read(3, 8)]).toEqual(['0302', '00001000', '0000000000800000']);
  });

  it('that are computed are computed when selected', () => {
    const { fwCfg, read } = board();
    let present = 1;
    fwCfg.setItem(FwCfgKey.NB_CPUS, () => le16(present));
    const before = read(5, 2);
    present = 2;
    expect([before, read(5, 2)]).toEqual(['0100', '0200']);
  });

  it('that are replaced while a guest reads go on with the new bytes', () => {
    const { io, fwCfg } = board();
    fwCfg.setItem(FwCfgKey.NB_CPUS, le16(0x1111));
    io.write(0x510, 2, 5);
    io.read(0x511, 1);
    fwCfg.setItem(FwCfgKey.NB_CPUS, le16(0x2222));
    expect(io.read(0x511, 1)).toBe(0x22);
  });

  it.each([0x20, 0x7fff, 0x8020, 0x1_0000, -1, 1.5])('with key %p are refused', (key) => {
    expect(() => board().fwCfg.setItem(key, le16(0))).toThrow(FwCfgError);
  });
});

describe('files', () => {
  it('are listed by name, big-endian, and read by the keys listed', () => {
    const { fwCfg, read } = board();
    fwCfg.addFile('etc/b', Uint8Array.of(1, 2, 3));
    fwCfg.addFile('bootorder', Uint8Array.of(9));
    fwCfg.addFile('etc/a', () => Uint8Array.of(7, 8));
    const entry = (size: string, key: string, name: string) => `000000${size}00${key}0000${hex(Buffer.from(name.padEnd(56, '\0')))}`;
    const listed = `00000003${entry('01', '20', 'bootorder')}${entry('02', '21', 'etc/a')}${entry('03', '22', 'etc/b')}`;
    expect([read(0x19, 196), read(0x20, 2), read(0x21, 2), read(0x22, 3)]).toEqual([listed, '0900', '0708', '010203']);
    expect([fwCfg.fileKey('etc/b'), fwCfg.fileKey('etc/c')]).toEqual([0x22, undefined]);
  });

  it('of the same name replace each other', () => {
    const { fwCfg, read } = board();
    fwCfg.addFile('etc/a', Uint8Array.of(1));
    fwCfg.addFile('etc/a', Uint8Array.of(2, 3));
    expect([read(0x19, 4), read(0x20, 2)]).toEqual(['00000001', '0203']);
  });

  it.each([[''], ['x'.repeat(56)], ['naïve'], ['a\0b']])('named %p are refused', (name) => {
    expect(() => board().fwCfg.addFile(name, le16(0))).toThrow('is not a name of 1 to 55 ASCII characters');
  });

  it('are refused when all slots are taken', () => {
    const { fwCfg } = board({ fileSlots: 1 });
    fwCfg.addFile('one', le16(0));
    expect(() => fwCfg.addFile('two', le16(0))).toThrow("fw_cfg: no slot for 'two', all 1 are taken");
  });
});

describe('DMA', () => {
  it('is announced by its address register', () => {
    const { io } = board();
    expect([io.read(0x514, 4), io.read(0x518, 4), io.read(0x516, 2), io.read(0x51b, 1)]).toEqual([0x554d_4551, 0x4746_4320, 0x554d, 0x47]);
  });

  it('absent, reads ones and does nothing', () => {
    const made = board({ dma: false });
    const left = dma(made, 0x0a, 4, 0x2000);
    expect([made.io.read(0x514, 4), made.io.read(0x51a, 2), left, made.ram[0x2000]]).toEqual([0xffff_ffff, 0xffff, 0x0a, 0xaa]);
  });

  // Control words and results as recorded on QEMU 7.2; data at 2000h, which held aa.
  it.each([
    ['selects and reads', 0x0000_000a, 4, 0x2000, 0, '51454d55aaaa'],
    ['fills zeros past the end', 0x0000_000a, 5, 0x2000, 0, '51454d5500aa'],
    ['fills zeros for an unknown key', 0x3fff_000a, 4, 0x2000, 0, '00000000aaaa'],
    ['reads nothing', 0x0000_000a, 0, 0x2000, 0, 'aaaaaaaaaaaa'],
    ['prefers reading to writing and skipping', 0x0000_001e, 2, 0x2000, 0, '5145aaaaaaaa'],
    ['takes no notice of an error bit', 0x0000_000b, 2, 0x2000, 0, '5145aaaaaaaa'],
    ['does nothing without a command', 0x0000_0000, 2, 0x2000, 0, 'aaaaaaaaaaaa'],
    ['refuses to write an item that is read-only', 0x0000_0018, 2, 0x2000, 1, 'aaaaaaaaaaaa'],
    ['refuses to read into a hole', 0x0000_000a, 4, 0xfe00_0000, 1, 'aaaaaaaaaaaa'],
    ['refuses to read into ROM', 0x0000_000a, 4, 0xffff_f000, 1, 'aaaaaaaaaaaa'],
    ['refuses an address beyond 52 bits', 0x0000_000a, 4, 2 ** 63, 1, 'aaaaaaaaaaaa'],
  ])('%s', (_, control, length, address, left, data) => {
    const made = board();
    expect([dma(made, control, length, address), hex(made.ram.subarray(0x2000, 0x2006))]).toEqual([left, data]);
  });

  it('skips, then reads on', () => {
    const made = board();
    dma(made, 0x0000_000c, 2, 0);
    const left = dma(made, 0x0000_0002, 2, 0x2000);
    expect([left, hex(made.ram.subarray(0x2000, 0x2003))]).toEqual([0, '4d55aa']);
  });

  it('selects for the data port', () => {
    const made = board();
    dma(made, 0x0001_0008, 0, 0);
    expect(made.io.read(0x511, 1)).toBe(3);
  });

  it('crosses pages', () => {
    const made = board();
    made.fwCfg.setItem(
      FwCfgKey.KERNEL_DATA,
      Uint8Array.from({ length: 0x3000 }, (_, at) => at >> 8),
    );
    dma(made, 0x0011_000a, 0x3000, 0x4800);
    expect([made.ram[0x47ff], made.ram[0x4800], made.ram[0x5800], made.ram[0x77ff], made.ram[0x7800]]).toEqual([0xaa, 0, 0x10, 0x2f, 0xaa]);
  });

  it('of 4 GiB ends with an error where RAM ends', () => {
    const made = board();
    expect([dma(made, 0x0a, 0xffff_ffff, 0x8000), made.ram[0x8000], made.ram[0xffff]]).toEqual([1, 0x51, 0]);
  });

  it('forgets the upper half of the address after a transfer', () => {
    const made = board();
    made.io.write(0x514, 4, 0x0100_0000);
    made.io.write(0x518, 4, 0x0010_0000);
    dma(made, 0x0a, 4, 0x2000);
    expect(hex(made.ram.subarray(0x2000, 0x2004))).toBe('51454d55');
  });

  it('starts only by dwords at both halves', () => {
    const made = board();
    made.mem.writeBytes(0x1000, Uint8Array.of(0, 0, 0, 0x0a, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0x20, 0));
    for (const [offset, byte] of [0, 0, 0x10, 0].entries()) made.io.write(0x518 + offset, 1, byte);
    made.io.write(0x518, 2, 0);
    made.io.write(0x51a, 2, 0x0010);
    made.io.write(0x517, 4, 0x0010_0000);
    expect(made.ram[0x2000]).toBe(0xaa);
  });

  it('with a descriptor in a hole does nothing', () => {
    const made = board();
    expect(() => dma(made, 0x0a, 4, 0x2000, 0xfe00_0000)).not.toThrow();
    expect(made.ram[0x2000]).toBe(0xaa);
  });

  it('cannot reach its own registers', () => {
    const made = board();
    made.fwCfg.setItem(FwCfgKey.KERNEL_DATA, Uint8Array.of(0, 0, 0x10, 0, 0, 0, 0x10, 0));
    made.mem.map(0xfe00_0000, made.fwCfg.dmaIo);
    expect(dma(made, 0x0011_000a, 8, 0xfe00_0000)).toBe(1);
  });

  it('cannot be started by what a transfer sets off', () => {
    const made = board();
    let nested = 0;
    const start = mmio('start', 4, { read: () => 0, write: () => {} });
    made.mem.map(0xfd00_0000, start);
    made.fwCfg.addFile('etc/w', new Uint8Array(2), {
      written: () => {
        nested++;
        made.io.write(0x518, 4, 0x0010_0000);
      },
    });
    made.mem.writeBytes(0x2000, Uint8Array.of(1, 2));
    expect([dma(made, 0x0020_0018, 2, 0x2000), nested]).toEqual([0, 1]);
  });
});

describe('items a guest may write', () => {
  const requested = (seen: string[]) => {
    const made = board();
    made.fwCfg.addFile('etc/requested', new Uint8Array(4), { written: (bytes) => seen.push(hex(bytes)) });
    made.mem.writeBytes(0x2000, Uint8Array.of(1, 2, 3, 4, 5));
    return made;
  };

  it('take the bytes and tell', () => {
    const seen: string[] = [];
    const made = requested(seen);
    dma(made, 0x0020_000c, 1, 0);
    const left = dma(made, 0x0000_0010, 2, 0x2000);
    expect([left, seen, made.read(0x20, 4)]).toEqual([0, ['00010200'], '00010200']);
  });

  it('answer an error to more than they hold, and keep what fits', () => {
    const seen: string[] = [];
    const made = requested(seen);
    expect([dma(made, 0x0020_0018, 5, 0x2000), seen]).toEqual([1, ['01020304']]);
  });

  it('answer an error when memory is not there', () => {
    const seen: string[] = [];
    expect([dma(requested(seen), 0x0020_0018, 4, 0xfe00_0000), seen]).toEqual([1, []]);
  });

  it('do not change the bytes they were made from', () => {
    const made = board();
    const source = new Uint8Array(2);
    made.fwCfg.addFile('etc/w', source, { written: () => {} });
    dma(made, 0x0020_0018, 2, 0x2000);
    expect([...source]).toEqual([0, 0]);
  });

  it('cannot be computed', () => {
    expect(() => board().fwCfg.addFile('etc/w', () => le16(0), { written: () => {} })).toThrow(FwCfgError);
  });
});

describe('reset and saved state', () => {
  const made = () => {
    const { fwCfg, mem } = board();
    fwCfg.addFile('etc/w', new Uint8Array(2), { written: () => {} });
    mem.writeBytes(0x1000, Uint8Array.of(0, 0x20, 0, 0x18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0x20, 0));
    return fwCfg;
  };
  const disturb = (fwCfg: FwCfg) => {
    fwCfg.dmaIo.write(4, 4, 0x0010_0000);
    fwCfg.io.write(0, 2, 1);
    fwCfg.io.read(1, 1);
    fwCfg.dmaIo.write(0, 4, 0x0100_0000);
  };

  it('reset selects key 0; what was written stays', () => {
    resetReachesInitialState(made, disturb, ['written']);
  });

  it('save and restore lose nothing', () => {
    saveRestoreIsIdentity(made, disturb);
  });

  it('a restored guest reads on at the same byte', () => {
    const original = made();
    disturb(original);
    const copy = made();
    copy.io.write(0, 2, 0x20);
    copy.restore(original.save());
    copy.io.write(0, 2, 0x20);
    expect([copy.io.read(1, 1), original.save().data.written]).toEqual([0xaa, { 'etc/w': Uint8Array.of(0xaa, 0xaa) }]);
  });

  it.each([
    ['of another kind', savedState('rtc', 1, {})],
    ['with a key of 17 bits', savedState('fw_cfg', 1, { ...made().save().data, key: 0x1_0000 })],
    ['with another file', savedState('fw_cfg', 1, { ...made().save().data, written: { 'etc/x': new Uint8Array(2) } })],
    ['with a longer file', savedState('fw_cfg', 1, { ...made().save().data, written: { 'etc/w': new Uint8Array(3) } })],
  ])('a state %s is refused and changes nothing', (_, saved) => {
    const fwCfg = made();
    expect(() => fwCfg.restore(saved)).toThrow(SavedStateError);
    expect(fwCfg.save()).toEqual(made().save());
  });

  it('an offset beyond the item reads zeros', () => {
    const fwCfg = made();
    fwCfg.restore(savedState('fw_cfg', 1, { ...fwCfg.save().data, offset: 0xffff_ffff }));
    expect(fwCfg.io.read(1, 1)).toBe(0);
  });
});

it('random accesses never throw', () => {
  const made = board();
  made.mem.writeBytes(
    0,
    Uint8Array.from({ length: RAM }, (_, at) => (at * 7) & 0xff),
  );
  fuzzRegion(made.fwCfg.io, 1, 3000);
  fuzzRegion(made.fwCfg.dmaIo, 2, 3000);
  expect(made.read(0, 4)).toBe('51454d55');
});

it('a long item is read in one pass by bytes', () => {
  const made = board();
  made.fwCfg.setItem(FwCfgKey.INITRD_DATA, new Uint8Array(100_000).fill(1));
  made.io.write(0x510, 2, FwCfgKey.INITRD_DATA);
  let sum = 0;
  for (let at = 0; at < 100_001; at++) sum += made.io.read(0x511, 1);
  expect(sum).toBe(100_000);
});

it('the module makes one device with its options', () => {
  const container = new Container();
  container.bind(MemorySpace).toConstantValue(new MemorySpace());
  container.bind(Trace).toConstantValue(new Trace());
  container.load(fwCfgModule({ dma: false }));
  const fwCfg = container.get(FwCfg);
  expect([fwCfg.properties.dma_enabled?.get(), container.get(FwCfg) === fwCfg]).toEqual([false, true]);
});
