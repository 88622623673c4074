import { IoSpace, MemorySpace, storage } from '@hotsocket/address-space';
import { X87 as Unit } from '@hotsocket/x87-float';
import { X87_HELPERS } from './fpu/x87-unit.js';
import { CoreMemory, ExecutionCore, layout, refreshFpuTraps, refreshMode } from './index.js';

const [CODE, DATA, RAM_BYTES] = [0x1000, 0x8000, 0x1_0000];
const FLAT = 0xffff_ffff;
/** jmp to itself: where a slice can end. */
const JUMP_TO_SELF = [0xeb, 0xfe];
/** All exceptions masked; precision and rounding vary. */
const CONTROLS = [0x37f, 0x37f, 0x37f, 0x27f, 0x77f, 0xb7f, 0xf7f, 0x07f];

/** A core in 32-bit protected mode without paging, flat segments. */
function flatCore(): { core: ExecutionCore; ram: Uint8Array } {
  const memory = new CoreMemory(RAM_BYTES);
  const ram = memory.allocate(RAM_BYTES);
  const space = new MemorySpace();
  space.map(0, storage('ram', 'ram', ram));
  const core = new ExecutionCore({ memory, space, io: new IoSpace(), readTsc: () => {} });
  core.addCpu();
  core.select(0);
  const { cpu } = core;
  cpu.set32(layout.CR0, 0x11);
  for (const index of [layout.ES, layout.CS, layout.SS, layout.DS]) {
    cpu.set32(layout.segment(index) + layout.SEG_LIMIT, FLAT);
    cpu.set32(layout.segment(index) + layout.SEG_ATTR, index === layout.CS ? 0xc09b00 : 0xc09300);
  }
  refreshMode(cpu);
  refreshFpuTraps(cpu);
  core.mmu.selectTlb(0);
  return { core, ram };
}

const { core, ram } = flatCore();
const { cpu } = core;
const { view } = core.memory;
const ramView = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);

/** A generator of 32-bit numbers (Marsaglia's xorshift), so that runs repeat. */
let seed = 0x9e37_79b9;
function random(): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed >>> 0;
}

const PATTERNS = [0, 1, 0x8000_0000, 0x8000_0001, 0x7fff_ffff, 0xffff_ffff, 0x4000_0000, 0x400, 0x800, 0xc00];
const word = (): number => (random() & 1 ? random() : PATTERNS[random() % PATTERNS.length]!);

/** A register: mostly a normal number of an ordinary size, sometimes zero or anything else. */
function fillRegister(address: number): void {
  const kind = random() & 15;
  view.setUint32(address, kind === 0 ? 0 : word(), true);
  view.setUint32(address + 4, kind === 0 ? 0 : kind === 1 ? word() : (word() | 0x8000_0000) >>> 0, true);
  const exponent = kind === 0 ? 0 : kind === 1 ? random() & 0x7fff : 0x3fff - 70 + (random() % 140);
  view.setUint16(address + 8, (random() & 0x8000) | exponent, true);
}

/** The memory operand: a float of an ordinary size or anything. */
function fillMemory(bytes: number): void {
  for (const at of [0, 4]) ramView.setUint32(DATA + at, word(), true);
  if (random() & 1) return;
  if (bytes === 8) ramView.setUint16(DATA + 6, (random() & 0x800f) | ((0x3c0 + (random() & 127)) << 4), true);
  else ramView.setUint16(DATA + 2, (random() & 0x807f) | ((0x60 + (random() & 63)) << 7), true);
}

function fill(bytes: number, n: number): void {
  for (let register = 0; register < 8; register++) fillRegister(layout.X87 + 16 * register);
  fillMemory(bytes);
  cpu.set16(layout.FCW, CONTROLS[n % CONTROLS.length]!);
  cpu.set16(layout.FSW, random() & 0x7f3f & ~0x80);
  cpu.set16(layout.FTW, random() & 3 ? 0xc000 : [0, 0xffff, 0x000f][random() % 3]!);
  cpu.setFlags(2 | (random() & 0x8d5));
}

/** x87 state, flags and the memory operand. */
function outcome(): string {
  const words = Array.from({ length: 36 }, (_, n) => cpu.get32(layout.X87 + 4 * n) & (n % 4 === 3 ? 0 : n % 4 === 2 ? 0xffff : -1));
  const status = [cpu.get16(layout.FCW), cpu.get16(layout.FSW), cpu.get16(layout.FTW), cpu.flags() & 0x8d5];
  return [...words.slice(0, 32), ...status, ...ram.subarray(DATA, DATA + 8)].join(' ');
}

const savedState = new Uint8Array(layout.CPU_BLOCK_BYTES);
const savedMemory = new Uint8Array(8);

function save(): void {
  savedState.set(core.memory.u8.subarray(layout.CPU_BLOCK, layout.CPU_BLOCK + layout.CPU_BLOCK_BYTES));
  savedMemory.set(ram.subarray(DATA, DATA + 8));
}

function restore(): void {
  core.memory.u8.set(savedState, layout.CPU_BLOCK);
  ram.set(savedMemory, DATA);
}

/** What the exact unit makes of it. */
function expected(opcode: number, modrm: number): string {
  const record = layout.SCRATCH_RECORDS + 0x80;
  const isMemory = modrm < 0xc0;
  cpu.set32(layout.FPU_OPCODE, (opcode << 8) | modrm);
  core.memory.u8.set(ram.subarray(DATA, DATA + 8), layout.SCRATCH);
  X87_HELPERS[isMemory ? 'x87Memory' : 'x87Register']!(cpu, record);
  const stored = isMemory ? Unit.storeBytes(opcode, modrm >> 3) : 0;
  if (stored > 0 && cpu.get32(layout.FPU_STORED) !== 0) ram.set(core.memory.u8.subarray(layout.SCRATCH, layout.SCRATCH + stored), DATA);
  return outcome();
}

function place(bytes: readonly number[], translated: boolean): void {
  core.translates = translated;
  core.translatesAtOnce = translated;
  ram.set([...bytes, ...JUMP_TO_SELF], CODE);
  core.code.writtenRange(CODE, bytes.length + JUMP_TO_SELF.length);
}

function execute(): string {
  cpu.setLong(layout.RIP, CODE);
  core.run(2);
  return outcome();
}

const pairs = (text: string): [number, number][] =>
  text.split(' ').map((pair) => [Number.parseInt(pair.slice(0, 2), 16), Number.parseInt(pair.slice(2), 16)]);
const ARITHMETIC = ['d8', 'dc', 'de'].flatMap((opcode) => pairs(`${opcode}c1 ${opcode}ca ${opcode}e3 ${opcode}e9 ${opcode}f2 ${opcode}fb`));
const REGISTER_FORMS = [
  ...ARITHMETIC,
  ...pairs(
    'd8d1 d8d9 ded2 dae9 ded9 dbe9 dbf2 dde1 ddea dfe9 dff2 d9c2 d9c9 d9fa dac1 daca dbd3 dbd9 d9e0 d9e1 d9e8 d9ee d9f6 d9f7 ddd1 ddda',
  ),
];
/** Memory forms: opcode and ModRM.reg << 3. */
const MEMORY_FORMS: [number, number][] = [
  ...[0xd8, 0xda, 0xdc, 0xde].flatMap((opcode) => [0, 1, 2, 3, 4, 5, 6, 7].map((reg): [number, number] => [opcode, reg << 3])),
  ...pairs('d900 d910 d918 d928 d938 dd00 dd08 dd10 dd18 dd38 db00 db08 db10 db18 df00 df08 df10 df18 df28 df38'),
];
const CASES = [...REGISTER_FORMS, ...MEMORY_FORMS].flatMap(([opcode, modrm]) =>
  ['interpreted', 'translated'].map((tier) => ({ opcode, modrm, tier, text: `${opcode.toString(16)} ${modrm.toString(16)}` })),
);
const DISPLACEMENT = [DATA & 0xff, DATA >> 8, 0, 0];

describe('x87 arithmetic in WebAssembly', () => {
  it.each(CASES)('$text, $tier, leaves what the exact unit leaves', ({ opcode, modrm, tier }) => {
    const isMemory = modrm < 0xc0;
    const bytes = isMemory ? Math.max(Unit.loadBytes(opcode, modrm >> 3), Unit.storeBytes(opcode, modrm >> 3)) : 0;
    const { regions } = core.translator;
    place(isMemory ? [opcode, modrm | 5, ...DISPLACEMENT] : [opcode, modrm], tier === 'translated');
    const differing: string[] = [];
    for (let n = 0; n < 200; n++) {
      fill(bytes, n);
      save();
      const want = expected(opcode, modrm);
      restore();
      const got = execute();
      if (got !== want) differing.push(`${n}: ${got} want ${want}`);
    }
    expect(differing.slice(0, 2)).toEqual([]);
    expect(core.translator.regions - regions).toBe(tier === 'translated' ? 1 : 0);
  });
});
