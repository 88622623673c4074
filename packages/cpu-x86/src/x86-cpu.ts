import type { ApicCpu, LocalApic } from '@hotsocket/apic';
import type { Device, Property } from '@hotsocket/qom';
import { restoreRecord, type SavedState, SavedStateError, savedState } from '@hotsocket/saved-state';
import type { Halves } from './cpu.js';
import type { ExecutionCore } from './execution-core.js';
import {
  ACTIVITY,
  ACTIVITY_HALTED,
  ACTIVITY_RUNNING,
  ACTIVITY_WAIT_FOR_SIPI,
  BUDGET,
  CPU_BLOCK,
  CPU_BLOCK_BYTES,
  CS,
  EFLAGS,
  EVENT_INIT,
  EVENT_INTERRUPT,
  EVENT_NMI,
  EVENT_NMI_NEXT,
  EVENT_SIPI,
  EVENT_SMI,
  EVENTS,
  EXIT_REQUEST,
  FPU_OPCODE,
  NMI_BLOCKED,
  NONCANONICAL,
  PAGE_RIP,
  RIP,
  SCRATCH,
  SEG_BASE,
  SIPI_VECTOR,
  SLOW_ADDRESS,
  SSE_SOURCE,
  segment,
  TLB_BASE,
  TSC_OFFSET,
} from './layout.js';
import type { InterruptPort } from './system/events.js';
import { resetCpu } from './system/reset.js';
import type { CpuPlace } from './topology.js';

const VERSION = 1;
/** Parts of the block that hold nothing between two instructions, or host addresses that follow from the rest: first and end. */
const TRANSIENT: readonly (readonly [first: number, end: number])[] = [
  [PAGE_RIP, RIP],
  [FPU_OPCODE, SSE_SOURCE + 4],
  [BUDGET, EXIT_REQUEST],
  [TLB_BASE, ACTIVITY],
  [SLOW_ADDRESS, NONCANONICAL + 4],
  [SCRATCH, SCRATCH + 512],
];
const FLAG_IF = 0x200;

const counter: Halves = { low: 0, high: 0 };

/** Identity of a CPU in its machine. */
export interface X86CpuOptions {
  /** Slot: the number `cpu-add` takes. */
  readonly index: number;
  /** Number of its block of state in the execution core. */
  readonly block: number;
  readonly place: CpuPlace;
  readonly apic: LocalApic;
  readonly typeName: string;
  readonly hotplugged: boolean;
}

/** One CPU: a block of state in the execution core and the local APIC that drives its event wires. */
export class X86Cpu implements Device, ApicCpu, InterruptPort {
  readonly typeName: string;
  readonly index: number;
  readonly block: number;
  readonly place: CpuPlace;
  readonly apic: LocalApic;
  readonly hotplugged: boolean;
  /** On the bus, announced and ready to run. */
  realized = false;
  /** Held: a stopped CPU executes nothing, whatever its state. */
  stopped = true;
  /** State is in step with the executor (what an accelerator would have to be told). */
  synchronized = false;
  readonly properties: Readonly<Record<string, Property>>;
  readonly #core: ExecutionCore;
  #wake: () => void = () => {};

  constructor(core: ExecutionCore, options: X86CpuOptions) {
    this.#core = core;
    this.typeName = options.typeName;
    this.index = options.index;
    this.block = options.block;
    this.place = options.place;
    this.apic = options.apic;
    this.hotplugged = options.hotplugged;
    this.properties = this.#properties();
  }

  /** What ACPI and other generic code know the CPU by: its APIC id. */
  get archId(): number {
    return this.apic.slot;
  }

  get bootstrap(): boolean {
    return this.apic.bootstrap;
  }

  /** Called when an event arrives that could end a halt. */
  onWake(wake: () => void): void {
    this.#wake = wake;
  }

  // State

  get32(address: number): number {
    return this.#core.memory.u32[this.#core.stateAddress(this.block, address) >>> 2]!;
  }

  set32(address: number, value: number): void {
    this.#core.memory.i32[this.#core.stateAddress(this.block, address) >>> 2] = value;
  }

  /** Unsigned 64-bit value of a state field; for people and debuggers. */
  get64(address: number): bigint {
    return this.#core.memory.view.getBigUint64(this.#core.stateAddress(this.block, address), true);
  }

  set64(address: number, value: bigint): void {
    this.#core.memory.view.setBigUint64(this.#core.stateAddress(this.block, address), value, true);
  }

  /** ACTIVITY_*. */
  get activity(): number {
    return this.get32(ACTIVITY);
  }

  get halted(): boolean {
    return this.activity !== ACTIVITY_RUNNING;
  }

  /** RFLAGS. */
  get flags(): number {
    const previous = this.#core.current;
    this.#core.select(this.block);
    const flags = this.#core.cpu.flags();
    if (previous >= 0) this.#core.select(previous);
    return flags;
  }

  /** Linear address of the next instruction. */
  get pc(): bigint {
    return BigInt.asUintN(64, this.get64(RIP) + this.get64(segment(CS) + SEG_BASE));
  }

  /** True when the executor has something to do for it. */
  get runnable(): boolean {
    if (this.stopped) return false;
    const activity = this.activity;
    if (activity === ACTIVITY_RUNNING) return true;
    const events = this.get32(EVENTS);
    if ((events & EVENT_INIT) !== 0) return true;
    if (activity === ACTIVITY_WAIT_FOR_SIPI) return (events & EVENT_SIPI) !== 0;
    if ((events & EVENT_NMI) !== 0 && this.get32(NMI_BLOCKED) === 0) return true;
    return activity === ACTIVITY_HALTED && (events & EVENT_INTERRUPT) !== 0 && (this.get32(EFLAGS) & FLAG_IF) !== 0;
  }

  /** The interrupt acknowledge cycle. */
  acknowledge(): number {
    return this.apic.acknowledge();
  }

  /** INIT sends it to the reset vector instead of to wait for a SIPI. */
  get isBootstrap(): boolean {
    return this.bootstrap;
  }

  /** Power-on state: the bootstrap processor starts at the reset vector, the others wait for SIPI. */
  reset(): void {
    const previous = this.#core.current;
    this.#core.select(this.block);
    resetCpu(this.#core.cpu, this.bootstrap);
    this.#core.cpu.set32(EVENTS, this.apic.pending ? EVENT_INTERRUPT : 0);
    if (previous >= 0) this.#core.select(previous);
  }

  // Event wires of the local APIC

  interruptPending(pending: boolean): void {
    const events = this.get32(EVENTS);
    this.set32(EVENTS, pending ? events | EVENT_INTERRUPT : events & ~EVENT_INTERRUPT);
    if (pending) this.#kick();
  }

  /** One NMI waits while another one is handled (SDM volume 3, 6.7.1); else two are taken, the second after the first one's IRET. */
  nmi(): void {
    const second = (this.get32(EVENTS) & EVENT_NMI) !== 0 && this.get32(NMI_BLOCKED) === 0;
    this.#post(second ? EVENT_NMI_NEXT : EVENT_NMI);
  }

  smi(): void {
    this.#post(EVENT_SMI);
  }

  init(): void {
    this.#post(EVENT_INIT);
  }

  sipi(vector: number): void {
    this.set32(SIPI_VECTOR, vector);
    this.#post(EVENT_SIPI);
  }

  /** The time-stamp counter as the guest has set it; the machine's and this CPU's offset. */
  tsc(): number {
    this.#core.cpu.services.readTsc(counter);
    const low = (counter.low >>> 0) + this.get32(TSC_OFFSET);
    const high = counter.high + this.get32(TSC_OFFSET + 4) + (low >= 2 ** 32 ? 1 : 0);
    return (high >>> 0) * 2 ** 32 + (low >>> 0);
  }

  #post(event: number): void {
    this.set32(EVENTS, this.get32(EVENTS) | event);
    this.#kick();
  }

  #kick(): void {
    this.set32(EXIT_REQUEST, 1);
    this.#wake();
  }

  // Saved state

  save(): SavedState {
    const start = this.#core.stateAddress(this.block, CPU_BLOCK);
    const block = this.#core.memory.u8.slice(start, start + CPU_BLOCK_BYTES);
    for (const [first, end] of TRANSIENT) block.fill(0, first - CPU_BLOCK, end - CPU_BLOCK);
    return savedState(this.typeName, VERSION, { index: this.index, block });
  }

  /** Throws SavedStateError, and changes nothing, when it is the state of another CPU or of another size. */
  restore(saved: SavedState): void {
    const { index, block } = restoreRecord<{ index: number; block: Uint8Array }>(saved, this.typeName, VERSION);
    if (index !== this.index) throw new SavedStateError(`${this.typeName}: state of CPU ${index} given to CPU ${this.index}`);
    if (!ArrayBuffer.isView(block) || block.length !== CPU_BLOCK_BYTES)
      throw new SavedStateError(`${this.typeName}: block is not of ${CPU_BLOCK_BYTES} bytes`);
    this.#core.load(this.block, block);
  }

  #properties(): Record<string, Property> {
    return {
      'apic-id': { type: 'uint32', get: () => this.archId },
      'socket-id': { type: 'int32', get: () => this.place.socketId },
      'core-id': { type: 'int32', get: () => this.place.coreId },
      'thread-id': { type: 'int32', get: () => this.place.threadId },
    };
  }
}
