import type { WatchdogAction } from '@hotsocket/machine/control';
import type { PanicSetting } from '@hotsocket/machine-pc';
import type { CharDevice, CharReference, SocketConfig } from './options/char-device.js';
import type { CpuChoice } from './options/cpu-model.js';
import type { DeviceConfig } from './options/devices.js';
import { ONE_CPU, type Smp } from './options/smp.js';
import type { AcceleratorChoice, Boot, RtcBase, TraceRequest } from './options/values.js';
import type { SupervisionConfig } from './supervise/supervision.js';

/** Who uses a character device. */
export interface CharUse {
  readonly user: 'serial' | 'monitor' | 'qmp' | 'debugcon';
  readonly device: CharDevice;
  /** The option, for messages. */
  readonly label: string;
  /** Port of a debug console; both when undefined. */
  readonly port?: number;
}

/** A QMP server on a socket: it listens, or connects to a client that does. */
export interface QmpSocket {
  readonly label: string;
  readonly socket: SocketConfig;
}

/** A machine as the command line describes it. Nothing has been opened or read. */
export interface MachineConfig {
  /** A PC, or `none`: nothing at all. */
  readonly machineType: string;
  readonly smp: Smp;
  readonly ramBytes: number;
  readonly cpu: CpuChoice | undefined;
  readonly accel: string;
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly append: string | undefined;
  readonly bios: string | undefined;
  readonly boot: Boot | undefined;
  readonly firmwareDirs: readonly string[];
  readonly name: string | undefined;
  readonly uuid: string | undefined;
  readonly rtc: RtcBase | undefined;
  /** `undefined`: realtime. `nsPerInstruction` undefined: the machine's own choice. */
  readonly icount: { readonly nsPerInstruction: number | undefined } | undefined;
  readonly acpi: 'firmware' | 'machine' | undefined;
  readonly cpuHotplug: 'bitmap' | 'selector' | undefined;
  readonly strictLegacy: boolean;
  readonly paused: boolean;
  readonly noReboot: boolean;
  readonly noShutdown: boolean;
  readonly debugExit: { readonly iobase: number; readonly iosize: number } | undefined;
  readonly testdev: boolean;
  readonly pvpanic: { readonly ioport: number; readonly events: number } | undefined;
  readonly watchdog: boolean;
  readonly panicSetting: PanicSetting;
  readonly watchdogAction: WatchdogAction;
  /** Firmware shows its screen on the serial port, as there is no other. */
  readonly serialScreen: boolean;
  readonly charUses: readonly CharUse[];
  readonly qmpSockets: readonly QmpSocket[];
  readonly qmpDialect: 'default' | '1.5' | '3.1';
  readonly allowRemote: boolean;
  readonly trace: TraceRequest;
  readonly logFile: string | undefined;
  readonly timestamps: boolean;
  readonly pidFile: string | undefined;
  readonly qtest: string | undefined;
  readonly qtestLog: string | undefined;
  /** The value of `-gdb`. */
  readonly gdb: string | undefined;
  /** Undefined for a run that nobody judges. */
  readonly supervision: SupervisionConfig | undefined;
}

/** What the options have said so far; `finish` makes a `MachineConfig` of it. */
export interface Draft {
  machineType: string;
  smp: Smp;
  ramBytes: number;
  cpu?: CpuChoice;
  accelerators: AcceleratorChoice[];
  kernel?: string;
  initrd?: string;
  append?: string;
  bios?: string;
  boot?: Boot;
  firmwareDirs: string[];
  name?: string;
  uuid?: string;
  rtc?: RtcBase;
  icount?: { nsPerInstruction: number | undefined };
  acpi?: 'firmware' | 'machine';
  cpuHotplug?: 'bitmap' | 'selector';
  strictLegacy: boolean;
  paused: boolean;
  noReboot: boolean;
  noShutdown: boolean;
  noDefaults: boolean;
  nographic: boolean;
  graphicsOff: boolean;
  noDisplay: boolean;
  panicSetting: PanicSetting;
  watchdogAction: WatchdogAction;
  devices: { config: DeviceConfig; label: string }[];
  chardevs: Map<string, CharDevice>;
  serials: { reference: CharReference; label: string }[];
  monitors: { reference: CharReference; label: string; mode: 'readline' | 'control' }[];
  debugcons: { reference: CharReference; label: string }[];
  debugconPort?: number;
  qmpSockets: QmpSocket[];
  qmpDialect: 'default' | '1.5' | '3.1';
  allowRemote: boolean;
  trace: { patterns: string[]; file?: string };
  logFile?: string;
  timestamps: boolean;
  pidFile?: string;
  qtest?: string;
  qtestLog?: string;
  gdb?: string;
  supervision: { -readonly [Key in keyof SupervisionConfig]?: SupervisionConfig[Key] };
}

const DEFAULT_RAM_BYTES = 128 * 2 ** 20;

export const newDraft = (): Draft => ({
  smp: ONE_CPU,
  ramBytes: DEFAULT_RAM_BYTES,
  machineType: 'pc',
  accelerators: [],
  firmwareDirs: [],
  strictLegacy: false,
  paused: false,
  noReboot: false,
  noShutdown: false,
  noDefaults: false,
  nographic: false,
  graphicsOff: false,
  noDisplay: false,
  panicSetting: 'shutdown',
  watchdogAction: 'reset',
  devices: [],
  chardevs: new Map(),
  serials: [],
  monitors: [],
  debugcons: [],
  qmpSockets: [],
  qmpDialect: 'default',
  allowRemote: false,
  trace: { patterns: [] },
  timestamps: false,
  supervision: {},
});
