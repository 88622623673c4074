import type { X86Cpu } from '@hotsocket/cpu-x86';
import type { GuestMoment } from '@hotsocket/machine';
import type { Device } from '@hotsocket/qom';
import {
  crc32,
  decodeState,
  encodeState,
  readSections,
  type SavedState,
  SavedStateError,
  type Section,
  type StateValue,
  writeSections,
} from '@hotsocket/saved-state';
import type { PcBoard } from './board.js';
import type { PcOptions } from './options.js';

const SECTIONS = ['machine', 'devices', 'cpus', 'ram'];
const PAGE_BYTES = 4096;
const PAGE_NUMBER_BYTES = 4;
const RECORD_BYTES = PAGE_NUMBER_BYTES + PAGE_BYTES;

/** Names of the parts that can be saved. */
type SavedPart = {
  [Name in keyof PcBoard]-?: PcBoard[Name] extends Pick<Device, 'save' | 'restore'> | undefined ? Name : never;
}[keyof PcBoard];

/**
 * Parts in the order in which they are restored: what drives wires before what hears them, so that an edge that a restored wire makes is
 * overwritten by the state of its controller.
 */
export const SAVED_PARTS: readonly SavedPart[] = [
  'bridge',
  'hostBridge',
  'pm',
  'pit',
  'portB',
  'rtc',
  'keyboard',
  'com1',
  'fwCfg',
  'debugConsole',
  'e9Console',
  'postCode',
  'debugExit',
  'testdev',
  'pvpanic',
  'watchdog',
  'isaBridge',
  'pic',
  'ioapic',
];

/** One CPU: its slot, the name that `device_add` gave it, its local APIC and its registers. */
export interface SavedCpu {
  readonly index: number;
  readonly deviceId: string | null;
  readonly apic: SavedState;
  readonly cpu: SavedState;
}

/** What of a machine is not in its parts. */
export interface SavedMachine {
  readonly time: GuestMoment;
  /** Slot of the CPU that had the last turn. */
  readonly lastTurn: number;
  readonly suspended: boolean;
  /** What the guest last said about each slot: slot, source, status. */
  readonly ospm: readonly (readonly [number, number, number])[];
}

/** A machine at a moment. */
export interface PcState {
  readonly machine: SavedMachine;
  readonly devices: Readonly<Record<string, SavedState>>;
  readonly cpus: readonly SavedCpu[];
  readonly ram: Uint8Array;
}

/** What two machines must have in common for one to take the state of the other. */
function identityOf(options: PcOptions): Record<string, StateValue> {
  const { ramBytes, maxCpus, topology, firmware, cpuModel = '', strictLegacy = false, testdev = false, watchdog = false } = options;
  const { cores, threads } = topology;
  const devices = { testdev, watchdog, pvpanic: options.pvpanic !== undefined, debugExit: options.debugExit !== undefined };
  return { type: 'pc', ramBytes, maxCpus, cores, threads, firmware: crc32(firmware), cpuModel, strictLegacy, ...devices };
}

/** The state of the board's own parts; RAM is the board's, not a copy. */
export function stateOf(board: PcBoard, machine: SavedMachine, deviceIdOf: (cpu: X86Cpu) => string | undefined): PcState {
  const devices = Object.fromEntries(devicesOf(board).map(([name, device]) => [name, device.save()]));
  const cpus = board.cpus.list.map((cpu) => ({
    index: cpu.index,
    deviceId: deviceIdOf(cpu) ?? null,
    apic: cpu.apic.save(),
    cpu: cpu.save(),
  }));
  return { machine, devices, cpus, ram: board.ram.bytes };
}

const devicesOf = (board: PcBoard): [string, Pick<Device, 'save' | 'restore'>][] =>
  SAVED_PARTS.flatMap((name) => (board[name] ? [[name, board[name]]] : []));

/** Puts a state into a board whose CPUs are those of the state. Throws SavedStateError when a part cannot take its state. */
export function restoreState(board: PcBoard, { devices, cpus, ram, machine }: PcState): void {
  board.time.restore(machine.time);
  for (const [name, device] of devicesOf(board)) device.restore(devices[name] ?? missing(name));
  for (const { index, apic, cpu } of cpus) {
    const there = board.cpus.list.find((known) => known.index === index) ?? missing(`CPU ${index}`);
    there.apic.restore(apic);
    there.restore(cpu);
  }
  board.ram.bytes.set(ram);
  board.core.code.writtenRange(0, ram.length);
  board.core.setA20(board.keyboard.a20.high);
}

const missing = (what: string): never => {
  throw new SavedStateError(`the saved machine has no ${what}`);
};

/** A state as a file: sections with checksums; of RAM the pages that are not all zeros. */
export function encodePc(options: PcOptions, { machine, devices, cpus, ram }: PcState): Uint8Array {
  const sections: Section[] = [
    { name: 'machine', data: encodeState({ ...identityOf(options), ...machine } as unknown as StateValue) },
    { name: 'devices', data: encodeState(devices as unknown as StateValue) },
    { name: 'cpus', data: encodeState(cpus as unknown as StateValue) },
    { name: 'ram', data: packPages(ram) },
  ];
  return writeSections(sections);
}

/** Reads a file for a machine of these options. Throws SavedStateError, naming everything in which the saved machine differs. */
export function decodePc(options: PcOptions, file: Uint8Array): PcState {
  const sections = readSections(file, SECTIONS);
  const part = (name: string): Uint8Array => sections.get(name) ?? missing(`section '${name}'`);
  const machine = decodeState(part('machine')) as unknown as SavedMachine & Record<string, StateValue>;
  checkIdentity(identityOf(options), machine);
  const cpus = decodeState(part('cpus')) as unknown as readonly SavedCpu[];
  checkCpus(cpus, options.maxCpus);
  const devices = decodeState(part('devices')) as unknown as PcState['devices'];
  return { machine: checkMachine(machine), devices, cpus, ram: unpackPages(part('ram'), options.ramBytes) };
}

function checkIdentity(mine: Record<string, StateValue>, theirs: Record<string, StateValue>): void {
  const different = Object.entries(mine).filter(([name, value]) => theirs[name] !== value);
  if (different.length === 0) return;
  const list = different.map(([name, value]) => `${name} is ${JSON.stringify(theirs[name])}, here ${JSON.stringify(value)}`);
  throw new SavedStateError(`the saved machine is another one: ${list.join('; ')}`);
}

const isSlot = (value: unknown, slots: number): value is number => Number.isInteger(value) && Number(value) >= 0 && Number(value) < slots;

function checkCpus(cpus: readonly SavedCpu[], maxCpus: number): void {
  const indexes = Array.isArray(cpus) ? cpus.map((cpu) => cpu?.index) : [];
  const whole = indexes[0] === 0 && new Set(indexes).size === indexes.length && indexes.every((index) => isSlot(index, maxCpus));
  const named = Array.isArray(cpus) && cpus.every((cpu) => cpu?.deviceId === null || typeof cpu?.deviceId === 'string');
  if (!whole || !named) throw new SavedStateError('the CPUs of the saved machine are not possible');
}

function checkMachine({ time, lastTurn, suspended, ospm }: SavedMachine): SavedMachine {
  const { passedNs = -1, instructions = -1, nsPerInstruction = -1 } = time ?? {};
  const numbers = [passedNs, instructions, nsPerInstruction].every((value) => typeof value === 'number' && value >= 0);
  const answers =
    Array.isArray(ospm) && ospm.every((answer) => Array.isArray(answer) && answer.length === 3 && answer.every(Number.isInteger));
  if (!numbers || nsPerInstruction === 0 || !Number.isInteger(lastTurn) || typeof suspended !== 'boolean' || !answers)
    throw new SavedStateError('the moment of the saved machine is not possible');
  return { time: { passedNs, instructions, nsPerInstruction }, lastTurn, suspended, ospm };
}

/** Number and bytes of each page that has anything in it. RAM is whole pages. */
function packPages(ram: Uint8Array): Uint8Array {
  const words = new Uint32Array(ram.buffer, ram.byteOffset, ram.length >> 2);
  const pages = Array.from({ length: ram.length / PAGE_BYTES }, (_, page) => page).filter((page) => hasAnything(words, page));
  const packed = new Uint8Array(pages.length * RECORD_BYTES);
  const view = new DataView(packed.buffer);
  for (const [at, page] of pages.entries()) {
    view.setUint32(at * RECORD_BYTES, page, true);
    packed.set(ram.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES), at * RECORD_BYTES + PAGE_NUMBER_BYTES);
  }
  return packed;
}

function hasAnything(words: Uint32Array, page: number): boolean {
  const end = ((page + 1) * PAGE_BYTES) >> 2;
  for (let at = (page * PAGE_BYTES) >> 2; at < end; at++) if (words[at] !== 0) return true;
  return false;
}

function unpackPages(packed: Uint8Array, ramBytes: number): Uint8Array {
  const ram = new Uint8Array(ramBytes);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  if (packed.length % RECORD_BYTES !== 0) throw new SavedStateError('the RAM of the saved machine is cut');
  for (let at = 0; at < packed.length; at += RECORD_BYTES) {
    const page = view.getUint32(at, true);
    if ((page + 1) * PAGE_BYTES > ramBytes) throw new SavedStateError(`page ${page} is beyond the RAM of the saved machine`);
    ram.set(packed.subarray(at + PAGE_NUMBER_BYTES, at + RECORD_BYTES), page * PAGE_BYTES);
  }
  return ram;
}
