import type { DebugStop as CoreStop, X86Cpu } from '@hotsocket/cpu-x86';
import { ControlError, type DebugControl, type DebugStop, type DebugWatchpoint, type StepOptions } from '@hotsocket/machine';
import { type Observable, Subject } from 'rxjs';
import type { PcBoard } from './board.js';
import { readRegister, writeRegister } from './debug-registers.js';

/** What the debugger needs of its machine. */
export interface DebugHost {
  readonly board: PcBoard;
  readonly running: boolean;
  /** Ended, or waits for a reset. */
  readonly over: boolean;
  cpu(index: number): X86Cpu;
  /** Ends the present slice, if there is one, and calls `debugStopped` between slices. */
  stopSoon(): void;
  /** The machine stands after a step. */
  stepped(): void;
  /** Runs work between slices: at once, or when the present slice is over. */
  betweenSlices(work: () => void): void;
}

/** Instructions that each other CPU gets while one is stepped. */
const OTHERS_SLICE = 8;

const linear = (address: bigint): number => Number(BigInt.asIntN(64, address));

/** Breakpoints, watchpoints and steps of a PC. */
export class PcDebug implements DebugControl {
  readonly stops$: Observable<DebugStop>;
  readonly #host: DebugHost;
  readonly #stops = new Subject<DebugStop>();
  #held: ReadonlySet<number> = new Set();
  #stepping = false;
  #stop: DebugStop | undefined;

  constructor(host: DebugHost) {
    this.#host = host;
    this.stops$ = this.#stops.asObservable();
    host.board.executor.onDebugStop = (cpu, stop) => this.#stopped(cpu, stop);
  }

  /** The CPU may execute while the machine runs. */
  mayRun({ index }: X86Cpu): boolean {
    return !this.#held.has(index);
  }

  /** What stopped a CPU, once: the machine is to stop in the state `debug` and then to `tell`. */
  takeStop(): DebugStop | undefined {
    const stop = this.#stop;
    this.#stop = undefined;
    return stop;
  }

  tell(stop: DebugStop): void {
    this.#stops.next(stop);
  }

  setBreakpoints(addresses: readonly bigint[]): void {
    this.#host.betweenSlices(() => this.#host.board.core.setBreakpoints(addresses.map(linear)));
  }

  setWatchpoints(watchpoints: readonly DebugWatchpoint[]): void {
    const points = watchpoints.map(({ address, length, kind }) => ({ address: linear(address), length, kind }));
    this.#host.betweenSlices(() => this.#host.board.core.setWatchpoints(points));
  }

  readRegister(cpuIndex: number, name: string): bigint | undefined {
    return readRegister(this.#host.cpu(cpuIndex), name);
  }

  writeRegister(cpuIndex: number, name: string, value: bigint): boolean {
    return writeRegister(this.#host.board.core, this.#host.cpu(cpuIndex), name, value);
  }

  writeVirtual(cpuIndex: number, address: bigint, bytes: Uint8Array): boolean {
    return this.#host.board.core.poke(this.#host.cpu(cpuIndex).block, linear(address), bytes);
  }

  writePhysical(address: bigint, bytes: Uint8Array): boolean {
    return this.#host.board.core.pokePhysical(Number(address), bytes);
  }

  hold(cpuIndexes: readonly number[]): void {
    this.#held = new Set(cpuIndexes);
  }

  step(cpuIndex: number, options: StepOptions): DebugStop | undefined {
    const cpu = this.#host.cpu(cpuIndex);
    if (this.#host.running) throw new ControlError('busy', 'the machine runs');
    if (this.#host.over) throw new ControlError('reset-required', 'Resetting the Virtual Machine is required');
    this.#stepping = true;
    try {
      this.#execute(options, () => this.#host.board.executor.step(cpu, options.interrupts));
      const stop = this.takeStop();
      if (options.others) this.#stepOthers(cpu, options);
      return stop;
    } finally {
      this.#stepping = false;
      this.#stop = undefined;
      this.#host.stepped();
    }
  }

  #stepOthers(stepped: X86Cpu, options: StepOptions): void {
    const { cpus, executor } = this.#host.board;
    const others = cpus.list.filter((cpu) => cpu !== stepped && cpu.runnable && this.mayRun(cpu));
    for (const cpu of others) this.#execute(options, () => executor.slice(cpu, OTHERS_SLICE));
  }

  #execute({ time: passes }: StepOptions, work: () => number): void {
    const { time, clock } = this.#host.board;
    const executed = work();
    if (!passes) return;
    time.account(executed, 0);
    clock.runExpired();
  }

  #stopped(cpu: X86Cpu, stop: CoreStop): void {
    const address = BigInt.asUintN(64, BigInt(stop.address));
    const common = { cpuIndex: cpu.index, address };
    this.#stop =
      stop.kind === 'breakpoint' ? { ...common, reason: 'breakpoint' } : { ...common, reason: 'watchpoint', kind: stop.watchpoint.kind };
    if (!this.#stepping) this.#host.stopSoon();
  }
}
