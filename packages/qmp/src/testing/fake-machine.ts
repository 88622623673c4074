import {
  ApicIdTooLargeError,
  ControlError,
  CpuExistsError,
  CpuIndexAboveMaxError,
  type CpuInfo,
  type CpuSlot,
  type DisassembledLine,
  type HotAddOptions,
  type ImpossibleCpuPlace,
  type InfoTopic,
  type MachineControl,
  type MachineEvent,
  NegativeCpuIndexError,
  type OspmStatus,
  type QomTree,
  type RegisterGroup,
  type ResetReason,
  type RunState,
  type ShutdownReason,
} from '@hotsocket/machine/control';
import { type Observable, Subject } from 'rxjs';
import { FakeQom } from './fake-qom.js';

/** What a `FakeMachine` is like. */
export interface FakeMachineOptions {
  readonly maxCpus?: number;
  readonly bootCpus?: number;
  readonly cores?: number;
  readonly threads?: number;
  readonly runState?: RunState;
  readonly name?: string;
}

const CPU_TYPE = 'qemu64-x86_64-cpu';
const RESET_VECTOR = 0xffff_fff0n;
const APIC_ID_LIMIT = 255n;
const BAD_STATES: ReadonlySet<RunState> = new Set(['internal-error', 'shutdown']);

/**
 * A machine without a machine: it keeps the promises of `MachineControl` and records what was asked of it. For tests of programs that use
 * the control plane.
 */
export class FakeMachine implements MachineControl {
  readonly uuid = '00000000-0000-0000-0000-000000000000';
  readonly name: string | undefined;
  /** What was called, in order, as `name argument…`. */
  readonly calls: string[] = [];
  /** The first 64 KiB of memory, mapped one to one; nothing else is mapped. */
  readonly memory: Uint8Array = new Uint8Array(0x1_0000);
  readonly ports: Map<number, number> = new Map();
  readonly events$: Observable<MachineEvent>;
  /** Runs at each hot-add when all checks have passed. */
  onHotAdd: (index: number) => void = () => {};
  /** Runs when a guest is asked to let a CPU go. */
  onRemovalRequested: (index: number) => void = () => {};

  readonly #events = new Subject<MachineEvent>();
  readonly #topology: { readonly cores: bigint; readonly threads: bigint };
  readonly #maxCpus: number;
  readonly #cpus: CpuInfo[] = [];
  readonly #qom = new FakeQom();
  #runState: RunState;

  constructor(options: FakeMachineOptions = {}) {
    this.events$ = this.#events.asObservable();
    this.name = options.name;
    this.#maxCpus = options.maxCpus ?? 4;
    this.#topology = { cores: BigInt(options.cores ?? 1), threads: BigInt(options.threads ?? 1) };
    this.#runState = options.runState ?? 'running';
    for (let index = 0; index < (options.bootCpus ?? 1); index++) this.#plug(index, undefined);
  }

  get runState(): RunState {
    return this.#runState;
  }

  get cpus(): readonly CpuInfo[] {
    return this.#cpus;
  }

  get qom(): QomTree {
    return this.#qom;
  }

  get cpuSlots(): readonly CpuSlot[] {
    return Array.from({ length: this.#maxCpus }, (_, index) => {
      const { apicId, socketId, coreId, threadId } = this.#place(BigInt(index));
      return { index, apicId, socketId, coreId, threadId, type: CPU_TYPE, qomPath: this.#cpus.find((cpu) => cpu.index === index)?.qomPath };
    });
  }

  /** Emits an event, as the machine itself would. */
  emit(event: MachineEvent): void {
    this.#events.next(event);
  }

  /** Puts the machine into a state without an event. */
  setRunState(state: RunState): void {
    this.#runState = state;
  }

  stop(): void {
    this.calls.push('stop');
    if (this.#runState !== 'running') return;
    this.#runState = 'paused';
    this.emit({ name: 'STOP' });
  }

  cont(): void {
    this.calls.push('cont');
    if (BAD_STATES.has(this.#runState)) throw new ControlError('reset-required', 'Resetting the Virtual Machine is required');
    if (this.#runState === 'running') return;
    this.#runState = 'running';
    this.emit({ name: 'RESUME' });
  }

  reset(reason: ResetReason): void {
    this.calls.push(`reset ${reason}`);
    this.emit({ name: 'RESET', guest: false, reason });
  }

  powerdown(): void {
    this.calls.push('powerdown');
    this.emit({ name: 'POWERDOWN' });
  }

  quit(reason: ShutdownReason): void {
    this.calls.push(`quit ${reason}`);
    this.emit({ name: 'SHUTDOWN', guest: false, reason });
  }

  wakeup(): void {
    this.calls.push('wakeup');
  }

  nmi(): void {
    this.calls.push('nmi');
  }

  hotAddCpu(id: bigint | number, { deviceId }: HotAddOptions = {}): void {
    const index = BigInt(id);
    this.calls.push(`hotAddCpu ${index}`);
    this.#checkIndex(index);
    if (deviceId !== undefined && this.#qom.resolve(`/machine/peripheral/${deviceId}`) !== undefined)
      throw new ControlError('duplicate-id', `Duplicate device ID '${deviceId}'`);
    this.onHotAdd(Number(index));
    this.#plug(Number(index), deviceId);
  }

  get ospmStatus(): readonly OspmStatus[] {
    return this.cpuSlots.map(({ index, qomPath }) => {
      const device = /^\/machine\/peripheral\/(.*)$/.exec(qomPath ?? '')?.[1];
      return { slot: index, slotType: 'CPU', source: 0, status: 0, ...(device === undefined ? {} : { device }) };
    });
  }

  requestCpuRemoval(index: number): void {
    this.calls.push(`requestCpuRemoval ${index}`);
    if (this.#cpu(index).index === 0) throw new ControlError('boot-cpu', 'The boot CPU cannot be unplugged');
    this.onRemovalRequested(index);
  }

  /** Takes a CPU away, as when a guest lets it go. */
  eject(index: number): void {
    const { qomPath } = this.#cpu(index);
    const device = /^\/machine\/peripheral\/(.*)$/.exec(qomPath)?.[1];
    this.#cpus.splice(
      this.#cpus.findIndex((cpu) => cpu.index === index),
      1,
    );
    this.#qom.remove(qomPath);
    this.emit({ name: 'DEVICE_DELETED', path: `${qomPath}/lapic` });
    this.emit({ name: 'DEVICE_DELETED', path: qomPath, ...(device === undefined ? {} : { device }) });
  }

  registers(cpuIndex: number): readonly RegisterGroup[] {
    const { pc } = this.#cpu(cpuIndex);
    return [
      {
        title: 'general',
        registers: [
          { name: 'rax', value: 0x1234n, bits: 64 },
          { name: 'rip', value: pc, bits: 64 },
        ],
      },
      { title: 'flags', registers: [{ name: 'rflags', value: 2n, bits: 64, note: 'IF=0' }] },
      { title: 'segments', registers: [{ name: 'cs', value: 0xf000n, bits: 16, note: 'base=ffff0000 limit=ffff' }] },
    ];
  }

  readVirtual(cpuIndex: number, address: bigint, length: number): Uint8Array | undefined {
    this.#cpu(cpuIndex);
    return address + BigInt(length) <= 0x1_0000n ? this.readPhysical(address, length) : undefined;
  }

  readPhysical(address: bigint, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, offset) => this.memory[Number(address) + offset] ?? 0xff);
  }

  readPort(port: number, size: 1 | 2 | 4): number {
    this.calls.push(`readPort ${port} ${size}`);
    return this.ports.get(port) ?? 2 ** (size * 8) - 1;
  }

  writePort(port: number, size: 1 | 2 | 4, value: number): void {
    this.calls.push(`writePort ${port} ${size} ${value}`);
    this.ports.set(port, value);
  }

  disassemble(cpuIndex: number, address: bigint, count: number, space: 'virtual' | 'physical'): readonly DisassembledLine[] | undefined {
    this.#cpu(cpuIndex);
    if (space === 'virtual' && address >= 0x1_0000n) return undefined;
    return Array.from({ length: count }, (_, line) => ({ address: address + BigInt(line), bytes: Uint8Array.of(0x90), text: 'nop' }));
  }

  infoText(topic: InfoTopic, cpuIndex: number): string | undefined {
    this.#cpu(cpuIndex);
    return topic === 'tlb' ? undefined : `${topic} of the machine\n  seen from CPU ${cpuIndex}\n`;
  }

  #cpu(index: number): CpuInfo {
    const cpu = this.#cpus.find((candidate) => candidate.index === index);
    if (cpu === undefined) throw new ControlError('no-such-cpu', `There is no CPU ${index}`);
    return cpu;
  }

  #checkIndex(index: bigint): void {
    if (index < 0n) throw new NegativeCpuIndexError(index);
    const place = this.#place(index);
    if (index >= BigInt(this.#maxCpus)) throw new CpuIndexAboveMaxError(index, this.#maxCpus - 1, place);
    if (BigInt(place.apicId) >= APIC_ID_LIMIT) throw new ApicIdTooLargeError(index, place.apicId);
    if (this.#cpus.some((cpu) => BigInt(cpu.index) === index)) throw new CpuExistsError(index, place.apicId);
  }

  #plug(index: number, deviceId: string | undefined): void {
    const qomPath = deviceId === undefined ? `/machine/unattached/device[${index}]` : `/machine/peripheral/${deviceId}`;
    const place = this.#place(BigInt(index));
    this.#cpus.push({ ...place, index, halted: index !== 0, pc: RESET_VECTOR, hostThreadId: 1, qomPath });
    this.#qom.addCpu(qomPath, CPU_TYPE, place.apicId);
  }

  #place(index: bigint): ImpossibleCpuPlace {
    const { cores, threads } = this.#topology;
    const [thread, core, socket] = [index % threads, (index / threads) % cores, index / (threads * cores)];
    const threadBits = widthOf(threads);
    const apicId = (socket << (threadBits + widthOf(cores))) | (core << threadBits) | thread;
    return { socketId: clamp(socket), coreId: clamp(core), threadId: clamp(thread), apicId: clamp(apicId) };
  }
}

/** Bits that hold the numbers below `count`. */
function widthOf(count: bigint): bigint {
  return count <= 1n ? 0n : BigInt((count - 1n).toString(2).length);
}

function clamp(value: bigint): number {
  return value > 0xffff_ffffn ? 0xffff_ffff : Number(value);
}
