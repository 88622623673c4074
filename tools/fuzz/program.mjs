// Random programs of user code: integer, MMX, SSE and x87 instructions from the rows, in a loop with forward branches.
import { ROWS } from '../../packages/x86-isa/dist/index.js';

/** mulberry32: a small generator with a 32-bit seed. */
export function generator(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (limit) => next() % limit;
  return { next, below, pick: (list) => list[below(list.length)], chance: (percent) => below(100) < percent };
}

const FAMILIES = new Set('alu shift move bit misc mmx sse sse2 sse3 ssse3 sse41 sse42 x87 crypto'.split(' '));
const SKIPPED_ATTRIBUTES = 'priv branch jump call ret far interrupt ud vex string rep repz'.split(' ');
/** Addressing of their own, state of the environment, approximations that processors choose, results that are undefined for some operands. */
const SKIPPED = new RegExp(
  '^(XLAT|LDMXCSR|FXRSTOR|FXSAVE|FLDENV|FNSTENV|FRSTOR|FNSAVE|FLDCW|MASKMOV.*|RCP[SP]S|RSQRT[SP]S|BSF|BSR|F2XM1|FSIN|FCOS|FSINCOS|FPTAN|' +
    'FPATAN|FYL2X|FYL2XP1|RD.*|CPUID|XGETBV|MONITOR|MWAIT|L[DEFGS]S|LSS|BOUND|INTO|SALC|PREFETCH.*|CLFLUSH.*|CLWB|UD.*|XSAVE.*|XRSTOR.*|INVPCID|' +
    'RDPID|WR.*|ARPL|CLAC|STAC|LAR|LSL|VERR|VERW|ENTER|LEAVE|PAUSE|CMPXCHG16B)$',
);
const isWanted = (row) =>
  FAMILIES.has(row.family) &&
  !SKIPPED_ATTRIBUTES.some((name) => row.attributes.has(name)) &&
  !SKIPPED.test(row.mnemonic) &&
  !/moffs|VEX|REX\.W|NFx/.test(row.opcode) &&
  !row.operands.some(({ letter }) => letter === 'S' || letter === 'C' || letter === 'D');

const CANDIDATES = ROWS.filter(isWanted);
/** Defines every status flag: CMP rAX,rDX. */
const NORMALIZE = [0x39, 0xd0];
const FLAGS_UNDEFINED = new Set(['alu', 'shift', 'bit', 'misc']);
const [RSI, RDI, RBP, ESCAPE] = [6, 7, 5, 0x0f];

/** Encodes one instance of a row; undefined when the mode does not have it. */
function encode(row, mode, random) {
  const tokens = row.opcode.split(' ').filter((token) => token !== 'NP');
  const prefixes = [];
  while (tokens.length > 1 && /^(66|F2|F3)$/.test(tokens[0])) prefixes.push(Number.parseInt(tokens.shift(), 16));
  if (mode === 64 && row.attributes.has('i64')) return undefined;
  if (mode !== 64 && row.attributes.has('only64')) return undefined;
  const mandatory = prefixes.length > 0;
  const general =
    row.operands.some(({ type = '', text = '' }) => /[vyz]/.test(`${type}${text}`)) ||
    / [EGr]\w*[vyz]/.test(row.text) ||
    /[EG][vy]/.test(row.text);
  const small = !mandatory && general && random.chance(15);
  if (small) prefixes.unshift(0x66);
  const half = mode === 16 ? !small : small;
  if (half && /^(SHLD|SHRD|BSWAP)$/.test(row.mnemonic)) return undefined;
  const rex = { w: mode === 64 && general && !small && random.chance(40), r: 0, b: 0, any: mode === 64 && random.chance(20) };
  const registers = mode === 64 ? [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15] : [0, 1, 2, 3];
  const code = [];
  const tail = [];
  for (const token of tokens) if (!part(token, { row, mode, random, rex, registers, code, tail, prefixes, half })) return undefined;
  const rexByte = 0x40 | (rex.w ? 8 : 0) | (rex.r << 2) | rex.b;
  const needs = mode === 64 && (rexByte !== 0x40 || rex.any);
  return [...prefixes, ...(needs ? [rexByte] : []), ...code, ...tail];
}

function part(token, context) {
  const { random, rex, registers, code, tail, mode, half, row } = context;
  if (/^[0-9A-F]{2}$/.test(token)) return code.push(Number.parseInt(token, 16));
  const based = /^([0-9A-F]{2})\+([ri])$/.exec(token);
  if (based) {
    const register = based[2] === 'i' ? random.below(8) : random.pick(registers);
    rex.b = register >> 3;
    return code.push(Number.parseInt(based[1], 16) + (register & 7));
  }
  if (token.startsWith('/')) return modrm(token, context);
  const sizes = { ib: 1, iw: 2, iz: half ? 2 : 4, iv: half ? 2 : mode === 64 && rex.w ? 8 : 4 };
  const bytes = sizes[token];
  if (bytes === undefined || row.text === '') return false;
  for (let n = 0; n < bytes; n++) tail.push(random.chance(30) ? random.pick([0, 1, 0x7f, 0x80, 0xff]) : random.below(256));
  return true;
}

function modrm(token, { row, mode, random, rex, registers, tail, prefixes }) {
  const letters = row.operands.map(({ letter }) => letter);
  const any = (set) => letters.some((letter) => set.includes(letter));
  const isX87 = row.family === 'x87';
  const vectors = [0, 1, 2, 3, 4, 5, 6, 7];
  const reg =
    token === '/r'
      ? random.pick(any('VP') && !any('G') ? [...vectors, ...(mode === 64 && any('V') ? [8, 15] : [])] : registers)
      : Number(token[1]);
  // bit offsets in registers reach anywhere
  const farBits = /^BT[SRC]?$/.test(row.mnemonic) && any('G');
  const memory = any('M') || isX87 ? true : any('NUR') || farBits ? false : random.chance(40);
  const rm = memory ? random.pick([RSI, RDI]) : random.pick(any('WQNU') ? vectors : registers);
  if (token === '/r') rex.r = reg >> 3;
  rex.b = memory ? 0 : rm >> 3;
  if (!memory) return tail.push(0xc0 | ((reg & 7) << 3) | (rm & 7));
  if (mode === 16) prefixes.unshift(0x67);
  const displacement = random.chance(80) ? 16 * random.below(8) : random.below(128);
  return tail.push(0x40 | ((reg & 7) << 3) | rm, displacement);
}

const JCC = 0x70;

/** A program: instructions as byte arrays, and the loop around them. */
export function makeProgram(random) {
  const mode = random.pick([64, 64, 64, 32, 32, 16]);
  const length = 1 + random.below(12);
  const instructions = [];
  while (instructions.length < length) {
    const row = random.pick(CANDIDATES);
    const bytes = encode(row, mode, random);
    if (!bytes) continue;
    if (random.chance(10)) instructions.push([JCC + random.below(16), bytes.length]);
    instructions.push(bytes);
    if (FLAGS_UNDEFINED.has(row.family)) instructions.push(NORMALIZE);
  }
  return { mode, instructions, turns: random.pick([1, 1, 1, 2, 5]), seed: random.next() };
}

/** The bytes: the loop counts in rBP; an INT3 ends it. */
export function codeOf({ mode, instructions, turns }) {
  const body = instructions.flat();
  const decrement = mode === 64 ? [0xff, 0xcd] : [0x4d];
  const distance = -(body.length + decrement.length + (mode === 16 ? 4 : 6));
  const back =
    turns > 1 ? [...decrement, ESCAPE, 0x85, ...Array.from({ length: mode === 16 ? 2 : 4 }, (_, n) => (distance >> (8 * n)) & 0xff)] : [];
  return Uint8Array.from([...body, ...back, 0xcc]);
}

const INTERESTING = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];
const FLOATS = [0, 0x3f80_0000, 0xbf80_0000, 0x7f80_0000, 0x7fc0_0000, 1, 0x007f_ffff, 0x7f7f_ffff, 0x4f00_0000, 0x3ff0_0000, 0x7ff0_0000];
const DATA = 0x80_0000;

/** Registers, flags and FXSAVE image before a program, from its seed. */
export function startState({ seed, mode, turns }) {
  const random = generator(seed);
  const value = () => (random.chance(40) ? random.pick(INTERESTING) : (BigInt(random.next()) << 32n) | BigInt(random.next()));
  const gpr = Array.from({ length: 16 }, (_, n) => (mode === 64 ? value() : n < 8 ? value() & 0xffff_ffffn : 0n));
  gpr[4] = 0x90_0800n;
  gpr[RBP] = BigInt(turns);
  gpr[RSI] = BigInt(DATA + 0x400);
  gpr[RDI] = BigInt(DATA + 0x800);
  const fx = Buffer.alloc(512);
  fx.writeUInt16LE(random.chance(80) ? 0x37f : 0x340 | (random.below(4) << 10) | (random.below(2) ? 0x3f : random.below(64)), 0);
  fx.writeUInt16LE(random.below(8) << 11, 2);
  fx[4] = random.chance(50) ? 0xff : random.below(256);
  fx.writeUInt32LE(random.chance(80) ? 0x1f80 : 0x1f80 | (random.below(4) << 13) | (random.below(2) << 15) | (random.below(2) << 6), 24);
  for (let n = 0; n < 8; n++) writeX87(fx, 32 + 16 * n, random);
  for (let at = 160; at < 416; at += 4) fx.writeUInt32LE(random.chance(40) ? random.pick(FLOATS) : random.next(), at);
  return { gpr, flags: 0x202 | (random.next() & 0x8d5), fx };
}

function writeX87(fx, at, random) {
  const exponent = random.chance(80) ? 0x3fff - 40 + random.below(80) : random.pick([0, 1, 0x7ffe, 0x7fff]);
  fx.writeUInt32LE(random.chance(50) ? 0 : random.next(), at);
  fx.writeUInt32LE((random.next() | (exponent === 0 ? 0 : 0x8000_0000)) >>> 0, at + 4);
  fx.writeUInt16LE(exponent | (random.below(2) << 15), at + 8);
}
