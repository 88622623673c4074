/** Compares the state after a vector with what the recorded CPU left. */
import { hex64 } from './vector-file.mjs';
import { patched, REGISTERS, startRegisters } from './vector-machine.mjs';

/** CF PF AF ZF SF TF IF DF OF and bit 1... as the format compares them by default. */
const ALL_FLAGS = 0xfd5;
const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);
const SEGMENTS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'];

const hex = (value) => value.toString(16);

/** Differences of `state` from the vector's outcome, as text; empty when they agree. */
export function judge(header, vector, state) {
  const bad = [];
  judgeEnd(vector, state, bad);
  judgeRegisters(header, vector, state, bad);
  judgeFx(header, vector, state, bad);
  judgeMemory(header, vector, state, bad);
  return bad;
}

function judgeEnd({ o, k = {} }, state, bad) {
  const wanted = o.v ?? 3;
  if (state.vector !== wanted) bad.push(`vector ${state.vector} want ${wanted}`);
  const rip = Number(BigInt.asIntN(64, hex64(o.ip)));
  if (state.rip !== rip) bad.push(`rip ${hex(state.rip)} want ${o.ip}`);
  if (state.vector === wanted && WITH_ERROR.has(wanted) && ((state.error ^ (o.e ?? 0)) & (k.e ?? 0xffff)) !== 0)
    bad.push(`error code ${hex(state.error)} want ${hex(o.e ?? 0)}`);
  const cr2 = Number(BigInt.asIntN(64, hex64(o.a ?? '0')));
  if (wanted === 14 && state.vector === 14 && state.cr2 !== cr2) bad.push(`cr2 ${hex(state.cr2)} want ${o.a}`);
  const mask = k.fl ? Number.parseInt(k.fl, 16) : ALL_FLAGS;
  const flags = Number.parseInt(o.fl, 16);
  if ((state.flags ^ flags) & mask) bad.push(`flags ${hex(state.flags & ALL_FLAGS)} want ${o.fl} mask ${hex(mask)}`);
}

function judgeRegisters(header, vector, state, bad) {
  const { o, k = {} } = vector;
  const expected = startRegisters(header.bases[vector.b], vector);
  for (const [name, text] of Object.entries(o.r ?? {})) expected[REGISTERS.indexOf(name)] = hex64(text);
  for (let n = 0; n < (vector.s === 64 ? 16 : 8); n++) {
    const width = ((k.hi ?? 0) >> n) & 1 ? 32 : 64;
    if (BigInt.asUintN(width, state.gpr[n] ^ expected[n]) !== 0n) bad.push(`${REGISTERS[n]} ${hex(state.gpr[n])} want ${hex(expected[n])}`);
  }
  if (vector.s === 64) return;
  const selectors = { ...header.selectors[vector.s], ...o.sel };
  for (const name of SEGMENTS)
    if (state.sel[name] !== selectors[name]) bad.push(`${name} ${hex(state.sel[name])} want ${hex(selectors[name])}`);
}

/** Bytes of the FXSAVE image that are never compared: FSW (compared by mask), FOP, FIP, FDP, MXCSR_MASK, padding of ST slots. */
const NEVER = new Uint8Array(416);
NEVER.fill(1, 2, 4);
NEVER.fill(1, 5, 24);
NEVER.fill(1, 28, 32);
for (let n = 0; n < 8; n++) NEVER.fill(1, 42 + 16 * n, 48 + 16 * n);

function judgeFx(header, vector, state, bad) {
  const { o, k = {} } = vector;
  const expected = patched(patched(header.bases[vector.b].fx, vector.fx), o.fx);
  const fsw = expected.readUInt16LE(2);
  const found = state.fx.readUInt16LE(2);
  if ((fsw ^ found) & (k.fsw ?? 0xffff)) bad.push(`fsw ${hex(found)} want ${hex(fsw)}`);
  const ignored = Uint8Array.from(NEVER);
  if (vector.s !== 64) ignored.fill(1, 288, 416);
  for (const [offset, length] of k.fx ?? []) ignored.fill(1, offset, offset + length);
  for (let n = 0; n < 416; n++) {
    if (ignored[n] || state.fx[n] === expected[n]) continue;
    const { name, start, length } = fxField(n);
    const text = (image) =>
      Buffer.from(image.subarray(start, start + length))
        .reverse()
        .toString('hex');
    bad.push(`${name} ${text(state.fx)} want ${text(expected)}`);
    n = start + length - 1;
  }
}

function fxField(n) {
  if (n < 2) return { name: 'fcw', start: 0, length: 2 };
  if (n < 24) return { name: 'ftw', start: 4, length: 1 };
  if (n < 32) return { name: 'mxcsr', start: 24, length: 4 };
  const start = n & ~15;
  if (n < 160) return { name: `st${(start - 32) / 16}`, start, length: 10 };
  return { name: `xmm${(start - 160) / 16}`, start, length: 16 };
}

function judgeMemory(header, vector, state, bad) {
  const changes = memoryChanges(header, vector);
  for (const { linear, bytes } of state.hot) {
    const expected = expectedBytes(header, linear, bytes.length, changes);
    if (Buffer.compare(bytes, expected) === 0) continue;
    const at = bytes.findIndex((byte, n) => byte !== expected[n] && !isSkipped(vector, linear + n));
    if (at < 0) continue;
    const text = (from) => Buffer.from(from.subarray(at, at + 16)).toString('hex');
    bad.push(`memory ${hex(linear + at)} ${text(bytes)} want ${text(expected)}`);
  }
}

function memoryChanges(header, vector) {
  const code = Number.parseInt(vector.ip, 16) + (vector.s === 16 ? header.cs16Base : 0);
  const parsed = (list) => (list ?? []).map(([address, text]) => [Number.parseInt(address, 16), Buffer.from(text, 'hex')]);
  return [...parsed(vector.mem), [code, Buffer.from(vector.x, 'hex')], ...parsed(vector.o.mem)];
}

function expectedBytes(header, linear, length, changes) {
  const window = header.windows.find((each) => linear >= each.linear && linear < each.linear + each.length);
  const bytes = Buffer.from(window.image.subarray(linear - window.linear, linear - window.linear + length));
  for (const [address, data] of changes) {
    const from = Math.max(linear, address);
    const to = Math.min(linear + length, address + data.length);
    if (from < to) data.copy(bytes, from - linear, from - address, to - address);
  }
  return bytes;
}

const isSkipped = ({ k = {} }, address) =>
  (k.mem ?? []).some(([start, length]) => address >= Number.parseInt(start, 16) && address < Number.parseInt(start, 16) + length);
