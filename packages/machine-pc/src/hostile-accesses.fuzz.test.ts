import type { AccessSize } from '@hotsocket/address-space';
import { APIC_SPACE_BASE, IO_APIC_BASE } from '@hotsocket/icc-bus';
import { Random } from '@hotsocket/testbench';
import { Pc } from './pc.js';

/** How many accesses; the full run is `HOTSOCKET_FUZZ=10000000`. */
const ACCESSES = Number(process.env.HOTSOCKET_FUZZ ?? 1_000_000);
const SIZES: readonly AccessSize[] = [1, 2, 4];
const RAM_BYTES = 4 << 20;

const makePc = (): Pc => {
  const firmware = new Uint8Array(0x1_0000).fill(0xf4);
  const pc = new Pc({ cpus: 2, maxCpus: 8, topology: { cores: 3, threads: 1 }, ramBytes: RAM_BYTES, firmware });
  pc.noShutdown = true;
  return pc;
};

/** Every first port of a device and what follows it, and the ports around its ends. */
function portsOf(pc: Pc): number[] {
  const spans = pc.board.io.mappings().map(({ start, region }) => [start - 3, start + region.length + 1] as const);
  return spans.flatMap(([from, to]) => Array.from({ length: to - from }, (_, at) => (from + at) & 0xffff));
}

/** Windows of registers, edges of RAM and ROM, and nothing. */
const PLACES = [
  [APIC_SPACE_BASE, 0x1000],
  [APIC_SPACE_BASE + 0xffe, 0x20],
  [APIC_SPACE_BASE + 0x10_0000 - 8, 16],
  [IO_APIC_BASE, 0x100],
  [IO_APIC_BASE + 0xff8, 16],
  [0, RAM_BYTES],
  [RAM_BYTES - 8, 16],
  [0x9_fff8, 16],
  [0xb_fff8, 0x4_0010],
  [0xffff_0000 - 8, 0x1_0010],
  [2 ** 32 - 8, 16],
  [2 ** 52 - 8, 16],
] as const;

/** One machine that a seeded guest of pure malice accesses. */
class Malice {
  readonly pc = makePc();
  readonly #random: Random;
  readonly #ports = portsOf(this.pc);
  /** A checksum of everything that was read. */
  sum = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  access(): void {
    const what = this.#random.below(64);
    if (what < 36) this.#port();
    else if (what < 62) this.#memory();
    else if (what === 62) this.#passTime();
    else this.#machine();
  }

  #port(): void {
    const random = this.#random;
    const port = random.below(8) === 0 ? random.below(0x1_0000) : random.pick(this.#ports);
    this.#do(this.pc.board.io, port, random.pick(SIZES));
  }

  #memory(): void {
    const [start, length] = this.#random.pick(PLACES);
    const { cpus, bus } = this.pc.board;
    bus.current = this.#random.below(4) === 0 ? undefined : cpus.list[this.#random.below(cpus.list.length)]?.apic;
    this.#do(this.pc.board.mem, start + this.#random.below(length), this.#random.pick(SIZES));
    bus.current = undefined;
  }

  #do(space: Pc['board']['io'] | Pc['board']['mem'], at: number, size: AccessSize): void {
    const random = this.#random;
    if (random.below(2) === 0) this.sum = (Math.imul(this.sum, 31) + space.read(at, size)) | 0;
    else space.write(at, size, random.below(3) === 0 ? random.below(256) : random.next());
  }

  #passTime(): void {
    const { clock, time } = this.pc.board;
    time.warpTo(clock.now() + this.#random.below(1 << this.#random.below(24)));
    clock.runExpired();
  }

  /** What the machine does between two slices, resets included, and what its owner does. */
  #machine(): void {
    this.pc.writePort(0x80, 1, 0);
    if (this.#random.below(64) === 0) this.#plug();
    if (this.#random.below(4096) === 0) this.pc.reset('host-qmp-system-reset');
  }

  #plug(): void {
    const index = this.#random.below(10) - 1;
    const fits = index >= 0 && index < 8 && !this.pc.cpus.some((cpu) => cpu.index === index);
    if (fits) this.pc.hotAddCpu(index);
    else expect(() => this.pc.hotAddCpu(index)).toThrow(/CPU/);
  }

  state(): unknown {
    const { pm, rtc, pic, pit, ioapic, keyboard, com1, cpus, fwCfg } = this.pc.board;
    const devices = [pm, rtc, pic, pit, ioapic, keyboard, com1, fwCfg, ...cpus.list.map(({ apic }) => apic)];
    return [this.sum, devices.map((device) => device.save())];
  }
}

describe('random accesses of every width to every port and window', () => {
  it(`${ACCESSES} of them raise no exception`, () => {
    const seed = 20_260_823;
    const malice = new Malice(seed);
    let done = 0;
    let failure: unknown;
    try {
      for (; done < ACCESSES; done++) malice.access();
    } catch (error) {
      failure = error;
    }
    expect({ seed, done, failure }).toEqual({ seed, done: ACCESSES, failure: undefined });
  }, 600_000);

  it('the same seed leads to the same state', () => {
    const [first, second] = [new Malice(7), new Malice(7)];
    for (let access = 0; access < 50_000; access++) first.access();
    for (let access = 0; access < 50_000; access++) second.access();
    expect([first.state(), first.sum !== 0]).toEqual([second.state(), true]);
  });
});

describe('accesses that ended other emulators', () => {
  it.each([
    ['dword straddling status and enable of GPE0', 0xafe2, 4, 0xffff_0000],
    ['word straddling the end of GPE0', 0xafe3, 2, 0xff00],
    ['dword before GPE0', 0xafdf, 4, 0xff],
    ['dword at the last port', 0xffff, 4, undefined],
  ] as const)('%s', (_name, port, size, value) => {
    const { board } = makePc();
    const read = board.io.read(port, size);
    board.io.write(port, size, 0xffff_ffff);
    expect(value === undefined ? Number.isInteger(read) : read === value).toBe(true);
  });

  it('ICW1 with level triggered mode', () => {
    const { board } = makePc();
    for (const port of [0x20, 0xa0]) board.io.write(port, 1, 0x18);
    expect([board.io.read(0x20, 1), board.io.read(0xa0, 1)]).toEqual([Number(board.pit.out0.high), 0]);
  });

  it('reads of the PIT control word', () => {
    const { board } = makePc();
    expect(SIZES.map((size) => board.io.read(0x43, size) >= 0)).toEqual([true, true, true]);
  });

  it('every selector of fw_cfg, and DMA to and from everywhere', () => {
    const { board } = makePc();
    for (let key = 0; key < 0x1_0000; key += 1) {
      board.io.write(0x510, 2, key);
      board.io.read(0x511, 1);
    }
    for (const control of [1, 2, 4, 8, 0x10, 0x1f]) {
      board.mem.writeBytes(0x1000, Uint8Array.from([0, 0x19, 0, control, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xfe, 0xe0, 0, 0]));
      board.io.write(0x514, 4, 0);
      board.io.write(0x518, 4, 0x0010_0000);
    }
    expect(board.io.read(0x514, 4)).toBe(0x554d_4551);
  });

  it('every index of the CPU selector and of the PCI bus', () => {
    const { board } = makePc();
    board.io.write(0xaf00, 1, 0);
    for (const selector of [0, 1, 7, 8, 255, 256, 0x7fff_ffff, 0xffff_ffff]) {
      board.io.write(0xaf00, 4, selector);
      for (let port = 0xaf00; port < 0xaf20; port++) for (const size of SIZES) board.io.read(port, size);
    }
    for (let address = 0; address < 2 ** 24; address += 0xfd) {
      board.io.write(0xcf8, 4, 0x8000_0000 + address);
      board.io.write(0xcfc, 4, 0xffff_ffff);
    }
    expect(board.io.read(0xcfc, 4)).toBeGreaterThanOrEqual(0);
  });

  it('an end of interrupt for a vector that no pin has, by every local APIC', () => {
    const { board } = makePc();
    for (const cpu of board.cpus.list) {
      board.bus.current = cpu.apic;
      for (let write = 0; write < 300; write++) board.mem.write(APIC_SPACE_BASE + 0xb0, 4, write);
    }
    for (let vector = 0; vector < 0x200; vector++) board.mem.write(IO_APIC_BASE + 0x40, 4, vector);
    expect(board.mem.read(IO_APIC_BASE + 0x10, 4)).toBeGreaterThanOrEqual(0);
  });

  it('a PIT, an RTC and an APIC timer at their fastest for a second of guest time', () => {
    const { board } = makePc();
    board.io.write(0x43, 1, 0x34);
    for (const value of [1, 0]) board.io.write(0x40, 1, value);
    board.io.write(0x70, 2, 0x230a);
    board.io.write(0x70, 2, 0x420b);
    board.bus.current = board.cpus.list[0]?.apic;
    for (const [register, value] of [
      [0xf0, 0x1ff],
      [0x3e0, 0xb],
      [0x320, 0x2_0040],
      [0x380, 1],
    ] as const)
      board.mem.write(APIC_SPACE_BASE + register, 4, value);
    const { clock, time } = board;
    let fired = 0;
    for (let next = clock.nextDeadline(); next <= 10_000_000 && fired < 2e7; next = clock.nextDeadline(), fired++) {
      time.warpTo(next);
      clock.runExpired();
    }
    expect([clock.now() <= 10_000_000, fired > 0, fired < 2e7]).toEqual([true, true, true]);
  });
});
