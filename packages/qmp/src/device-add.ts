import type { CpuSlot, MachineControl } from '@hotsocket/machine/control';
import { action, type Command } from './command.js';
import { clip, existsText } from './dialect.js';
import { QmpError } from './errors.js';
import { JsonNumber, type JsonObject, type JsonValue } from './json-value.js';
import { optional, str } from './qapi-types.js';

/** The topology members of a slot by their property names, in the order in which they are checked. */
const TOPOLOGY = { 'socket-id': 'socketId', 'core-id': 'coreId', 'thread-id': 'threadId' } as const;
const DECLARED = new Set(['driver', 'id']);
const IDENTIFIER = /^[A-Za-z][A-Za-z0-9\-._]*$/;

/** `device_add` of a CPU type: the face that clients since 2016 use for the same hot-add as `cpu-add`. No other device can be added. */
export const deviceAdd: Command = action({
  name: 'device_add',
  since: '2.7',
  doc: 'Adds a CPU given by its type and place: driver, socket-id, core-id, thread-id (or apic-id alone), and an optional id.',
  args: { driver: str, id: optional(str) },
  open: true,
  available: ({ machine }) => machine.hotAddCpu !== undefined,
  run: ({ machine }, { driver, id }, input) => {
    checkDriver(machine, driver);
    if (id !== undefined && !IDENTIFIER.test(id)) refuse("Parameter 'id' expects an identifier");
    const slot = slotOf(machine, driver, input);
    if (slot.qomPath !== undefined) refuse(existsText(slot.index, slot.apicId));
    machine.hotAddCpu?.(slot.index, { deviceId: id });
  },
});

function refuse(desc: string): never {
  throw new QmpError('GenericError', desc);
}

function checkDriver({ cpuSlots, qom }: MachineControl, driver: string): void {
  const expected = cpuSlots[0]?.type;
  if (driver === expected) return;
  if (!qom.types().some(({ name }) => name === driver)) refuse(`'${clip(driver)}' is not a valid device model name`);
  if (driver.endsWith('-cpu')) refuse(`Invalid CPU type, expected cpu type: '${expected}'`);
  refuse("Parameter 'driver' expects a pluggable device type");
}

function slotOf({ cpuSlots }: MachineControl, driver: string, input: JsonObject): CpuSlot {
  const known = (name: string): boolean => name in TOPOLOGY || name === 'apic-id' || DECLARED.has(name);
  const foreign = [...input.keys()].find((name) => !known(name));
  if (foreign !== undefined) refuse(`Property '${driver}.${clip(foreign)}' not found`);
  const apicId = integerOf('apic-id', input.get('apic-id'));
  const places = Object.keys(TOPOLOGY) as (keyof typeof TOPOLOGY)[];
  if (apicId !== undefined && !places.some((name) => input.has(name))) return slotWithApicId(cpuSlots, apicId);
  return slotInPlace(
    cpuSlots,
    places.map((name) => [name, integerOf(name, input.get(name))]),
  );
}

function slotInPlace(slots: readonly CpuSlot[], place: readonly (readonly [keyof typeof TOPOLOGY, bigint | undefined])[]): CpuSlot {
  for (const [name, value] of place) checkRange(slots, name, value);
  const slot = slots.find((candidate) => place.every(([name, value]) => BigInt(candidate[TOPOLOGY[name]]) === value));
  return slot ?? refuse('No CPU has this place in the topology');
}

/** −1 stands for a property that was not given, as in the reference. */
function checkRange(slots: readonly CpuSlot[], name: keyof typeof TOPOLOGY, value: bigint | undefined): void {
  if (value === undefined || value === -1n) refuse(`CPU ${name} is not set`);
  const max = Math.max(...slots.map((slot) => slot[TOPOLOGY[name]]));
  if (value < 0n || value > BigInt(max)) refuse(`Invalid CPU ${name}: ${value} must be in range 0:${max}`);
}

function slotWithApicId(slots: readonly CpuSlot[], apicId: bigint): CpuSlot {
  const slot = slots.find((candidate) => BigInt(candidate.apicId) === apicId);
  return slot ?? refuse(`Invalid CPU with APIC ID ${apicId}, valid index range 0:${slots.length - 1}`);
}

/** Longer integers are no place in any topology; they are not converted. */
const MAX_DIGITS = 20;

function integerOf(name: string, value: JsonValue | undefined): bigint | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof JsonNumber) || !value.isInteger || value.text.length > MAX_DIGITS) refuse(`Parameter '${name}' expects integer`);
  return BigInt(value.text);
}
