import type { Trace } from '@hotsocket/trace';
import type { ExecutionCore } from './execution-core.js';
import { RIP } from './layout.js';

/** Trace points of the CPUs. */
export const TRACE_POINTS = {
  /** #UD: the CPU's block, the linear address of the instruction and its first four bytes, first byte lowest. */
  cpu_undefined_opcode: ['cpu', 'address_high', 'address', 'bytes'],
} as const;

/** Traces every #UD of a core: opcodes that do not exist, that the model lacks, or that are not allowed where they stand. */
export function traceUndefined(core: ExecutionCore, trace: Trace): void {
  const points = trace.points(TRACE_POINTS);
  core.onUndefined = () => {
    if (!points.cpu_undefined_opcode.on) return;
    const address = core.linearRip;
    const bytes = [0, 1, 2, 3].map((n) => core.peek(core.current, address + n, 1)?.[0] ?? 0);
    const word = bytes.reduce((sum, byte, n) => sum + byte * 256 ** n, 0);
    points.cpu_undefined_opcode.emit(core.current, core.cpu.get32(RIP + 4), address % 2 ** 32, word);
  };
}
