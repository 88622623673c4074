import type { CpuInfo } from '@hotsocket/machine/control';
import { ALL, ANY, readThreadId, threadOf } from './threads.js';

/** What a client wants the CPUs to do. */
export interface Resume {
  /** The CPU to step; undefined when CPUs shall run. */
  readonly step: number | undefined;
  /** Goes on stepping while the instruction pointer is in this range. */
  readonly range?: StepRange;
  /** CPUs that shall do nothing. */
  readonly held: readonly number[];
  /** Other CPUs than the one that is stepped shall run. */
  readonly others: boolean;
}

/** Instruction pointers from `start` to below `end`, such as those of one source line. */
export interface StepRange {
  readonly start: bigint;
  readonly end: bigint;
}

interface Action {
  readonly steps: boolean;
  readonly range?: StepRange;
  /** Thread number, or ALL for a default. */
  readonly thread: number;
}

/**
 * Reads the actions of a vCont packet, `c:p1.-1;s:p1.2` or `r1000,1010:p1.1`; the first that fits a thread is its action (GDB manual, 'Packets', vCont). Of
 * several CPUs to step, `current` is preferred. Undefined when an action is unknown or names a thread that does not exist.
 */
export function readResume(text: string, cpus: readonly CpuInfo[], current: number): Resume | undefined {
  const actions = text.split(';').map((part) => readAction(part, cpus, current));
  if (!actions.every((action) => action !== undefined)) return undefined;
  const actionOf = (cpu: CpuInfo): Action | undefined => actions.find(({ thread }) => thread === ALL || thread === threadOf(cpu));
  const chosen = cpus.map((cpu) => ({ index: cpu.index, action: actionOf(cpu) }));
  const stepping = chosen.filter(({ action }) => action?.steps);
  const step = stepping.find(({ index }) => index === current) ?? stepping[0];
  return {
    step: step?.index,
    ...(step?.action?.range ? { range: step.action.range } : {}),
    held: chosen.filter(({ action }) => action === undefined).map(({ index }) => index),
    others: chosen.some(({ action }) => action !== undefined && !action.steps),
  };
}

const ACTION = /^(?:([cs])|([CS])[0-9a-fA-F]{2}|r([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,16}))(?::(.+))?$/;

function readAction(text: string, cpus: readonly CpuInfo[], current: number): Action | undefined {
  const [whole, plain, signalled, start, end, target] = ACTION.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const named = target === undefined ? ALL : readThreadId(target);
  const thread = named === ANY ? current + 1 : named;
  const exists = thread === ALL || cpus.some((cpu) => threadOf(cpu) === thread);
  if (thread === undefined || !exists) return undefined;
  if (start !== undefined) return { steps: true, range: { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) }, thread };
  return { steps: (plain ?? signalled)?.toLowerCase() === 's', thread };
}
