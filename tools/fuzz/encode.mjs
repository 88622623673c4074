/** Encodes random instances of rows of the instruction tables. */
import { DATA, INDEX, POINTERS } from './environment.mjs';
import { littleEndian } from './random.mjs';

const [OPERAND_SIZE, ADDRESS_SIZE, LOCK, GS, REPNE, REP] = [0x66, 0x67, 0xf0, 0x65, 0xf2, 0xf3];
const [RAX, RSP] = [0, 4];
const VEX_MAPS = { '0F': 1, '0F38': 2, '0F3A': 3 };
const VEX_PREFIXES = { NP: 0, 66: 1, F3: 2, F2: 3 };
const [RM_SIB, RM_DISPLACEMENT, NO_BASE, NO_INDEX] = [4, 5, 5, 4];
const [MOD_NONE, MOD_8, MOD_32, MOD_REGISTER] = [0x00, 0x40, 0x80, 0xc0];

/** Registers that instructions write at random: not the pointers, except now and then. */
const WRITABLE = { 64: [0, 1, 2, 3, 8, 9, 10, 11, 15], 32: [0, 1, 2, 0, 1, 2, 3], 16: [0, 1, 2, 0, 1, 2, 3] };

/** With `keepsStack`, never rSP: a stack in the code would make instructions that nobody chose. */
function anyRegister({ mode, random, keepsStack }) {
  const register = random.chance(2) ? random.below(mode === 64 ? 16 : 8) : random.pick(WRITABLE[mode]);
  return keepsStack && register === RSP ? RAX : register;
}

/** The bytes of one instance; undefined when the mode does not have it. */
export function encodeRow(row, mode, random, keepsStack) {
  if (row.attributes.has(mode === 64 ? 'i64' : 'only64')) return undefined;
  const context = { row, mode, random, keepsStack, prefixes: [], code: [], tail: [], rex: { w: 0, r: 0, x: 0, b: 0 }, vex: undefined };
  const tokens = row.opcode.split(' ').filter((token) => token !== 'NP' && token !== 'NFx');
  while (tokens.length > 1 && /^(66|F2|F3)$/.test(tokens[0])) context.prefixes.push(Number.parseInt(tokens.shift(), 16));
  chooseSize(context);
  if (!tokens.every((token) => addToken(token, context))) return undefined;
  return assemble(context);
}

/** Operand size prefixes, for rows whose operands depend on them. */
function chooseSize(context) {
  const { row, mode, random, prefixes, rex } = context;
  const sizes = row.operands.map(({ size }) => size);
  const scalable = sizes.some((size) => size === 'v' || size === 'z');
  context.small = scalable && prefixes.length === 0 && random.chance(15);
  if (context.small) prefixes.push(OPERAND_SIZE);
  rex.w = Number(mode === 64 && !context.small && (scalable || sizes.includes('y')) && random.chance(40));
  context.half = mode === 16 ? !context.small : context.small;
}

function addToken(token, context) {
  const { code, random, rex, tail, mode } = context;
  if (/^[0-9A-F]{2}$/.test(token)) return code.push(Number.parseInt(token, 16));
  if (token === 'REX.W') return mode === 64 && (rex.w = 1);
  if (token.startsWith('VEX')) return addVex(token, context);
  if (token.startsWith('/')) return addModRm(token, context);
  const [, opcode, kind] = /^([0-9A-F]{2})\+([ri])$/.exec(token) ?? [];
  if (kind) {
    const register = kind === 'i' ? random.below(8) : anyRegister(context);
    rex.b = register >> 3;
    return code.push(Number.parseInt(opcode, 16) + (register & 7));
  }
  if (token === 'moffs') return tail.push(...littleEndian(DATA + 0x100 + random.below(64), mode === 64 ? 8 : mode === 16 ? 2 : 4));
  const bytes = { ib: 1, iw: 2, iz: context.half ? 2 : 4, iv: rex.w ? 8 : context.half ? 2 : 4 }[token];
  if (bytes === undefined) return false;
  return tail.push(...Array.from({ length: bytes }, () => (random.chance(30) ? random.pick([0, 1, 0x7f, 0x80, 0xff]) : random.below(256))));
}

function addVex(token, context) {
  const [, , prefix, map] = token.split('.');
  context.vex = { map: VEX_MAPS[map], prefix: VEX_PREFIXES[prefix], register: anyRegister(context) };
  return true;
}

/** Whether an operand in ModRM.rm is memory. */
function choosesMemory({ row, random }) {
  const letters = row.operands.map(({ letter }) => letter);
  if (letters.includes('M') || (row.family === 'x87' && !letters.includes('ST'))) return true;
  if (letters.some((letter) => 'NUR'.includes(letter))) return false;
  return random.chance(45);
}

function addModRm(token, context) {
  const { row, mode, random, rex, tail } = context;
  const letters = row.operands.map(({ letter }) => letter);
  const vector = (letter) => random.below(mode === 64 && letter === 'x' ? 16 : 8);
  const regVector = letters.includes('V') ? 'x' : letters.includes('P') ? 'm' : undefined;
  const reg =
    token === '/r' ? (letters.includes('S') ? random.below(8) : regVector ? vector(regVector) : anyRegister(context)) : Number(token[1]);
  if (token === '/r') rex.r = reg >> 3;
  if (choosesMemory(context)) return addMemory(reg & 7, context);
  const rmVector = letters.some((letter) => 'WU'.includes(letter))
    ? 'x'
    : letters.some((letter) => 'QN'.includes(letter))
      ? 'm'
      : undefined;
  const rm = rmVector ? vector(rmVector) : anyRegister(context);
  rex.b = rm >> 3;
  return tail.push(MOD_REGISTER | ((reg & 7) << 3) | (rm & 7));
}

const displacement = (random, most) => (random.chance(80) ? 16 * random.below(most >> 4) : random.below(most));

function addMemory(reg, context) {
  const { mode, random, prefixes, row } = context;
  const lockable = row.attributes.has('lock') && row.operands[0]?.letter === 'E';
  if (lockable && random.chance(15)) prefixes.unshift(LOCK);
  if (mode === 16 && random.chance(50)) return addMemory16(reg, context);
  if (mode === 16 || (mode === 64 && random.chance(4))) prefixes.unshift(ADDRESS_SIZE);
  const form = random.below(100);
  if (form < 50) return addBased(reg, context, false);
  if (form < 80) return addBased(reg, context, true);
  if (form < 85) return addGs(reg, context);
  return addAbsolute(reg, context);
}

/** [SI+d8], [DI+d8], [BX+SI+d8], [BP+DI+d8]: the low halves of pointers into DATA point into LOW. */
function addMemory16(reg, { random, tail }) {
  return tail.push(MOD_8 | (reg << 3) | random.pick([4, 5, 4, 5, 0, 3]), displacement(random, 128));
}

function addBased(reg, { mode, random, rex, tail }, indexed) {
  const base = random.pick(POINTERS[mode]);
  const wide = random.chance(20);
  rex.b = base >> 3;
  const mod = (wide ? MOD_32 : MOD_8) | (reg << 3);
  if (indexed) {
    const index = random.chance(90) ? INDEX[mode] : NO_INDEX;
    rex.x = index >> 3;
    tail.push(mod | RM_SIB, (random.below(4) << 6) | ((index & 7) << 3) | (base & 7));
  } else if ((base & 7) === RM_SIB) {
    tail.push(mod | RM_SIB, (NO_INDEX << 3) | (base & 7));
  } else {
    tail.push(mod | (base & 7));
  }
  return tail.push(...(wide ? littleEndian(displacement(random, 256), 4) : [displacement(random, 128)]));
}

function addGs(reg, context) {
  context.prefixes.unshift(GS);
  return addOffset(reg, context, displacement(context.random, 128));
}

function addAbsolute(reg, context) {
  const { mode, random, tail } = context;
  if (mode !== 64 || random.chance(50)) return addOffset(reg, context, DATA + displacement(random, 0x400));
  // relative to RIP, from somewhere behind the start of the code to somewhere in DATA
  return tail.push(MOD_NONE | (reg << 3) | RM_DISPLACEMENT, ...littleEndian(DATA - 0x40_0000 + displacement(random, 0x400), 4));
}

/** A plain 32-bit offset. */
function addOffset(reg, { mode, tail }, offset) {
  if (mode === 64) tail.push(MOD_NONE | (reg << 3) | RM_SIB, (NO_INDEX << 3) | NO_BASE);
  else tail.push(MOD_NONE | (reg << 3) | RM_DISPLACEMENT);
  return tail.push(...littleEndian(offset, 4));
}

function assemble({ row, mode, random, prefixes, code, tail, rex, vex }) {
  if (row.attributes.has('string') && random.chance(60)) prefixes.unshift(random.pick([REP, REPNE]));
  if (vex) {
    const second = ((rex.r ^ 1) << 7) | ((rex.x ^ 1) << 6) | ((rex.b ^ 1) << 5) | vex.map;
    const register = mode === 64 ? vex.register : vex.register & 7;
    return [...prefixes, 0xc4, second, (rex.w << 7) | ((register ^ 15) << 3) | vex.prefix, ...code, ...tail];
  }
  const byte = 0x40 | (rex.w << 3) | (rex.r << 2) | (rex.x << 1) | rex.b;
  const needsRex = mode === 64 && (byte !== 0x40 || random.chance(20));
  return [...prefixes, ...(needsRex ? [byte] : []), ...code, ...tail];
}
