/** The ways in which the CPU executes instructions, and running a vector in one of them. */
import { judge } from './judge.mjs';
import { VectorMachine } from './vector-machine.mjs';

/** Generated interpreter over blocks of decoded instructions; the same one instruction at a time; translated regions. */
export const TIERS = ['interpreter', 'steps', 'translator'];

/** A machine for one tier. `modules` are those of VectorMachine; `model` is a CPU model. */
export function machineOf(tier, modules, header, model) {
  const cpu = tier === 'steps' ? { ...modules.cpu, runSlice: (core, port) => modules.cpu.stepOnce(core, port, true) } : modules.cpu;
  const machine = new VectorMachine({ ...modules, cpu }, header, model);
  machine.core.translates = tier === 'translator';
  machine.core.translatesAtOnce = tier === 'translator';
  return machine;
}

/** Runs a vector; gives the state it leaves and its differences from the recorded one. */
export function runVector(machine, header, vector) {
  const state = machine.run(vector);
  const bad = judge(header, vector, state);
  machine.dirty = bad.length > 0;
  return { state, bad };
}
