// Runs programs on the processor of this computer: the oracle of the recorded vectors, compiled into .cache.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { codeAddress, SEGMENTS } from '../conformance/vector-file.mjs';

const path = (relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const FOLDER = path('.cache/oracle/');
const SOURCE = path('../shared/vectors/oracle.c');
const BINARY = `${FOLDER}oracle64`;
const MODES = { 64: 0, 32: 1, 16: 2 };

/** The model of this computer's processor. */
export const processorName = () => cpus()[0]?.model ?? 'unknown';

/** Undefined when the oracle can run here, else why not. */
export function whyNotNative() {
  if (process.arch !== 'x64' || process.platform !== 'linux') return 'this is no x86-64 Linux';
  if (existsSync(BINARY)) return undefined;
  if (!existsSync(SOURCE)) return `${SOURCE} is absent`;
  mkdirSync(FOLDER, { recursive: true });
  const options = ['-O2', '-static-pie', '-fno-stack-protector', '-mfsgsbase', SOURCE, '-o', BINARY];
  return spawnSync('gcc', options).status === 0 ? undefined : 'gcc cannot build the oracle';
}

function header(environment, count) {
  const { windows, bases } = environment;
  const start = Buffer.alloc(24);
  start.write('NOV2', 0, 'latin1');
  for (const [n, value] of [windows.length, 0, bases.length, count, 1].entries()) start.writeUInt32LE(value, 4 + 4 * n);
  const name = Buffer.alloc(32);
  name.write('fuzz');
  const parts = windows.flatMap(({ linear, length, prot, image }) => {
    const head = Buffer.alloc(16);
    head.writeBigUInt64LE(BigInt(linear), 0);
    head.writeUInt32LE(length, 8);
    head.writeUInt32LE(prot, 12);
    return [head, image];
  });
  return [start, name, ...parts, ...bases.map(() => Buffer.alloc(128 + 8 + 512))];
}

function record({ vector, state }) {
  const code = Buffer.from(vector.x, 'hex');
  const head = Buffer.alloc(4 + 4 + 4 + 16 + 4);
  head.writeUInt32LE(vector.i, 4);
  head.set([MODES[vector.s], 0, code.length, 0], 8);
  head.writeBigUInt64LE(BigInt(`0x${vector.ip}`), 12);
  head.writeBigUInt64LE(BigInt(state.flags), 20);
  head.set([16, 3, 0, 0], 28);
  const registers = Buffer.alloc(16 * 9);
  for (const [n, value] of state.gpr.entries()) {
    registers[9 * n] = n;
    registers.writeBigUInt64LE(value, 9 * n + 1);
  }
  const pieces = [
    [0, 28],
    [32, 192],
    [224, 192],
  ].map(([at, length]) => Buffer.concat([Buffer.from([at & 255, at >> 8, length]), state.fx.subarray(at, at + length)]));
  const all = Buffer.concat([head, code, registers, ...pieces]);
  all.writeUInt32LE(all.length, 0);
  return all;
}

/**
 * Runs cases (vector and start state); gives their final states by id, in the shape that a machine gives. Throws when the oracle fails.
 * `vector` 255 says that a program had not ended after some time.
 */
export function runNative(environment, cases) {
  const [input, output] = ['nov', 'nor'].map((suffix) => `${FOLDER}fuzz-${process.pid}.${suffix}`);
  try {
    writeFileSync(input, Buffer.concat([...header(environment, cases.length), ...cases.map(record)]));
    const { status, signal, stderr } = spawnSync(BINARY, ['run', input, output], { timeout: 600_000, encoding: 'utf8' });
    if (status !== 0) throw new Error(`oracle: status ${status}, signal ${signal}, ${stderr}`);
    const results = parse(readFileSync(output));
    for (const { vector } of cases) complete(environment, vector, results.get(vector.i));
    return results;
  } finally {
    for (const path of [input, output]) rmSync(path, { force: true });
  }
}

/** Adds the contents of the writable windows: their images, the code, and what the oracle says has changed. */
function complete(environment, vector, result) {
  const code = [codeAddress(environment, vector), Buffer.from(vector.x, 'hex')];
  result.hot = environment.hot.map(({ linear, length }) => {
    const bytes = Buffer.from(environment.windows.find((window) => window.linear === linear).image);
    for (const [address, data] of [code, ...result.changes])
      if (address >= linear && address < linear + length) data.copy(bytes, address - linear);
    return { linear, bytes };
  });
}

/** Results by id; see emit_run of the oracle. */
function parse(bytes) {
  const results = new Map();
  let at = 0;
  let result;
  const skip = (count) => (at += count) - count;
  while (at < bytes.length) {
    const kind = String.fromCharCode(bytes[skip(1)]);
    if (kind === 'R') {
      const id = bytes.readUInt32LE(skip(4));
      result = { vector: bytes[skip(1)], error: bytes.readUInt16LE(skip(2)), changes: [] };
      for (const name of ['rip', 'cr2', 'flags']) result[name] = Number(bytes.readBigInt64LE(skip(8)));
      result.gpr = Array.from({ length: 16 }, () => bytes.readBigUInt64LE(skip(8)));
      result.sel = Object.fromEntries(SEGMENTS.map((name) => [name, bytes.readUInt16LE(skip(2))]));
      const fx = skip(416);
      result.fx = bytes.subarray(fx, fx + 416);
      results.set(id, result);
    } else if (kind === 'M') {
      const linear = Number(bytes.readBigUInt64LE(skip(8)));
      const length = bytes[skip(1)];
      const from = skip(length);
      result.changes.push([linear, bytes.subarray(from, from + length)]);
    }
  }
  return results;
}
