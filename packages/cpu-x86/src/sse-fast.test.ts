import { IoSpace, MemorySpace, storage } from '@hotsocket/address-space';
import { SSE_HELPERS } from './fpu/sse-unit.js';
import { CoreMemory, ExecutionCore, layout, refreshFpuTraps, refreshMode } from './index.js';

const CODE = 0x1000;
const MXCSRS = [0x1f80, 0x1fa0, 0x3fa0, 0x5fa0, 0x7fa0, 0x9fe0, 0x1fe0, 0x9fa0, 0x1fbf];
const FLAT = 0xffff_ffff;

/** A core in 32-bit protected mode without paging, flat segments. */
function flatCore(): { core: ExecutionCore; ram: Uint8Array } {
  const memory = new CoreMemory(0x1_0000);
  const ram = memory.allocate(0x1_0000);
  const space = new MemorySpace();
  space.map(0, storage('ram', 'ram', ram));
  const core = new ExecutionCore({ memory, space, io: new IoSpace(), readTsc: () => {} });
  core.addCpu();
  core.select(0);
  const { cpu } = core;
  cpu.set32(layout.CR0, 0x11);
  cpu.set32(layout.CR4, 0x600);
  cpu.setFlags(2);
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

/** A generator of 32-bit numbers (Marsaglia's xorshift), so that runs repeat. */
let seed = 0x2545_f491;
function random(): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed >>> 0;
}

const SPECIAL_32 = [
  0, 0x8000_0000, 1, 0x007f_ffff, 0x0080_0000, 0x0100_0000, 0x7f7f_ffff, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001, 0x3f80_0000,
  0x4f00_0000, 0xcf00_0000,
];

/** Half of the time near the ends of the range, or a number of an ordinary size. */
function single(): number {
  const kind = random() & 7;
  if (kind === 0) return SPECIAL_32[random() % SPECIAL_32.length]!;
  if (kind < 5) return ((random() & 0x807f_ffff) | ((0x78 + (random() & 15)) << 23)) >>> 0;
  return random();
}

function fillDouble(at: number): void {
  const kind = random() & 7;
  if (kind === 0)
    view.setFloat64(
      at,
      [0, -0, 5e-324, 2 ** -1022, 2 ** -1021, Number.MAX_VALUE, Infinity, NaN, 2 ** 31, -(2 ** 31), 2 ** 63, 1, 0.5, 2.5][random() % 14]!,
      true,
    );
  else {
    view.setUint32(at, kind === 1 ? 0 : random(), true);
    view.setUint32(at + 4, kind < 6 ? ((random() & 0x800f_ffff) | ((0x3f8 + (random() & 31)) << 20)) >>> 0 : random(), true);
  }
}

function fill(register: number, double: boolean): void {
  if (double) for (const at of [0, 8]) fillDouble(register + at);
  else for (const at of [0, 4, 8, 12]) view.setUint32(register + at, single(), true);
}

/** Whether the instruction needs doubles in the source. */
const isDouble = (name: string): boolean => /(PD|SD)$|^CVTT?(SD|PD)2/.test(name) && !/^CVT(SS|PS|DQ|SI)2/.test(name);

const PREFIX: Readonly<Record<string, number[]>> = { PS: [], PD: [0x66], SS: [0xf3], SD: [0xf2] };
const OPCODES: Readonly<Record<string, number>> = { SQRT: 0x51, ADD: 0x58, MUL: 0x59, SUB: 0x5c, MIN: 0x5d, DIV: 0x5e, MAX: 0x5f };
/** Name of the exact helper, then the bytes of the instruction on XMM0 or EAX, and XMM1 or ECX. */
const INSTRUCTIONS: readonly (readonly [string, readonly number[]])[] = [
  ...Object.entries(OPCODES).flatMap(([name, opcode]) =>
    Object.entries(PREFIX).map(([form, prefix]): [string, number[]] => [name + form, [...prefix, 0x0f, opcode, 0xc1]]),
  ),
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((predicate) =>
    Object.entries(PREFIX).map(([form, prefix]): [string, number[]] => [`CMP${form}`, [...prefix, 0x0f, 0xc2, 0xc1, predicate]]),
  ),
  ...[0, 1, 2, 3, 4, 8, 9, 10, 11, 12].flatMap((mode): [string, number[]][] => [
    ['ROUNDSS', [0x66, 0x0f, 0x3a, 0x0a, 0xc1, mode]],
    ['ROUNDSD', [0x66, 0x0f, 0x3a, 0x0b, 0xc1, mode]],
  ]),
  ['UCOMISS', [0x0f, 0x2e, 0xc1]],
  ['COMISS', [0x0f, 0x2f, 0xc1]],
  ['UCOMISD', [0x66, 0x0f, 0x2e, 0xc1]],
  ['COMISD', [0x66, 0x0f, 0x2f, 0xc1]],
  ['CVTPS2PD', [0x0f, 0x5a, 0xc1]],
  ['CVTPD2PS', [0x66, 0x0f, 0x5a, 0xc1]],
  ['CVTSD2SS', [0xf2, 0x0f, 0x5a, 0xc1]],
  ['CVTSS2SD', [0xf3, 0x0f, 0x5a, 0xc1]],
  ['CVTDQ2PS', [0x0f, 0x5b, 0xc1]],
  ['CVTTPS2DQ', [0xf3, 0x0f, 0x5b, 0xc1]],
  ['CVTTPD2DQ', [0x66, 0x0f, 0xe6, 0xc1]],
  ['CVTDQ2PD', [0xf3, 0x0f, 0xe6, 0xc1]],
  ['CVTTSS2SI32', [0xf3, 0x0f, 0x2c, 0xc1]],
  ['CVTTSD2SI32', [0xf2, 0x0f, 0x2c, 0xc1]],
  ['CVTSS2SI32', [0xf3, 0x0f, 0x2d, 0xc1]],
  ['CVTSD2SI32', [0xf2, 0x0f, 0x2d, 0xc1]],
  ['CVTSI2SS32', [0xf3, 0x0f, 0x2a, 0xc1]],
  ['CVTSI2SD32', [0xf2, 0x0f, 0x2a, 0xc1]],
];

const STATE = [layout.XMM, layout.RAX] as const;
const RECORD = layout.SCRATCH_RECORDS + 0x80;

/** What the instruction or the helper leaves: XMM0, EAX, MXCSR and the flags. */
function outcome(): string {
  const words = STATE.flatMap((at) => [0, 4, 8, 12].map((n) => cpu.get32(at + n).toString(16)));
  return [...words, cpu.get32(layout.MXCSR).toString(16), (cpu.flags() & 0x8d5).toString(16)].join(' ');
}

const snapshot = new Uint8Array(layout.CPU_BLOCK_BYTES);
const save = (): void => snapshot.set(core.memory.u8.subarray(layout.CPU_BLOCK, layout.CPU_BLOCK + layout.CPU_BLOCK_BYTES));
const restore = (): void => core.memory.u8.set(snapshot, layout.CPU_BLOCK);

/** jmp to itself: where a slice can end. */
const JUMP_TO_SELF = [0xeb, 0xfe];

/** Executes the instruction that is in memory and a jump; all exceptions are masked. */
function execute(bytes: readonly number[]): string {
  cpu.setLong(layout.RIP, CODE);
  core.run(2);
  expect(cpu.get32(layout.RIP)).toBe(CODE + bytes.length);
  return outcome();
}

/** Puts an instruction into memory, for one of the tiers. */
function place(bytes: readonly number[], translated: boolean): void {
  core.translates = translated;
  core.translatesAtOnce = translated;
  ram.set([...bytes, ...JUMP_TO_SELF], CODE);
  core.code.writtenRange(CODE, bytes.length + JUMP_TO_SELF.length);
}

function expected(name: string, immediate: number): string {
  const toGeneral = name.includes('SI32');
  cpu.set16(RECORD + layout.REC_REG, toGeneral ? layout.RAX : layout.XMM);
  cpu.set32(RECORD + layout.REC_IMMEDIATE, immediate);
  cpu.set32(layout.SSE_SOURCE, name.startsWith('CVTSI') ? layout.RCX : layout.XMM + 16);
  SSE_HELPERS[name]!(cpu, RECORD);
  return outcome();
}

const CASES = INSTRUCTIONS.flatMap(([name, bytes]) =>
  ['interpreted', 'translated'].map((tier) => ({ name, bytes, tier, text: `${name} ${bytes.at(-1)}` })),
);

describe('SSE arithmetic in the host’s own', () => {
  it.each(CASES)('$text, $tier, gives the result and flags of the exact unit', ({ name, bytes, tier }) => {
    const { regions } = core.translator;
    place(bytes, tier === 'translated');
    const differing: string[] = [];
    for (let n = 0; n < 450; n++) {
      cpu.set32(layout.MXCSR, MXCSRS[n % MXCSRS.length]!);
      for (const register of [layout.XMM, layout.XMM + 16]) fill(register, isDouble(name));
      cpu.setHalves(layout.RCX, random() >> (random() & 31), 0);
      save();
      const want = expected(name, bytes.at(-1)!);
      restore();
      const got = execute(bytes);
      restore();
      if (got !== want) differing.push(`${n}: ${got} want ${want}`);
    }
    expect(differing).toEqual([]);
    expect(core.translator.regions - regions).toBe(tier === 'translated' ? 1 : 0);
  });
});
