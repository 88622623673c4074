import type { WatchdogAction } from '@hotsocket/machine/control';
import type { PanicSetting } from '@hotsocket/machine-pc';
import { UsageError } from '../usage-error.js';
import { KeyValues, parseSize, splitCommas } from './key-values.js';

/** The machine types and what they are. */
export const MACHINES: Readonly<Record<string, string>> = {
  none: 'empty machine',
  pc: 'Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-1.5)',
  'pc-i440fx-1.5': 'Standard PC (i440FX + PIIX, 1996) (default)',
};

/** Settings of `-machine` that say what this machine is anyway. */
const MACHINE_PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  accel: ['tcg', 'qtest'],
  acpi: ['on'],
  hpet: ['off'],
  usb: ['off'],
  vmport: ['off'],
  smm: ['off'],
  'kernel-irqchip': ['on', 'off', 'split'],
  kernel_irqchip: ['on', 'off', 'split'],
  graphics: ['off'],
  'dump-guest-core': ['on', 'off'],
  'mem-merge': ['on', 'off'],
};

/** What `-machine` said; nothing about what it left out. */
export interface MachineChoice {
  readonly type?: string;
  /** `graphics=off`: firmware shows its screen on the serial port. */
  readonly graphicsOff: boolean;
  readonly accelerators?: readonly AcceleratorChoice[];
}

/** Reads the value of `-machine`. */
export function parseMachine(text: string): MachineChoice {
  const label = `-machine ${text}`;
  const values = KeyValues.parse(label, text, { implied: 'type', keys: ['type', ...Object.keys(MACHINE_PROPERTIES)] });
  const type = values.text('type');
  if (type !== undefined && !Object.hasOwn(MACHINES, type)) values.fail(`unsupported machine type '${type}'; -machine help lists them`);
  const accel = values.text('accel');
  for (const [key, words] of Object.entries(MACHINE_PROPERTIES)) if (key !== 'accel') values.word(key, words);
  return {
    graphicsOff: values.text('graphics') === 'off',
    ...(type === undefined ? {} : { type }),
    ...(accel === undefined ? {} : { accelerators: accel.split(':').map((name) => choiceOf(values, name)) }),
  };
}

export const ACCELERATORS: readonly string[] = ['tcg', 'qtest'];
const HARDWARE = ['kvm', 'hvf', 'whpx', 'nvmm', 'xen', 'hax'];

/** An accelerator that was asked for. The first of several that is available is used, as in QEMU. */
export interface AcceleratorChoice {
  readonly name: string;
  /** Why it is not available, with the option; undefined when it is. */
  readonly problem?: string;
}

/** Reads the value of `-accel`. */
export function parseAccel(text: string): AcceleratorChoice {
  const values = KeyValues.parse(`-accel ${text}`, text, {
    implied: 'accel',
    keys: ['accel', 'thread', 'tb-size', 'one-insn-per-tb', 'split-wx'],
  });
  const accel = values.required('accel');
  const choice = choiceOf(values, accel);
  if (values.word('thread', ['single', 'multi']) === 'multi') values.fail('all CPUs share one thread: thread=single is the only mode');
  return choice;
}

function choiceOf(values: KeyValues, name: string): AcceleratorChoice {
  if (ACCELERATORS.includes(name)) return { name };
  if (!HARDWARE.includes(name)) values.fail(`invalid accelerator '${name}' (possible: ${ACCELERATORS.join(', ')})`);
  return { name, problem: `${values.label}: accelerator '${name}' is not available: every CPU is emulated in software (tcg)` };
}

/** Reads the value of `-m`: MiB without a suffix. Returns bytes. */
export function parseMemory(text: string): number {
  const values = KeyValues.parse(`-m ${text}`, text, { implied: 'size', keys: ['size', 'slots', 'maxmem'] });
  if (values.has('slots') || values.has('maxmem'))
    values.fail('memory cannot be added to this machine: slots and maxmem are not in this build');
  const bytes = parseSize(values.required('size'), 2 ** 20);
  if (bytes === undefined) return values.fail('expected a number with an optional suffix k, M, G or T, in MiB without one');
  return bytes > 0 ? bytes : values.fail('the machine needs memory');
}

/** What `-action` said. */
export interface Actions {
  readonly panic?: PanicSetting;
  readonly watchdog?: WatchdogAction;
  readonly noReboot?: boolean;
  readonly noShutdown?: boolean;
}

export const WATCHDOG_ACTIONS: readonly WatchdogAction[] = ['reset', 'shutdown', 'poweroff', 'pause', 'debug', 'none', 'inject-nmi'];

/** Reads the value of `-action`: what follows when the guest does one of four things. */
export function parseAction(text: string): Actions {
  const values = KeyValues.parse(`-action ${text}`, text, { keys: ['panic', 'watchdog', 'reboot', 'shutdown'] });
  const panic = values.word('panic', ['pause', 'shutdown', 'exit-failure', 'none']);
  const watchdog = values.word('watchdog', WATCHDOG_ACTIONS);
  const [reboot, shutdown] = [values.word('reboot', ['reset', 'shutdown']), values.word('shutdown', ['poweroff', 'pause'])];
  return {
    ...(panic === undefined ? {} : { panic }),
    ...(watchdog === undefined ? {} : { watchdog }),
    ...(reboot === undefined ? {} : { noReboot: reboot === 'shutdown' }),
    ...(shutdown === undefined ? {} : { noShutdown: shutdown === 'pause' }),
  };
}

/** Reads the value of `-drive`, of which this machine has one kind: firmware in flash memory. Returns the file. */
export function parseDrive(text: string): string {
  const keys = ['if', 'format', 'file', 'readonly', 'unit', 'index', 'media', 'id', 'snapshot', 'cache'];
  const values = KeyValues.parse(`-drive ${text}`, text, { keys });
  if (values.text('if') !== 'pflash') values.fail('there are no disks in this build; if=pflash is firmware in flash memory');
  values.word('format', ['raw']);
  if (values.flag('readonly') === false) values.fail('flash memory is read-only in this build');
  return values.required('file');
}

/** Milliseconds since 1970 for a date as `-rtc base=` gives it, read as UTC. */
function parseDate(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?$/.test(text)) return undefined;
  const milliseconds = Date.parse(text.includes('T') ? `${text}Z` : `${text}T00:00:00Z`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/** Where the guest's clock starts: the host's clock in one of two zones, or a date. */
export type RtcBase = 'utc' | 'localtime' | number;

/** Reads the value of `-rtc`. */
export function parseRtc(text: string): RtcBase {
  const values = KeyValues.parse(`-rtc ${text}`, text, { keys: ['base', 'clock', 'driftfix'] });
  values.word('clock', ['host', 'vm', 'rt']);
  values.word('driftfix', ['none']);
  const base = values.text('base') ?? 'utc';
  if (base === 'utc' || base === 'localtime') return base;
  return parseDate(base) ?? values.fail(`invalid date '${base}'; expected utc, localtime, 2006-06-17T16:01:21 or 2006-06-17`);
}

const LARGEST_SHIFT = 10;

/** Reads the value of `-icount`. Returns nanoseconds of guest time per instruction, or undefined for the machine's own choice. */
export function parseIcount(text: string): number | undefined {
  const values = KeyValues.parse(`-icount ${text}`, text, { implied: 'shift', keys: ['shift', 'align', 'sleep'] });
  if (values.flag('align')) values.fail('align=on is not in this build');
  if (values.flag('sleep')) values.fail('sleep=on is not in this build: idle time is skipped');
  const shift = values.required('shift');
  if (shift === 'auto') return undefined;
  return 2 ** values.integer('shift', 0, LARGEST_SHIFT)!;
}

/** Reads the value of `-name`. */
export function parseName(text: string): string {
  const values = KeyValues.parse(`-name ${text}`, text, { implied: 'guest', keys: ['guest', 'process', 'debug-threads'] });
  return values.text('guest') ?? '';
}

/** Reads the value of `-uuid`. */
export function parseUuid(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
    throw new UsageError(`-uuid ${text}: expected the form 8-4-4-4-12 of hexadecimal digits`);
  return text.toLowerCase();
}

/** What firmware is to boot from and how long it waits. */
export interface Boot {
  readonly floppySignatureCheck?: boolean;
  readonly order?: string;
  readonly once?: string;
  readonly rebootTimeoutMs?: number;
  readonly splashTimeMs?: number;
}

/** Reads the value of `-boot`. */
export function parseBoot(text: string): Boot {
  const keys = ['order', 'once', 'menu', 'strict', 'reboot-timeout', 'splash-time'];
  const values = KeyValues.parse(`-boot ${text}`, text, { implied: 'order', keys });
  if (values.flag('menu')) values.fail('menu=on is not in this build: there are no disks to choose from');
  values.flag('strict');
  const [order, once] = [values.text('order'), values.text('once')];
  const [reboot, splash] = [values.integer('reboot-timeout', -1, 0xffff), values.integer('splash-time', 0, 0xffff)];
  return {
    ...(order === undefined ? {} : { order }),
    ...(once === undefined ? {} : { once }),
    // -1: never, which is what leaving it out means
    ...(reboot === undefined || reboot < 0 ? {} : { rebootTimeoutMs: reboot }),
    ...(splash === undefined ? {} : { splashTimeMs: splash }),
  };
}

/** Reads `-msg`: whether messages carry the time. */
export function parseMsg(text: string): boolean {
  const values = KeyValues.parse(`-msg ${text}`, text, { keys: ['timestamp', 'guest-name'] });
  values.flag('guest-name');
  return values.flag('timestamp') ?? false;
}

/** What `-trace` asks for. */
export interface TraceRequest {
  readonly patterns: readonly string[];
  readonly file?: string;
}

/** Reads the value of `-trace`: a pattern, or `enable=pattern,file=path`. */
export function parseTrace(text: string): TraceRequest {
  const values = KeyValues.parse(`-trace ${text}`, text, { implied: 'enable', keys: ['enable', 'file'] });
  const [enable, file] = [values.text('enable'), values.text('file')];
  return { patterns: enable === undefined ? [] : [enable], ...(file === undefined ? {} : { file }) };
}

/** The items of `-d`: what they show, and the trace points behind them. */
export const LOG_ITEMS: Readonly<Record<string, { readonly help: string; readonly points: readonly string[] }>> = {
  int: {
    help: 'exceptions and interrupts: on their way, and when a CPU takes them',
    points: ['icc_message', 'apic_accept', 'apic_acknowledge', 'pic_acknowledge', 'cpu_interrupt', 'cpu_triple_fault'],
  },
  cpu_reset: { help: 'resets and triple faults, with the registers before them', points: ['cpu_reset', 'cpu_triple_fault'] },
  exec: { help: 'every instruction before it executes (slow)', points: ['cpu_execute'] },
  in_asm: { help: 'instructions as they are decoded, disassembled', points: ['cpu_decode'] },
  ioport: {
    help: 'accesses to the ports of the main devices',
    points: ['rtc_*', 'pit_read', 'pit_write', 'pic_read', 'pic_write', 'uart_*', 'i8042_*', 'fw_cfg_*'],
  },
  pci: { help: 'configuration space', points: ['pci_*', 'i440fx_*', 'piix3_*'] },
  acpi: { help: 'power management and CPU hot-plug', points: ['piix4_*'] },
  apic: { help: 'registers of the local and I/O APICs', points: ['apic_*', 'ioapic_*', 'icc_*'] },
  guest_errors: {
    help: 'accesses that make no sense',
    points: ['*_unclaimed', 'apic_error', 'pci_absent', 'pci_window_conflict', 'i440fx_narrow'],
  },
  unimp: { help: 'accesses to what is not emulated', points: ['*_unclaimed', 'pci_absent'] },
  nochain: { help: 'accepted, changes nothing', points: [] },
};
const OTHER_LOG_ITEMS = ['out_asm', 'op', 'cpu', 'fpu', 'mmu', 'pcall', 'page', 'strace', 'tid', 'op_opt', 'op_ind', 'plugin'];

/** Reads the value of `-d`: a list of items; `trace:pattern` switches trace points on. Returns patterns. */
export function parseLogItems(text: string): string[] {
  return splitCommas(text).flatMap((item) => {
    if (item.startsWith('trace:')) return [item.slice(6)];
    const known = Object.hasOwn(LOG_ITEMS, item) ? LOG_ITEMS[item] : undefined;
    if (known !== undefined) return known.points;
    const why = OTHER_LOG_ITEMS.includes(item) ? 'is not in this build' : 'is not a log item';
    throw new UsageError(`-d ${text}: '${item}' ${why}; -d help lists them`);
  });
}
