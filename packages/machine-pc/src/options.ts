import type { Topology } from '@hotsocket/cpu-x86';
import type { BootModule } from '@hotsocket/linux-loader';
import type { GuestTimeOptions, HostScheduler } from '@hotsocket/machine';
import type { PvpanicOptions } from '@hotsocket/pvpanic';
import type { Trace } from '@hotsocket/trace';

/** What a PC is made of. Sizes in bytes. */
export interface PcOptions {
  readonly name?: string;
  readonly uuid?: string;
  /** CPUs at power-on, and how many there may be. */
  readonly cpus: number;
  readonly maxCpus: number;
  readonly topology: Topology;
  readonly ramBytes: number;
  /** Firmware image: a multiple of 64 KiB, at most 16 MiB. */
  readonly firmware: Uint8Array;
  /** Linux kernel or Multiboot image for direct boot, with its initial RAM disk and command line. */
  readonly kernel?: Uint8Array;
  readonly initrd?: Uint8Array;
  /** Modules of a Multiboot kernel, instead of the initial RAM disk. */
  readonly bootModules?: readonly BootModule[];
  readonly append?: string;
  /** What firmware boots from and how long it waits (`-boot`). */
  readonly boot?: BootOptions;
  /** CPU model with features switched on or off: `qemu64,-apic`. */
  readonly cpuModel?: string;
  /** `firmware`: the firmware's own tables. `machine`: ours, through `etc/table-loader`. */
  readonly acpi?: 'firmware' | 'machine';
  /**
   * Which face of CPU hot-plug our tables use, with `acpi: 'machine'`: the `bitmap` of the first release, or the `selector` registers, by which
   * CPUs can also be removed. Firmware that switches to the selector registers by itself, as UEFI does, gets tables for them in any case.
   */
  readonly cpuHotplug?: 'bitmap' | 'selector';
  readonly time?: Partial<GuestTimeOptions>;
  /** Wall clock at power-on, milliseconds since 1970; default 2000-01-01 in `icount`, so that runs are alike. */
  readonly startDate?: number;
  /** Ports of the debug exit device, if there is one. */
  readonly debugExit?: { readonly iobase: number; readonly iosize: number };
  /** Has the device that unit tests of kernels and hypervisors use (`-device pc-testdev`). */
  readonly testdev?: boolean;
  /** Has the port by which a guest reports its panic (`-device pvpanic`). */
  readonly pvpanic?: PvpanicOptions;
  /** Has the IB700 watchdog (`-device ib700`). */
  readonly watchdog?: boolean;
  /** False: no CPU ever executes, also while the machine runs, and time moves only by qtest (`-accel qtest`). Default true. */
  readonly executes?: boolean;
  /** Behaves as the first release with CPU hot-plug. */
  readonly strictLegacy?: boolean;
  readonly host?: HostScheduler;
  readonly trace?: Trace;
}

/** Boot settings that firmware finds in CMOS and fw_cfg. */
export interface BootOptions {
  /** Up to three devices, first to last: a floppy, c disk, d CD, n network. Default `cad`, as QEMU. */
  readonly order?: string;
  /** The order for the first boot only. */
  readonly once?: string;
  /** Whether firmware wants a boot signature on a floppy disk; default true. */
  readonly floppySignatureCheck?: boolean;
  /** How long firmware waits before it reboots when nothing boots, in milliseconds; default: it does not reboot. */
  readonly rebootTimeoutMs?: number;
  /** How long firmware shows its splash screen, in milliseconds. */
  readonly splashTimeMs?: number;
}

/** A machine description that cannot be built; the message lists every problem, one a line. */
export class PcOptionsError extends Error {
  readonly code = 'PC_OPTIONS';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}
