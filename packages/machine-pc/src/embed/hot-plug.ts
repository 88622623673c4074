import { layout, type X86Cpu } from '@hotsocket/cpu-x86';
import type { CpuInfo, CpuSlot } from '@hotsocket/machine';
import type { Pc } from '../pc.js';
import { type WaitOptions, wait } from './wait.js';

/** How far a hot-added CPU has come. */
export type CpuStage = 'plugged' | 'noticed' | 'online';

/** Facts about a CPU, in the order in which they come. */
export interface CpuEvent {
  readonly name: 'CPU_ADDED' | 'CPU_NOTICED' | 'CPU_ONLINE';
  readonly index: number;
  readonly apicId: number;
}

/** A CPU that was hot-added. */
export interface HotAddedCpu {
  readonly index: number;
  readonly apicId: number;
  /** The furthest stage it has reached since it was added. */
  readonly stage: CpuStage;
  /** Resolves when the guest has looked: it read the CPU's byte of the bitmap after the SCI, or cleared its insert event. */
  noticed(options?: WaitOptions): Promise<void>;
  /** Resolves when the guest has started it: a startup message (SIPI) arrived and its first instructions ran. */
  online(options?: WaitOptions): Promise<void>;
}

/** What the CPUs need of the machine around them. */
export interface HotPlugHost {
  readonly life: AbortSignal;
  /** The built machine; waits for its images. */
  load(options: WaitOptions): Promise<Pc>;
  machine(): Pc;
  emit(event: CpuEvent): void;
}

const GPE_CPU_HOTPLUG = 0x04;

/** The CPUs of an embedded PC. */
export class HotPlug {
  readonly #host: HotPlugHost;
  readonly #tracked = new Map<number, Tracked>();

  constructor(host: HotPlugHost) {
    this.#host = host;
  }

  /** The CPUs that are there. Throws PcError `NOT_LOADED` before the machine is loaded. */
  get list(): readonly CpuInfo[] {
    return this.#host.machine().cpus;
  }

  /** Every place for a CPU, filled or not. */
  get slots(): readonly CpuSlot[] {
    return this.#host.machine().cpuSlots;
  }

  /**
   * Plugs a CPU, as QMP's `cpu-add` does. Throws a `CpuAddError` of `@hotsocket/machine`, whose `code` says why; nothing is changed then.
   * That the guest takes the CPU into use is another matter: see `HotAddedCpu`.
   */
  async add(index: bigint | number, options: WaitOptions = {}): Promise<HotAddedCpu> {
    const machine = await this.#host.load(options);
    machine.hotAddCpu(index);
    const { apicId } = machine.cpus.find((cpu) => cpu.index === Number(index))!;
    return this.#tracked.get(apicId)!;
  }

  /** Follows the CPUs of a machine that was just built. */
  watch(machine: Pc): void {
    const { cpus, pm } = machine.board;
    pm.noticed$.subscribe(({ apicId }) => this.#tracked.get(apicId)?.reached('noticed'));
    cpus.added$.subscribe(({ apicId, index }) => {
      const cpu = cpus.list.find((known) => known.archId === apicId)!;
      const tracked = new Tracked(index, apicId, cpu, this.#host, () => gpeText(machine));
      this.#tracked.set(apicId, tracked);
      this.#host.emit({ name: 'CPU_ADDED', index, apicId });
    });
  }

  /** Looks which CPUs have been started; called between two batches. */
  poll(): void {
    for (const tracked of this.#tracked.values()) tracked.poll();
  }
}

class Tracked implements HotAddedCpu {
  readonly index: number;
  readonly apicId: number;
  readonly #cpu: X86Cpu;
  readonly #host: HotPlugHost;
  readonly #gpe: () => string;
  readonly #reached = new Set<CpuStage>(['plugged']);
  readonly #waiting = new Set<() => void>();

  constructor(index: number, apicId: number, cpu: X86Cpu, host: HotPlugHost, gpe: () => string) {
    this.index = index;
    this.apicId = apicId;
    this.#cpu = cpu;
    this.#host = host;
    this.#gpe = gpe;
  }

  get stage(): CpuStage {
    if (this.#reached.has('online')) return 'online';
    return this.#reached.has('noticed') ? 'noticed' : 'plugged';
  }

  noticed(options: WaitOptions = {}): Promise<void> {
    return this.#wait('noticed', `the guest noticing CPU ${this.index}`, options);
  }

  online(options: WaitOptions = {}): Promise<void> {
    return this.#wait('online', `the guest starting CPU ${this.index}`, options);
  }

  reached(stage: CpuStage): void {
    if (this.#reached.has(stage)) return;
    this.#reached.add(stage);
    this.#host.emit({ name: stage === 'online' ? 'CPU_ONLINE' : 'CPU_NOTICED', index: this.index, apicId: this.apicId });
    for (const look of [...this.#waiting]) look();
  }

  poll(): void {
    if (!this.#reached.has('online') && this.#cpu.realized && this.#cpu.activity !== layout.ACTIVITY_WAIT_FOR_SIPI) this.reached('online');
  }

  #wait(stage: CpuStage, what: string, options: WaitOptions): Promise<void> {
    const subject = { what, life: this.#host.life, lastSeen: () => `CPU ${this.index} is ${this.stage}, ${this.#gpe()}` };
    return wait<void>(subject, options, (resolve) => {
      const look = (): void => {
        if (this.#reached.has(stage)) resolve();
      };
      this.#waiting.add(look);
      look();
      return () => this.#waiting.delete(look);
    });
  }
}

/** Whether the guest listens at all. Reading GPE0 has no side effects. */
function gpeText({ board: { pm } }: Pc): string {
  const [status, enable] = [pm.gpe0.read(0, 1), pm.gpe0.read(2, 1)];
  const listens = (enable & GPE_CPU_HOTPLUG) !== 0 ? '' : ' (the guest has not enabled CPU hot-plug events)';
  return `GPE0_STS=${hex(status)} GPE0_EN=${hex(enable)}${listens}`;
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
