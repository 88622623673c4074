import { LocalApic } from '@hotsocket/apic';
import type { IccBus } from '@hotsocket/icc-bus';
import type { Trace } from '@hotsocket/trace';

import type { VirtualClock } from '@hotsocket/virtual-clock';
import { type Observable, Subject } from 'rxjs';
import type { ExecutionCore } from './execution-core.js';
import { DEFAULT_CPU_MODEL } from './system/cpuid.js';
import { apicIdLimit, apicIdOf, placeOf, type Topology } from './topology.js';
import { traceCpus } from './trace-points.js';
import { X86Cpu } from './x86-cpu.js';

/** The fact that a CPU was plugged: its APIC id, and how many are there now. */
export interface CpuAdded {
  readonly apicId: number;
  readonly present: number;
  readonly index: number;
}

export interface X86CpusServices {
  readonly core: ExecutionCore;
  readonly bus: IccBus;
  readonly clock: VirtualClock;
  readonly trace?: Trace;
}

export interface X86CpusOptions {
  readonly topology: Topology;
  readonly maxCpus: number;
  /** QOM type of the CPUs, such as `qemu64-x86_64-cpu`. */
  readonly typeName: string;
  readonly tscHz: number;
}

/** Steps of the board around the birth of a CPU: its place in the object tree. Undone when a later step fails. */
export interface CpuLifecycle {
  /** Gives the CPU its place, before anybody is told; returns what takes it away again. */
  attach(cpu: X86Cpu): () => void;
  /** Everybody has been told; the CPU is about to run. */
  realize(cpu: X86Cpu): void;
}

/** A CPU was added from inside the notice of another. */
export class CpuAddReentryError extends Error {
  readonly code = 'CPU_ADD_REENTRY';
}

/**
 * The set of CPUs of a machine, and the hot-plug notifier. `add` does all that can fail first, then synchronises, then tells (`added$`,
 * in the same turn, in the order of subscription), then lets the CPU run.
 */
export class X86Cpus {
  readonly options: X86CpusOptions;
  /** CPUs plugged after `complete`. A subscriber that throws aborts the add: it is undone and the error goes to the caller. */
  readonly added$: Observable<CpuAdded>;
  readonly #services: X86CpusServices;
  readonly #added = new Subject<CpuAdded>();
  readonly #cpus: X86Cpu[] = [];
  readonly #freeBlocks: number[] = [];
  #lifecycle: CpuLifecycle | undefined;
  #complete = false;
  #adding = false;
  #failure: { error: unknown } | undefined;
  /** Takes back the steps of the present add, last one first. */
  #undo: (() => void)[] = [];

  constructor(services: X86CpusServices, options: X86CpusOptions) {
    this.#services = services;
    this.options = options;
    this.added$ = this.#added.asObservable();
    if (services.trace) traceCpus(services.core, services.trace, (block) => this.#cpus.find((cpu) => cpu.block === block)?.index ?? block);
  }

  /** The CPUs that are there, in order of creation. */
  get list(): readonly X86Cpu[] {
    return this.#cpus;
  }

  get apicIdLimit(): number {
    return apicIdLimit(this.options.topology, this.options.maxCpus);
  }

  apicIdOf(index: number): number {
    return apicIdOf(this.options.topology, index);
  }

  /** True when some CPU has this APIC id. */
  exists(archId: number): boolean {
    return this.#cpus.some((cpu) => cpu.archId === archId);
  }

  forEach(visit: (cpu: X86Cpu) => void): void {
    for (const cpu of [...this.#cpus]) visit(cpu);
  }

  /** The board's part in the birth of CPUs. */
  useLifecycle(lifecycle: CpuLifecycle): void {
    this.#lifecycle = lifecycle;
  }

  /** The machine is built: CPUs from now on are hot-plugged. */
  complete(): void {
    this.#complete = true;
  }

  /**
   * Subscribes a part of the board to `added$`. RxJS hides what an observer throws; through here it reaches the caller of `add`, who undoes
   * the add. `remember` is called before the handler and returns what puts the part back: it is called when a later step fails.
   */
  notify(handler: (added: CpuAdded) => void, remember?: () => () => void): { unsubscribe(): void } {
    return this.#added.subscribe((added) => {
      if (this.#failure) return;
      try {
        if (remember) this.#undo.push(remember());
        handler(added);
      } catch (error) {
        this.#failure = { error };
      }
    });
  }

  /** Creates and realizes the CPU of a slot. When a step throws, all is as before and the error goes to the caller. */
  add(index: number): X86Cpu {
    if (this.#adding) throw new CpuAddReentryError(`CPU ${index} was added from inside the notice of another`);
    this.#adding = true;
    try {
      return this.#realize(index);
    } catch (error) {
      for (const step of this.#undo.reverse()) step();
      throw error;
    } finally {
      this.#undo = [];
      this.#adding = false;
    }
  }

  /** Takes a CPU out of the machine (the guest has ejected it). The bootstrap processor stays. */
  remove(cpu: X86Cpu): void {
    const at = this.#cpus.indexOf(cpu);
    if (at < 0 || cpu.bootstrap) return;
    cpu.stopped = true;
    cpu.realized = false;
    this.#cpus.splice(at, 1);
    cpu.apic.dispose();
    this.#freeBlocks.push(cpu.block);
  }

  #realize(index: number): X86Cpu {
    const cpu = this.#construct(index);
    const detach = this.#lifecycle?.attach(cpu);
    if (detach) this.#undo.push(detach);
    cpu.reset();
    cpu.synchronized = true;
    if (cpu.hotplugged) this.#tell({ apicId: cpu.archId, present: this.#cpus.length, index });
    this.#lifecycle?.realize(cpu);
    cpu.realized = true;
    cpu.stopped = false;
    return cpu;
  }

  #construct(index: number): X86Cpu {
    const { core, bus, clock, trace } = this.#services;
    const { topology, typeName, tscHz } = this.options;
    const model = core.cpu.services.model ?? DEFAULT_CPU_MODEL;
    const apic = new LocalApic(
      { clock, bus, ...(trace ? { trace } : {}) },
      { id: apicIdOf(topology, index), bootstrap: index === 0, tscHz, x2apic: model.has('x2apic') },
    );
    this.#undo.push(() => apic.dispose());
    const block = this.#freeBlocks.pop() ?? core.addCpu();
    this.#undo.push(() => this.#freeBlocks.push(block));
    const cpu = new X86Cpu(core, { index, block, place: placeOf(topology, index), apic, typeName, hotplugged: this.#complete });
    apic.cpu = cpu;
    this.#cpus.push(cpu);
    this.#undo.push(() => this.#cpus.splice(this.#cpus.indexOf(cpu), 1));
    return cpu;
  }

  /** Synchronous delivery; the first error of a subscriber is thrown on. */
  #tell(added: CpuAdded): void {
    this.#failure = undefined;
    this.#added.next(added);
    const failure = this.#failure as { error: unknown } | undefined;
    this.#failure = undefined;
    if (failure) throw failure.error;
  }
}
