import type { Cpu } from '../cpu.js';

/** Delivers the pending fault: 0 when the guest goes on in its handler, 1 when the CPU has stopped (shutdown). */
export function deliverFault(cpu: Cpu): number {
  void cpu;
  return 1;
}
