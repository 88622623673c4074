/** The ways to execute a program, and the comparisons between them. */
import * as space from '../../packages/address-space/dist/index.js';
import * as cpu from '../../packages/cpu-x86/dist/index.js';
import { VectorMachine } from '../conformance/vector-machine.mjs';
import { compareStates } from './compare.mjs';
import { CODE, environment, START, startState } from './environment.mjs';
import { runNative } from './native.mjs';
import { codeOf } from './program.mjs';

const REGISTER_NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
/** Instructions after which a program is given up. */
const BUDGET = 400_000;
const BUDGET_OF_STEPS = 20_000;
/** For what a processor has ended. */
const LARGE_BUDGET = 50_000_000;
/** Instructions between two looks for what has become hot. */
const HOT_SLICE = 2_500;
const GIVEN_UP = 255;

const ENGINES = {
  /** Blocks of decoded instructions. */
  blocks: cpu,
  steps: { ...cpu, runSlice: (core, port) => cpu.stepOnce(core, port, true) },
  /** Each region when control first comes to it. */
  translated: cpu,
  /** Regions when they have become hot, so that control changes between the interpreter and them at all places. */
  hot: {
    ...cpu,
    runSlice: (core, port) => {
      core.translator.translate();
      return cpu.runSlice(core, port, HOT_SLICE);
    },
  },
};

/** The environment of all programs. */
export const header = environment();

const machines = Object.fromEntries(Object.entries(ENGINES).map(([name, engine]) => [name, makeMachine(name, engine)]));

function makeMachine(name, engine) {
  const machine = new VectorMachine({ cpu: engine, space }, environment());
  machine.core.translates = name === 'translated' || name === 'hot';
  machine.core.translatesAtOnce = name === 'translated';
  return machine;
}

/** A program as a vector of the recorded format, without outcome, and its start state. */
export function caseOf(program, id) {
  const state = startState(program);
  const hex = (value) => value.toString(16);
  const r = Object.fromEntries(REGISTER_NAMES.map((name, n) => [name, hex(state.gpr[n])]));
  const ip = program.mode === 16 ? START : CODE + START;
  const x = Buffer.from(codeOf(program)).toString('hex');
  const fx = [[0, state.fx.subarray(0, 416).toString('hex')]];
  return { vector: { i: id, s: program.mode, b: 0, ip: hex(ip), x, r, fl: hex(state.flags), fx }, state };
}

/** The state after a program; its memory is the machine's own, until it runs the next. `vector` is negative when the program does not end. */
export const runOn = (name, { vector }, budget = name === 'steps' ? BUDGET_OF_STEPS : BUDGET) => machines[name].run(vector, budget);

const hasEnded = ({ vector }) => vector >= 0 && vector !== GIVEN_UP;

/**
 * Differences between blocks and another way. `known` has what the ways have left, where that is known already: the program is not run
 * again then. None for programs that do not end.
 */
export function differences(name, program, each, known = {}) {
  const state = known[name] ?? otherState(name, each);
  if (!hasEnded(state) && name !== 'hot' && name !== 'translated') return [];
  let blocks = known.blocks ?? runOn('blocks', each);
  if (!hasEnded(blocks) && hasEnded(state)) blocks = runOn('blocks', each, LARGE_BUDGET);
  return hasEnded(blocks) || hasEnded(state) ? compareStates(blocks, state, program.mode, name !== 'native') : [];
}

export const otherState = (name, each) => (name === 'native' ? runNative(header, [each]).get(each.vector.i) : runOn(name, each));
