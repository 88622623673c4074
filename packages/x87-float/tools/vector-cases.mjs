// Reads x86-native-vectors/1 files and turns single-instruction x87 and SSE vectors into cases that need no CPU:
// opcode, operand bytes, registers before and after. `node tools/vector-cases.mjs <file.gz>` rewrites the fixtures.
import fs from 'node:fs';
import zlib from 'node:zlib';

const REGISTERS = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const CLASSES = ['x87', 'x87-odd', 'x87-stackf', 'x87-unmask', 'x87-trans', 'x87-env', 'sse-fp', 'sse3'];
const hex = (text) => BigInt(`0x${text}`);

/** @param {string} path @returns {Generator<object>} */
export function* readCases(path, classes = CLASSES) {
  const lines = zlib.gunzipSync(fs.readFileSync(path)).toString('latin1').split('\n');
  const header = JSON.parse(lines[0]);
  const windows = header.windows.map((w) => ({ start: hex(w.addr), data: Buffer.from(w.img, 'base64') }));
  for (let i = 1; i < lines.length; i++) {
    if (lines[i] === '' || !classes.some((c) => lines[i].includes(`"c":"${c}"`))) continue;
    const vector = JSON.parse(lines[i]);
    const found = classes.includes(vector.c) && toCase(header, windows, vector);
    if (found) yield found;
  }
}

function toCase(header, windows, v) {
  const end = v.o.v ?? 3;
  if (end !== 3 && end !== 16 && end !== 19) return undefined;
  const base = header.bases[v.b];
  const before = Buffer.from(base.fx, 'base64');
  for (const [at, bytes] of v.fx ?? []) Buffer.from(bytes, 'hex').copy(before, at);
  const gpr = base.gpr.map((x, i) => (v.s === 64 ? hex(x) : i < 8 ? hex(x) & 0xffff_ffffn : 0n));
  for (const [name, x] of Object.entries(v.r ?? {})) gpr[REGISTERS.indexOf(name)] = hex(x);
  const { encoding, address } = decode(v, gpr, header);
  const memory = address === undefined ? {} : operandBytes(windows, v, address);
  if (memory === undefined) return undefined;
  const flags = { flags: Number(hex(v.fl)), flagsAfter: Number(hex(v.o.fl)), flagsMask: v.k?.fl ? Number(hex(v.k.fl)) : 0xfd5 };
  const c = { id: v.i, class: v.c, name: v.m, vector: end, ...encoding, ...flags, ...memory };
  return v.c.startsWith('x87') ? { ...c, ...x87Part(v, gpr, before) } : { ...c, ...ssePart(v, gpr, before, encoding, memory.memory) };
}

/** FXSAVE bytes 0..159 before, changes to them, comparison masks, AX. */
function x87Part(v, gpr, before) {
  return {
    fx: before.toString('hex', 0, 160),
    changes: (v.o.fx ?? []).filter(([at]) => at < 160),
    fswMask: v.k?.fsw ?? 0xffff,
    ignore: v.k?.fx ?? [],
    ax: Number(gpr[0] & 0xffffn),
    axAfter: Number(hex(v.o.r?.rax ?? gpr[0].toString(16)) & 0xffffn),
  };
}

/** Destination and source register (or memory) before, destination after, MXCSR, the general registers of the encoding. */
function ssePart(v, gpr, before, { modrm, rex }, memory) {
  const reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
  const rm = (modrm & 7) | ((rex & 1) << 3);
  const after = Buffer.from(before);
  for (const [at, bytes] of v.o.fx ?? []) Buffer.from(bytes, 'hex').copy(after, at);
  const result = v.o.r?.[REGISTERS[reg]];
  return {
    mxcsr: before.readUInt32LE(24),
    mxcsrAfter: after.readUInt32LE(24),
    destination: before.toString('hex', 160 + 16 * reg, 176 + 16 * reg),
    source: memory?.slice(0, 32) ?? before.toString('hex', 160 + 16 * rm, 176 + 16 * rm),
    result: after.toString('hex', 160 + 16 * reg, 176 + 16 * reg),
    integer: (memory === undefined ? gpr[rm] : Buffer.from(memory, 'hex').readBigUInt64LE(0)).toString(16),
    integerResult: (result === undefined ? gpr[reg] : hex(result)).toString(16),
  };
}

/** 108 bytes at the operand's address before and after, and which of them are not compared. */
function operandBytes(windows, v, address) {
  const w = windows.find((x) => address >= x.start && address < x.start + BigInt(x.data.length));
  if (w === undefined) return undefined;
  const length = 108;
  const before = Buffer.alloc(length);
  w.data.copy(before, 0, Number(address - w.start));
  overlay(before, address, v.mem);
  const after = Buffer.from(before);
  overlay(after, address, v.o.mem);
  const ignored = (v.k?.mem ?? []).map(([a, n]) => [Number(hex(a) - address), n]);
  const changed = before.equals(after) ? {} : { memoryAfter: after.toString('hex'), memoryIgnored: ignored };
  return { memory: before.toString('hex'), ...changed };
}

function overlay(bytes, address, changes) {
  for (const [a, text] of changes ?? []) {
    const data = Buffer.from(text, 'hex');
    for (let i = 0; i < data.length; i++) {
      const at = Number(hex(a) - address) + i;
      if (at >= 0 && at < bytes.length) bytes[at] = data[i];
    }
  }
}

function decode(v, gpr, header) {
  const code = Buffer.from(v.x, 'hex');
  const p = { at: 0, rex: 0, operand16: v.s === 16, address: v.s, repeat: 0, segment: 0 };
  for (; ; p.at++) {
    const byte = code[p.at];
    if (byte === 0x66) p.operand16 = v.s !== 16;
    else if (byte === 0x67) p.address = v.s === 64 ? 32 : 48 - v.s;
    else if (byte === 0xf2 || byte === 0xf3) p.repeat = byte;
    else if (byte === 0x64 || byte === 0x65) p.segment = byte;
    else if (byte !== 0x2e && byte !== 0x36 && byte !== 0x3e && byte !== 0x26) break;
  }
  const has66 = code.subarray(0, p.at).includes(0x66);
  if (v.s === 64 && (code[p.at] & 0xf0) === 0x40) p.rex = code[p.at++];
  let opcode = code[p.at++];
  if (opcode === 0x0f) opcode = 0x0f00 | code[p.at++];
  if (opcode === 0x0f38 || opcode === 0x0f3a) opcode = (opcode << 8) | code[p.at++];
  const modrm = opcode === 0x9b ? 0 : code[p.at++];
  const encoding = { opcode, modrm, wide: !p.operand16, has66, repeat: p.repeat, rex: p.rex, imm: 0 };
  if (opcode === 0x9b || modrm >= 0xc0) return { encoding: { ...encoding, imm: code[p.at] ?? 0 } };
  const offset = effectiveAddress(v, code, p, modrm, gpr);
  const immediate = code[p.at] ?? 0;
  const length = BigInt(p.at + (opcode === 0x0fc2 || opcode === 0x0fc6 || opcode >> 8 === 0x0f3a ? 1 : 0));
  const relative = offset.relative ? hex(v.ip) + length : 0n;
  const mask = p.address === 64 ? (1n << 64n) - 1n : (1n << BigInt(p.address)) - 1n;
  const linear = ((offset.value + relative) & mask) + (p.segment === 0x65 ? hex(header.gsBase) : 0n);
  return { encoding: { ...encoding, imm: immediate }, address: v.s === 64 ? linear & ((1n << 64n) - 1n) : linear & 0xffff_ffffn };
}

function effectiveAddress(v, code, p, modrm, gpr) {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (p.address === 16) return address16(code, p, mod, rm, gpr);
  let value = 0n;
  let displacement = mod === 1 ? 1 : mod === 2 ? 4 : 0;
  if (rm === 4) {
    const sib = code[p.at++];
    const index = ((sib >> 3) & 7) | ((p.rex & 2) << 2);
    if ((sib & 7) === 5 && mod === 0) displacement = 4;
    else value += gpr[(sib & 7) | ((p.rex & 1) << 3)];
    if (index !== 4) value += gpr[index] << BigInt(sib >> 6);
  } else if (rm === 5 && mod === 0) {
    const relative = v.s === 64;
    return { value: immediate(code, p, 4), relative };
  } else value += gpr[rm | ((p.rex & 1) << 3)];
  return { value: value + immediate(code, p, displacement), relative: false };
}

function address16(code, p, mod, rm, gpr) {
  const [, , , bx, , bp, si, di] = gpr;
  if (mod === 0 && rm === 6) return { value: immediate(code, p, 2), relative: false };
  const sum = [bx + si, bx + di, bp + si, bp + di, si, di, bp, bx][rm];
  return { value: sum + immediate(code, p, mod), relative: false };
}

function immediate(code, p, bytes) {
  if (bytes === 0) return 0n;
  const value = code.readIntLE(p.at, bytes);
  p.at += bytes;
  return BigInt(value);
}

/** Every n-th case of each mnemonic, so that the sample covers all of them. */
function sample(path, classes, each) {
  const taken = new Map();
  return [...readCases(path, classes)].filter((c) => {
    const key = `${c.class} ${c.name}`;
    taken.set(key, (taken.get(key) ?? 0) + 1);
    return taken.get(key) <= each;
  });
}

/** Leaves out the memory beyond 16 bytes where no environment is concerned. */
function slim(c) {
  if (c.memory === undefined || c.class === 'x87-env') return c;
  const memoryAfter = c.memoryAfter === undefined ? {} : { memoryAfter: c.memoryAfter.slice(0, 32) };
  return { ...c, memory: c.memory.slice(0, 32), ...memoryAfter };
}

if (process.argv[1]?.endsWith('vector-cases.mjs')) {
  const write = (name, cases) => {
    const text = cases.map((c) => JSON.stringify(slim(c))).join(',\n');
    fs.writeFileSync(new URL(`../src/fixtures/${name}.json`, import.meta.url), `[\n${text}\n]\n`);
    console.log(name, cases.length);
  };
  const path = process.argv[2];
  write('x87', sample(path, CLASSES.slice(0, 6), 1));
  write('sse', sample(path, CLASSES.slice(6), 1));
}
