import type { CharUse, Draft, MachineConfig, QmpSocket } from './command-line.js';
import type { CharDevice, CharReference } from './options/char-device.js';
import { TIMEOUT_STATUS } from './supervise/patterns.js';
import { UsageError } from './usage-error.js';

/** Turns what the options said into a machine: fills defaults, resolves names, and refuses what does not go together. */
export function finish(draft: Draft): MachineConfig {
  for (const option of ['initrd', 'append'] as const)
    if (draft[option] !== undefined && draft.kernel === undefined) throw new UsageError(`-${option} only allowed with -kernel option`);
  addDefaultConsoles(draft);
  const uses = charUses(draft);
  checkSharing(draft, uses);
  const control = uses.filter(isQmpSocket);
  return {
    ...pick(draft),
    acpi: acpiOf(draft),
    supervision: supervisionOf(draft),
    accel: acceleratorOf(draft),
    testdev: hasDevice(draft, 'pc-testdev'),
    watchdog: hasDevice(draft, 'ib700'),
    pvpanic: draft.devices.map(({ config }) => config).findLast((config) => config.driver === 'pvpanic'),
    debugExit: draft.devices.map(({ config }) => config).findLast((config) => config.driver === 'isa-debug-exit'),
    serialScreen: draft.nographic || draft.graphicsOff || !draft.noDisplay,
    charUses: uses.filter((use) => !isQmpSocket(use)),
    qmpSockets: [...draft.qmpSockets, ...control.map(qmpSocket)],
  };
}

type Computed =
  | 'accel'
  | 'acpi'
  | 'supervision'
  | 'debugExit'
  | 'testdev'
  | 'watchdog'
  | 'pvpanic'
  | 'serialScreen'
  | 'charUses'
  | 'qmpSockets';

/** What goes into the machine as it was said. */
function pick(draft: Draft): Omit<MachineConfig, Computed> {
  const { machineType, smp, ramBytes, cpu, kernel, initrd, append, bios, firmwareDirs, name, uuid, rtc, icount, boot } = draft;
  const { cpuHotplug, strictLegacy, paused, noReboot, noShutdown, qmpDialect, allowRemote, trace, logFile, timestamps } = draft;
  const { pidFile, qtest, qtestLog, gdb, panicSetting, watchdogAction } = draft;
  const machine = {
    machineType,
    smp,
    ramBytes,
    cpu,
    kernel,
    initrd,
    append,
    bios,
    firmwareDirs,
    name,
    uuid,
    rtc,
    icount,
    boot,
    cpuHotplug,
  };
  const life = { strictLegacy, paused, noReboot, noShutdown, qmpDialect, allowRemote, trace, logFile, timestamps };
  return { ...machine, ...life, pidFile, qtest, qtestLog, gdb, panicSetting, watchdogAction };
}

const hasDevice = ({ devices }: Draft, driver: string): boolean => devices.some(({ config }) => config.driver === driver);

/** The first that is available of those that were named. */
function acceleratorOf({ accelerators }: Draft): string {
  const found = accelerators.find(({ problem }) => problem === undefined);
  if (found === undefined && accelerators[0] !== undefined) throw new UsageError(accelerators[0].problem);
  return found?.name ?? 'tcg';
}

function supervisionOf({ supervision }: Draft): MachineConfig['supervision'] {
  if (Object.keys(supervision).length === 0) return undefined;
  const { expect = [], fail = [], timeoutNs, timeoutStatus = TIMEOUT_STATUS, serialLog, scenario, json = false } = supervision;
  return { expect, fail, timeoutNs, timeoutStatus, serialLog, scenario, json };
}

/** The selector registers come with tables that know them. */
const acpiOf = ({ acpi, cpuHotplug }: Draft): MachineConfig['acpi'] => acpi ?? (cpuHotplug === 'selector' ? 'machine' : undefined);

/**
 * Without a display the console is the terminal: serial port and monitor share it. One that the user has placed elsewhere leaves it to the
 * other. `-display none` alone and `-nodefaults` put nothing there.
 */
function addDefaultConsoles(draft: Draft): void {
  const readline = draft.monitors.some(({ mode }) => mode === 'readline');
  if (draft.supervision.json) return refuseStdio(draft);
  const wanted = draft.nographic || (!draft.noDisplay && !draft.noDefaults && !usesStdio(draft));
  if (!wanted) return;
  if (draft.serials.length === 0 && !readline) draft.serials.push(terminal('mon:stdio', true));
  else if (draft.serials.length === 0 && !usesStdio(draft)) draft.serials.push(terminal('stdio', false));
  else if (!readline && draft.nographic && !usesStdio(draft)) draft.monitors.push({ ...terminal('stdio', false), mode: 'readline' });
}

/** Lines for programs and what the guest prints cannot be told apart. */
function refuseStdio(draft: Draft): void {
  if (draft.nographic || usesStdio(draft))
    throw new UsageError('-json: standard output is for the JSON lines; -serial-log keeps what the guest prints');
}

function terminal(text: string, mux: boolean): { reference: CharReference; label: string } {
  const label = `-serial ${text}`;
  return { label, reference: { device: { id: 'terminal', mux, label, backend: { kind: 'stdio', signals: !mux } } } };
}

const usesStdio = (draft: Draft): boolean => {
  const references = [...draft.serials, ...draft.monitors, ...draft.debugcons].map(({ reference }) => reference);
  const devices = references.map((reference) => (typeof reference === 'object' && 'device' in reference ? reference.device : undefined));
  return [...devices, ...draft.chardevs.values()].some((device) => device?.backend.kind === 'stdio');
};

function charUses(draft: Draft): CharUse[] {
  checkSerials(draft);
  return [
    ...draft.serials.flatMap(({ reference, label }) => use(draft, 'serial', reference, label)),
    ...draft.monitors.flatMap(({ reference, label, mode }) => use(draft, mode === 'control' ? 'qmp' : 'monitor', reference, label)),
    ...muxMonitors(draft),
    ...draft.debugcons.flatMap(({ reference, label }) => use(draft, 'debugcon', reference, label, draft.debugconPort)),
    ...draft.devices.flatMap(({ config, label }) =>
      config.driver === 'isa-debugcon' ? use(draft, 'debugcon', { chardev: config.chardev }, label, config.iobase) : [],
    ),
  ];
}

function checkSerials({ serials }: Draft): void {
  const extra = serials
    .slice(1)
    .find(({ reference }) => reference !== 'none' && !('device' in reference && reference.device.backend.kind === 'null'));
  if (extra !== undefined) throw new UsageError(`${extra.label}: this machine has one serial port`);
}

/** `mon:` puts a monitor on the device besides its first user. */
function muxMonitors(draft: Draft): CharUse[] {
  return draft.serials.flatMap(({ reference, label }) =>
    typeof reference === 'object' && 'device' in reference && reference.device.mux ? use(draft, 'monitor', reference, label) : [],
  );
}

function use(draft: Draft, user: CharUse['user'], reference: CharReference, label: string, port?: number): CharUse[] {
  if (reference === 'none') return [];
  const device = 'device' in reference ? reference.device : named(draft, reference.chardev, label);
  return [{ user, device, label, ...(port === undefined ? {} : { port }) }];
}

function named({ chardevs }: Draft, id: string, label: string): CharDevice {
  const device = chardevs.get(id);
  if (device === undefined) throw new UsageError(`${label}: there is no chardev '${id}'`);
  return device;
}

/** A device has one user; a multiplexed one has one of each kind. Standard input and output exist once. */
function checkSharing(draft: Draft, uses: readonly CharUse[]): void {
  for (const [index, { device, label, user }] of uses.entries()) {
    const before = uses.slice(0, index).filter((other) => other.device === device);
    const taken = device.mux ? before.some((other) => other.user === user) || user === 'qmp' : before.length > 0;
    if (taken) throw new UsageError(`${label}: chardev '${device.id}' is already in use`);
  }
  const stdio = [...new Set([...uses.map(({ device }) => device), ...draft.chardevs.values()])].filter(
    ({ backend }) => backend.kind === 'stdio',
  );
  if (stdio[1] !== undefined) throw new UsageError(`${stdio[1].label}: cannot use stdio by multiple character devices`);
}

const isQmpSocket = ({ user, device }: CharUse): boolean => user === 'qmp' && device.backend.kind === 'socket';

function qmpSocket({ device, label }: CharUse): QmpSocket {
  const { backend } = device;
  if (backend.kind !== 'socket') throw new UsageError(`${label}: QMP needs a socket`);
  return { label, socket: backend };
}
