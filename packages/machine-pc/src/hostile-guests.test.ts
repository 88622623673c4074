import { DEMO_GUEST_LINES, demoGuestRom } from '@hotsocket/demo-guest';
import { QmpServer, type QmpSession } from '@hotsocket/qmp';
import type { PcOptions } from './options.js';
import { Pc } from './pc.js';

/** Addresses of the image in memory: it ends at 4 GiB. */
const ROM = 0xffff_0000;
const ROM_BYTES = 0x1_0000;
/** Where 32-bit code starts, and a page of the ROM for page tables. */
const FLAT_CODE = 0x60;
const TABLE = 0x2000;

const le32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** A firmware image: `code` at its start, jumped to from the reset vector in real mode. */
function realModeRom(code: readonly number[]): Uint8Array {
  const rom = new Uint8Array(ROM_BYTES);
  rom.set(code);
  rom.set([0xe9, 0x0d, 0x00], 0xfff0); // jmp 0000h
  return rom;
}

/** A firmware image that enters 32-bit protected mode with flat segments, a stack at 8000h and no interrupt table, then executes `code`. */
function flatRom(code: readonly number[]): Uint8Array {
  const rom = realModeRom([
    0xfa, // cli
    ...[0x66, 0x2e, 0x0f, 0x01, 0x16, 0x30, 0x00], // lgdt cs:[30h]
    ...[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], // mov eax, cr0; or al, 1; mov cr0, eax
    ...[0x66, 0xea, ...le32(ROM + FLAT_CODE), 0x08, 0x00], // jmp 8:FLAT_CODE
  ]);
  rom.set([0x17, 0x00, ...le32(ROM + 0x48)], 0x30);
  rom.set([0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0, 0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0], 0x50);
  const segments = [0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0]; // mov ax, 10h; mov ds, es and ss, ax
  rom.set([...segments, 0xbc, ...le32(0x8000), ...code], FLAT_CODE);
  return rom;
}

/** Code that ends in a jump to its own start. */
const forever = (code: readonly number[]): number[] => [...code, 0xe9, ...le32(-(code.length + 5))];

const store = (address: number, value: number): number[] => [0xc7, 0x05, ...le32(address), ...le32(value)];

/** Switches paging on: 4 MiB pages for low RAM and the ROM, and the page table at `table` for 400000h to 7FFFFFh. */
const pagingWith = (table: number): number[] => [
  ...store(0x1000, 0x0000_0083),
  ...store(0x1004, (table | 3) >>> 0),
  ...store(0x1ffc, 0xffc0_0083),
  ...[0x0f, 0x20, 0xe0, 0x0c, 0x10, 0x0f, 0x22, 0xe0], // cr4.PSE
  ...[0xb8, ...le32(0x1000), 0x0f, 0x22, 0xd8], // cr3
  ...[0x0f, 0x20, 0xc0, 0x0d, ...le32(0x8000_0000), 0x0f, 0x22, 0xc0], // cr0.PG
];

/** Reads, writes and increments a dword of each page from 400000h on, again and again. */
const sweep = forever([
  ...[0xbe, ...le32(0x40_0000)], // mov esi, 400000h
  ...[0x8b, 0x06, 0x89, 0x06, 0xff, 0x06], // mov eax, [esi]; mov [esi], eax; inc dword [esi]
  ...[0x81, 0xc6, ...le32(0x1000)], // add esi, 1000h
  ...[0x81, 0xfe, ...le32(0x80_0000)], // cmp esi, 800000h
  ...[0x72, 0xec], // jb
]);

/** A ROM whose page TABLE is a page table: all present and writable, none accessed, pages of the ROM, RAM and registers. */
function romTable(): Uint8Array {
  const rom = flatRom([...pagingWith(ROM + TABLE), ...sweep]);
  const targets = [0x5000, 0xffff_3000, 0xfee0_0000, 0xfec0_0000, 0xd000_0000];
  for (let entry = 0; entry < 1024; entry++) rom.set(le32((targets[entry % targets.length] as number) | 3), TABLE + 4 * entry);
  return rom;
}

const jumpTo = (address: number): Uint8Array => flatRom([0xb8, ...le32(address), 0xff, 0xe0]);

interface Guest {
  readonly name: string;
  readonly rom: () => Uint8Array;
  /** Whether it ends in triple faults or resets; undefined when that does not matter. */
  readonly resets?: boolean;
}

const GUESTS: readonly Guest[] = [
  { name: 'triple fault in real mode', resets: true, rom: () => realModeRom([0x2e, 0x0f, 0x01, 0x1e, 0x40, 0x00, 0xcc]) },
  { name: 'triple fault in protected mode', resets: true, rom: () => flatRom([0x0f, 0x01, 0x1d, ...le32(0x2000), 0xcc]) },
  { name: 'undefined instruction with no interrupt table', resets: true, rom: () => flatRom([0x0f, 0x0b]) },
  { name: 'cli; hlt', resets: false, rom: () => realModeRom([0xfa, 0xf4, 0xeb, 0xfd]) },
  { name: 'a jump to itself', resets: false, rom: () => realModeRom([0xeb, 0xfe]) },
  { name: 'a jump into empty display memory', rom: () => realModeRom([0xea, 0x00, 0x00, 0x00, 0xa0]) },
  { name: 'a jump into the local APIC', resets: true, rom: () => jumpTo(0xfee0_0000) },
  { name: 'a jump into the I/O APIC', resets: true, rom: () => jumpTo(0xfec0_0000) },
  { name: 'a jump into nothing', resets: true, rom: () => jumpTo(0xd000_0000) },
  { name: 'a jump to the last bytes of RAM', resets: true, rom: () => jumpTo(0x3f_fffe) },
  { name: 'a stack in registers', resets: false, rom: () => flatRom([0xbc, ...le32(0xfee0_0310), ...forever([0x60, 0x61, 0x50, 0x9c])]) },
  { name: 'page tables in the local APIC', resets: true, rom: () => flatRom([...pagingWith(0xfee0_0000), ...sweep]) },
  { name: 'page tables in the I/O APIC', resets: true, rom: () => flatRom([...pagingWith(0xfec0_0000), ...sweep]) },
  { name: 'page tables in nothing', resets: false, rom: () => flatRom([...pagingWith(0xd000_0000), ...sweep]) },
  { name: 'page tables in ROM', resets: false, rom: romTable },
  { name: 'a page directory in the local APIC', resets: true, rom: () => flatRom([0xb8, ...le32(0xfee0_0000), ...PAGING_ON]) },
  { name: 'a page directory in ROM', resets: true, rom: () => flatRom([0xb8, ...le32(ROM + TABLE), ...PAGING_ON]) },
  { name: 'string input from the RTC over the I/O APIC', resets: false, rom: () => flatRom(forever([...stringSetup(0x71), 0xf3, 0x6c])) },
  {
    name: 'string output from the local APIC to PCI configuration',
    resets: false,
    rom: () => flatRom(forever([...stringSetup(0xcfc), 0xf3, 0x6f])),
  },
  { name: 'a storm of INIT, SIPI and NMI to everybody', rom: () => flatRom(forever(ipiStorm())) },
  { name: 'an endless reset through port 92h', resets: true, rom: () => realModeRom([0xb0, 0x01, 0xe6, 0x92, 0xf4]) },
  { name: 'random bytes', rom: () => randomRom(1) },
  { name: 'other random bytes', rom: () => randomRom(2) },
];

const PAGING_ON = [0x0f, 0x22, 0xd8, 0x0f, 0x20, 0xc0, 0x0d, ...le32(0x8000_0000), 0x0f, 0x22, 0xc0, 0xeb, 0xfe];

const stringSetup = (port: number): number[] => [
  ...[0xbf, ...le32(0xfec0_0000), 0xbe, ...le32(0xfee0_0000)], // mov edi, I/O APIC; mov esi, local APIC
  ...[0xb9, ...le32(0x1000), 0xba, ...le32(port)], // mov ecx, 1000h; mov edx, port
];

function ipiStorm(): number[] {
  const commands = [0x000c_4500, 0x000c_4608, 0x000c_0400, 0x0004_0030, 0x0008_4608, 0x0008_4500, 0x0008_0031, 0x000c_0200, 0x000c_0320];
  return [
    ...store(0xfee0_00f0, 0x1ff),
    ...commands.flatMap((command) => [...store(0xfee0_0310, 0xff00_0000), ...store(0xfee0_0300, command)]),
  ];
}

function randomRom(seed: number): Uint8Array {
  let state = seed * 0x9e37_79b9;
  const rom = Uint8Array.from({ length: ROM_BYTES }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
  rom.set([0xe9, 0x0d, 0x00], 0xfff0);
  return rom;
}

const pcWith = (firmware: Uint8Array, options: Partial<PcOptions> = {}): Pc =>
  new Pc({ cpus: 2, maxCpus: 4, topology: { cores: 1, threads: 1 }, ramBytes: 4 << 20, firmware, ...options });

function ask(pc: Pc, ...commands: object[]): unknown[] {
  const lines: string[] = [];
  const server = new QmpServer({ machine: pc });
  const session: QmpSession = server.connect({ write: (text) => lines.push(...text.trim().split('\r\n')), pendingBytes: 0, end: () => {} });
  for (const command of [{ execute: 'qmp_capabilities' }, ...commands]) session.receive(new TextEncoder().encode(JSON.stringify(command)));
  server.dispose();
  const replies = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return replies.filter((reply) => 'return' in reply || 'error' in reply).slice(1);
}

/** Lets the host's event loop turn while the machine runs. */
const turns = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a guest that misbehaves', () => {
  it.each(GUESTS)('$name: the machine runs on, answers QMP, takes a CPU, stops and resets', async ({ rom, resets }) => {
    const pc = pcWith(rom());
    let count = 0;
    pc.events$.subscribe(({ name }) => {
      if (name === 'RESET') count++;
    });
    pc.cont();
    await turns(60);
    const running = ask(pc, { execute: 'query-status' }, { execute: 'cpu-add', arguments: { id: 3 } });
    await turns(20);
    const reset = count > 0;
    const after = ask(pc, { execute: 'system_reset' }, { execute: 'query-cpus' }, { execute: 'stop' }, { execute: 'query-status' });
    await pc[Symbol.asyncDispose]();
    const status = (name: string): object => ({ return: { status: name, running: name === 'running', singlestep: false } });
    expect([running, after.length, after.at(-1), pc.instructions > 0]).toEqual([
      [status('running'), { return: {} }],
      4,
      status('paused'),
      true,
    ]);
    expect(resets === undefined || resets === reset).toBe(true);
  });
});

describe('what a triple fault leads to', () => {
  const rom = flatRom([0x0f, 0x0b]);

  it('a reset each time', () => {
    const pc = pcWith(rom);
    const resets: unknown[] = [];
    pc.events$.subscribe((event) => event.name === 'RESET' && resets.push(event));
    pc.cont();
    pc.runFor(10_000, () => resets.length >= 3);
    pc.stop();
    expect(resets.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => ({ name: 'RESET', guest: true, reason: 'guest-reset' })));
  });

  it('the end with -no-reboot', () => {
    const pc = pcWith(rom);
    pc.noReboot = true;
    const ends: unknown[] = [];
    pc.ended = (...end) => ends.push(end);
    pc.cont();
    pc.runFor(10_000, () => ends.length > 0);
    expect([ends, pc.runState]).toEqual([[['guest-reset', undefined]], 'shutdown']);
  });
});

describe('an idle guest', () => {
  it('executes nothing', async () => {
    const pc = pcWith(realModeRom([0xfa, 0xf4, 0xeb, 0xfd]), { time: { drive: 'realtime' } });
    pc.cont();
    await turns(30);
    const before = pc.instructions;
    await turns(100);
    const executed = pc.instructions - before;
    await pc[Symbol.asyncDispose]();
    expect([executed, before > 0]).toEqual([0, true]);
  });
});

describe('a guest that knows hot-plug', () => {
  it('brings a CPU online that was added while it was paused, only after it runs again', () => {
    const pc = pcWith(demoGuestRom(), { cpus: 1, ramBytes: 16 << 20 });
    let text = '';
    pc.board.com1.transmitted = (byte) => {
      text += String.fromCharCode(byte);
    };
    pc.cont();
    const ready = pc.runFor(200_000_000, () => DEMO_GUEST_LINES.ready.test(text));
    pc.stop();
    const [length, executed] = [text.length, pc.instructions];
    pc.hotAddCpu(2);
    const paused = [text.length - length, pc.instructions - executed, pc.board.pm.sci.high];
    pc.cont();
    const online = pc.runFor(200_000_000, () => DEMO_GUEST_LINES.cpuOnline(2).test(text));
    pc.stop();
    expect({ ready, paused, online, sci: DEMO_GUEST_LINES.sci.test(text) }).toEqual({
      ready: true,
      paused: [0, 0, true],
      online: true,
      sci: true,
    });
  }, 60_000);
});
