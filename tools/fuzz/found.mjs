/** Programs that were executed differently, as a file of vectors. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { fxField } from '../conformance/judge.mjs';
import { REGISTERS } from '../conformance/vector-file.mjs';
import { startRegisters } from '../conformance/vector-machine.mjs';

const hex = (value) => (value < 0 ? BigInt.asUintN(64, BigInt(value)) : value).toString(16);
const INT3 = 3;
const PAGE_FAULT = 14;
/** All but C0 to C3, which are undefined after most instructions. */
const FSW_DEFINED = 0xb8ff;
/** All but W. */
const PAGE_FAULT_MASK = 0xfffd;

function headerText({ cpu, windows, hot, bases, selectors, gsBase, cs16Base }) {
  return JSON.stringify({
    format: 'x86-native-vectors/1',
    set: 'found',
    cpu,
    gsBase: hex(gsBase),
    cs16Base: hex(cs16Base),
    selectors,
    windows: windows.map(({ linear, length, prot, image }) => ({ addr: hex(linear), len: length, prot, img: image.toString('base64') })),
    hot: hot.map(({ linear, length }) => [hex(linear), length]),
    bases: bases.map(({ gpr, flags, fx }) => ({ gpr: gpr.map(hex), fl: hex(flags), fx: fx.toString('base64') })),
  });
}

/** What `state` has otherwise than the vector's start. */
function outcome(header, vector, state) {
  const start = startRegisters(header.bases[vector.b], vector);
  const changed = REGISTERS.flatMap((name, n) => (state.gpr[n] === start[n] ? [] : [[name, hex(state.gpr[n])]]));
  return {
    ...(state.vector === INT3 ? {} : { v: state.vector, e: state.error & 0xffff }),
    ...(state.vector === PAGE_FAULT ? { a: hex(state.cr2) } : {}),
    ip: hex(state.rip),
    fl: hex(state.flags & 0xffff),
    r: Object.fromEntries(changed),
    fx: fxChanges(vector, state.fx),
    mem: header.hot.flatMap(({ linear }, n) => memoryChanges(header, linear, state.hot[n].bytes)),
  };
}

function fxChanges(vector, fx) {
  const start = Buffer.from(vector.fx[0][1], 'hex');
  const changes = [];
  for (let at = 0; at < fx.length; at += at < 32 ? 1 : 16) {
    const { start: from, length } = fxField(at);
    if (from !== at || start.compare(fx, at, at + length, at, at + length) === 0) continue;
    changes.push([at, fx.subarray(at, at + length).toString('hex')]);
  }
  return changes;
}

function memoryChanges(header, linear, bytes) {
  const { image } = header.windows.find((window) => window.linear === linear);
  const changes = [];
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === image[at]) continue;
    const from = at;
    while (at < bytes.length && bytes[at] !== image[at]) at++;
    changes.push([hex(linear + from), Buffer.from(bytes.subarray(from, at)).toString('hex')]);
  }
  return changes;
}

/** The vector of a program that must leave `state`. */
export function foundVector(header, vector, state, text, native) {
  const e = state.vector === PAGE_FAULT ? { e: PAGE_FAULT_MASK } : {};
  return { ...vector, c: 'found', m: text, o: outcome(header, vector, state), k: native ? { fsw: FSW_DEFINED, ...e } : e };
}

/** Appends a vector to a file, which it makes when there is none. */
export function appendFound(path, header, vector) {
  const old = existsSync(path) ? gunzipSync(readFileSync(path)).toString() : `${headerText(header)}\n`;
  const id = old.split('\n').length - 2;
  writeFileSync(path, gzipSync(`${old}${JSON.stringify({ ...vector, i: id })}\n`, { level: 9 }));
}
