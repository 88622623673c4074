import type { Draft } from '../command-line.js';
import { helpText } from '../help.js';
import { parsePattern, parseSpan, parseStatus, TIMEOUT_STATUS } from '../supervise/patterns.js';
import { UsageError } from '../usage-error.js';
import { VERSION_TEXT } from '../version.js';
import { type CharDevice, type CharReference, parseChardev, parseCharReference } from './char-device.js';
import { CPU_MODELS, parseCpu } from './cpu-model.js';
import { deviceHelp, parseDevice } from './devices.js';
import { KeyValues, parseInteger, splitCommas } from './key-values.js';
import { Information, type Option } from './option.js';
import { parseSmp } from './smp.js';
import {
  ACCELERATORS,
  LOG_ITEMS,
  MACHINES,
  parseAccel,
  parseAction,
  parseBoot,
  parseDrive,
  parseIcount,
  parseLogItems,
  parseMachine,
  parseMemory,
  parseMsg,
  parseName,
  parseRtc,
  parseTrace,
  parseUuid,
  WATCHDOG_ACTIONS,
} from './values.js';

const table = (rows: Iterable<readonly [string, string]>): string =>
  [...rows].map(([name, text]) => `${name.padEnd(18)}${text}\n`).join('');
const isHelp = (value: string): boolean => value === 'help' || value === '?';
const helpOf = (title: string, rows: Iterable<readonly [string, string]>): Information => new Information(`${title}:\n${table(rows)}`);

const MACHINE_OPTIONS: readonly Option[] = [
  {
    names: ['machine', 'M'],
    argument: 'TYPE[,k=v]',
    group: 'Machine',
    help: 'pc, pc-i440fx-1.5 or none; help lists',
    apply: (draft, value) => {
      if (isHelp(value)) return helpOf('Supported machines are', Object.entries(MACHINES));
      const { type, graphicsOff, accelerators = [] } = parseMachine(value);
      draft.graphicsOff ||= graphicsOff;
      draft.machineType = type ?? draft.machineType;
      draft.accelerators.push(...accelerators);
    },
  },
  {
    names: ['smp'],
    argument: '[cpus=]N[,maxcpus=M]…',
    group: 'Machine',
    help: 'CPUs now and at most; also sockets=, cores=, threads=',
    apply: (draft, value) => void (draft.smp = parseSmp(value)),
  },
  {
    names: ['m'],
    argument: '[size=]N[kMGT]',
    group: 'Machine',
    help: 'memory, in MiB without a suffix; default 128',
    apply: (draft, value) => void (draft.ramBytes = parseMemory(value)),
  },
  {
    names: ['cpu'],
    argument: 'MODEL[,+f,-f,f=on]',
    group: 'Machine',
    help: 'CPU model and features; help lists',
    apply: (draft, value) => {
      if (isHelp(value)) return helpOf('Available CPUs', Object.entries(CPU_MODELS));
      draft.cpu = parseCpu(value);
    },
  },
  {
    names: ['accel'],
    argument: 'tcg|qtest',
    group: 'Machine',
    help: 'emulation in software, or no CPU at all (qtest)',
    apply: (draft, value) => {
      if (isHelp(value)) return new Information(`Accelerators supported:\n${ACCELERATORS.join('\n')}\n`);
      draft.accelerators.push(parseAccel(value));
    },
  },
  {
    names: ['rtc'],
    argument: 'base=utc|localtime|DATE',
    group: 'Machine',
    help: 'where the clock of the guest starts',
    apply: (draft, value) => void (draft.rtc = parseRtc(value)),
  },
  {
    names: ['icount'],
    argument: 'shift=N',
    group: 'Machine',
    help: 'guest time by instructions, 2^N ns each: every run alike',
    apply: (draft, value) => void (draft.icount = { nsPerInstruction: parseIcount(value) }),
  },
  {
    names: ['name'],
    argument: 'NAME',
    group: 'Machine',
    help: 'name of the guest',
    apply: (draft, value) => void (draft.name = parseName(value)),
  },
  {
    names: ['uuid'],
    argument: 'UUID',
    group: 'Machine',
    help: 'UUID of the guest',
    apply: (draft, value) => void (draft.uuid = parseUuid(value)),
  },
  {
    names: ['acpi'],
    argument: 'firmware|machine',
    group: 'Machine',
    help: 'whose ACPI tables the guest gets; default firmware',
    apply: (draft, value) => void (draft.acpi = word('-acpi', value, ['firmware', 'machine'])),
  },
  {
    names: ['cpu-hotplug'],
    argument: 'bitmap|selector',
    group: 'Machine',
    help: 'registers of CPU hot-plug; by selector CPUs can be removed too',
    apply: (draft, value) => void (draft.cpuHotplug = word('-cpu-hotplug', value, ['bitmap', 'selector'])),
  },
  {
    names: ['strict-legacy'],
    group: 'Machine',
    help: 'hot-plug exactly as in 2013, lost events included',
    apply: (draft) => void (draft.strictLegacy = true),
  },
];

const path =
  (key: 'kernel' | 'initrd' | 'append' | 'bios' | 'logFile' | 'pidFile' | 'qtest' | 'qtestLog') =>
  (draft: Draft, value: string): undefined =>
    void (draft[key] = value);

const BOOT_OPTIONS: readonly Option[] = [
  { names: ['kernel'], argument: 'FILE', group: 'Boot', help: 'Linux kernel (bzImage) or Multiboot image to boot', apply: path('kernel') },
  {
    names: ['initrd'],
    argument: 'FILE',
    group: 'Boot',
    help: 'its initial RAM disk, or its modules: FILE arguments,FILE…',
    apply: path('initrd'),
  },
  { names: ['append'], argument: 'TEXT', group: 'Boot', help: 'its command line', apply: path('append') },
  { names: ['bios'], argument: 'FILE', group: 'Boot', help: 'firmware; default bios-256k.bin (SeaBIOS)', apply: path('bios') },
  {
    names: ['no-fd-bootchk'],
    group: 'Boot',
    help: 'firmware boots floppy disks without a signature, too',
    apply: (draft) => void (draft.boot = { ...draft.boot, floppySignatureCheck: false }),
  },
  {
    names: ['drive'],
    argument: 'if=pflash,file=FILE',
    group: 'Boot',
    help: 'firmware in flash memory, which cannot be written',
    apply: (draft, value) => void (draft.bios = parseDrive(value)),
  },
  {
    names: ['L'],
    argument: 'DIR',
    group: 'Boot',
    help: 'where to look for firmware; repeatable',
    apply: (draft, value) => void draft.firmwareDirs.push(value),
  },
  {
    names: ['boot'],
    argument: 'order=…,once=…',
    group: 'Boot',
    help: 'drive letters for the firmware; also reboot-timeout=, splash-time=',
    apply: (draft, value) => void (draft.boot = { ...draft.boot, ...parseBoot(value) }),
  },
];

function word<const W extends string>(label: string, value: string, words: readonly W[]): W {
  const known = words.find((candidate) => candidate === value);
  if (known === undefined) throw new UsageError(`${label} ${value}: possible are ${words.join(', ')}`);
  return known;
}

function addReference(list: { reference: CharReference; label: string }[], option: string, value: string): undefined {
  list.push({ label: `${option} ${value}`, reference: parseCharReference(option, value, `${option.slice(1)}${list.length}`) });
}

function addMonitor(draft: Draft, option: string, value: string, mode: 'readline' | 'control'): undefined {
  const reference = parseCharReference(option, value, `${option.slice(1)}${draft.monitors.length}`);
  draft.monitors.push({ label: `${option} ${value}`, reference, mode });
}

function addMon(draft: Draft, value: string): undefined {
  const label = `-mon ${value}`;
  const values = KeyValues.parse(label, value, { implied: 'chardev', keys: ['chardev', 'mode', 'pretty', 'id'] });
  const mode = values.word('mode', ['readline', 'control']) ?? 'readline';
  if (values.flag('pretty')) values.fail('pretty=on is not in this build');
  draft.monitors.push({ label, reference: { chardev: values.required('chardev') }, mode });
}

function addChardev(draft: Draft, value: string): Information | undefined {
  if (isHelp(value)) return new Information('Available chardev backend types:\n  file\n  null\n  socket\n  stdio\n');
  const device: CharDevice = parseChardev(value);
  if (draft.chardevs.has(device.id)) throw new UsageError(`${device.label}: duplicate id '${device.id}'`);
  draft.chardevs.set(device.id, device);
  return undefined;
}

const CONSOLE_OPTIONS: readonly Option[] = [
  {
    names: ['nographic'],
    group: 'Console and monitors',
    help: 'serial port and monitor share the terminal (the default)',
    apply: (draft) => void (draft.nographic = true),
  },
  {
    names: ['serial'],
    argument: 'DEV',
    group: 'Console and monitors',
    help: 'stdio, mon:stdio, file:F, unix:P, tcp:H:P, null, none, chardev:ID',
    apply: (draft, value) => addReference(draft.serials, '-serial', value),
  },
  {
    names: ['monitor'],
    argument: 'DEV',
    group: 'Console and monitors',
    help: 'human monitor; devices as for -serial',
    apply: (draft, value) => addMonitor(draft, '-monitor', value, 'readline'),
  },
  {
    names: ['qmp'],
    argument: 'unix:P,server=on,wait=off',
    group: 'Console and monitors',
    help: 'QMP socket, also tcp:H:P; repeatable',
    apply: (draft, value) => addMonitor(draft, '-qmp', value, 'control'),
  },
  {
    names: ['qmp-dialect'],
    argument: 'default|1.5|3.1',
    group: 'Console and monitors',
    help: 'commands and texts of one release',
    apply: (draft, value) => void (draft.qmpDialect = word('-qmp-dialect', value, ['default', '1.5', '3.1'])),
  },
  {
    names: ['allow-remote'],
    group: 'Console and monitors',
    help: 'lets TCP sockets listen on other than loopback addresses',
    apply: (draft) => void (draft.allowRemote = true),
  },
  {
    names: ['chardev'],
    argument: 'KIND,id=ID,…',
    group: 'Console and monitors',
    help: 'socket (path= or host=,port=), stdio, file (path=), null; mux=on',
    apply: addChardev,
  },
  {
    names: ['mon'],
    argument: 'chardev=ID,mode=M',
    group: 'Console and monitors',
    help: 'monitor (readline) or QMP (control) on a character device',
    apply: addMon,
  },
  {
    names: ['debugcon'],
    argument: 'DEV',
    group: 'Console and monitors',
    help: 'firmware log: ports 0x402 and 0xe9',
    apply: (draft, value) => addReference(draft.debugcons, '-debugcon', value),
  },
];

function addDevice(draft: Draft, value: string): Information | undefined {
  const [driver = '', second] = splitCommas(value);
  if (isHelp(driver)) return new Information(deviceHelp());
  if (second !== undefined && isHelp(second)) return new Information(deviceHelp(driver));
  draft.devices.push({ config: parseDevice(value), label: `-device ${value}` });
  return undefined;
}

function setGlobal(draft: Draft, value: string): undefined {
  const [, port] = /^isa-debugcon\.iobase=(.*)$/.exec(value) ?? [];
  const number = parseInteger(port ?? '');
  if (number !== 0x402 && number !== 0xe9)
    throw new UsageError(`-global ${value}: only isa-debugcon.iobase with 0x402 or 0xe9 can be set in this build`);
  draft.debugconPort = number;
}

const DEVICE_OPTIONS: readonly Option[] = [
  {
    names: ['device'],
    argument: 'DRIVER,…|JSON',
    group: 'Devices',
    help: 'isa-debug-exit, isa-debugcon, pvpanic, ib700, …; help lists, DRIVER,help explains',
    apply: addDevice,
  },
  {
    names: ['global'],
    argument: 'isa-debugcon.iobase=N',
    group: 'Devices',
    help: 'port of -debugcon alone',
    apply: setGlobal,
  },
];

/** What `-s` stands for. */
const DEFAULT_GDB_ENDPOINT = 'tcp::1234';

const RUN_OPTIONS: readonly Option[] = [
  { names: ['S'], group: 'Running', help: 'do not start; QMP or monitor: cont', apply: (draft) => void (draft.paused = true) },
  {
    names: ['no-reboot'],
    group: 'Running',
    help: 'a reset by the guest ends the emulator',
    apply: (draft) => void (draft.noReboot = true),
  },
  {
    names: ['no-shutdown'],
    group: 'Running',
    help: 'power-off stops the machine and keeps it',
    apply: (draft) => void (draft.noShutdown = true),
  },
  {
    names: ['action'],
    argument: 'EVENT=ACTION,…',
    group: 'Running',
    help: 'panic=pause|shutdown|exit-failure|none, watchdog=…, reboot=…, shutdown=…',
    apply: (draft, value) => {
      const { panic = draft.panicSetting, watchdog = draft.watchdogAction, noReboot, noShutdown } = parseAction(value);
      Object.assign(draft, { panicSetting: panic, watchdogAction: watchdog });
      Object.assign(draft, { noReboot: noReboot ?? draft.noReboot, noShutdown: noShutdown ?? draft.noShutdown });
    },
  },
  {
    names: ['watchdog-action'],
    argument: 'ACTION',
    group: 'Running',
    help: 'reset (default), shutdown, poweroff, pause, inject-nmi, debug, none',
    apply: (draft, value) => void (draft.watchdogAction = word('-watchdog-action', value, WATCHDOG_ACTIONS)),
  },
  { names: ['pidfile'], argument: 'FILE', group: 'Running', help: 'write the process id there', apply: path('pidFile') },
  { names: ['s'], group: 'Running', help: '-gdb tcp::1234', apply: (draft) => void (draft.gdb = DEFAULT_GDB_ENDPOINT) },
  {
    names: ['gdb'],
    argument: 'tcp::PORT|unix:PATH',
    group: 'Running',
    help: 'gdb server; also arch=i386|i8086, on-disconnect=continue',
    apply: (draft, value) => void (draft.gdb = value),
  },
  { names: ['qtest'], argument: 'DEV', group: 'Running', help: 'server of the qtest protocol', apply: path('qtest') },
  { names: ['qtest-log'], argument: 'FILE', group: 'Running', help: 'log of its commands', apply: path('qtestLog') },
];

function expectText(key: 'expect' | 'fail', option: string): Option['apply'] {
  return ({ supervision }, value) => void (supervision[key] = [...(supervision[key] ?? []), parsePattern(`${option} ${value}`, value)]);
}

const TEST_OPTIONS: readonly Option[] = [
  {
    names: ['expect'],
    argument: 'TEXT|/REGEXP/',
    group: 'In test runs',
    help: 'success (0) when the guest prints it; several in this order',
    apply: expectText('expect', '-expect'),
  },
  {
    names: ['fail'],
    argument: 'TEXT|/REGEXP/',
    group: 'In test runs',
    help: 'failure (1) when the guest prints it; repeatable',
    apply: expectText('fail', '-fail'),
  },
  {
    names: ['timeout'],
    argument: 'N[ms|s|m]',
    group: 'In test runs',
    help: 'most guest time, in milliseconds without a unit',
    apply: ({ supervision }, value) => void (supervision.timeoutNs = parseSpan(`-timeout ${value}`, value)),
  },
  {
    names: ['timeout-exit-code'],
    argument: 'N',
    group: 'In test runs',
    help: `exit status when it has passed; default ${TIMEOUT_STATUS}`,
    apply: ({ supervision }, value) => void (supervision.timeoutStatus = parseStatus(`-timeout-exit-code ${value}`, value)),
  },
  {
    names: ['scenario'],
    argument: 'FILE.yaml',
    group: 'In test runs',
    help: 'steps: wait, send, qmp, assert, delay; success after the last',
    apply: ({ supervision }, value) => void (supervision.scenario = value),
  },
  {
    names: ['serial-log'],
    argument: 'FILE',
    group: 'In test runs',
    help: 'keeps what the guest prints, besides showing it',
    apply: ({ supervision }, value) => void (supervision.serialLog = value),
  },
  {
    names: ['json'],
    group: 'In test runs',
    help: 'what happens as JSON lines on standard output',
    apply: ({ supervision }) => void (supervision.json = true),
  },
];

function addTrace(draft: Draft, value: string): Information | undefined {
  if (isHelp(value)) return new Information(TRACE_HELP);
  const { patterns, file } = parseTrace(value);
  draft.trace.patterns.push(...patterns);
  if (file !== undefined) draft.trace.file = file;
  return undefined;
}

/** Stands for the list that only a built machine can give. */
export const TRACE_HELP = '\0trace-help';

function addLog(draft: Draft, value: string): Information | undefined {
  if (isHelp(value))
    return helpOf(
      'Log items (comma separated)',
      Object.entries(LOG_ITEMS).map(([name, { help }]) => [name, help] as const),
    );
  draft.trace.patterns.push(...parseLogItems(value));
  return undefined;
}

const TRACE_OPTIONS: readonly Option[] = [
  { names: ['trace'], argument: 'PATTERN', group: 'Tracing', help: 'trace points on, with *; help lists; file=F', apply: addTrace },
  { names: ['d'], argument: 'ITEMS', group: 'Tracing', help: 'groups of trace points; help lists', apply: addLog },
  { names: ['D'], argument: 'FILE', group: 'Tracing', help: 'log there instead of standard error', apply: path('logFile') },
  {
    names: ['msg'],
    argument: 'timestamp=on',
    group: 'Tracing',
    help: 'messages carry the time',
    apply: (draft, value) => void (draft.timestamps = parseMsg(value)),
  },
];

const OTHER_OPTIONS: readonly Option[] = [
  {
    names: ['help', 'h', '?'],
    group: 'Other',
    help: "this text; '-help all' says everything",
    apply: () => new Information(helpText(OPTIONS, false)),
  },
  { names: ['version'], group: 'Other', help: 'version', apply: () => new Information(`${VERSION_TEXT}\n`) },
];

/** An option that this machine fulfils by being what it is. Only the words listed are true here. */
const accepted = (names: string, words?: readonly string[], why = ''): Option => ({
  names: names.split(' '),
  ...(words === undefined ? {} : { argument: words.join('|') }),
  group: 'Accepted, change nothing',
  help: '',
  apply: (draft, value) => {
    if (words?.includes(value) === false) throw new UsageError(`-${names} ${value}: ${why}`);
    if (names === 'nodefaults') draft.noDefaults = true;
    if (names === 'display' || names === 'vnc') draft.noDisplay = true;
  },
});

const NO_DISPLAY = 'there is no display in this build; none is accepted';
const NO_NETWORK = 'there is no network in this build; none is accepted';
const ACCEPTED_OPTIONS: readonly Option[] = [
  accepted('nodefaults'),
  accepted('no-user-config nodefconfig'),
  accepted('no-hpet'),
  accepted('snapshot'),
  accepted('display', ['none'], NO_DISPLAY),
  accepted('vga', ['none'], NO_DISPLAY),
  accepted('vnc', ['none'], NO_DISPLAY),
  accepted('nic', ['none'], NO_NETWORK),
  accepted('net', ['none'], NO_NETWORK),
  accepted('parallel', ['none', 'null'], 'there is no parallel port in this build; none is accepted'),
];

/** All options, in the order in which help shows them. */
export const OPTIONS: readonly Option[] = [
  ...MACHINE_OPTIONS,
  ...BOOT_OPTIONS,
  ...CONSOLE_OPTIONS,
  ...DEVICE_OPTIONS,
  ...RUN_OPTIONS,
  ...TEST_OPTIONS,
  ...TRACE_OPTIONS,
  ...OTHER_OPTIONS,
  ...ACCEPTED_OPTIONS,
];
