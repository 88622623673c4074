import type { CpuInfo } from '@hotsocket/machine/control';

/** The one process that all CPUs are threads of. */
const PROCESS = 1;
/** A thread id that means any, or all. */
export const ANY = 0;
export const ALL = -1;

/** gdb's number of a CPU's thread: threads count from 1. */
export const threadOf = ({ index }: Pick<CpuInfo, 'index'>): number => index + 1;

const two = (number: number): string => number.toString(16).padStart(2, '0');

/** A thread id in its wire form; with processes only once the client has said that it knows them. */
export const threadId = (thread: number, multiprocess: boolean): string => (multiprocess ? `p${two(PROCESS)}.${two(thread)}` : two(thread));

/**
 * Reads `TID`, `pPID` or `pPID.TID`; a thread number, ANY or ALL. Undefined for what is no thread id and for another process. A process
 * alone means all its threads.
 */
export function readThreadId(text: string): number | undefined {
  const [, process, thread] = /^(?:p(-1|[0-9a-fA-F]{1,8})(?:\.|$))?(-1|[0-9a-fA-F]{1,8})?$/.exec(text) ?? [];
  if (text === '' || (process === undefined && thread === undefined)) return undefined;
  if (process !== undefined && ![ALL, ANY, PROCESS].includes(numberOf(process))) return undefined;
  return thread === undefined ? ALL : numberOf(thread);
}

const numberOf = (text: string): number => (text === '-1' ? ALL : Number.parseInt(text, 16));
