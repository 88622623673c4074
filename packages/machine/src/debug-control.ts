import type { Observable } from 'rxjs';

/**
 * Debugging from outside of the guest, which sees nothing of it. Breakpoints and watchpoints are those of the machine: CPUs that are added
 * later meet them too. Addresses are linear; all calls but `stops$` want a machine that does not run, unless they say otherwise.
 */
export interface DebugControl {
  /** What stopped the machine, once it is in the state `debug` and STOP has been told. */
  readonly stops$: Observable<DebugStop>;
  /** Replaces all breakpoints. The machine stops before the instruction at one of them. Also while it runs. */
  setBreakpoints(addresses: readonly bigint[]): void;
  /** Replaces all watchpoints. The machine stops after the instruction that touched one. Also while it runs. */
  setWatchpoints(watchpoints: readonly DebugWatchpoint[]): void;
  /** A register by the name of the manual (`rax`, `rip`, `fs_base`, `st0`, `xmm3`); undefined for one that is not known. Throws `no-such-cpu`. */
  readRegister(cpuIndex: number, name: string): bigint | undefined;
  /** False when the register is not known or cannot take the value. Throws `no-such-cpu`. */
  writeRegister(cpuIndex: number, name: string, value: bigint): boolean;
  /** Writes memory as the CPU sees it, past all protection, ROM included; false, and nothing written, where none is mapped. */
  writeVirtual(cpuIndex: number, address: bigint, bytes: Uint8Array): boolean;
  /** The same at a physical address. */
  writePhysical(address: bigint, bytes: Uint8Array): boolean;
  /**
   * Executes one instruction of a CPU; the state is `debug` afterwards. A halted CPU leaves its halt; one that waits to be started does
   * nothing. Gives the watchpoint that was touched, if one was. Throws `no-such-cpu`, `busy` while the machine runs, `reset-required`.
   */
  step(cpuIndex: number, options: StepOptions): DebugStop | undefined;
  /** These CPUs execute nothing while the machine runs, until the next call. */
  hold(cpuIndexes: readonly number[]): void;
}

/** How to step. */
export interface StepOptions {
  /** Waiting interrupts are taken first. */
  readonly interrupts: boolean;
  /** Guest time passes. */
  readonly time: boolean;
  /** The other CPUs go on a little meanwhile. */
  readonly others: boolean;
}

/** Data whose accesses stop the machine. */
export interface DebugWatchpoint {
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
  readonly kind: 'write' | 'read' | 'access';
}

/** Why and where the machine has stopped. */
export interface DebugStop {
  readonly cpuIndex: number;
  readonly reason: 'breakpoint' | 'watchpoint';
  /** Of the instruction at the breakpoint, or of the first byte touched. */
  readonly address: bigint;
  /** Kind of the watchpoint. */
  readonly kind?: DebugWatchpoint['kind'];
}
