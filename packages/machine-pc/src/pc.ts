import type { AccessSize } from '@hotsocket/address-space';
import { apicIdOf, CpuAddReentryError, disassembleCode, layout, placeOf, type X86Cpu } from '@hotsocket/cpu-x86';
import { ICC_BUS_NAME, ICC_BUS_TYPE } from '@hotsocket/icc-bus';
import {
  ApicIdTooLargeError,
  ControlError,
  CpuAddFailedError,
  CpuAddInProgressError,
  CpuExistsError,
  CpuIndexAboveMaxError,
  type CpuInfo,
  type CpuSlot,
  type DisassembledLine,
  defaultScheduler,
  type HotAddOptions,
  type InfoTopic,
  type MachineControl,
  type MachineEvent,
  NegativeCpuIndexError,
  type OspmStatus,
  type PanicAction,
  type QomTree,
  type RegisterGroup,
  type ResetReason,
  RunLoop,
  type RunState,
  type ShutdownReason,
  type WatchdogAction,
} from '@hotsocket/machine';
import { type DeviceObject, ObjectTree } from '@hotsocket/qom';
import { SavedStateError } from '@hotsocket/saved-state';
import type { ContainerModule } from 'inversify';
import { type Observable, Subject } from 'rxjs';
import { buildBoard, type PcBoard } from './board.js';
import { checkOptions } from './check-options.js';
import { BOOT_ORDER, setBootOrder } from './cmos.js';
import { PcDebug } from './debug.js';
import { infoText } from './info.js';
import type { PcOptions } from './options.js';
import { qomTree } from './qom.js';
import { registerGroups } from './registers.js';
import { decodePc, encodePc, type PcState, restoreState, type SavedCpu, stateOf } from './snapshot.js';

/** Highest APIC id an 8-bit local APIC can have; 255 is the broadcast. */
const HIGHEST_APIC_ID = 254;
const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** Work that a device asked for, done between two slices. */
interface Pending {
  /** What a debugger wants done at an instruction boundary. */
  readonly work: (() => void)[];
  /** CPUs that ejected themselves: they go when they no longer execute. */
  readonly ejected: X86Cpu[];
  reset: ResetReason | undefined;
  off: boolean;
  a20: boolean | undefined;
  exit: number | undefined;
}

/**
 * The i440FX/PIIX PC: a board, its run loop and its control plane. `start` runs it; everything a frontend may ask is `MachineControl`.
 */
export class Pc implements MachineControl {
  readonly board: PcBoard;
  readonly options: PcOptions;
  readonly name: string | undefined;
  readonly uuid: string;
  readonly events$: Observable<MachineEvent>;
  readonly qom: QomTree;
  readonly debug: PcDebug;
  /** A reset ends the machine instead (`-no-reboot`). */
  noReboot = false;
  /** Power-off stops the machine instead of ending it (`-no-shutdown`). */
  noShutdown = false;
  /** What becomes of a machine whose guest panics (`-action panic=`). */
  panicSetting: PanicSetting = 'shutdown';
  /** What becomes of a machine whose watchdog runs out (`-watchdog-action`). */
  watchdogAction: WatchdogAction = 'reset';
  /** Called when the machine has ended: the reason, and the exit status that a debug exit device asked for. */
  ended: (reason: ShutdownReason, exitCode: number | undefined) => void = () => {};
  readonly #events = new Subject<MachineEvent>();
  readonly #tree = new ObjectTree('pc-i440fx-1.5-machine');
  readonly #iccBus = this.#tree.bus(ICC_BUS_TYPE, { hotplugAllowed: true });
  readonly #objects = new Map<X86Cpu, DeviceObject>();
  readonly #ospm = new Map<number, { readonly source: number; readonly status: number }>();
  readonly #loop: RunLoop | undefined;
  readonly #pending: Pending = { work: [], ejected: [], reset: undefined, off: false, a20: undefined, exit: undefined };
  #runState: RunState = 'prelaunch';
  #nextDeviceId: string | undefined;
  #disposed = false;

  /** Throws PcOptionsError that lists everything that is wrong with the options, or ImageError for a kernel that cannot be booted. */
  constructor(options: PcOptions, modules: readonly ContainerModule[] = []) {
    checkOptions(options);
    this.options = options;
    this.name = options.name;
    this.uuid = options.uuid ?? NO_UUID;
    this.events$ = this.#events.asObservable();
    this.board = buildBoard(options, modules, (board) => this.#prepare(board));
    this.qom = qomTree(this.#tree);
    this.debug = this.#makeDebug();
    this.#loop = options.executes === false ? undefined : this.#makeLoop();
    this.board.cpus.complete();
    this.#tree.complete();
    this.#connect();
    this.#resetDevices();
  }

  // ---------------------------------------------------------------- life

  get runState(): RunState {
    return this.#runState;
  }

  /** Instructions executed since power-on. */
  get instructions(): number {
    return this.board.time.instructions;
  }

  cont(): void {
    if (this.#runState === 'running') return;
    if (OVER.has(this.#runState)) throw new ControlError('reset-required', 'Resetting the Virtual Machine is required');
    this.#runState = 'running';
    this.#emit({ name: 'RESUME' });
    this.#loop?.start();
  }

  stop(): void {
    if (this.#runState !== 'running') return;
    this.#pause('paused');
  }

  /** Stops executing in a state that is not running. */
  #pause(state: RunState): void {
    this.#runState = state;
    this.#loop?.stop();
    this.#emit({ name: 'STOP' });
  }

  /** The same for a machine that may not run. */
  #stopIn(state: RunState): void {
    if (this.#runState === 'running') this.#pause(state);
    else this.#runState = state;
  }

  reset(reason: ResetReason): void {
    this.#pending.reset = reason;
    if (this.#loop?.running) this.board.executor.interrupt();
    else this.#betweenSlices();
    this.#loop?.wake();
  }

  powerdown(): void {
    this.board.pm.pressPowerButton();
    this.#emit({ name: 'POWERDOWN' });
    this.#loop?.wake();
  }

  quit(reason: ShutdownReason): void {
    this.#end(reason, false);
  }

  wakeup(): void {
    if (this.#runState !== 'suspended') return;
    this.#emit({ name: 'WAKEUP' });
    this.#resetDevices();
    this.board.pm.wake('other');
    this.#runState = 'running';
    this.#loop?.start();
  }

  nmi(): void {
    for (const cpu of this.board.cpus.list) cpu.nmi();
  }

  /** Executes on the calling stack until `until` holds or `instructions` more have been executed; for tests. */
  runFor(instructions: number, until: () => boolean = () => false): boolean {
    const end = this.instructions + instructions;
    while (this.instructions < end && this.#runState === 'running' && !until() && this.#loop?.runBatch());
    return until();
  }

  /** Resolves when execution has come to rest after `stop` or the end. */
  async idle(): Promise<void> {
    await this.#loop?.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#disposed) this.#end('none', false);
    await this.idle();
  }

  // ---------------------------------------------------------------- saved state

  /** The whole machine at this moment, as a file: devices, CPUs, RAM. Throws ControlError `busy` while it runs, `reset-required` when it is over. */
  snapshot(): Uint8Array {
    return encodePc(this.options, this.#state());
  }

  /**
   * Goes to the moment of a snapshot of a machine with the same options; CPUs are added and taken out to match. The machine is paused
   * afterwards. Throws SavedStateError, and stays as it was, when the file is damaged or is of another machine; ControlError as `snapshot`.
   */
  restore(file: Uint8Array): void {
    const saved = decodePc(this.options, file);
    const before = this.#state();
    const ram = before.ram.slice();
    try {
      this.#restore(saved);
    } catch (error) {
      this.#restore({ ...before, ram });
      throw error instanceof SavedStateError ? error : new SavedStateError('the state of the machine is not possible', { cause: error });
    }
  }

  #state(): PcState {
    if (this.#runState === 'running') throw new ControlError('busy', 'The machine is running; stop it first');
    if (this.#disposed || OVER.has(this.#runState)) throw new ControlError('reset-required', 'The machine is over');
    this.#betweenSlices();
    const machine = {
      time: this.board.time.save(),
      lastTurn: this.#loop?.lastTurn ?? -1,
      suspended: this.#runState === 'suspended',
      ospm: [...this.#ospm].map(([slot, { source, status }]) => [slot, source, status] as const),
    };
    return stateOf(this.board, machine, (cpu) => this.#deviceIdOf(cpu));
  }

  #restore(state: PcState): void {
    this.#matchCpus(state.cpus);
    restoreState(this.board, state);
    this.#forget();
    for (const [slot, source, status] of state.machine.ospm) this.#ospm.set(slot, { source, status });
    if (this.#loop) this.#loop.lastTurn = state.machine.lastTurn;
    this.#runState = state.machine.suspended ? 'suspended' : 'paused';
  }

  /** What devices asked for while they were restored has been asked, and done, before the snapshot. */
  #forget(): void {
    Object.assign(this.#pending, { reset: undefined, off: false, a20: undefined, exit: undefined });
    this.#ospm.clear();
  }

  #matchCpus(wanted: readonly SavedCpu[]): void {
    const gone = this.board.cpus.list.filter((cpu) => !wanted.some(({ index }) => index === cpu.index));
    for (const cpu of gone) this.#removeCpu(cpu);
    const present = new Set(this.board.cpus.list.map(({ index }) => index));
    for (const { index, deviceId } of wanted) if (!present.has(index)) this.hotAddCpu(index, deviceId === null ? {} : { deviceId });
  }

  // ---------------------------------------------------------------- CPUs

  get cpus(): readonly CpuInfo[] {
    return this.board.cpus.list.map((cpu) => this.#cpuInfo(cpu));
  }

  get cpuSlots(): readonly CpuSlot[] {
    const { topology, maxCpus } = this.options;
    return Array.from({ length: maxCpus }, (_, index) => {
      const cpu = this.board.cpus.list.find((known) => known.index === index);
      const slot = { index, apicId: apicIdOf(topology, index), ...placeOf(topology, index), type: this.board.cpus.options.typeName };
      return cpu ? { ...slot, qomPath: this.#pathOf(cpu) } : slot;
    });
  }

  /** All checks come before any change (class comment of `X86Cpus.add` says the rest). */
  hotAddCpu(id: bigint | number, options: HotAddOptions = {}): void {
    const index = BigInt(id);
    this.#checkHotAdd(index);
    this.#nextDeviceId = options.deviceId;
    try {
      this.board.cpus.add(Number(index));
    } catch (error) {
      throw error instanceof CpuAddReentryError ? new CpuAddInProgressError(index) : new CpuAddFailedError(index, error);
    } finally {
      this.#nextDeviceId = undefined;
    }
    this.#loop?.wake();
  }

  /** The guest decides; it answers by `_OST` and, when it lets the CPU go, by the eject register. */
  requestCpuRemoval(index: number): void {
    const cpu = this.#cpu(index);
    if (cpu.bootstrap) throw new ControlError('boot-cpu', 'The boot CPU cannot be unplugged');
    if (!this.board.pm.requestCpuRemoval(cpu.archId))
      throw new ControlError('not-supported', 'The guest uses the CPU hot-plug bitmap, by which CPUs cannot be unplugged');
    this.#loop?.wake();
  }

  get ospmStatus(): readonly OspmStatus[] {
    return Array.from({ length: this.options.maxCpus }, (_, slot) => this.#ospmOf(slot, this.#ospm.get(slot) ?? { source: 0, status: 0 }));
  }

  #ospmOf(slot: number, answer: { readonly source: number; readonly status: number }): OspmStatus {
    const cpu = this.board.cpus.list.find(({ index }) => index === slot);
    const device = cpu && this.#deviceIdOf(cpu);
    return { ...(device === undefined ? {} : { device }), slot, slotType: 'CPU', ...answer };
  }

  /** The guest has let a CPU go. It may be the one that executes: then it is taken out when its slice is over. */
  #cpuEjected(apicId: number): void {
    const cpu = this.board.cpus.list.find(({ archId }) => archId === apicId);
    if (!cpu) return;
    this.board.pm.cpuRemoved({ apicId });
    if (this.board.executor.running !== cpu) return this.#removeCpu(cpu);
    this.#pending.ejected.push(cpu);
    this.board.executor.interrupt();
  }

  #removeCpu(cpu: X86Cpu): void {
    const object = this.#objects.get(cpu);
    const device = this.#deviceIdOf(cpu);
    const deleted = object ? [...object.walk()].reverse().map(({ path }) => path) : [];
    this.#objects.delete(cpu);
    object?.unrealize();
    object?.unparent();
    this.board.cpus.remove(cpu);
    this.board.rtc.cpuAdded({ apicId: cpu.archId, present: this.board.cpus.list.length });
    for (const path of deleted)
      this.#emit({ name: 'DEVICE_DELETED', path, ...(path === deleted.at(-1) && device !== undefined ? { device } : {}) });
  }

  /** The name that `device_add` gave it. */
  #deviceIdOf(cpu: X86Cpu): string | undefined {
    const object = this.#objects.get(cpu);
    return object?.parent === this.#tree.peripheral ? object.name : undefined;
  }

  #checkHotAdd(index: bigint): void {
    const { topology, maxCpus } = this.options;
    if (index < 0n) throw new NegativeCpuIndexError(index);
    if (index >= BigInt(maxCpus)) throw new CpuIndexAboveMaxError(index, maxCpus - 1, this.#impossiblePlace(index));
    const apicId = apicIdOf(topology, Number(index));
    if (apicId > HIGHEST_APIC_ID) throw new ApicIdTooLargeError(index, apicId);
    if (this.board.cpus.exists(apicId)) throw new CpuExistsError(index, apicId);
  }

  #impossiblePlace(index: bigint): CpuIndexAboveMaxError['place'] {
    const small = index < 0x1_0000_0000n ? Number(index) : 0xffff_ffff;
    const place = placeOf(this.options.topology, small);
    return { ...place, apicId: Math.min(apicIdOf(this.options.topology, small), 0xffff_ffff) };
  }

  #cpuInfo(cpu: X86Cpu): CpuInfo {
    const { index, archId, place, halted, pc } = cpu;
    return { index, apicId: archId, ...place, halted, pc, hostThreadId: HOST_THREAD, qomPath: this.#pathOf(cpu) };
  }

  #pathOf(cpu: X86Cpu): string {
    return this.#objects.get(cpu)?.path ?? '';
  }

  // ---------------------------------------------------------------- inspection

  registers(cpuIndex: number): readonly RegisterGroup[] {
    return registerGroups(this.#cpu(cpuIndex));
  }

  readVirtual(cpuIndex: number, address: bigint, length: number): Uint8Array | undefined {
    const cpu = this.#cpu(cpuIndex);
    return this.board.core.peek(cpu.block, Number(BigInt.asIntN(64, address)), length);
  }

  readPhysical(address: bigint, length: number): Uint8Array {
    return this.board.core.peekPhysical(Number(address), length);
  }

  readPort(port: number, size: 1 | 2 | 4): number {
    return this.board.io.read(port, size as AccessSize);
  }

  writePort(port: number, size: 1 | 2 | 4, value: number): void {
    this.board.io.write(port, size as AccessSize, value);
    this.settle();
  }

  /** Does what devices have asked for; while CPUs execute, that is done between two instructions without this call. */
  settle(): void {
    if (!this.#loop?.running) this.#betweenSlices();
  }

  disassemble(cpuIndex: number, address: bigint, count: number, space: 'virtual' | 'physical'): readonly DisassembledLine[] | undefined {
    const modeKey = this.#cpu(cpuIndex).get32(layout.MODE_KEY);
    const read = (at: bigint, length: number): Uint8Array | undefined =>
      space === 'virtual' ? this.readVirtual(cpuIndex, at, length) : this.readPhysical(at, length);
    const lines = disassembleCode({ address, modeKey, count, length: Number.POSITIVE_INFINITY }, read);
    return lines.length === count ? lines : undefined;
  }

  infoText(topic: InfoTopic, cpuIndex: number): string | undefined {
    return infoText(this.board, topic, this.#cpu(cpuIndex));
  }

  #cpu(index: number): X86Cpu {
    const cpu = this.board.cpus.list.find((known) => known.index === index);
    if (!cpu) throw new ControlError('no-such-cpu', `there is no CPU ${index}`);
    return cpu;
  }

  // ---------------------------------------------------------------- between slices

  #makeLoop(): RunLoop {
    const { executor, clock, time, cpus } = this.board;
    return new RunLoop({
      executor,
      clock,
      time,
      host: this.options.host ?? defaultScheduler(),
      cpus: () => cpus.list.filter((cpu) => this.debug.mayRun(cpu)),
      betweenSlices: () => this.#betweenSlices(),
    });
  }

  /** Resets and power-off that the guest asked for take place here, at an instruction boundary. */
  #betweenSlices(): void {
    const pending = this.#pending;
    for (const work of pending.work.splice(0)) work();
    for (const cpu of pending.ejected.splice(0)) this.#removeCpu(cpu);
    if (pending.a20 !== undefined) this.#applyA20(pending.a20);
    if (pending.exit !== undefined) return this.#end('guest-shutdown', true);
    if (pending.off) return this.#powerOff();
    if (pending.reset !== undefined) this.#reset(pending.reset);
    this.#debugStop();
  }

  /** A breakpoint or watchpoint was met. */
  #debugStop(): void {
    const stop = this.debug.takeStop();
    if (!stop || this.#runState !== 'running') return;
    this.#pause('debug');
    this.debug.tell(stop);
  }

  #makeDebug(): PcDebug {
    const pc = this;
    return new PcDebug({
      board: this.board,
      get running() {
        return pc.#runState === 'running';
      },
      get over() {
        return pc.#disposed || OVER.has(pc.#runState);
      },
      cpu: (index) => this.#cpu(index),
      stopSoon: () => this.board.executor.interrupt(),
      stepped: () => this.#stepped(),
      betweenSlices: (work) => this.#doBetweenSlices(work),
    });
  }

  #stepped(): void {
    if (!this.#disposed && !OVER.has(this.#runState)) this.#runState = 'debug';
    this.#betweenSlices();
  }

  #doBetweenSlices(work: () => void): void {
    if (!this.board.executor.running) return work();
    this.#pending.work.push(work);
    this.board.executor.interrupt();
  }

  #applyA20(open: boolean): void {
    this.#pending.a20 = undefined;
    this.board.core.setA20(open);
  }

  #powerOff(): void {
    this.#pending.off = false;
    this.#shutdown('guest-shutdown');
  }

  /** The guest's end ends the machine, unless it is to be kept. */
  #shutdown(reason: ShutdownReason): void {
    if (!this.noShutdown) return this.#end(reason, true);
    this.#emit({ name: 'SHUTDOWN', guest: true, reason });
    this.#stopIn('shutdown');
  }

  #reset(reason: ResetReason): void {
    this.#pending.reset = undefined;
    const guest = reason === 'guest-reset';
    if (this.noReboot) return this.#end(reason, guest);
    this.#resetDevices();
    this.#endFirstBoot();
    if (this.#runState === 'shutdown') this.#runState = 'paused';
    this.#emit({ name: 'RESET', guest, reason });
  }

  /** The order of `once` was for the first boot. */
  #endFirstBoot(): void {
    const { boot = {} } = this.options;
    if (boot.once !== undefined) setBootOrder(this.board.rtc, boot.order ?? BOOT_ORDER.standard, boot);
  }

  #resetDevices(): void {
    this.#tree.reset();
    this.board.core.setA20(true);
  }

  #end(reason: ShutdownReason, guest: boolean): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#loop?.stop();
    this.#runState = 'shutdown';
    this.#emit({ name: 'SHUTDOWN', guest, reason });
    this.ended(reason, this.#pending.exit);
    this.#events.complete();
  }

  // ---------------------------------------------------------------- wiring of the machine to its board

  /** Before the first CPU: every CPU takes its place in the object tree as it is born. */
  #prepare(board: PcBoard): void {
    board.cpus.useLifecycle({ attach: (cpu) => this.#attachCpu(cpu), realize: (cpu) => this.#objects.get(cpu)?.realize() });
    this.#addDevices(board);
  }

  #attachCpu(cpu: X86Cpu): () => void {
    const object = this.#tree.device(cpu, { bus: this.#iccBus });
    if (this.#nextDeviceId === undefined) this.#tree.adopt(object);
    else this.#tree.addPeripheral(object, this.#nextDeviceId);
    object.addChild('apic', this.#tree.device(cpu.apic, { bus: this.#iccBus }));
    this.#objects.set(cpu, object);
    cpu.onWake(() => this.#loop?.cpuWoken(cpu));
    return () => {
      this.#objects.delete(cpu);
      object.unrealize();
      object.unparent();
    };
  }

  #addDevices(board: PcBoard): void {
    const named: [string, Parameters<ObjectTree['device']>[0]][] = [
      ['icc-bridge', board.bridge],
      ['i440fx', board.hostBridge],
    ];
    for (const [name, device] of named) this.#place(name, device);
    const { isaBridge, pm, pic, pit, portB, ioapic, rtc, keyboard, com1, fwCfg, postCode } = board;
    const optional = [board.testdev, board.pvpanic, board.watchdog].filter((device) => device !== undefined);
    for (const device of [isaBridge, pm, pic, pit, portB, ioapic, rtc, keyboard, com1, fwCfg, postCode, ...optional])
      this.#tree.device(device).realize();
  }

  #place(name: string, device: Parameters<ObjectTree['device']>[0]): void {
    const object = this.#tree.device(device);
    this.#tree.machine.addChild(name, object);
    object.realize();
    if (name === 'icc-bridge') object.addChild(ICC_BUS_NAME, this.#iccBus);
  }

  #connect(): void {
    const { isaBridge, keyboard, pm, executor, rtc, debugExit, a20 } = this.board;
    isaBridge.resetRequested = () => this.#request({ reset: 'guest-reset' });
    keyboard.resetRequested = () => this.#request({ reset: 'guest-reset' });
    executor.onShutdown = () => this.#request({ reset: 'guest-reset' });
    if (debugExit) debugExit.exitRequested = (status) => this.#request({ exit: status });
    a20.changed = (open) => this.#request({ a20: open });
    pm.sleep$.subscribe((request) => this.#sleep(request));
    pm.cpuEjected$.subscribe(({ apicId }) => this.#cpuEjected(apicId));
    pm.ost$.subscribe(({ slot, source, status }) => {
      this.#ospm.set(slot, { source, status });
      this.#emit({ name: 'ACPI_DEVICE_OST', info: this.#ospmOf(slot, { source, status }) });
    });
    this.#connectAlarms();
    rtc.timeSet$.subscribe(({ offsetSeconds }) => this.#emit({ name: 'RTC_CHANGE', offsetSeconds }));
  }

  #connectAlarms(): void {
    const { pvpanic, watchdog } = this.board;
    if (pvpanic) {
      pvpanic.panicked = () => this.#doBetweenSlices(() => this.#guestPanicked());
      pvpanic.crashLoaded = () => this.#emit({ name: 'GUEST_CRASHLOADED', action: 'run' });
    }
    if (watchdog) watchdog.expired = () => this.#doBetweenSlices(() => this.#watchdogExpired(this.watchdogAction));
  }

  #guestPanicked(): void {
    this.#emit({ name: 'GUEST_PANICKED', action: PANIC_ACTIONS[this.panicSetting] });
    if (this.panicSetting === 'none') return;
    this.#stopIn('guest-panicked');
    if (this.panicSetting === 'pause') return;
    if (this.panicSetting === 'exit-failure') this.#pending.exit = 1;
    this.#shutdown('guest-panic');
  }

  #watchdogExpired(action: WatchdogAction): void {
    this.#emit({ name: 'WATCHDOG', action });
    if (action === 'reset') this.reset('guest-reset');
    else if (action === 'shutdown') this.powerdown();
    else if (action === 'poweroff') this.#end('guest-shutdown', true);
    else if (action === 'pause') this.#stopIn('watchdog');
    else if (action === 'inject-nmi') this.nmi();
  }

  #sleep(request: 'off' | 'suspend-to-ram' | 'suspend-to-disk'): void {
    if (request === 'suspend-to-disk') this.#emit({ name: 'SUSPEND_DISK' });
    if (request !== 'suspend-to-ram') return this.#request({ off: true });
    this.#runState = 'suspended';
    this.#loop?.stop();
    this.#emit({ name: 'SUSPEND' });
  }

  #request(change: Partial<Pending>): void {
    Object.assign(this.#pending, change);
    this.board.executor.interrupt();
  }

  #emit(event: MachineEvent): void {
    this.#events.next(event);
  }
}

/** What `-action panic=` may say. */
export type PanicSetting = 'pause' | 'shutdown' | 'exit-failure' | 'none';

const PANIC_ACTIONS: Readonly<Record<PanicSetting, PanicAction>> = {
  pause: 'pause',
  shutdown: 'poweroff',
  'exit-failure': 'poweroff',
  none: 'run',
};

/** States that only a reset leaves. */
const OVER: ReadonlySet<RunState> = new Set(['shutdown', 'internal-error']);
/** Everything executes on one host thread. */
const HOST_THREAD = typeof process === 'undefined' ? 1 : process.pid;
