import { IoSpace, MemorySpace, storage } from '@hotsocket/address-space';
import { CoreMemory, ExecutionCore, layout, refreshMode } from './index.js';

const RAM_BYTES = 0x10_0000;
const CODE = 0x1000;
const DATA = 0x8000;

interface Guest {
  readonly core: ExecutionCore;
  readonly ram: Uint8Array;
}

/** A CPU in flat 32-bit code at CODE, with a stack below DATA. */
function makeGuest(code: readonly number[], translates: boolean): Guest {
  const memory = new CoreMemory(RAM_BYTES);
  const ram = memory.allocate(RAM_BYTES);
  const space = new MemorySpace();
  space.map(0, storage('ram', 'ram', ram));
  const core = new ExecutionCore({ memory, space, io: new IoSpace(), readTsc: () => {} });
  core.translates = translates;
  core.addCpu();
  core.select(0);
  ram.set(code, CODE);
  const { cpu } = core;
  for (let index = 0; index < 6; index++) {
    cpu.set32(layout.segment(index) + layout.SEG_LIMIT, 0xffff_ffff);
    cpu.set32(layout.segment(index) + layout.SEG_ATTR, index === layout.CS ? 0xc0_9b00 : 0xc0_9300);
  }
  cpu.set32(layout.CR0, 0x11);
  cpu.setFlags(2);
  cpu.set32(layout.MXCSR, 0x1f80);
  cpu.set16(layout.FCW, 0x37f);
  cpu.set16(layout.FTW, 0xffff);
  cpu.setLong(layout.RSP, DATA);
  cpu.setLong(layout.RIP, CODE);
  refreshMode(cpu);
  cpu.mmu.selectTlb(0);
  return { core, ram };
}

const REGISTERS = [layout.RAX, layout.RCX, layout.RDX, layout.RBX, layout.RSP, layout.RBP, layout.RSI, layout.RDI, layout.RIP];
const VECTORS = Array.from({ length: 16 }, (_, n) => layout.XMM + 4 * n);
const stateOf = ({ core }: Guest): number[] => [
  ...[...REGISTERS, ...VECTORS, layout.MXCSR].map((address) => core.cpu.get32(address)),
  core.cpu.flags(),
];

/** Runs a program in slices of odd lengths, and gives the state after each. */
function history(code: readonly number[], translates: boolean, slices: number): { states: number[][]; core: ExecutionCore } {
  const guest = makeGuest(code, translates);
  const states: number[][] = [];
  for (let slice = 0; slice < slices; slice++) {
    guest.core.run(9_973);
    states.push([...stateOf(guest), guest.core.retired]);
  }
  return { states, core: guest.core };
}

// mov ecx, 1; L: lea eax, [ecx*4+3]; xor eax, ebx; mov [8100h], eax; add ebx, [8100h]; sar ebx, 1; adc edx, 0; inc ecx; cmp ecx, 50000; jb L; jmp start
const LOOP = [
  0xb9, 1, 0, 0, 0, 0x8d, 0x04, 0x8d, 3, 0, 0, 0, 0x31, 0xd8, 0xa3, 0, 0x81, 0, 0, 0x03, 0x1d, 0, 0x81, 0, 0, 0xd1, 0xfb, 0x83, 0xd2, 0,
  0x41, 0x81, 0xf9, 0x50, 0xc3, 0, 0, 0x72, 0xde, 0xeb, 0xd7,
];
// start: push ecx; call F; pop ecx; inc ecx; jmp start; F: mov eax, [esp+4]; imul eax, eax, 3; ret
const CALLS = [0x51, 0xe8, 4, 0, 0, 0, 0x59, 0x41, 0xeb, 0xf6, 0x8b, 0x44, 0x24, 0x04, 0x6b, 0xc0, 0x03, 0xc3];
// start: mov byte [patch+1], cl; inc ecx; patch: mov al, 0; add ebx, eax; jmp start
const PATCHES_ITSELF = [0x88, 0x0d, 0x08, 0x10, 0, 0, 0x41, 0xb0, 0, 0x01, 0xc3, 0xeb, 0xf3];

/** Bytes of a program in hexadecimal. */
const program = (text: string): number[] => [...Buffer.from(text, 'hex')];

/*
 * start: mov esi, 8100h; mov edi, 8104h; mov ecx, 37; rep movsb; mov edi, 8ff0h; mov ecx, 21; mov eax, ebx; rep stosd; mov edi, 8f80h;
 * mov ecx, 290; repne scasb; sbb edx, ecx; mov esi, 8100h; mov edi, 8140h; mov ecx, 60; repe cmpsb; adc edx, ecx; lodsb; stosw; scasd; cmpsb;
 * std; mov ecx, 9; rep movsd; cld; setc [8100h+ebx]; inc bl; add edx, edi; jmp start
 */
const STRINGS = program(
  'be00810000bf04810000b925000000f3a4bff08f0000b91500000089d8f3abbf808f0000b922010000f2ae19cabe00810000bf40810000b93c000000f3a611ca' +
    'ac66abafa6fdb909000000f3a5fc0f928300810000fec301faeba5',
);
/*
 * start: cvtsi2sd xmm0, ecx; addsd xmm1, xmm0; movapd [8100h], xmm1; mulpd xmm1, [8100h]; divsd xmm1, xmm0; paddd xmm2, xmm1;
 * pshufd xmm3, xmm2, 1bh; pinsrw xmm3, ecx, 3; pextrw eax, xmm3, 2; movd edx, xmm2; comisd xmm1, xmm0; adc ebx, edx; psllq xmm2, 3;
 * shufps xmm2, xmm3, 4eh; cvttsd2si esi, xmm0; inc ecx; jmp start
 */
const VECTOR_CODE = program(
  'f20f2ac1f20f58c8660f290d00810000660f590d00810000f20f5ec8660ffed1660f70da1b660fc4d903660fc5c302660f7ed2660f2fc811d3660f73f2030fc6d34e' +
    'f20f2cf041ebb7',
);

/** How often instructions are looked up by TypeScript while `work` runs. */
function lookUps({ code }: ExecutionCore, work: () => void): number {
  const find = code.find.bind(code);
  let count = 0;
  code.find = (page, offset, modeKey) => {
    count++;
    return find(page, offset, modeKey);
  };
  work();
  code.find = find;
  return count;
}

/** Pieces of code by their offset from CODE, with INT3 between them. */
function assemble(pieces: Readonly<Record<number, readonly number[]>>): number[] {
  const code: number[] = [];
  for (const [offset, bytes] of Object.entries(pieces)) {
    while (code.length < Number(offset)) code.push(0xcc);
    code.splice(Number(offset), bytes.length, ...bytes);
  }
  return code;
}

// start: push ecx; call F; pop ecx; inc ecx; jmp start; in the next page F: lea eax, [ecx+ecx*2]; add ebx, eax; ret
const CALLS_ACROSS = assemble({ 0: [0x51, 0xe8, 0x0a, 0x10, 0, 0, 0x59, 0x41, 0xeb, 0xf6], 4112: [0x8d, 0x04, 0x49, 0x01, 0xc3, 0xc3] });
// jmp L; L, at the end of the page: inc ecx; add ebx, ecx; xor edx, ebx; in the next page: rol edx, 3; jmp L
const FALLS_THROUGH = assemble({
  0: [0xe9, 0xf4, 0x0f, 0, 0],
  4089: [0x41, 0x01, 0xcb, 0x90, 0x31, 0xda, 0x90],
  4096: [0xc1, 0xc2, 0x03, 0xeb, 0xf4],
});
// start: mov [F+1], cl; call F; inc ecx; jmp start; in the next page F: mov al, 0; add ebx, eax; ret
const PATCHES_ACROSS = assemble({
  0: [0x88, 0x0d, 0x11, 0x20, 0, 0, 0xe8, 0x05, 0x10, 0, 0, 0x41, 0xeb, 0xf2],
  4112: [0xb0, 0, 0x01, 0xc3, 0xc3],
});
// start: mov eax, ecx; and eax, 1; lea eax, [eax*8+1020h]; jmp eax; 1020h: inc ecx; jmp start; 1028h: add ebx, ecx; inc ecx; jmp start
const COMPUTED_JUMPS = assemble({
  0: [0x89, 0xc8, 0x83, 0xe0, 0x01, 0x8d, 0x04, 0xc5, 0x20, 0x10, 0, 0, 0xff, 0xe0],
  32: [0x41, 0xeb, 0xdd],
  40: [0x01, 0xcb, 0x41, 0xeb, 0xd3],
});
// start: inc ecx; pushf; pop eax; xor ebx, eax; cli; add edx, ebx; cpuid's place: sahf; jmp start
const SYSTEM_INSIDE = [0x41, 0x9c, 0x58, 0x31, 0xc3, 0xfa, 0x01, 0xda, 0x9e, 0xeb, 0xf5];

/*
 * start: add eax, ecx; pushf; pop ebx; lahf; add edx, eax; sahf; adc edx, ebx; xor ebx, 8c5h; push ebx; popf; rcl esi, 1; cmpxchg8b [8100h];
 * setz bl; mov [8110h], ecx; fild dword [8110h]; fadd dword [8110h]; fsqrt; fistp dword [8114h]; add edi, [8114h]; inc ecx; jmp start
 */
const FLAGS_AND_X87 = program(
  '01c89c5b9f01c29e11da81f3c5080000539dd1d60fc70d008100000f94c3890d10810000db0510810000d80510810000d9fadb1d14810000033d1481000041ebbf',
);

describe('translated code', () => {
  it.each([
    ['a loop with loads, stores and flags', LOOP],
    ['calls and returns', CALLS],
    ['code that changes itself', PATCHES_ITSELF],
    ['calls and returns between pages', CALLS_ACROSS],
    ['a loop over the end of a page', FALLS_THROUGH],
    ['code that changes what it calls in another page', PATCHES_ACROSS],
    ['computed jumps', COMPUTED_JUMPS],
    ['instructions of the system, and some for helpers', SYSTEM_INSIDE],
    ['string instructions', STRINGS],
    ['vector registers in locals', VECTOR_CODE],
    ['images of flags, and the x87', FLAGS_AND_X87],
  ])('%s: every slice ends with the state and the count of interpreted code', (_name, code) => {
    const interpreted = history(code, false, 120);
    const translated = history(code, true, 120);
    expect(translated.states).toEqual(interpreted.states);
    expect(interpreted.core.translator.regions).toBe(0);
  });

  it.each([
    ['a loop', LOOP],
    ['string instructions', STRINGS],
    ['vector instructions', VECTOR_CODE],
    ['moving flags and computing with the x87', FLAGS_AND_X87],
  ])('%s that is executed often is translated whole', (_name, code) => {
    const { core } = history(code, true, 400);
    expect(core.translator.regions).toBeGreaterThan(0);
    expect(core.translator.refused).toEqual([]);
  });

  it('a store into translated code takes effect at the next instruction', () => {
    const { core, ram } = makeGuest(PATCHES_ITSELF, true);
    core.translatesAtOnce = true;
    core.run(5_000);
    expect(core.cpu.get8(layout.RAX)).toBe(ram[CODE + 8]);
  });

  it('eviction of all decoded code leaves no region reachable', () => {
    const guest = makeGuest(LOOP, true);
    for (let slice = 0; slice < 40; slice++) guest.core.run(9_973);
    guest.core.code.evictAll();
    guest.core.run(9_973);
    const expected = history(LOOP, false, 41).states.at(-1);
    expect([...stateOf(guest), guest.core.retired]).toEqual(expected);
  });

  it('calls into another page stay in their region', () => {
    const { core } = history(CALLS_ACROSS, true, 120);
    const table = core.code.tableOf((CODE >> 12) + 1, core.cpu.get32(layout.MODE_KEY));
    core.memory.i32.fill(0, table >> 2, (table + layout.TABLE_BYTES) >> 2);
    expect(lookUps(core, () => void core.run(100_000))).toBeLessThan(3);
    expect(core.translator.regions).toBe(1);
  });

  it.each([true, false])('a request to end the slice is heeded at the next check point (translated: %s)', (translates) => {
    const guest = makeGuest(LOOP, translates);
    for (let slice = 0; slice < 40; slice++) guest.core.run(9_973);
    guest.core.cpu.set32(layout.EXIT_REQUEST, 1);
    const before = guest.core.retired;
    guest.core.run(9_973);
    expect(guest.core.retired - before).toBeLessThan(16);
  });

  it('regions and their modules come and go without end', () => {
    const [interpreted, translated] = [makeGuest(CALLS_ACROSS, false), makeGuest(CALLS_ACROSS, true)];
    translated.core.translatesAtOnce = true;
    for (let round = 0; round < 300; round++) {
      for (const { core } of [interpreted, translated]) {
        core.code.evictAll();
        core.run(100);
      }
    }
    expect(translated.core.translator.regions).toBeGreaterThanOrEqual(300);
    expect(stateOf(translated)).toEqual(stateOf(interpreted));
  });
});
