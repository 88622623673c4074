import { IoSpace, MemorySpace, storage } from '@hotsocket/address-space';
import { CoreMemory } from './core-memory.js';
import type { DebugStop } from './debugger.js';
import { ExecutionCore } from './execution-core.js';
import { RUN_DEBUG } from './interpreter.js';
import { CS, EVENT_NMI, EVENTS, RAX, RBX, RIP, RSP } from './layout.js';
import { setSegment } from './system/descriptors.js';
import { runSlice, stepOnce } from './system/events.js';
import { resetCpu } from './system/reset.js';

const RAM_BYTES = 0x10_0000;
const START = 0x8000;
const CELL = 0x9000;

/** A loop in real-address mode; each line starts at the offset it names. */
const LOOP = [
  ...[0xb8, 0x05, 0x00], // 8000 mov ax, 5
  0x40, // 8003 inc ax
  ...[0xa3, 0x00, 0x90], // 8004 mov [9000h], ax
  ...[0xff, 0x06, 0x00, 0x90], // 8007 inc word [9000h]
  ...[0xa1, 0x00, 0x90], // 800b mov ax, [9000h]
  0x43, // 800e inc bx
  ...[0xeb, 0xf2], // 800f jmp 8003h
];

const memory = new CoreMemory(RAM_BYTES);
const ram = memory.allocate(RAM_BYTES);
const space = new MemorySpace();
space.map(0, storage('ram', 'ram', ram));
const readTsc = (into: { low: number; high: number }): void => {
  into.low = 0;
  into.high = 0;
};
const core = new ExecutionCore({ memory, space, io: new IoSpace(), readTsc });
const port = { bootstrap: true, acknowledge: () => -1 };
const blocks = [core.addCpu(), core.addCpu()] as const;

/** Puts a program at START and one CPU, or the second one, before it. */
function load(program: readonly number[], block: number = blocks[0]): void {
  core.setBreakpoints([]);
  core.setWatchpoints([]);
  core.debugger.take();
  core.select(block);
  ram.fill(0);
  ram.set(program, START);
  resetCpu(core.cpu, true);
  setSegment(core.cpu, CS, 0, 0, 0xffff, 0x9b00);
  core.cpu.setLong(RIP, START);
  core.cpu.setLong(RSP, 0x7000);
}

/** Runs until a debugger stops the CPU; why, and where it stands. */
function run(budget = 1000): { stop: DebugStop | undefined; rip: number } {
  const reason = runSlice(core, port, budget);
  const stop = core.debugger.take();
  expect(reason === RUN_DEBUG).toBe(stop !== undefined);
  return { stop, rip: core.cpu.getLong(RIP) };
}

const word = (address: number): number => ram[address]! | (ram[address + 1]! << 8);
const breakpoint = (address: number): { stop: DebugStop; rip: number } => ({ stop: { kind: 'breakpoint', address }, rip: address });

describe('a breakpoint', () => {
  it('stops before its instruction, as often as control comes there', () => {
    load(LOOP);
    core.setBreakpoints([0x8003]);
    const before = core.retired;
    expect([run(), core.cpu.getLong(RAX), core.retired - before]).toEqual([breakpoint(0x8003), 5, 1]);
    expect([run(), core.cpu.getLong(RAX), core.retired - before]).toEqual([breakpoint(0x8003), 5, 1]);
    expect([stepOnce(core, port, false), core.cpu.getLong(RIP), core.cpu.getLong(RAX)]).toEqual([3, 0x8004, 6]);
    expect([run(), core.cpu.getLong(RBX), core.retired - before]).toEqual([breakpoint(0x8003), 1, 7]);
  });

  it('is heard by a CPU that came later', () => {
    load(LOOP, blocks[1]);
    core.setBreakpoints([0x800e]);
    const later = core.addCpu();
    core.select(later);
    resetCpu(core.cpu, true);
    setSegment(core.cpu, CS, 0, 0, 0xffff, 0x9b00);
    core.cpu.setLong(RIP, START);
    expect(run()).toEqual(breakpoint(0x800e));
  });

  it('at the same offset of another page stops nobody, and none that is cleared', () => {
    load(LOOP);
    core.setBreakpoints([0x1_8003, 0x7003, 0x8003 - 2 ** 32]);
    expect(run().stop).toBeUndefined();
    core.setBreakpoints([0x8004]);
    expect(run()).toEqual(breakpoint(0x8004));
    core.setBreakpoints([]);
    expect(run().stop).toBeUndefined();
  });

  it.each([0x8003, 0x8007, 0x800f])('at %s stops code that has been translated', (address) => {
    load(LOOP);
    core.translatesAtOnce = true;
    run(20_000);
    const { regions } = core.translator;
    core.setBreakpoints([address]);
    expect([run(100), run(100)]).toEqual([breakpoint(address), breakpoint(address)]);
    stepOnce(core, port, false);
    expect(run(100_000)).toEqual(breakpoint(address));
    core.translatesAtOnce = false;
    expect(regions).toBeGreaterThan(0);
  });

  it('stops while the guest traces itself, and in code that is decoded one by one', () => {
    load([0x9c, 0x58, 0x0d, 0x00, 0x01, 0x50, 0x9d, 0x90, 0x90, 0x90]); // pushf; pop ax; or ax, 100h; push ax; popf; nop; nop; nop
    ram.set([0x0d, 0x80], 4); // INT 1
    ram[0x800d] = 0xcf;
    core.setBreakpoints([0x8008]);
    expect(run()).toEqual(breakpoint(0x8008));
    core.cpu.setFlags(2);
    core.cpu.setLong(RIP, 0x800);
    setSegment(core.cpu, CS, 0x780, 0x7800, 0x8fe, 0x9b00);
    core.setBreakpoints([0x8001]);
    ram.set([0x90, 0x90], START);
    expect(run()).toEqual({ ...breakpoint(0x8001), rip: 0x801 });
  });

  it('on an instruction that crosses into the next page stops before it', () => {
    load([]);
    ram.set([0xb8, 0x34, 0x12, 0xeb, 0xfe], 0x8fff);
    core.cpu.setLong(RIP, 0x8fff);
    core.setBreakpoints([0x8fff, 0x9002]);
    expect([run(), core.cpu.getLong(RAX)]).toEqual([breakpoint(0x8fff), 0]);
    stepOnce(core, port, false);
    expect([run(), core.cpu.getLong(RAX)]).toEqual([breakpoint(0x9002), 0x1234]);
  });
});

describe('a watchpoint', () => {
  const watch = (kind: 'write' | 'read' | 'access', address = CELL, length = 2): void => core.setWatchpoints([{ address, length, kind }]);

  it.each([
    ['write', [0x8007, 0x800b, 0x8007]],
    ['read', [0x800b, 0x800e, 0x800b]],
    ['access', [0x8007, 0x800b, 0x800e]],
  ] as const)('of kind %s stops after each instruction that touches it', (kind, places) => {
    load(LOOP);
    watch(kind);
    expect(places.map(() => run().rip)).toEqual(places);
    expect(core.retired).toBeGreaterThan(0);
  });

  it('tells what was touched, when the value is there, and counts no instruction twice', () => {
    load(LOOP);
    watch('write', CELL + 1, 1);
    const before = core.retired;
    const watchpoint = { address: CELL + 1, length: 1, kind: 'write' };
    expect(run()).toEqual({ stop: { kind: 'watchpoint', watchpoint, address: CELL + 1 }, rip: 0x8007 });
    expect([word(CELL), core.retired - before]).toEqual([6, 3]);
  });

  it('leaves other data of its page alone', () => {
    load(LOOP);
    watch('access', CELL + 2, 100);
    expect([run().stop, core.cpu.getLong(RBX) > 100]).toEqual([undefined, true]);
  });

  it('stops translated code', () => {
    load(LOOP);
    core.translatesAtOnce = true;
    run(20_000);
    watch('write');
    expect([run().rip, run().rip, run().rip].every((rip) => [0x8007, 0x800b].includes(rip))).toBe(true);
    core.translatesAtOnce = false;
  });

  it('stops behind an instruction that is done by a helper', () => {
    load([0x0f, 0x01, 0x06, 0x00, 0x90, 0x90, 0xeb, 0xfe]); // sgdt [9000h]; nop; jmp $
    watch('write', CELL + 4);
    expect([run().rip, word(CELL)]).toEqual([0x8005, 0xffff]);
  });

  it('stops behind the push of an interrupt, at its handler', () => {
    load([0x90, 0xeb, 0xfe]);
    ram.set([0x00, 0x60, 0x00, 0x00], 8);
    ram.set([0x90, 0xeb, 0xfe], 0x6000);
    watch('write', 0x6ffa);
    core.cpu.set32(EVENTS, EVENT_NMI);
    expect([run().rip, word(0x6ffa)]).toEqual([0x6000, START]);
  });

  it('stops a string instruction that fills it, in bulk or not', () => {
    load([0xbf, 0x00, 0x8f, 0xb9, 0x00, 0x02, 0xb0, 0xaa, 0xf3, 0xaa, 0xeb, 0xfe]); // mov di, 8f00h; mov cx, 200h; mov al, aah; rep stosb
    watch('write', CELL, 1);
    const { stop, rip } = run(10_000);
    expect([stop?.kind, ram[CELL], rip === 0x8008 || rip === 0x800a]).toEqual(['watchpoint', 0xaa, true]);
  });

  it('of no length watches nothing, and none is left when they are replaced', () => {
    load(LOOP);
    watch('access', CELL, 0);
    expect(run().stop).toBeUndefined();
    watch('access');
    core.setWatchpoints([]);
    expect(run().stop).toBeUndefined();
  });
});

describe('a step', () => {
  it('executes one instruction; events wait unless they are asked for', () => {
    load(LOOP);
    ram.set([0x00, 0x60, 0x00, 0x00], 8);
    ram[0x6000] = 0x90;
    core.cpu.set32(EVENTS, EVENT_NMI);
    stepOnce(core, port, false);
    expect([core.cpu.getLong(RIP), core.cpu.get32(EVENTS)]).toEqual([0x8003, EVENT_NMI]);
    stepOnce(core, port, true);
    expect([core.cpu.getLong(RIP), core.cpu.get32(EVENTS)]).toEqual([0x6001, 0]);
  });

  it('ends a halt', () => {
    load([0xf4, 0x40]);
    stepOnce(core, port, false);
    stepOnce(core, port, false);
    expect([core.cpu.getLong(RIP), core.cpu.getLong(RAX)]).toEqual([0x8002, 1]);
  });
});

describe('memory written by a debugger', () => {
  it('is executed, also where it was decoded before', () => {
    load(LOOP);
    run();
    expect(core.poke(blocks[0], 0x8003, Uint8Array.of(0x48))).toBe(true);
    core.cpu.setLong(RIP, START);
    core.setBreakpoints([0x8004]);
    expect([run(), core.cpu.getLong(RAX)]).toEqual([breakpoint(0x8004), 4]);
  });

  it('is refused whole where there is none', () => {
    load(LOOP);
    expect([core.pokePhysical(RAM_BYTES - 1, Uint8Array.of(1, 2)), ram[RAM_BYTES - 1]]).toEqual([false, 0]);
    expect(core.pokePhysical(RAM_BYTES - 2, Uint8Array.of(1, 2))).toBe(true);
  });
});
