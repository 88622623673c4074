/**
 * Random programs of user code: instances of the rows, loops, forward branches, calls, indirect jumps, code that changes itself.
 *
 * A program is a list of items. `code` is some bytes; `jump` (a condition, or -1 for always) and `loop` (so many times) stand before the
 * `over` items that they skip or repeat. So any items can be left out, and what remains is a program.
 */
import { ROWS } from '../../packages/x86-isa/dist/index.js';
import { encodeRow } from './encode.mjs';
import { DATA, STACK } from './environment.mjs';
import { littleEndian } from './random.mjs';

/** What a code record of the native oracle can hold, without the INT3 at the end. */
const MOST_BYTES = 250;
const MOST_ITEMS = 14;
/** Turns after which a loop is hot, and some more to execute it translated. */
const HOT_TURNS = 2600;
const HOT_PER_MILLE = 4;

const FAMILIES = new Set(
  'alu shift move bit misc stack string mmx sse sse2 sse3 ssse3 sse41 sse42 x87 crypto bmi system control'.split(' '),
);
const LEFT_OUT_ATTRIBUTES = 'priv branch jump call ret far interrupt ud'.split(' ');
/** System calls, random numbers, time, what needs CR4.OSXSAVE; ports and flags of the system end a program at once. */
const LEFT_OUT =
  /^(RDRAND|RDSEED|XSAVE.*|XRSTOR.*|XGETBV|RDPKRU|WRPKRU|RDPMC|RDTSC|RDTSCP|RDPID|INVLPG|INS|OUTS|IN|OUT|CLI|STI|(RD|WR)FSBASE|WRGSBASE)$/;
/**
 * Results that processors choose, or that tell of the environment: these programs are compared between the tiers only. So are those with
 * POPF, since the oracle's signal handler does not bear AC, and those that read much: the address that faults first is a choice.
 */
const NOT_NATIVE =
  /^(RCP[SP]S|RSQRT[SP]S|F2XM1|FSIN|FCOS|FSINCOS|FPTAN|FPATAN|FYL2X|FYL2XP1|FNSTENV|FNSAVE|FXSAVE.*|FXRSTOR.*|FRSTOR|FLDENV|MASKMOV.*|POPF|BSWAP|CPUID|S[GI]DT|SLDT|STR|SMSW|RDGSBASE|L[DEFGS]S|LSS|LAR|LSL|VERR|VERW|ARPL|MONITOR)$/;
/** Leave some status flags undefined. */
const UNDEFINED_FLAGS =
  /^(MUL|IMUL|DIV|IDIV|R[OC][LR]|S[AH][LR]|SH[LR]D|BT|BT[SRC]|BSF|BSR|TZCNT|LZCNT|POPCNT|A[AD][ADMS]|DA[AS]|ANDN|BLS.*|BEXTR|BZHI)$/;
/** Defines every status flag: CMP rAX,rDX. */
const NORMALIZE = [0x39, 0xd0];

const isWanted = (row) =>
  FAMILIES.has(row.family) && !LEFT_OUT_ATTRIBUTES.some((name) => row.attributes.has(name)) && !LEFT_OUT.test(row.mnemonic);
const CANDIDATES = ROWS.filter(isWanted);
const isNative = (row) =>
  !NOT_NATIVE.test(row.mnemonic) && !row.operands.some(({ letter, size }) => letter === 'S' || (letter === 'reg' && size === 'seg'));

/** One instance of a row; undefined when the mode does not have it. */
function instruction(row, mode, random, native) {
  if (native && !isNative(row)) return undefined;
  if (native && mode !== 64 && /^SH[LR]D$/.test(row.mnemonic)) return undefined;
  const bytes = encodeRow(row, mode, random, native);
  if (!bytes) return undefined;
  // counts above 16 of 16-bit double shifts are undefined
  if (native && /^SH[LR]D$/.test(row.mnemonic) && bytes.includes(0x66)) return undefined;
  return native && UNDEFINED_FLAGS.test(row.mnemonic) ? [...bytes, ...NORMALIZE] : bytes;
}

const CALL_NEXT = { 64: [0xe8, 0, 0, 0, 0], 32: [0xe8, 0, 0, 0, 0], 16: [0xe8, 0, 0] };
const POP_AX = 0x58;

/** CALL of the code behind a jump over it: CALL 1; JMP 2; 1: bytes; RET; 2: */
function callItem(mode, bytes) {
  const call = mode === 16 ? [0xe8, 2, 0] : [0xe8, 2, 0, 0, 0];
  return [...call, 0xeb, bytes.length + 1, ...bytes, 0xc3];
}

/** CALL 1; 1: POP rAX; ADD rAX,n; JMP rAX; a byte that is skipped. */
function indirectItem(mode) {
  const add = mode === 64 ? [0x48, 0x83, 0xc0] : [0x83, 0xc0];
  const jump = [0xff, 0xe0];
  return [...CALL_NEXT[mode], POP_AX, ...add, add.length + jump.length + 3, ...jump, 0xcc];
}

/** CALL 1; 1: POP rAX; INC byte [rAX+n]; MOV CL,imm, whose byte it was. In 16-bit code the offset gets the base of CS. */
function patchItem(mode, random) {
  if (mode === 16) {
    const widen = [0x66, 0x0f, 0xb7, 0xc0];
    const patch = [0x67, 0xfe, 0x80, ...littleEndian(0x40_0000 + 1 + widen.length + 7 + 1, 4)];
    return [...CALL_NEXT[16], POP_AX, ...widen, ...patch, 0xb1, random.below(256)];
  }
  return [...CALL_NEXT[mode], POP_AX, 0xfe, 0x40, 5, 0xb1, random.below(256)];
}

/** A repeated string instruction with a small count, and the pointers set again behind it. */
function stringItem(mode, random) {
  const opcode = random.pick([0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf]);
  const wide = mode === 16 ? [0x66] : [];
  const move = (register, value) => [...wide, 0xb8 + register, ...littleEndian(value, 4)];
  const address = mode === 16 ? [0x67] : [];
  const size = random.pick([[], [], [0x66], mode === 64 ? [0x48] : []]);
  const direction = random.chance(25) ? [0xfd] : [];
  const code = [
    ...move(1, random.below(random.chance(80) ? 20 : 600)),
    ...direction,
    ...address,
    random.pick([0xf3, 0xf2]),
    ...size,
    opcode,
  ];
  return [
    ...code,
    ...(direction.length > 0 ? [0xfc] : []),
    ...move(6, DATA + 0x400),
    ...move(7, DATA + random.pick([0x800, 0x403, 0xff8])),
  ];
}

/** PUSH of a register, or PUSH and POP, or ENTER and LEAVE: the stack pointer is as before, most of the time. */
function stackItem(mode, random) {
  const register = random.below(4);
  return random.pick([
    [0x50 + register, 0x58 + random.below(4)],
    [0x50 + register, 0x9c, 0x58 + random.below(4), 0x58 + random.below(4)],
    [0xc8, random.below(64), 0, random.below(3), 0xc9],
    [0x6a, random.below(256), mode === 64 ? 0x5a : 0x58],
    [0x50 + register],
  ]);
}

function codeItem(mode, random, native) {
  const kind = random.below(100);
  if (kind < 4) return stringItem(mode, random);
  if (kind < 8) return stackItem(mode, random);
  if (kind < 11) return indirectItem(mode);
  if (kind < 13) return patchItem(mode, random);
  for (;;) {
    const bytes = instruction(random.pick(CANDIDATES), mode, random, native);
    if (!bytes) continue;
    return kind < 17 ? callItem(mode, bytes) : bytes;
  }
}

/** A random program; `native` says that any processor must leave the same state. */
export function makeProgram(random) {
  const mode = random.pick([64, 64, 64, 32, 32, 16]);
  const native = random.chance(75);
  const length = 1 + random.below(MOST_ITEMS);
  const items = [];
  for (let n = 0; n < length; n++) {
    if (random.chance(12)) items.push({ jump: random.chance(90) ? random.below(16) : -1, over: 1 + random.below(3) });
    if (random.chance(6)) items.push({ loop: 2 + random.below(6), over: 1 + random.below(4) });
    items.push({ code: codeItem(mode, random, native) });
  }
  const turns = random.pick([1, 1, 1, 1, 2, 2, 5, 5]);
  const hot = random.below(1000) < HOT_PER_MILLE;
  if (turns > 1 || hot) items.unshift({ loop: hot ? HOT_TURNS + random.below(400) : turns, over: items.length });
  const program = { mode, native, hot, items, seed: random.next() };
  while (codeOf(program).length > MOST_BYTES) items.pop();
  return program;
}

/** The bytes; an INT3 ends them. */
export function codeOf({ mode, items }) {
  const layout = { mode, loops: 0 };
  return Uint8Array.from([...lay(items, layout), 0xcc]);
}

function lay(items, layout) {
  const bytes = [];
  for (let n = 0; n < items.length; n++) {
    const { code, jump, loop, over } = items[n];
    if (code) {
      bytes.push(...code);
      continue;
    }
    const counter = STACK + 0x100 + 4 * layout.loops++;
    const body = lay(items.slice(n + 1, n + 1 + over), layout);
    bytes.push(...(loop === undefined ? skip(jump, body, layout) : repeat(loop, counter, body, layout)));
    n += over;
  }
  return bytes;
}

function skip(condition, body, { mode }) {
  const near = mode === 16 ? 2 : 4;
  const distance = body.length > 127 ? littleEndian(body.length, near) : [body.length];
  const short = body.length <= 127;
  if (condition < 0) return [short ? 0xeb : 0xe9, ...distance, ...body];
  return [...(short ? [0x70 + condition] : [0x0f, 0x80 + condition]), ...distance, ...body];
}

/** MOV dword [counter],turns; 1: body; DEC dword [counter]; JNZ 1. */
function repeat(turns, counter, body, { mode }) {
  const wide = mode === 16 ? [0x66, 0x67] : [];
  const place = (reg) => (mode === 64 ? [(reg << 3) | 4, 0x25] : [(reg << 3) | 5]);
  const address = littleEndian(counter, 4);
  const decrement = [...wide, 0xff, ...place(1), ...address];
  const near = mode === 16 ? 2 : 4;
  const distance = -(body.length + decrement.length + 2 + near);
  return [
    ...wide,
    0xc7,
    ...place(0),
    ...address,
    ...littleEndian(turns, 4),
    ...body,
    ...decrement,
    0x0f,
    0x85,
    ...littleEndian(distance, near),
  ];
}
