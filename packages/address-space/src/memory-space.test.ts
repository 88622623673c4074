import fc from 'fast-check';
import { type AccessSize, MapConflictError, type MemoryListener, MemorySpace, mmio, type Storage, storage } from './index.js';

const PAGE = 0x1000;
const filled = (kind: 'ram' | 'rom', length: number, value: number): Storage =>
  storage(kind, `${kind} ${value}`, new Uint8Array(length).fill(value));
const ram = (pages: number, value: number): Storage => filled('ram', pages * PAGE, value);
const rom = (pages: number, value: number): Storage => filled('rom', pages * PAGE, value);

/** Registers that answer with their offset and remember accesses. */
function registers(length = PAGE): { region: ReturnType<typeof mmio>; seen: string[] } {
  const seen: string[] = [];
  const region = mmio('registers', length, {
    read: (offset, size) => {
      seen.push(`r${size}@${offset.toString(16)}`);
      return offset;
    },
    write: (offset, size, value) => seen.push(`w${size}@${offset.toString(16)}=${value.toString(16)}`),
  });
  return { region, seen };
}

function listening(mem: MemorySpace): string[] {
  const heard: string[] = [];
  const listener: MemoryListener = {
    mapChanged: (start, end) => heard.push(`map ${start.toString(16)}-${end.toString(16)}`),
    dmaWritten: (gpa, length) => heard.push(`dma ${gpa.toString(16)}+${length}`),
  };
  mem.listen(listener);
  return heard;
}

describe('MemorySpace', () => {
  it('reads and writes RAM little-endian in all widths', () => {
    const mem = new MemorySpace();
    mem.map(0x10_0000, ram(1, 0));
    mem.write(0x10_0000, 4, 0x8877_6655);
    mem.write(0x10_0004, 2, 0x1_2233);
    mem.write(0x10_0006, 1, 0x1ff);
    expect([mem.read(0x10_0000, 4), mem.read(0x10_0001, 2), mem.read(0x10_0003, 4), mem.read(0x10_0006, 1)]).toEqual([
      0x8877_6655, 0x7766, 0xff22_3388, 0xff,
    ]);
  });

  it('drops writes to ROM', () => {
    const mem = new MemorySpace();
    mem.map(0, rom(1, 0xaa));
    mem.write(0, 4, 0);
    mem.writeBytes(0, new Uint8Array(8));
    expect(mem.read(4, 4)).toBe(0xaaaa_aaaa);
  });

  it('answers ones and drops writes where nothing is', () => {
    const mem = new MemorySpace();
    mem.write(0x1234, 4, 5);
    expect([mem.read(0x1234, 1), mem.read(0x1234, 2), mem.read(0x1234, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
  });

  it('takes addresses beyond the space', () => {
    const mem = new MemorySpace();
    const bytes = new Uint8Array(4);
    for (const gpa of [2 ** 52 - 2, 2 ** 52, 2 ** 53 - 1]) {
      mem.write(gpa, 4, 0);
      mem.readBytes(gpa, bytes);
      mem.writeBytes(gpa, bytes);
      expect([mem.read(gpa, 4), [...bytes]]).toEqual([0xffff_ffff, [255, 255, 255, 255]]);
    }
  });

  it('passes accesses to registers on with offset and width', () => {
    const { region, seen } = registers();
    const mem = new MemorySpace();
    mem.map(0xfec0_0000, region);
    expect(mem.read(0xfec0_0010, 4)).toBe(0x10);
    mem.write(0xfec0_0000, 4, 0xffff_ffff);
    expect(seen).toEqual(['r4@10', 'w4@0=ffffffff']);
  });

  it('shows a part of a region when told so', () => {
    const mem = new MemorySpace();
    const region = storage(
      'ram',
      'ram',
      Uint8Array.from({ length: 16 }, (_, at) => at),
    );
    mem.map(0x100, region, { offset: 4, length: 4 });
    expect([mem.read(0xff, 1), mem.read(0x100, 4), mem.read(0x104, 1)]).toEqual([0xff, 0x0706_0504, 0xff]);
  });

  it.each([
    ['longer than its region', 0, { length: PAGE + 1 }],
    ['past the end of its region', 0, { offset: 1, length: PAGE }],
    ['of no length', 0, { length: 0 }],
    ['at a negative address', -1, {}],
    ['past the end of the space', 2 ** 52 - 1, {}],
    ['at a fraction', 0.5, {}],
  ])('refuses a window %s', (_name, gpa, options) => {
    expect(() => new MemorySpace().map(gpa, ram(1, 0), options)).toThrow(RangeError);
  });

  it('serves the highest priority where windows overlap', () => {
    const mem = new MemorySpace();
    mem.map(0, ram(4, 0x11));
    mem.map(PAGE, rom(1, 0x22), { priority: 1 });
    mem.map(PAGE, ram(2, 0x33), { priority: -1 });
    expect([0, 1, 2, 3].map((page) => mem.read(page * PAGE, 1))).toEqual([0x11, 0x22, 0x11, 0x11]);
  });

  it('refuses overlaps of one priority, naming both', () => {
    const mem = new MemorySpace();
    mem.map(0, ram(2, 1));
    expect(() => mem.map(PAGE, ram(2, 2))).toThrow(new MapConflictError("memory 0x1000: both 'ram 1' and 'ram 2'"));
    expect(mem.mappings()).toHaveLength(1);
  });

  it('splits accesses that straddle windows', () => {
    const mem = new MemorySpace();
    mem.map(0, ram(1, 0x11));
    mem.map(PAGE, ram(1, 0x22));
    mem.write(PAGE - 2, 4, 0x4433_2211);
    expect([mem.read(PAGE - 4, 4), mem.read(PAGE - 1, 4), mem.read(2 * PAGE - 1, 2)]).toEqual([0x2211_1111, 0x2244_3322, 0xff22]);
  });

  it('lets reads or writes through, as shadow RAM does', () => {
    const mem = new MemorySpace();
    const [flash, shadow] = [rom(1, 0xf0), ram(1, 0)];
    mem.map(0xf_0000, flash);
    const pam = mem.map(0xf_0000, shadow, { priority: 1, access: { read: false, write: true } });
    mem.write(0xf_0000, 1, 0x5a);
    expect([mem.read(0xf_0000, 1), shadow.bytes[0]]).toEqual([0xf0, 0x5a]);
    pam.setAccess({ read: true, write: false });
    mem.write(0xf_0000, 1, 0x77);
    expect([mem.read(0xf_0000, 1), shadow.bytes[0]]).toEqual([0x5a, 0x5a]);
    pam.setAccess({ read: false, write: false });
    expect(mem.read(0xf_0000, 1)).toBe(0xf0);
  });

  it('moves and removes windows', () => {
    const mem = new MemorySpace();
    const window = mem.map(0, ram(1, 0x11));
    window.move(2 * PAGE);
    expect([mem.read(0, 1), mem.read(2 * PAGE, 1), window.gpa]).toEqual([0xff, 0x11, 2 * PAGE]);
    window.remove();
    window.remove();
    expect([mem.read(2 * PAGE, 1), mem.mappings()]).toEqual([0xff, []]);
  });

  it('lets the window that was mapped first win when a guest moves another onto it', () => {
    const mem = new MemorySpace();
    mem.map(2 * PAGE, ram(1, 0x11));
    mem.map(0, ram(2, 0x22)).move(PAGE);
    expect([mem.read(PAGE, 1), mem.read(2 * PAGE, 1)]).toEqual([0x22, 0x11]);
  });

  it('lists windows by priority, then by address', () => {
    const mem = new MemorySpace();
    mem.map(2 * PAGE, ram(1, 3));
    mem.map(0, ram(1, 2));
    mem.map(PAGE, rom(1, 1), { priority: 1 });
    expect(mem.mappings().map(({ region }) => region.name)).toEqual(['rom 1', 'ram 2', 'ram 3']);
  });
});

describe('MemorySpace pages', () => {
  it('tells what backs a page for reads and for writes', () => {
    const mem = new MemorySpace();
    const [low, flash, { region }] = [ram(4, 0), rom(1, 0), registers(0x10)];
    mem.map(0, low);
    mem.map(PAGE, flash, { priority: 1, access: { read: true, write: false } });
    mem.map(2 * PAGE + 0x100, region, { priority: 1 });
    expect([0, 1, 2, 4].map((page) => mem.pageForRead(page * PAGE))).toEqual([
      { kind: 'storage', region: low, offset: 0 },
      { kind: 'storage', region: flash, offset: 0 },
      { kind: 'mmio' },
      { kind: 'none' },
    ]);
    expect(mem.pageForWrite(PAGE)).toEqual({ kind: 'storage', region: low, offset: PAGE });
  });

  it('counts a page that a window covers in part as registers', () => {
    const mem = new MemorySpace();
    mem.map(0, storage('ram', 'odd', new Uint8Array(PAGE + 16)));
    expect([mem.pageForRead(0).kind, mem.pageForRead(PAGE).kind]).toEqual(['storage', 'mmio']);
  });

  it('gives the place of the page inside its region', () => {
    const mem = new MemorySpace();
    const region = ram(8, 0);
    mem.map(0x10_0000, region, { offset: 4 * PAGE });
    expect(mem.pageForWrite(0x10_1000)).toEqual({ kind: 'storage', region, offset: 5 * PAGE });
  });
});

describe('MemorySpace DMA', () => {
  it('copies through RAM, registers, holes and ROM', () => {
    const mem = new MemorySpace();
    const { region, seen } = registers(2);
    mem.map(0, storage('ram', 'ram', new Uint8Array(4)));
    mem.map(4, region);
    mem.map(8, storage('rom', 'rom', new Uint8Array([0xaa, 0xbb])));
    mem.writeBytes(2, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const read = new Uint8Array(10);
    mem.readBytes(0, read);
    expect([...read]).toEqual([0, 0, 1, 2, 0, 1, 0xff, 0xff, 0xaa, 0xbb]);
    expect(seen).toEqual(['w1@0=3', 'w1@1=4', 'r1@0', 'r1@1']);
  });

  it('tells listeners which RAM changed, and of no other write', () => {
    const mem = new MemorySpace();
    mem.map(0, ram(1, 0));
    mem.map(PAGE, rom(1, 0));
    const heard = listening(mem);
    mem.writeBytes(PAGE - 2, Uint8Array.of(1, 2, 3));
    mem.write(8, 4, 9);
    mem.write(PAGE, 4, 9);
    expect(heard).toEqual(['dma ffe+2', 'dma 8+4']);
  });
});

describe('MemorySpace listeners', () => {
  it('hear every change of the map with its addresses, and nothing when nothing changes', () => {
    const mem = new MemorySpace();
    const heard = listening(mem);
    const window = mem.map(PAGE, ram(1, 0));
    window.setAccess({ read: true, write: false });
    window.setAccess({ read: true, write: false });
    window.move(PAGE);
    window.move(4 * PAGE);
    window.remove();
    expect(heard).toEqual(['map 1000-2000', 'map 1000-2000', 'map 1000-2000', 'map 4000-5000', 'map 4000-5000']);
  });

  it('see the new map while they are told, in the order they came', () => {
    const mem = new MemorySpace();
    const seen: string[] = [];
    for (const name of ['first', 'second'])
      mem.listen({ mapChanged: (start) => seen.push(`${name} ${mem.pageForRead(start).kind}`), dmaWritten: () => {} });
    mem.map(0, ram(1, 0)).remove();
    expect(seen).toEqual(['first storage', 'second storage', 'first none', 'second none']);
  });
});

describe('MemorySpace against a model', () => {
  interface Placed {
    readonly gpa: number;
    readonly length: number;
    readonly priority: number;
    readonly read: boolean;
    readonly write: boolean;
  }
  const placed: fc.Arbitrary<Placed> = fc.record({
    gpa: fc.nat(24),
    length: fc.integer({ min: 1, max: 12 }),
    priority: fc.nat(1000),
    read: fc.boolean(),
    write: fc.boolean(),
  });
  const windows = fc.uniqueArray(placed, { maxLength: 6, selector: ({ priority }) => priority });
  const owner = (list: readonly Placed[], access: 'read' | 'write', gpa: number): Placed | undefined =>
    list.filter((each) => each[access] && gpa >= each.gpa && gpa < each.gpa + each.length).sort((a, b) => b.priority - a.priority)[0];

  it('every byte of every access is served by the highest window that takes it', () => {
    fc.assert(
      fc.property(windows, fc.nat(40), fc.constantFrom<AccessSize>(1, 2, 4), (list, gpa, size) => {
        const mem = new MemorySpace();
        const stores = new Map(list.map((each) => [each, storage('ram', 'ram', new Uint8Array(each.length).fill(each.priority & 0x7f))]));
        for (const [each, region] of stores) mem.map(each.gpa, region, { priority: each.priority, access: each });
        const bytes = Array.from({ length: size }, (_, at) => owner(list, 'read', gpa + at));
        expect(mem.read(gpa, size)).toBe(bytes.reduceRight((sum, each) => sum * 256 + (each ? each.priority & 0x7f : 0xff), 0));
        mem.write(gpa, size, 0xd4c3_b2a1);
        for (let at = 0; at < size; at++) {
          const target = owner(list, 'write', gpa + at);
          if (target) expect(stores.get(target)?.bytes[gpa + at - target.gpa]).toBe([0xa1, 0xb2, 0xc3, 0xd4][at]);
        }
      }),
    );
  });
});
