import type { Observable } from 'rxjs';
import type { DebugControl } from './debug-control.js';

export type { DebugControl, DebugStop, DebugWatchpoint, StepOptions } from './debug-control.js';

/**
 * The control plane of a machine: all that a frontend (QMP, human monitor, gdb server, page) may ask of it. The machine implements it; a
 * frontend programs against it and against nothing else. Every call is synchronous and is made between two instructions, never from inside
 * one. A call either does all it says or throws a `ControlError` and has changed nothing. 64-bit quantities are `bigint` here: nothing on
 * this interface is on a hot path.
 */
export interface MachineControl {
  /** `-name`, or undefined when the user gave none. */
  readonly name: string | undefined;
  /** `-uuid` in the usual 8-4-4-4-12 form, all zeros when the user gave none. */
  readonly uuid: string;
  readonly runState: RunState;
  /** What has happened, in order, delivered in the turn in which it happened. Observers are passive: they must not call back into the machine. */
  readonly events$: Observable<MachineEvent>;

  /** Stops all CPUs and virtual time; STOP is emitted before the call returns. Does nothing in a state that is not running. */
  stop(): void;
  /** Runs the CPUs; RESUME is emitted before the call returns. Throws `reset-required` after an internal error or a shutdown. */
  cont(): void;
  /** Requests a reset of the whole machine; RESET follows now or at the next instruction boundary. */
  reset(reason: ResetReason): void;
  /** Presses the power button. The guest decides what happens; POWERDOWN is emitted. */
  powerdown(): void;
  /** Ends the machine; SHUTDOWN follows. The host process is the caller's business. */
  quit(reason: ShutdownReason): void;
  /** Wakes a machine from the state `suspended`; does nothing in any other state. */
  wakeup(): void;
  /** Sends an NMI to every CPU, as a panel switch would. */
  nmi(): void;

  /** The CPUs that are there, in order of creation (index 0 is the boot CPU and comes first). */
  readonly cpus: readonly CpuInfo[];
  /** Every possible CPU of the topology in order of index, present or not. */
  readonly cpuSlots: readonly CpuSlot[];
  /**
   * Plugs the CPU with the given index (not APIC id). On return the CPU is on the bus and the guest has been told by its interrupt; whether
   * the guest takes it into use is the guest's business. Throws a subclass of `CpuAddError`. Absent when the board cannot add CPUs.
   */
  hotAddCpu?(index: bigint | number, options?: HotAddOptions): void;
  /**
   * Asks the guest to let the CPU with the given index go. The call returns at once; when the guest has let it go, DEVICE_DELETED follows for
   * what hangs on the CPU and for the CPU itself. Asking again while the guest thinks tells it again. Throws `no-such-cpu`, `boot-cpu`, or
   * `not-supported` while the guest uses an interface that knows no removal. Absent when the board cannot remove CPUs.
   */
  requestCpuRemoval?(index: number): void;
  /** What the guest last said about each CPU slot, by index; 0 and 0 for a slot of which it has said nothing. */
  readonly ospmStatus?: readonly OspmStatus[];

  /** Breakpoints, watchpoints and single steps; absent for a machine that cannot be debugged from outside. */
  readonly debug?: DebugControl;

  readonly qom: QomTree;

  /** The registers of one CPU in display order. Throws `no-such-cpu`. */
  registers(cpuIndex: number): readonly RegisterGroup[];
  /** Memory as the CPU sees it through its page tables, without side effects; undefined when a page is not mapped. Throws `no-such-cpu`. */
  readVirtual(cpuIndex: number, address: bigint, length: number): Uint8Array | undefined;
  /** Memory at a physical address, without side effects on devices: bytes outside RAM and ROM read as ff. */
  readPhysical(address: bigint, length: number): Uint8Array;
  /** Reads an I/O port as the CPU would, side effects included. */
  readPort(port: number, size: 1 | 2 | 4): number;
  /** Writes an I/O port as the CPU would. */
  writePort(port: number, size: 1 | 2 | 4, value: number): void;
  /** Disassembles `count` instructions in the CPU's current mode; undefined when a byte is not mapped. Absent without a disassembler. */
  disassemble?(cpuIndex: number, address: bigint, count: number, space: 'virtual' | 'physical'): readonly DisassembledLine[] | undefined;
  /** Multi-line text (lines end in LF) about a part of the machine, or undefined when this machine has no such part. Throws `no-such-cpu`. */
  infoText(topic: InfoTopic, cpuIndex: number): string | undefined;
}

/** Run states by their QMP names. Only `running` executes instructions. */
export type RunState =
  | 'prelaunch'
  | 'running'
  | 'paused'
  | 'debug'
  | 'shutdown'
  | 'suspended'
  | 'guest-panicked'
  | 'watchdog'
  | 'internal-error'
  | 'inmigrate'
  | 'save-vm'
  | 'restore-vm';

/** Why a machine was reset. The QMP spelling of the same fact. */
export type ResetReason = 'host-qmp-system-reset' | 'host-ui' | 'guest-reset' | 'subsystem-reset';

/** Why a machine ended or asked to end. A reset with `-no-reboot` is a shutdown for a reset's reason. */
export type ShutdownReason = ResetReason | 'none' | 'host-error' | 'host-qmp-quit' | 'host-signal' | 'guest-shutdown' | 'guest-panic';

/** What is done when the guest reports a panic. */
export type PanicAction = 'pause' | 'poweroff' | 'run';

/** What is done when a watchdog runs out. */
export type WatchdogAction = 'reset' | 'shutdown' | 'poweroff' | 'pause' | 'debug' | 'none' | 'inject-nmi';

/** One type of machine that a program can build. */
export interface MachineType {
  readonly name: string;
  /** A second name. */
  readonly alias?: string;
  /** What is built when no type is named. */
  readonly isDefault?: boolean;
  readonly maxCpus: number;
  /** CPUs can be added while it runs. */
  readonly hotpluggableCpus: boolean;
  /** QOM type of its CPUs when no model is named. */
  readonly defaultCpuType?: string;
}

/** The guest's answer to a hot-plug request: ACPI `_OST` (ACPI specification, 'Device Insertion, Removal and Status Objects'). */
export interface OspmStatus {
  /** Name given at hot-add, if one was. */
  readonly device?: string;
  /** Slot number; for a CPU its index. */
  readonly slot: number;
  readonly slotType: 'CPU' | 'DIMM';
  /** First argument of `_OST`: 1 device check, 3 ejection request, 0x103 ejection in progress. */
  readonly source: number;
  /** Second argument of `_OST`: 0 success. */
  readonly status: number;
}

/** A fact about the machine as a whole. `name` is the QMP event name. */
export type MachineEvent =
  | { readonly name: 'STOP' | 'RESUME' | 'POWERDOWN' | 'SUSPEND' | 'SUSPEND_DISK' | 'WAKEUP' }
  | { readonly name: 'RESET'; readonly guest: boolean; readonly reason: ResetReason }
  | { readonly name: 'SHUTDOWN'; readonly guest: boolean; readonly reason: ShutdownReason }
  | { readonly name: 'GUEST_PANICKED'; readonly action: PanicAction }
  /** The guest has panicked and takes care of itself. */
  | { readonly name: 'GUEST_CRASHLOADED'; readonly action: PanicAction }
  /** A watchdog has run out; what `action` says is done next. */
  | { readonly name: 'WATCHDOG'; readonly action: WatchdogAction }
  | { readonly name: 'ACPI_DEVICE_OST'; readonly info: OspmStatus }
  | { readonly name: 'DEVICE_DELETED'; readonly device?: string; readonly path: string }
  /** `offsetSeconds`: guest clock minus the clock the machine was started with. */
  | { readonly name: 'RTC_CHANGE'; readonly offsetSeconds: number };

/** Place of a CPU in the topology. */
export interface CpuTopologyIds {
  readonly socketId: number;
  readonly coreId: number;
  readonly threadId: number;
}

/** One CPU that is there. */
export interface CpuInfo extends CpuTopologyIds {
  /** Index: 0 … maxcpus−1, the number that `cpu-add` takes. */
  readonly index: number;
  readonly apicId: number;
  readonly halted: boolean;
  /** Linear address of the next instruction: CS base plus instruction pointer. */
  readonly pc: bigint;
  /** Number of the host thread that runs it; all CPUs of a single-threaded machine share one. */
  readonly hostThreadId: number;
  readonly qomPath: string;
}

/** One place for a CPU. */
export interface CpuSlot extends CpuTopologyIds {
  readonly index: number;
  readonly apicId: number;
  /** QOM type of the CPU that fits here, such as `qemu64-x86_64-cpu`. */
  readonly type: string;
  /** Path of the CPU in this slot; undefined for an empty slot. */
  readonly qomPath?: string;
}

/** Extras of a hot-add that come from `device_add`. */
export interface HotAddOptions {
  /** Name of the new device: it then stands at `/machine/peripheral/<deviceId>` and in `OspmStatus.device`. Unique in the machine. */
  readonly deviceId?: string;
}

/** A value of a QOM property. */
export type QomValue = null | boolean | number | bigint | string | readonly QomValue[] | { readonly [member: string]: QomValue };

/** One property of an object as `qom-list` shows it; a child object has the type `child<TYPE>`, a link `link<TYPE>`. */
export interface QomPropertyInfo {
  readonly name: string;
  readonly type: string;
}

/** One object of the composition tree. */
export interface QomNode {
  readonly type: string;
  /** Absolute, canonical path. */
  readonly path: string;
  /** Properties and children. */
  list(): readonly QomPropertyInfo[];
  /** Value of a property; undefined when there is no such property. A child or link is the path of its object, `''` for an empty link. */
  get(property: string): QomValue | undefined;
  /** Throws a `ControlError` (`no-such-property`, `read-only`, `invalid-value`) when the property cannot take the value. */
  set(property: string, value: QomValue): void;
}

/** The composition tree. */
export interface QomTree {
  /** The object at an absolute path (`/machine/…`), or at a partial path when only one object matches; undefined when none does. */
  resolve(path: string): QomNode | undefined;
  /** All known types; `parent` is the name of the type it derives from. */
  types(): readonly QomTypeInfo[];
}

/** One QOM type. */
export interface QomTypeInfo {
  readonly name: string;
  readonly parent?: string;
  readonly abstract?: boolean;
}

/** Registers that are shown together, such as the general registers or the segments. */
export interface RegisterGroup {
  readonly title: string;
  readonly registers: readonly RegisterValue[];
}

/** One register. */
export interface RegisterValue {
  /** Lower-case name of the manual: `rax`, `cs`, `cr0`, `xmm0`. */
  readonly name: string;
  readonly value: bigint;
  /** Width in bits. */
  readonly bits: number;
  /** What the value means, such as `base=… limit=…` of a segment or the names of the flags that are set. */
  readonly note?: string;
}

/** One instruction as text. */
export interface DisassembledLine {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Topics of `infoText`. */
export type InfoTopic = 'mtree' | 'qtree' | 'lapic' | 'pic' | 'ioapic' | 'mem' | 'tlb' | 'irq';

/** Codes of `ControlError`: stable, for programs. */
export type ControlErrorCode =
  | CpuAddErrorCode
  | 'no-such-cpu'
  | 'boot-cpu'
  | 'no-such-property'
  | 'read-only'
  | 'invalid-value'
  | 'reset-required'
  | 'duplicate-id'
  | 'not-supported'
  | 'busy';

/** A control-plane call was refused; the machine is as it was. */
export class ControlError extends Error {
  /** Marks the class across package copies and workers, where `instanceof` does not hold. */
  readonly kind = 'control' as const;
  readonly code: ControlErrorCode;

  constructor(code: ControlErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Codes of `CpuAddError`. */
export type CpuAddErrorCode = 'negative' | 'exists' | 'max-allowed' | 'apic-id-too-large' | 'add-in-progress' | 'add-failed';

/** A CPU could not be added. `message` is fit for a person; frontends with a dialect make their own text from `code` and the fields. */
export abstract class CpuAddError extends ControlError {
  declare readonly code: CpuAddErrorCode;
  /** The index that was asked for, exact. */
  readonly index: bigint;

  constructor(code: CpuAddErrorCode, index: bigint, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.index = index;
  }
}

/** The index is below zero. */
export class NegativeCpuIndexError extends CpuAddError {
  constructor(index: bigint) {
    super('negative', index, `Invalid CPU id: ${index}`);
  }
}

/** A CPU with this index is there already. */
export class CpuExistsError extends CpuAddError {
  readonly apicId: number;

  constructor(index: bigint, apicId: number) {
    super('exists', index, `Unable to add CPU: ${index}, it already exists`);
    this.apicId = apicId;
  }
}

/** The index is not below the machine's maximum. */
export class CpuIndexAboveMaxError extends CpuAddError {
  /** The largest index allowed: maxcpus − 1. */
  readonly maxIndex: number;
  /** Where the CPU would stand if the machine had room for it. */
  readonly place: ImpossibleCpuPlace;

  constructor(index: bigint, maxIndex: number, place: ImpossibleCpuPlace) {
    super('max-allowed', index, `Unable to add CPU: ${index}, max allowed: ${maxIndex}`);
    this.maxIndex = maxIndex;
    this.place = place;
  }
}

/** The APIC id of this index does not fit a local APIC of 8-bit ids, or is the broadcast id 255. */
export class ApicIdTooLargeError extends CpuAddError {
  readonly apicId: number;

  constructor(index: bigint, apicId: number) {
    super('apic-id-too-large', index, `Unable to add CPU: ${index}, resulting APIC ID (${apicId}) is too large`);
    this.apicId = apicId;
  }
}

/** `hotAddCpu` was called from inside the notice of another hot-add. */
export class CpuAddInProgressError extends CpuAddError {
  constructor(index: bigint) {
    super('add-in-progress', index, `Unable to add CPU: ${index}, another CPU is being added`);
  }
}

/** A part of the machine refused the CPU; what had been done was undone. */
export class CpuAddFailedError extends CpuAddError {
  constructor(index: bigint, cause: unknown) {
    super('add-failed', index, `Unable to add CPU: ${index}, ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Topology ids and APIC id of an index that is out of range; values that do not fit 32 bits are 0xffff_ffff. */
export interface ImpossibleCpuPlace extends CpuTopologyIds {
  readonly apicId: number;
}
