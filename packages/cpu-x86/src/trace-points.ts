import type { Trace } from '@hotsocket/trace';
import { type DecodedCode, disassembleCode } from './disassembly.js';
import type { ExecutionCore } from './execution-core.js';
import { RIP } from './layout.js';

/** Trace points of the CPUs. `cpu` is the index of a CPU, `address` linear, in hexadecimal. */
export const TRACE_POINTS = {
  /** #UD: the linear address of the instruction and its first four bytes, first byte lowest. */
  cpu_undefined_opcode: ['cpu', 'address_high', 'address', 'bytes'],
  /** An exception, an interrupt or an INT instruction, before its handler is entered; `error` is none or the error code. */
  cpu_interrupt: ['cpu', 'vector', 'error', 'kind', 'address'],
  /** The CPU shuts down, which resets the machine. */
  cpu_triple_fault: ['cpu', 'address'],
  /** Before a reset (`by` reset) or INIT (`by` init). */
  cpu_reset: ['cpu', 'by', 'address'],
  /** An instruction is about to execute. Everything is interpreted while this is on. */
  cpu_execute: ['cpu', 'address'],
  /** An instruction was decoded because control came to it, or to one before it. */
  cpu_decode: ['cpu', 'address', 'bytes', 'text'],
} as const;

const LAST_EXCEPTION = 31;

/** Traces what happens to the CPUs of a core; `indexOf` gives the index of the CPU that has a block of state. */
export function traceCpus(core: ExecutionCore, trace: Trace, indexOf: (block: number) => number): void {
  const points = trace.points(TRACE_POINTS);
  const cpu = (): number => indexOf(core.current);
  core.cpu.observer = {
    interrupt(vector, error, software) {
      if (!points.cpu_interrupt.on) return;
      points.cpu_interrupt.emit(cpu(), vector, error < 0 ? 'none' : hex(error), kindOf(vector, software), hex(core.linearRip));
    },
    tripleFault() {
      if (points.cpu_triple_fault.on) points.cpu_triple_fault.emit(cpu(), hex(core.linearRip));
    },
    reset(init) {
      if (points.cpu_reset.on) points.cpu_reset.emit(cpu(), init ? 'init' : 'reset', hex(core.linearRip));
    },
  };
  core.onUndefined = () => {
    if (!points.cpu_undefined_opcode.on) return;
    const address = core.linearRip;
    const bytes = [0, 1, 2, 3].map((n) => core.peek(core.current, address + n, 1)?.[0] ?? 0);
    const word = bytes.reduce((sum, byte, n) => sum + byte * 256 ** n, 0);
    points.cpu_undefined_opcode.emit(cpu(), core.cpu.get32(RIP + 4), address % 2 ** 32, word);
  };
  trace.watch('cpu_execute', (on) => core.debugger.setTracer(on ? (address) => points.cpu_execute.emit(cpu(), hex(address)) : undefined));
  trace.watch('cpu_decode', (on) => {
    core.code.onDecoded = on ? (modeKey, bytes) => decoded(modeKey, bytes) : undefined;
  });
  const decoded = (modeKey: number, length: number): void => {
    const code: DecodedCode = { address: BigInt(core.linearRip), modeKey, count: Number.POSITIVE_INFINITY, length };
    const lines = disassembleCode(code, (address, count) => core.peek(core.current, Number(BigInt.asIntN(64, address)), count));
    for (const { address, bytes, text } of lines) points.cpu_decode.emit(cpu(), `0x${address.toString(16)}`, hexBytes(bytes), `"${text}"`);
  };
}

const hex = (address: number): string => `0x${BigInt.asUintN(64, BigInt(address)).toString(16)}`;
const hexBytes = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function kindOf(vector: number, software: boolean): string {
  if (software) return 'software';
  return vector <= LAST_EXCEPTION ? 'exception' : 'external';
}
