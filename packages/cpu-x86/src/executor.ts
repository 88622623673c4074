import type { IccBus } from '@hotsocket/icc-bus';
import type { DebugStop } from './debugger.js';
import type { ExecutionCore } from './execution-core.js';
import { RUN_STOPPED } from './interpreter.js';
import { EXIT_REQUEST } from './layout.js';
import { runSlice, stepOnce } from './system/events.js';
import type { X86Cpu } from './x86-cpu.js';

/** Runs vCPUs in turn on one execution core: one call is one slice of one vCPU. */
export class Executor {
  /** A vCPU met a breakpoint or watchpoint of the core's debugger; its slice is over. */
  onDebugStop: (cpu: X86Cpu, stop: DebugStop) => void = () => {};
  /** A vCPU met a fault it could not deliver (triple fault). */
  onShutdown: (cpu: X86Cpu) => void = () => {};
  /** Other vCPUs have work too, so that PAUSE ends a slice. Set by who hands out the slices. */
  shared = false;
  readonly #core: ExecutionCore;
  readonly #bus: IccBus;
  #running: X86Cpu | undefined;
  #start = 0;

  constructor(core: ExecutionCore, bus: IccBus) {
    this.#core = core;
    this.#bus = bus;
  }

  /** The vCPU that is executing now, while a device or helper is called by it. */
  get running(): X86Cpu | undefined {
    return this.#running;
  }

  /** Instructions executed in the present slice so far. */
  get executed(): number {
    return this.#running ? this.#core.retired - this.#start : 0;
  }

  /** Ends the present slice at the next check point. */
  interrupt(): void {
    if (this.#running) this.#core.cpu.set32(EXIT_REQUEST, 1);
  }

  /** Runs a vCPU for about `budget` instructions; gives how many were executed. */
  slice(cpu: X86Cpu, budget: number): number {
    return this.#execute(cpu, () => runSlice(this.#core, cpu, budget));
  }

  /**
   * Executes one instruction of a vCPU for a debugger, with waiting interrupts taken first or held off; gives how many were executed, 0
   * when the vCPU waits to be started.
   */
  step(cpu: X86Cpu, takeInterrupts: boolean): number {
    return this.#execute(cpu, () => stepOnce(this.#core, cpu, takeInterrupts));
  }

  #execute(cpu: X86Cpu, work: () => number): number {
    this.#core.select(cpu.block);
    this.#bus.current = cpu.apic;
    this.#start = this.#core.retired;
    this.#running = cpu;
    try {
      const reason = work();
      if (reason === RUN_STOPPED) this.onShutdown(cpu);
      return this.executed;
    } finally {
      this.#running = undefined;
      this.#bus.current = undefined;
      this.#report(cpu);
    }
  }

  #report(cpu: X86Cpu): void {
    const stop = this.#core.debugger.take();
    if (stop) this.onDebugStop(cpu, stop);
  }
}
