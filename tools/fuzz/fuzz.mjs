/**
 * Runs random programs in several ways and compares the states they leave: one instruction at a time, in blocks, translated at once, and on the
 * processor of this computer when that is an x86-64 Linux with gcc.
 *
 *   npm run fuzz -- [--minutes N] [--programs N] [--seed S] [--no-native] [--save FILE]
 *
 * A difference is shrunk and printed with its seed; `--save` appends it as a line of JSON. The exit status is 1 then.
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as space from '../../packages/address-space/dist/index.js';
import * as cpu from '../../packages/cpu-x86/dist/index.js';
import { disassemble } from '../../packages/x86-isa/dist/index.js';
import { VectorMachine } from '../conformance/vector-machine.mjs';
import { runNative, whyNotNative } from './native.mjs';
import { codeOf, generator, makeProgram, startState } from './program.mjs';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    minutes: { type: 'string', default: '1' },
    programs: { type: 'string', default: '100000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    native: { type: 'boolean', default: true },
    save: { type: 'string' },
  },
});

const BATCH = 2000;
/** Translating is much dearer than interpreting: one program in so many. */
const TRANSLATED_SHARE = 8;
const MOST_FINDINGS = 20;
const [CODE, DATA, STACK] = [0x40_0000, 0x80_0000, 0x90_0000];
const FLAGS = 0xfd5;
/** C0 to C3: undefined after most x87 instructions. */
const FSW_DEFINED = 0xb8ff;
const WITH_ERROR = new Set([10, 11, 12, 13, 14, 17]);

function environment() {
  const random = generator(1);
  const data = Buffer.from(
    Array.from({ length: 0x1000 }, () => (random.chance(20) ? random.pick([0, 0xff, 0x80, 0x7f]) : random.below(256))),
  );
  const window = (linear, prot, image) => ({ linear, length: image.length, prot, image });
  const windows = [window(CODE, 7, Buffer.alloc(0x2000, 0xcc)), window(DATA, 3, data), window(STACK, 3, Buffer.alloc(0x1000))];
  const base = { gpr: Array(16).fill(0n), flags: 0x202, fx: Buffer.alloc(416) };
  const wide = { cs: 0x33, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0, gs: 0 };
  const flat = { cs: 0x23, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0, gs: 0x0f };
  const selectors = { 64: wide, 32: flat, 16: { ...flat, cs: 7 } };
  const hot = [CODE, DATA, STACK].map((linear, n) => ({ linear, length: windows[n].length }));
  return { windows, hot, bases: [base], selectors, gsBase: 0x80_0e00, cs16Base: CODE };
}

const header = environment();
const oneByOne = { ...cpu, runSlice: (core) => core.step() };
const machines = {
  steps: new VectorMachine({ cpu: oneByOne, space }, environment()),
  blocks: new VectorMachine({ cpu, space }, environment()),
  translated: new VectorMachine({ cpu, space }, environment()),
};
machines.steps.core.translates = false;
machines.blocks.core.translates = false;
machines.translated.core.translatesAtOnce = true;

/** A program as a vector of the recorded format. */
function caseOf(program, id) {
  const state = startState(program);
  const hex = (value) => value.toString(16);
  const names = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
  const r = Object.fromEntries(names.map((name, n) => [name, hex(state.gpr[n])]));
  const ip = program.mode === 16 ? 0x800 : CODE + 0x800;
  const fx = [[0, state.fx.subarray(0, 416).toString('hex')]];
  return {
    vector: { i: id, s: program.mode, b: 0, ip: hex(ip), x: Buffer.from(codeOf(program)).toString('hex'), r, fl: hex(state.flags), fx },
    state,
  };
}

function runOn(name, vector) {
  const machine = machines[name];
  machine.dirty = true;
  const { hot, fx, gpr, ...rest } = machine.run(vector, name === 'steps' ? 10_000_000 : 100_000);
  return { ...rest, gpr: [...gpr], fx: Buffer.from(fx), memory: hot.map(({ bytes }) => Buffer.from(bytes)) };
}

const text = (value) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : String(value));

function compareFx(a, b, exact) {
  const bad = [];
  const fsw = exact ? 0xffff : FSW_DEFINED;
  if ((a.readUInt16LE(2) ^ b.readUInt16LE(2)) & fsw) bad.push(`fsw ${a.readUInt16LE(2).toString(16)} / ${b.readUInt16LE(2).toString(16)}`);
  for (const [at, length, name] of [[0, 2, 'fcw'], [4, 1, 'ftw'], [24, 4, 'mxcsr'], ...registers()])
    if (Buffer.compare(a.subarray(at, at + length), b.subarray(at, at + length)) !== 0)
      bad.push(`${name} ${a.subarray(at, at + length).toString('hex')} / ${b.subarray(at, at + length).toString('hex')}`);
  return bad;
}

const registers = () => Array.from({ length: 24 }, (_, n) => (n < 8 ? [32 + 16 * n, 10, `st${n}`] : [32 + 16 * n, 16, `xmm${n - 8}`]));

/** Differences of two states as text. */
function compare(a, b, exact, mode) {
  const bad = [];
  if (a.vector !== b.vector) bad.push(`vector ${a.vector} / ${b.vector}`);
  if (a.rip !== b.rip) bad.push(`rip ${a.rip.toString(16)} / ${b.rip.toString(16)}`);
  if ((a.flags ^ b.flags) & FLAGS) bad.push(`flags ${(a.flags & FLAGS).toString(16)} / ${(b.flags & FLAGS).toString(16)}`);
  if (WITH_ERROR.has(a.vector) && a.vector === b.vector && a.error !== b.error && (exact || a.vector !== 14))
    bad.push(`error ${a.error} / ${b.error}`);
  for (let n = 0; n < (mode === 64 ? 16 : 8); n++) if (a.gpr[n] !== b.gpr[n]) bad.push(`r${n} ${text(a.gpr[n])} / ${text(b.gpr[n])}`);
  bad.push(...compareFx(a.fx, b.fx, exact));
  for (const [n, bytes] of a.memory.entries())
    if (n > 0 && Buffer.compare(bytes, b.memory[n]) !== 0)
      bad.push(`memory at ${(header.hot[n].linear + bytes.findIndex((byte, at) => byte !== b.memory[n][at])).toString(16)}`);
  return bad;
}

/** A native result with whole windows. */
function completed(result) {
  const memory = header.windows.map(({ image }) => Buffer.from(image));
  for (const { linear, bytes } of result.memory) {
    const n = header.windows.findIndex((window) => linear >= window.linear && linear < window.linear + window.length);
    if (n >= 0) bytes.copy(memory[n], linear - header.windows[n].linear);
  }
  return { ...result, memory };
}

const CHECKS = {
  steps: ({ vector }) => compare(runOn('blocks', vector), runOn('steps', vector), true, vector.s),
  translated: ({ vector }) => compare(runOn('blocks', vector), runOn('translated', vector), true, vector.s),
  native: (each) => compare(runOn('blocks', each.vector), completed(runNative(header, [each]).get(each.vector.i)), false, each.vector.s),
};

/** Leaves out instructions as long as the check still fails. */
function shrink(program, check) {
  let best = program;
  for (const turns of [1, 2]) {
    const shorter = { ...best, turns };
    if (turns < best.turns && check(caseOf(shorter, 0)).length > 0) best = shorter;
  }
  for (let n = best.instructions.length - 1; n >= 0; n--) {
    const without = { ...best, instructions: best.instructions.filter((_, index) => index !== n) };
    if (without.instructions.length > 0 && check(caseOf(without, 0)).length > 0) best = without;
  }
  return best;
}

let findings = 0;

function report(kind, program) {
  const small = shrink(program, CHECKS[kind]);
  const each = caseOf(small, 0);
  const differences = CHECKS[kind](each);
  findings++;
  console.log(`\nblocks / ${kind}, mode ${small.mode}, turns ${small.turns}, seed ${small.seed}: ${each.vector.x}`);
  for (const bytes of small.instructions)
    console.log(`  ${Buffer.from(bytes).toString('hex').padEnd(20)} ${disassemble(Uint8Array.from(bytes), small.mode, 0)}`);
  console.log(`  ${differences.slice(0, 8).join('; ')}`);
  if (values.save) appendFileSync(values.save, `${JSON.stringify({ kind, ...small })}\n`);
}

const random = generator(Number(values.seed));
const reason = values.native ? whyNotNative() : 'it was not wanted';
console.log(`seed ${values.seed}${reason ? `; NOT compared with this computer's processor: ${reason}` : ''}`);
const end = performance.now() + 60_000 * Number(values.minutes);
const wanted = Number(values.programs);
let programs = 0;
let translated = 0;

function runBatch() {
  const batch = Array.from({ length: Math.min(BATCH, wanted - programs) }, (_, id) => {
    const program = makeProgram(random);
    return { program, ...caseOf(program, id) };
  });
  const native = reason ? undefined : runNative(header, batch);
  for (const [id, each] of batch.entries()) {
    if (performance.now() > end || findings >= MOST_FINDINGS) return;
    programs++;
    const blocks = runOn('blocks', each.vector);
    if (compare(blocks, runOn('steps', each.vector), true, each.vector.s).length > 0) report('steps', each.program);
    if (native && compare(blocks, completed(native.get(id)), false, each.vector.s).length > 0) report('native', each.program);
    if (id % TRANSLATED_SHARE !== 0) continue;
    translated++;
    if (compare(blocks, runOn('translated', each.vector), true, each.vector.s).length > 0) report('translated', each.program);
  }
}

while (performance.now() < end && programs < wanted && findings < MOST_FINDINGS) runBatch();
console.log(`${programs} programs, ${translated} of them translated, ${findings} differences`);
process.exitCode = findings > 0 ? 1 : 0;
