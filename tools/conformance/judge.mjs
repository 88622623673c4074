/** Compares the state after a vector with what the recorded CPU left. */
import { codeAddress, hex64, REGISTERS, SEGMENTS } from './vector-file.mjs';
import { patched, startRegisters } from './vector-machine.mjs';

/** CF PF AF ZF SF TF IF DF OF and bit 1... as the format compares them by default. */
export const ALL_FLAGS = 0xfd5;
const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);
const INT3 = 3;
const PAGE_FAULT = 14;

const hex = (value) => value.toString(16);
const canonical = (text) => Number(BigInt.asIntN(64, hex64(text)));

/** Registers that mode has. */
export const registerCount = (mode) => (mode === 64 ? 16 : 8);

/** The state that the recorded CPU left, in the shape that a machine gives. */
export function expectedState(header, vector) {
  const { o } = vector;
  const gpr = startRegisters(header.bases[vector.b], vector);
  for (const [name, text] of Object.entries(o.r ?? {})) gpr[REGISTERS.indexOf(name)] = hex64(text);
  const changes = memoryChanges(header, vector);
  return {
    vector: o.v ?? INT3,
    error: o.e ?? 0,
    rip: canonical(o.ip),
    flags: Number.parseInt(o.fl, 16),
    cr2: canonical(o.a ?? '0'),
    gpr,
    sel: { ...header.selectors[vector.s], ...o.sel },
    fx: patched(patched(header.bases[vector.b].fx, vector.fx), o.fx),
    hot: header.hot.map(({ linear, length }) => ({ linear, bytes: bytesAfter(header, linear, length, changes) })),
  };
}

/** Differences of `state` from the vector's outcome, as text; empty when they agree. */
export function judge(header, vector, state) {
  const bad = [];
  const expected = expectedState(header, vector);
  judgeEnd(vector, state, expected, bad);
  judgeRegisters(vector, state, expected, bad);
  judgeFx(vector, state.fx, expected.fx, bad);
  for (const [n, { linear, bytes }] of state.hot.entries()) judgeMemory(vector, linear, bytes, expected.hot[n].bytes, bad);
  return bad;
}

function judgeEnd({ o, k = {} }, state, expected, bad) {
  if (state.vector !== expected.vector) bad.push(`vector ${state.vector} want ${expected.vector}`);
  if (state.rip !== expected.rip) bad.push(`rip ${hex(state.rip)} want ${o.ip}`);
  const same = state.vector === expected.vector;
  if (same && WITH_ERROR.has(expected.vector) && ((state.error ^ expected.error) & (k.e ?? 0xffff)) !== 0)
    bad.push(`error code ${hex(state.error)} want ${hex(expected.error)}`);
  if (same && expected.vector === PAGE_FAULT && state.cr2 !== expected.cr2) bad.push(`cr2 ${hex(state.cr2)} want ${o.a}`);
  const mask = k.fl ? Number.parseInt(k.fl, 16) : ALL_FLAGS;
  if ((state.flags ^ expected.flags) & mask) bad.push(`flags ${hex(state.flags & ALL_FLAGS)} want ${o.fl} mask ${hex(mask)}`);
}

function judgeRegisters({ s, k = {} }, state, expected, bad) {
  for (let n = 0; n < registerCount(s); n++) {
    const width = ((k.hi ?? 0) >> n) & 1 ? 32 : 64;
    if (BigInt.asUintN(width, state.gpr[n] ^ expected.gpr[n]) !== 0n)
      bad.push(`${REGISTERS[n]} ${hex(state.gpr[n])} want ${hex(expected.gpr[n])}`);
  }
  if (s === 64) return;
  for (const name of SEGMENTS)
    if (state.sel[name] !== expected.sel[name]) bad.push(`${name} ${hex(state.sel[name])} want ${hex(expected.sel[name])}`);
}

/** Bytes of the FXSAVE image that are never compared: FSW (compared by mask), FOP, FIP, FDP, MXCSR_MASK, padding of ST slots. */
const NEVER = new Uint8Array(416);
NEVER.fill(1, 2, 4);
NEVER.fill(1, 5, 24);
NEVER.fill(1, 28, 32);
for (let n = 0; n < 8; n++) NEVER.fill(1, 42 + 16 * n, 48 + 16 * n);

function judgeFx({ s, k = {} }, fx, expected, bad) {
  const [found, fsw] = [fx.readUInt16LE(2), expected.readUInt16LE(2)];
  if ((fsw ^ found) & (k.fsw ?? 0xffff)) bad.push(`fsw ${hex(found)} want ${hex(fsw)}`);
  const ignored = Uint8Array.from(NEVER);
  if (s !== 64) ignored.fill(1, 288, 416);
  for (const [offset, length] of k.fx ?? []) ignored.fill(1, offset, offset + length);
  for (let n = 0; n < 416; n++) {
    if (ignored[n] || fx[n] === expected[n]) continue;
    const { name, start, length } = fxField(n);
    bad.push(`${name} ${fxText(fx, start, length)} want ${fxText(expected, start, length)}`);
    n = start + length - 1;
  }
}

/** A field of an FXSAVE image as one number in hexadecimal. */
export const fxText = (image, start, length) =>
  Buffer.from(image.subarray(start, start + length))
    .reverse()
    .toString('hex');

/** The field of an FXSAVE image that byte `n` belongs to. */
export function fxField(n) {
  if (n < 2) return { name: 'fcw', start: 0, length: 2 };
  if (n < 4) return { name: 'fsw', start: 2, length: 2 };
  if (n < 24) return { name: 'ftw', start: 4, length: 1 };
  if (n < 32) return { name: 'mxcsr', start: 24, length: 4 };
  const start = n & ~15;
  if (n < 160) return { name: `st${(start - 32) / 16}`, start, length: 10 };
  return { name: `xmm${(start - 160) / 16}`, start, length: 16 };
}

function judgeMemory(vector, linear, bytes, expected, bad) {
  if (Buffer.compare(bytes, expected) === 0) return;
  const at = bytes.findIndex((byte, n) => byte !== expected[n] && !isSkipped(vector, linear + n));
  if (at < 0) return;
  const text = (from) => Buffer.from(from.subarray(at, at + 16)).toString('hex');
  bad.push(`memory ${hex(linear + at)} ${text(bytes)} want ${text(expected)}`);
}

function memoryChanges(header, vector) {
  const parsed = (list) => (list ?? []).map(([address, text]) => [Number.parseInt(address, 16), Buffer.from(text, 'hex')]);
  return [...parsed(vector.mem), [codeAddress(header, vector), Buffer.from(vector.x, 'hex')], ...parsed(vector.o.mem)];
}

function bytesAfter(header, linear, length, changes) {
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
