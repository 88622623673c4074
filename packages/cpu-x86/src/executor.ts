import type { IccBus } from '@hotsocket/icc-bus';
import type { ExecutionCore } from './execution-core.js';
import { RUN_STOPPED } from './interpreter.js';
import { ACTIVITY, ACTIVITY_RUNNING, ACTIVITY_SHUTDOWN, BUDGET, EVENTS, EXIT_REQUEST } from './layout.js';
import { watchData } from './system/debug.js';
import { needsSteps, stepTraced, takeEvents } from './system/events.js';
import type { X86Cpu } from './x86-cpu.js';

/** Runs vCPUs in turn on one execution core: one call is one slice of one vCPU. */
export class Executor {
  /** A vCPU met a fault it could not deliver (triple fault). */
  onShutdown: (cpu: X86Cpu) => void = () => {};
  readonly #core: ExecutionCore;
  readonly #bus: IccBus;
  #done = 0;
  #given = 0;
  #running: X86Cpu | undefined;

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
    return this.#running ? this.#done + this.#given - (this.#core.memory.i32[BUDGET >> 2] ?? 0) : 0;
  }

  /** Ends the present slice at the next check point. */
  interrupt(): void {
    if (this.#running) this.#core.memory.i32[EXIT_REQUEST >> 2] = 1;
    this.#stop = true;
  }

  #stop = false;

  /** Runs a vCPU for about `budget` instructions; gives how many were executed. */
  slice(cpu: X86Cpu, budget: number): number {
    this.#core.select(cpu.block);
    watchData(this.#core.cpu);
    this.#bus.current = cpu.apic;
    this.#done = 0;
    this.#given = 0;
    this.#stop = false;
    this.#core.cpu.set32(BUDGET, 0);
    this.#running = cpu;
    try {
      while (this.#done < budget && !this.#stop && this.#advance(cpu, budget - this.#done));
      return this.#done;
    } finally {
      this.#running = undefined;
      this.#bus.current = undefined;
    }
  }

  /** One entry into generated code; false when the vCPU has nothing to execute. */
  #advance(cpu: X86Cpu, left: number): boolean {
    const state = this.#core.cpu;
    state.set32(EXIT_REQUEST, 0);
    if (state.get32(EVENTS) !== 0) takeEvents(state, cpu.apic);
    if (state.get32(ACTIVITY) !== ACTIVITY_RUNNING) return false;
    const single = needsSteps(state);
    this.#given = single ? 1 : left;
    const reason = single ? stepTraced(this.#core) : this.#core.run(left);
    this.#done += this.#given - state.memory.i32[BUDGET >> 2]!;
    this.#given = 0;
    state.set32(BUDGET, 0);
    if (reason === RUN_STOPPED) this.#shutdown(cpu);
    return true;
  }

  #shutdown(cpu: X86Cpu): void {
    this.#core.cpu.set32(ACTIVITY, ACTIVITY_SHUTDOWN);
    this.onShutdown(cpu);
  }
}
