import { IoSpace, MemorySpace, storage } from '@hotsocket/address-space';
import { CoreMemory } from '../core-memory.js';
import { ExecutionCore } from '../execution-core.js';
import { GP, MF, NM, UD, XM } from '../fault.js';
import { RUN_STEPPED, RUN_STOPPED } from '../interpreter.js';
import * as layout from '../layout.js';
import { refreshMode } from '../mode.js';
import { refreshFpuTraps } from './traps.js';

const CODE = 0x1000;
const DATA = 0x2000;
const CR0_PE = 1;
const CR0_MP = 2;
const CR0_EM = 4;
const CR0_TS = 8;
const OSFXSR = 0x200;
const OSXMMEXCPT = 0x400;
const OSXSAVE = 0x4_0000;
const NONE = -1;

/** A CPU in flat 32-bit protected mode that executes one instruction at a time. */
class Bench {
  readonly ram: Uint8Array;
  readonly core: ExecutionCore;
  fault = NONE;

  constructor() {
    const memory = new CoreMemory(0x1_0000);
    this.ram = memory.allocate(0x1_0000);
    const space = new MemorySpace();
    space.map(0, storage('ram', 'ram', this.ram));
    this.core = new ExecutionCore({ memory, space, io: new IoSpace(), readTsc: () => {} });
    this.core.onFault = (vector) => {
      this.fault = vector;
      return true;
    };
    this.core.addCpu();
    this.core.select(0);
    this.#segments();
    this.control(0, OSFXSR | OSXMMEXCPT);
    this.cpu.fpu.x87.finit();
    this.cpu.set32(layout.MXCSR, 0x1f80);
  }

  get cpu(): ExecutionCore['cpu'] {
    return this.core.cpu;
  }

  get view(): DataView {
    return new DataView(this.ram.buffer, this.ram.byteOffset, this.ram.length);
  }

  #segments(): void {
    this.cpu.setFlags(2);
    for (const index of [layout.ES, layout.CS, layout.SS, layout.DS]) {
      this.cpu.set32(layout.segment(index) + layout.SEG_LIMIT, 0xffff_ffff);
      this.cpu.set32(layout.segment(index) + layout.SEG_ATTR, index === layout.CS ? 0xc09b00 : 0xc09300);
    }
  }

  control(cr0: number, cr4: number): void {
    this.cpu.set32(layout.CR0, cr0 | CR0_PE | 0x20);
    this.cpu.set32(layout.CR4, cr4);
    refreshMode(this.cpu);
    refreshFpuTraps(this.cpu);
    this.core.mmu.selectTlb(0);
  }

  /** Executes one instruction; gives the vector it raised, or NONE. */
  run(...bytes: number[]): number {
    this.ram.set(bytes, CODE);
    this.core.code.writtenRange(CODE, bytes.length);
    this.cpu.setLong(layout.RIP, CODE);
    this.fault = NONE;
    const reason = this.core.step();
    expect(reason).toBe(this.fault === NONE ? RUN_STEPPED : RUN_STOPPED);
    return this.fault;
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

const FLD1 = [0xd9, 0xe8];
const FWAIT = [0x9b];
const FNINIT = [0xdb, 0xe3];
const PADDB_MMX = [0x0f, 0xfc, 0xc1];
const MOVAPS = [0x0f, 0x28, 0xc1];
const FXSAVE = [0x0f, 0xae, 0x05, 0x00, 0x20, 0x00, 0x00];
const FXRSTOR = [0x0f, 0xae, 0x0d, 0x00, 0x20, 0x00, 0x00];
const XSAVE = [0x0f, 0xae, 0x25, 0x00, 0x20, 0x00, 0x00];
const XRSTOR = [0x0f, 0xae, 0x2d, 0x00, 0x20, 0x00, 0x00];
const XSAVEC = [0x0f, 0xc7, 0x25, 0x00, 0x20, 0x00, 0x00];

describe('availability of the units', () => {
  it.each([
    // CR0, CR4, x87, WAIT, MMX, SSE, FXSAVE: SDM volume 3, tables 2-2, 12-1 and 13-1
    [0, OSFXSR, NONE, NONE, NONE, NONE, NONE],
    [CR0_TS, OSFXSR, NM, NONE, NM, NM, NM],
    [CR0_TS | CR0_MP, OSFXSR, NM, NM, NM, NM, NM],
    [CR0_MP, OSFXSR, NONE, NONE, NONE, NONE, NONE],
    [CR0_EM, OSFXSR, NM, NONE, UD, UD, NM],
    [0, 0, NONE, NONE, NONE, UD, NONE],
    [CR0_TS, 0, NM, NONE, NM, UD, NM],
  ])('CR0 bits %i and CR4 %i raise what the manual says', (cr0, cr4, x87, wait, mmx, sse, fxsave) => {
    bench.control(cr0, cr4);
    const raised = [FLD1, FWAIT, PADDB_MMX, MOVAPS, FXSAVE].map((bytes) => bench.run(...bytes));
    expect(raised).toEqual([x87, wait, mmx, sse, fxsave]);
  });
});

describe('pending x87 exceptions', () => {
  beforeEach(() => {
    bench.cpu.fpu.x87.loadControl(0x37b); // zero divide unmasked
    bench.run(...FLD1);
    bench.run(0xd9, 0xee); // FLDZ
    expect(bench.run(0xd8, 0xf9)).toBe(NONE); // FDIVR ST(0), ST(1): 1 / 0
  });

  it('waiting x87 and MMX instructions raise #MF, FNSTSW and FNINIT do not', () => {
    expect([FLD1, FWAIT, PADDB_MMX].map((bytes) => bench.run(...bytes))).toEqual([MF, MF, MF]);
    expect(bench.run(0xdf, 0xe0)).toBe(NONE);
    expect(bench.cpu.get16(layout.RAX) & 0x84).toBe(0x84);
    expect(bench.run(...FNINIT)).toBe(NONE);
    expect(bench.run(...FWAIT)).toBe(NONE);
  });

  it('the instruction that raised it is where FIP and FOP point', () => {
    expect(bench.cpu.getLong(layout.FIP)).toBe(CODE);
    expect(bench.cpu.get16(layout.FOP)).toBe(0x0f9);
  });
});

describe('FST to memory', () => {
  it('with an unmasked invalid operation stores nothing', () => {
    bench.cpu.fpu.x87.loadControl(0x37e);
    bench.view.setUint32(DATA, 0x1234_5678, true);
    expect(bench.run(0xd9, 0x15, 0x00, 0x20, 0x00, 0x00)).toBe(NONE); // FST m32 of an empty register
    expect(bench.view.getUint32(DATA, true)).toBe(0x1234_5678);
    expect(bench.cpu.fpu.x87.pending).toBe(true);
  });
});

describe('MMX', () => {
  it('writes set the exponent, TOP and tags of the x87 register; EMMS empties all', () => {
    bench.run(...FLD1);
    bench.run(0x0f, 0x6e, 0xd0); // MOVD MM2, EAX
    expect(bench.cpu.get16(layout.X87 + 2 * 16 + 8)).toBe(0xffff);
    expect(bench.cpu.get16(layout.FTW)).toBe(0);
    expect(bench.cpu.get16(layout.FSW) & 0x3800).toBe(0);
    bench.run(0x0f, 0x77);
    expect(bench.cpu.get16(layout.FTW)).toBe(0xffff);
  });
});

describe('SSE exceptions', () => {
  const DIVPS = [0x0f, 0x5e, 0xc1];

  beforeEach(() => {
    for (const at of [0, 4, 8, 12]) bench.cpu.memory.view.setFloat32(layout.XMM + at, 1, true);
  });

  it('an unmasked one is #XM, leaves the destination and sets its flag', () => {
    bench.cpu.set32(layout.MXCSR, 0x1d80);
    expect(bench.run(...DIVPS)).toBe(XM);
    expect(bench.cpu.memory.view.getFloat32(layout.XMM, true)).toBe(1);
    expect(bench.cpu.get32(layout.MXCSR)).toBe(0x1d84);
  });

  it('it is #UD while CR4.OSXMMEXCPT is 0', () => {
    bench.control(0, OSFXSR);
    bench.cpu.set32(layout.MXCSR, 0x1d80);
    expect(bench.run(...DIVPS)).toBe(UD);
  });

  it('a masked one gives the default result', () => {
    expect(bench.run(...DIVPS)).toBe(NONE);
    expect(bench.cpu.memory.view.getFloat32(layout.XMM + 4, true)).toBe(Number.POSITIVE_INFINITY);
    expect(bench.cpu.get32(layout.MXCSR)).toBe(0x1f84);
  });

  it('LDMXCSR and FXRSTOR with reserved bits raise #GP and change nothing', () => {
    bench.run(...FXSAVE);
    bench.view.setUint32(DATA + 24, 0x1_1f80, true);
    expect(bench.run(...FXRSTOR)).toBe(GP);
    bench.view.setUint32(DATA, 0x1_0000, true);
    expect(bench.run(0x0f, 0xae, 0x15, 0x00, 0x20, 0x00, 0x00)).toBe(GP);
    expect(bench.cpu.get32(layout.MXCSR)).toBe(0x1f80);
  });
});

describe('RCPPS and RSQRTPS', () => {
  const RCPPS = [0x0f, 0x53, 0xc1];
  const RSQRTPS = [0x0f, 0x52, 0xc1];
  const set = (...values: number[]): void => {
    values.forEach((value, n) => {
      bench.cpu.memory.view.setFloat32(layout.XMM + 16 + 4 * n, value, true);
    });
  };
  const get = (n: number): number => bench.cpu.memory.view.getFloat32(layout.XMM + 4 * n, true);

  it('are within 1.5 × 2^-12 of the exact value', () => {
    const values = [1, 3, 1.999_999, 12_345.678, 1e-30, 7e29, 0.1, 2 / 3];
    for (const value of values) {
      set(value, value, value, value);
      bench.run(...RCPPS);
      expect(Math.abs(get(3) * Math.fround(value) - 1)).toBeLessThan(1.5 / 4096);
      bench.run(...RSQRTPS);
      expect(Math.abs(get(0) * Math.sqrt(Math.fround(value)) - 1)).toBeLessThan(1.5 / 4096);
    }
  });

  it('give infinities, zeros and NaNs without a flag', () => {
    set(0, -0, Number.POSITIVE_INFINITY, -1);
    bench.run(...RCPPS);
    expect([get(0), get(1), get(2)]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]);
    bench.run(...RSQRTPS);
    expect([get(0), get(1), get(2), get(3)]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, Number.NaN]);
    expect(bench.cpu.get32(layout.MXCSR)).toBe(0x1f80);
  });
});

describe('XSAVE and XRSTOR', () => {
  const words = (...offsets: number[]): number[] => offsets.map((offset) => bench.view.getUint32(DATA + offset, true));

  beforeEach(() => {
    bench.control(0, OSFXSR | OSXMMEXCPT | OSXSAVE);
    bench.cpu.setHalves(layout.XCR0, 3, 0);
    bench.cpu.setHalves(layout.RAX, 0xffff_ffff, 0);
    bench.cpu.set32(layout.XMM, 0xcafe_f00d);
    bench.run(...FLD1);
  });

  it('need CR4.OSXSAVE, CR0.TS clear and a 64-byte boundary', () => {
    expect(bench.run(0x0f, 0xae, 0x25, 0x10, 0x20, 0x00, 0x00)).toBe(GP);
    bench.control(CR0_TS, OSFXSR | OSXSAVE);
    expect(bench.run(...XSAVE)).toBe(NM);
    bench.control(0, OSFXSR);
    expect(bench.run(...XSAVE)).toBe(UD);
  });

  it('a saved state comes back', () => {
    expect(bench.run(...XSAVE)).toBe(NONE);
    expect(words(160, 512, 516, 520, 524)).toEqual([0xcafe_f00d, 3, 0, 0, 0]);
    bench.cpu.set32(layout.XMM, 0);
    bench.run(...FNINIT);
    expect(bench.run(...XRSTOR)).toBe(NONE);
    expect(bench.cpu.get32(layout.XMM)).toBe(0xcafe_f00d);
    expect(bench.cpu.fpu.x87.top).toBe(7);
  });

  it('only requested components are written, and the header keeps the others', () => {
    bench.cpu.setHalves(layout.RAX, 2, 0);
    bench.view.setUint32(DATA + 512, 1, true);
    bench.view.setUint32(DATA, 0x5555_5555, true);
    bench.run(...XSAVE);
    expect(words(0, 160, 512)).toEqual([0x5555_5555, 0xcafe_f00d, 3]);
  });

  it('components that are not in the area take their initial state', () => {
    bench.run(...XSAVE);
    bench.view.setUint32(DATA + 512, 0, true);
    expect(bench.run(...XRSTOR)).toBe(NONE);
    expect(bench.cpu.get32(layout.XMM)).toBe(0);
    expect([bench.cpu.get16(layout.FCW), bench.cpu.get16(layout.FTW)]).toEqual([0x37f, 0xffff]);
  });

  it('XSAVEC marks the compacted form, which XRSTOR takes', () => {
    expect(bench.run(...XSAVEC)).toBe(NONE);
    expect(words(512, 516, 520, 524)).toEqual([3, 0, 3, 0x8000_0000]);
    bench.cpu.set32(layout.XMM, 0);
    expect(bench.run(...XRSTOR)).toBe(NONE);
    expect(bench.cpu.get32(layout.XMM)).toBe(0xcafe_f00d);
  });

  it.each([
    ['a component beyond XCR0', 512, 4],
    ['a reserved header byte', 540, 1],
    ['a compacted component beyond XCR0', 524, 1],
    ['reserved bits of MXCSR', 24, 0x1_0000],
  ])('XRSTOR of %s raises #GP', (_what, offset, value) => {
    bench.run(...XSAVE);
    bench.view.setUint32(DATA + offset, value, true);
    expect(bench.run(...XRSTOR)).toBe(GP);
  });
});

describe('x87 moves without a call', () => {
  let seed = 0x1234_5677;
  const random = (): number => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed >>> 0;
  };
  const STATE_BYTES = layout.FOP - layout.X87;
  const FCWS = [0x37f, 0x27f, 0x77f, 0x35f, 0xb7f, 0x37e];

  /** Registers with numbers around the ranges of the memory formats, some empty; any TOP. */
  function fillState(n: number): void {
    const { view } = bench.cpu.memory;
    for (let at = layout.X87; at < layout.FCW; at += 16) {
      const plain = (random() & 7) !== 0;
      view.setUint32(at, random() & 1 ? 0 : random(), true);
      view.setUint32(at + 4, (plain ? 0x8000_0000 : 0) | (random() & (random() & 1 ? 0x7fff_ffff : 0x7fff_fc00)), true);
      view.setUint16(at + 8, (random() & 0x8000) | (plain ? 0x3fff + (random() % 300) - 150 : random() & 0x7fff), true);
      if ((random() & 15) === 0) bench.cpu.memory.u8.fill(0, at, at + 9);
    }
    bench.cpu.fpu.x87.loadControl(FCWS[n % FCWS.length]!);
    bench.cpu.set16(layout.FSW, random() & 0x7f20 & (random() & 1 ? 0xffff : 0x3dff));
    let tags = 0;
    for (let r = 0; r < 8; r++) if ((random() & 1) === 0) tags |= 3 << (2 * r);
    bench.cpu.set16(layout.FTW, tags);
  }

  const state = (): string => Buffer.from(bench.cpu.memory.u8.subarray(layout.X87, layout.X87 + STATE_BYTES)).toString('hex');
  const operand = (from: Uint8Array, at: number): string => Buffer.from(from.subarray(at, at + 8)).toString('hex');

  function compare(bytes: readonly number[], perform: () => number): void {
    const { u8 } = bench.cpu.memory;
    for (let n = 0; n < 600; n++) {
      fillState(n);
      const single = random();
      bench.view.setUint32(DATA, single, true);
      bench.view.setUint32(
        DATA + 4,
        random() & 1 ? ((random() & 0x800f_ffff) | (((0x380 + (random() & 0xff)) & 0x7ff) << 20)) >>> 0 : random(),
        true,
      );
      const before = u8.slice(layout.X87, layout.X87 + STATE_BYTES);
      const held = operand(bench.ram, DATA);
      u8.set(bench.ram.subarray(DATA, DATA + 8), layout.SCRATCH);
      const stored = perform();
      const image = stored > 0 ? operand(u8, layout.SCRATCH) : held;
      const want = `${state()} ${image}`;
      u8.set(before, layout.X87);
      bench.run(...bytes);
      expect(`${state()} ${operand(bench.ram, DATA)}`).toBe(want);
    }
  }

  it.each([
    ['FLD m32', 0xd9, 0],
    ['FST m32', 0xd9, 2],
    ['FSTP m32', 0xd9, 3],
    ['FLD m64', 0xdd, 0],
    ['FST m64', 0xdd, 2],
    ['FSTP m64', 0xdd, 3],
  ])('%s does what the unit does', (_name, opcode, reg) => {
    compare([opcode, 0x05 | (reg << 3), 0x00, 0x20, 0x00, 0x00], () => bench.cpu.fpu.x87.memory(opcode, reg, 1));
  });

  it.each([
    ['FLD ST(3)', 0xd9, 0xc3],
    ['FXCH ST(2)', 0xd9, 0xca],
    ['FCHS', 0xd9, 0xe0],
    ['FABS', 0xd9, 0xe1],
    ['FST ST(5)', 0xdd, 0xd5],
    ['FSTP ST(1)', 0xdd, 0xd9],
    ['FSTP ST(0)', 0xdd, 0xd8],
  ])('%s does what the unit does', (_name, opcode, modrm) => {
    compare([opcode, modrm], () => {
      bench.cpu.fpu.x87.register(opcode, modrm, 0);
      return 0;
    });
  });
});
