import type { MemorySpace } from '@hotsocket/address-space';
import type { LocalApic } from '@hotsocket/apic';
import type { IccBus } from '@hotsocket/icc-bus';
import type { Trace } from '@hotsocket/trace';
import type { VirtualClock } from '@hotsocket/virtual-clock';
import type { CoreMemory } from './core-memory.js';
import { type CoreOptions, ExecutionCore } from './execution-core.js';
import { Executor } from './executor.js';
import type { CpuModel } from './system/cpuid.js';
import { X86Cpus, type X86CpusOptions } from './x86-cpus.js';

/** What the processors of a board need of it. */
export interface ProcessorServices {
  readonly memory: CoreMemory;
  readonly mem: MemorySpace;
  readonly io: CoreOptions['io'];
  readonly bus: IccBus;
  readonly clock: VirtualClock;
  readonly trace?: Trace;
}

/** The CPUs of a board, what executes them, and the order in which that happens. */
export interface Processors {
  readonly core: ExecutionCore;
  readonly executor: Executor;
  /** None at first. */
  readonly cpus: X86Cpus;
}

/** Makes the processors of a board: an execution core that asks each CPU's local APIC for what is the APIC's, and the set of CPUs. */
export function makeProcessors(services: ProcessorServices, options: X86CpusOptions & { readonly model: CpuModel }): Processors {
  const { bus, clock, trace } = services;
  const core = makeCore(services, options.model, {
    apicOf: (block) => cpus.list.find((cpu) => cpu.block === block)?.apic,
    shared: () => executor.shared,
  });
  const executor = new Executor(core, bus);
  const cpus = new X86Cpus({ core, bus, clock, ...(trace ? { trace } : {}) }, options);
  return { core, executor, cpus };
}

interface Owners {
  apicOf(block: number): LocalApic | undefined;
  shared(): boolean;
}

function makeCore({ memory, mem, io, clock }: ProcessorServices, model: CpuModel, { apicOf, shared }: Owners): ExecutionCore {
  return new ExecutionCore({
    memory,
    space: mem,
    io,
    model,
    readTsc: (into) => split(clock.now(), into),
    sharesTime: shared,
    apicId: (block) => apicOf(block)?.slot ?? 0,
    readApicBase: (block, into) => {
      const base = apicOf(block)?.apicBase;
      into.low = base?.lo ?? 0;
      into.high = base?.hi ?? 0;
    },
    writeApicBase: (block, low, high) => apicOf(block)?.writeApicBase(high, low) ?? false,
    readTscDeadline: (block, into) => {
      const deadline = apicOf(block)?.tscDeadline;
      into.low = deadline?.lo ?? 0;
      into.high = deadline?.hi ?? 0;
    },
    writeTscDeadline: (block, low, high) => apicOf(block)?.writeTscDeadline(high, low),
    readApic: (block, register, into) => apicOf(block)?.readMsr(register, into) ?? false,
    writeApic: (block, register, low, high) => apicOf(block)?.writeMsr(register, high, low) ?? false,
    tscChanged: (block) => apicOf(block)?.tscChanged(),
    readTpr: (block) => apicOf(block)?.tpr ?? 0,
    writeTpr: (block, value) => {
      const apic = apicOf(block);
      if (apic) apic.tpr = value;
    },
  });
}

function split(value: number, into: { low: number; high: number }): void {
  into.low = value >>> 0;
  into.high = Math.floor(value / 2 ** 32);
}
