import { bootsByMultiboot, ImageError } from '@hotsocket/linux-loader';
import { Pc, type PcOptions, PcOptionsError } from '@hotsocket/machine-pc';
import { Trace } from '@hotsocket/trace';
import type { MachineConfig } from './command-line.js';
import { readFirmware, readImage, readInitrd, readModules } from './images.js';
import { cpuModelText } from './options/cpu-model.js';
import type { RtcBase } from './options/values.js';
import { UsageError } from './usage-error.js';

/** Port 3f8h, little-endian: where SeaBIOS shows its text screen. */
const COM1_BYTES = Uint8Array.of(0xf8, 0x03);

/** Reads the images and builds the PC that the command line describes. Throws UsageError. */
export function buildMachine(config: MachineConfig, trace: Trace): Pc {
  const machine = describe(config, () => new Pc({ ...pcOptions(config), ...bootImages(config), trace }));
  machine.noReboot = config.noReboot;
  machine.noShutdown = config.noShutdown;
  machine.panicSetting = config.panicSetting;
  machine.watchdogAction = config.watchdogAction;
  if (config.serialScreen) machine.board.fwCfg.addFile('etc/sercon-port', COM1_BYTES);
  return machine;
}

/** Says in the words of the command line what the machine refuses. */
function describe(config: MachineConfig, build: () => Pc): Pc {
  try {
    return build();
  } catch (error) {
    if (error instanceof PcOptionsError) throw new UsageError(error.problems.join('; '));
    if (error instanceof ImageError) throw new UsageError(`${optionOf(config, error)}: ${error.message}`);
    throw error;
  }
}

const optionOf = ({ kernel, initrd }: MachineConfig, { code, message }: ImageError): string => {
  if (code === 'bad-cmdline') return '-append';
  return message.startsWith('initrd') ? `-initrd ${initrd}` : `-kernel ${kernel}`;
};

function pcOptions(config: MachineConfig): Omit<PcOptions, 'firmware'> {
  const { smp, ramBytes, cpu, name, uuid, acpi, cpuHotplug, boot, debugExit, testdev, watchdog, pvpanic, strictLegacy } = config;
  return {
    cpus: smp.cpus,
    maxCpus: smp.maxCpus,
    topology: { cores: smp.cores, threads: smp.threads },
    ramBytes,
    strictLegacy,
    ...timing(config),
    ...(cpu === undefined ? {} : { cpuModel: cpuModelText(cpu) }),
    ...(name === undefined ? {} : { name }),
    ...(uuid === undefined ? {} : { uuid }),
    ...(acpi === undefined ? {} : { acpi }),
    ...(cpuHotplug === undefined ? {} : { cpuHotplug }),
    ...(boot === undefined ? {} : { boot }),
    testdev,
    watchdog,
    executes: config.accel !== 'qtest',
    ...(pvpanic === undefined ? {} : { pvpanic }),
    ...(debugExit === undefined ? {} : { debugExit }),
  };
}

function timing({ icount, rtc }: MachineConfig): Pick<PcOptions, 'time' | 'startDate'> {
  const startDate = rtc === undefined ? {} : { startDate: startOf(rtc) };
  if (icount === undefined) return { ...startDate, time: { drive: 'realtime' } };
  const { nsPerInstruction } = icount;
  return { ...startDate, time: { drive: 'icount', ...(nsPerInstruction === undefined ? {} : { nsPerInstruction }) } };
}

function startOf(rtc: RtcBase): number {
  if (typeof rtc === 'number') return rtc;
  const now = Date.now();
  return rtc === 'utc' ? now : now - new Date(now).getTimezoneOffset() * 60_000;
}

type BootImages = Pick<PcOptions, 'firmware' | 'kernel' | 'initrd' | 'bootModules' | 'append'>;

function bootImages({ kernel, initrd, append, bios, firmwareDirs, ramBytes }: MachineConfig): BootImages {
  const image = kernel === undefined ? undefined : readImage('-kernel', kernel, ramBytes);
  return {
    firmware: readFirmware(bios, firmwareDirs),
    ...(image === undefined ? {} : { kernel: image }),
    ...(image === undefined || initrd === undefined ? {} : initrdOf(image, initrd, ramBytes)),
    ...(append === undefined ? {} : { append }),
  };
}

const initrdOf = (kernel: Uint8Array, text: string, ramBytes: number): Pick<PcOptions, 'initrd' | 'bootModules'> =>
  bootsByMultiboot(kernel) ? { bootModules: readModules(text, ramBytes) } : { initrd: readInitrd(text, ramBytes) };

/** A machine that is built to be asked, not to run: it has every device. */
export function smallestPc(trace: Trace = new Trace()): Pc {
  const firmware = new Uint8Array(64 << 10);
  const devices = { testdev: true, pvpanic: {}, watchdog: true };
  return new Pc({ cpus: 1, maxCpus: 1, topology: { cores: 1, threads: 1 }, ramBytes: 1 << 20, firmware, trace, ...devices });
}

/** Names of all trace points. */
export function tracePointNames(): string[] {
  const trace = new Trace();
  smallestPc(trace);
  return trace.names();
}
