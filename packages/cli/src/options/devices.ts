import { UsageError } from '../usage-error.js';
import { KeyValues, splitCommas } from './key-values.js';

/** A device that `-device` adds. */
export type DeviceConfig =
  | { readonly driver: 'isa-debug-exit'; readonly iobase: number; readonly iosize: number }
  | { readonly driver: 'isa-debugcon'; readonly iobase: number; readonly chardev: string }
  | { readonly driver: 'pvpanic'; readonly ioport: number; readonly events: number }
  | { readonly driver: 'pc-testdev' | 'ib700' };

interface Driver {
  readonly help: string;
  readonly properties: Readonly<Record<string, string>>;
  make(values: KeyValues): DeviceConfig;
}

/** Ports where this machine has a debug console. */
export const DEBUGCON_PORTS: readonly number[] = [0xe9, 0x402];
const LAST_PORT = 0xffff;

/** Devices by driver name. */
export const DRIVERS: Readonly<Record<string, Driver>> = {
  'isa-debug-exit': {
    help: 'a write of v ends the emulator with status (v << 1) | 1',
    properties: { iobase: 'first port, default 0x501', iosize: 'number of ports, default 2' },
    make: (values) => ({
      driver: 'isa-debug-exit',
      iobase: values.integer('iobase', 0, LAST_PORT) ?? 0x501,
      iosize: values.integer('iosize', 1, 8) ?? 2,
    }),
  },
  'pc-testdev': {
    help: 'latch, interrupt lines and memory that unit tests of kernels use',
    properties: {},
    make: () => ({ driver: 'pc-testdev' }),
  },
  pvpanic: {
    help: 'a port by which the guest reports its panic; -action panic= says what follows',
    properties: { ioport: 'port, default 0x505', events: 'events that are taken: 1 panicked, 2 with crash kernel; default 3' },
    make: (values) => ({
      driver: 'pvpanic',
      ioport: values.integer('ioport', 0, LAST_PORT) ?? 0x505,
      events: values.integer('events', 0, 3) ?? 3,
    }),
  },
  ib700: {
    help: 'watchdog; -watchdog-action says what follows when it runs out',
    properties: {},
    make: () => ({ driver: 'ib700' }),
  },
  'isa-debugcon': {
    help: 'characters written to a port go to a character device',
    properties: { iobase: 'port, 0xe9 (default) or 0x402', chardev: 'character device', readback: 'accepted at its default only' },
    make: (values) => {
      const iobase = values.integer('iobase') ?? 0xe9;
      if (!DEBUGCON_PORTS.includes(iobase)) values.fail('debug consoles are at ports 0xe9 and 0x402');
      values.integer('readback', 0xe9, 0xe9);
      return { driver: 'isa-debugcon', iobase, chardev: values.required('chardev') };
    },
  },
};

const hasDriver = (name: string): boolean => Object.hasOwn(DRIVERS, name);

/** Reads the value of `-device`: `driver,key=value` or a JSON object. */
export function parseDevice(text: string): DeviceConfig {
  const label = `-device ${text}`;
  const { driver, values } = text.trimStart().startsWith('{') ? fromJson(label, text) : fromList(label, text);
  return DRIVERS[driver]!.make(values);
}

function fromList(label: string, text: string): { driver: string; values: KeyValues } {
  const driver = splitCommas(text)[0]!.replace(/^driver=/, '');
  checkDriver(label, driver);
  return { driver, values: KeyValues.parse(label, text, { implied: 'driver', keys: keysOf(driver) }) };
}

function fromJson(label: string, text: string): { driver: string; values: KeyValues } {
  const object = jsonObject(label, text);
  const driver = String(object.get('driver') ?? '');
  checkDriver(label, driver);
  for (const [key, value] of object) checkMember(label, driver, key, value);
  return {
    driver,
    values: new KeyValues(
      label,
      [...object].map(([key, value]) => [key, String(value)]),
    ),
  };
}

function jsonObject(label: string, text: string): Map<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Map(Object.entries(value));
  } catch (error) {
    throw new UsageError(`${label}: invalid JSON: ${(error as Error).message.replaceAll('\n', ' ')}`);
  }
  throw new UsageError(`${label}: expected a JSON object`);
}

function checkMember(label: string, driver: string, key: string, value: unknown): void {
  if (!keysOf(driver).includes(key)) throw new UsageError(`${label}: property '${driver}.${key}' not found`);
  if (!['string', 'number', 'boolean'].includes(typeof value)) throw new UsageError(`${label}: property '${key}' is not a plain value`);
}

const keysOf = (driver: string): string[] => ['driver', 'id', ...Object.keys(DRIVERS[driver]!.properties)];

function checkDriver(label: string, driver: string): void {
  if (hasDriver(driver)) return;
  const hint = driver.endsWith('-x86_64-cpu') ? 'CPUs are added with -smp, cpu-add or device_add' : '-device help lists the devices';
  throw new UsageError(`${label}: '${driver}' is not a valid device model name; ${hint}`);
}

/** The text of `-device help`, or of `-device DRIVER,help`. */
export function deviceHelp(driver?: string): string {
  if (driver === undefined) return deviceList();
  checkDriver(`-device ${driver},help`, driver);
  return `${driver} options:\n${lines(Object.entries(DRIVERS[driver]!.properties).map(([name, help]) => [`  ${name}`, help]))}`;
}

/** In the form of QEMU, whose output scripts search for quoted names. */
const deviceList = (): string =>
  `Misc devices:\n${Object.entries(DRIVERS)
    .map(([name, { help }]) => `name "${name}", bus ISA, desc "${help}"\n`)
    .join('')}`;

const lines = (rows: [string, string][]): string => rows.map(([name, text]) => `${name.padEnd(18)}${text}\n`).join('');
