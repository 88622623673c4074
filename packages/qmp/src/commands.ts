import type { CpuInfo, CpuSlot, CpuTopologyIds, MachineType, QomNode, QomTypeInfo, QomValue } from '@hotsocket/machine/control';
import { action, type Command, type CommandContext, query } from './command.js';
import { deviceAdd } from './device-add.js';
import { deviceDel } from './device-del.js';
import { clip, type Dialect } from './dialect.js';
import { QmpError } from './errors.js';
import { ostInfo, ostOutput } from './events.js';
import { JsonNumber, type JsonOutput, type JsonValue, stringify } from './json-value.js';
import { any, array, bool, enumeration, int, optional, str, struct } from './qapi-types.js';
import { qmpSchema } from './schema.js';

const RUN_STATES = [
  'prelaunch',
  'running',
  'paused',
  'debug',
  'shutdown',
  'suspended',
  'guest-panicked',
  'watchdog',
  'internal-error',
  'inmigrate',
  'save-vm',
  'restore-vm',
] as const;

const versionTriple = struct('VersionTriple', { major: int, minor: int, micro: int });
const versionInfo = struct('VersionInfo', { qemu: versionTriple, package: str });
const statusInfo = struct('StatusInfo', { running: bool, singlestep: bool, status: enumeration('RunState', RUN_STATES) });
const nameInfo = struct('NameInfo', { name: optional(str) });
const namedInfo = struct('CommandInfo', { name: str });
const eventInfo = struct('EventInfo', { name: str });
const instanceProperties = struct('CpuInstanceProperties', { 'socket-id': int, 'core-id': int, 'thread-id': int });
const cpuInfo = struct('CpuInfo', {
  CPU: int,
  current: bool,
  halted: bool,
  pc: int,
  thread_id: int,
  arch: optional(str),
  qom_path: optional(str),
  props: optional(instanceProperties),
});
const cpuInfoFast = struct('CpuInfoFast', {
  'cpu-index': int,
  'qom-path': str,
  'thread-id': int,
  props: instanceProperties,
  target: str,
});
const hotpluggableCpu = struct('HotpluggableCPU', {
  type: str,
  'vcpus-count': int,
  props: instanceProperties,
  'qom-path': optional(str),
});
const machineInfo = struct('MachineInfo', {
  name: str,
  alias: optional(str),
  'is-default': optional(bool),
  'cpu-max': int,
  'hotpluggable-cpus': optional(bool),
  'numa-mem-supported': optional(bool),
  deprecated: optional(bool),
  'default-cpu-type': optional(str),
});
const propertyInfo = struct('ObjectPropertyInfo', { name: str, type: str });
const typeInfo = struct('ObjectTypeInfo', { name: str, parent: optional(str), abstract: optional(bool) });

/** Room for the text of a human monitor command in a reply of one line. */
const MAX_TEXT_BYTES = 48_000;

/** Every command of this server, in the order of `query-commands`. */
export const COMMANDS: readonly Command[] = [
  action({
    name: 'qmp_capabilities',
    since: '0.12',
    doc: 'Ends the negotiation. Must be the first command of a connection. This server offers no capabilities.',
    args: { enable: optional(array(str)) },
    run: ({ negotiate }, { enable }) => negotiate(enable ?? []),
  }),
  query({
    name: 'query-commands',
    since: '0.12',
    doc: 'Names of all commands.',
    returns: array(namedInfo),
    run: ({ commands }) => commands.map(({ name }) => ({ name })),
  }),
  query({
    name: 'query-events',
    since: '1.2',
    doc: 'Names of all events.',
    returns: array(eventInfo),
    run: ({ events }) => events.map(({ name }) => ({ name })),
  }),
  query({
    name: 'query-qmp-schema',
    since: '2.5',
    doc: 'Commands, events and their types.',
    returns: array(any),
    run: ({ commands, events }) => qmpSchema(commands, events),
  }),
  query({
    name: 'query-version',
    since: '0.12',
    doc: 'The QEMU release whose interface this is, and the program that offers it.',
    returns: versionInfo,
    run: ({ version }) => versionOutput(version),
  }),
  query({
    name: 'query-status',
    since: '0.14',
    doc: 'Run state of the machine.',
    returns: statusInfo,
    run: ({ machine }) => ({ status: machine.runState, singlestep: false, running: machine.runState === 'running' }),
  }),
  query({
    name: 'query-name',
    since: '0.14',
    doc: 'Name of the machine, if it has one.',
    returns: nameInfo,
    run: ({ machine }) => ({ name: machine.name }),
  }),
  query({
    name: 'query-uuid',
    since: '0.14',
    doc: 'UUID of the machine.',
    returns: struct('UuidInfo', { UUID: str }),
    run: ({ machine }) => ({ UUID: machine.uuid }),
  }),
  query({
    name: 'query-kvm',
    since: '0.14',
    doc: 'Whether a hypervisor of the host is used: never.',
    returns: struct('KvmInfo', { enabled: bool, present: bool }),
    run: () => ({ enabled: false, present: false }),
  }),
  query({
    name: 'query-target',
    since: '1.2',
    doc: 'Architecture of the machine.',
    returns: struct('TargetInfo', { arch: str }),
    run: () => ({ arch: 'x86_64' }),
  }),
  query({
    name: 'query-machines',
    since: '1.2',
    doc: 'The types of machine that this program can build.',
    returns: array(machineInfo),
    available: ({ machineTypes }) => machineTypes.length > 0,
    run: ({ machineTypes, checks }) => machineTypes.map((type) => machineOutput(type, checks.dialect)),
  }),
  query({
    name: 'query-cpus',
    since: '0.14',
    doc: 'The CPUs that are there, with their program counters.',
    returns: array(cpuInfo),
    run: ({ machine, checks }) => machine.cpus.map((cpu) => cpuOutput(cpu, checks.dialect === '3.1')),
  }),
  query({
    name: 'query-cpus-fast',
    since: '2.12',
    doc: 'The CPUs that are there, in order of creation.',
    returns: array(cpuInfoFast),
    run: ({ machine }) => machine.cpus.map(fastCpuOutput),
  }),
  query({
    name: 'query-hotpluggable-cpus',
    since: '2.7',
    doc: 'Every place for a CPU, highest first; a place with a qom-path is taken.',
    returns: array(hotpluggableCpu),
    run: ({ machine }) => machine.cpuSlots.map(slotOutput).reverse(),
  }),
  action({
    name: 'cpu-add',
    since: '1.5',
    doc: 'Adds the CPU with index `id` (0 to maxcpus-1; not the APIC id). The reply does not wait for the guest.',
    args: { id: int },
    run: ({ machine }, { id }) => {
      if (machine.hotAddCpu === undefined) throw new QmpError('GenericError', 'Not supported');
      machine.hotAddCpu(id);
    },
  }),
  deviceAdd,
  deviceDel,
  query({
    name: 'query-acpi-ospm-status',
    since: '2.1',
    doc: 'What the guest last said about each CPU slot.',
    returns: array(ostInfo),
    available: ({ machine }) => machine.ospmStatus !== undefined,
    run: ({ machine }) => (machine.ospmStatus ?? []).map(ostOutput),
  }),
  action({ name: 'stop', since: '0.14', doc: 'Stops the machine.', run: ({ machine }) => machine.stop() }),
  action({ name: 'cont', since: '0.14', doc: 'Runs the machine.', run: ({ machine }) => machine.cont() }),
  action({
    name: 'system_reset',
    since: '0.14',
    doc: 'Resets the machine.',
    run: ({ machine, afterReply }) => afterReply(() => machine.reset('host-qmp-system-reset')),
  }),
  action({
    name: 'system_powerdown',
    since: '0.14',
    doc: 'Presses the power button; the guest decides.',
    run: ({ machine }) => machine.powerdown(),
  }),
  action({
    name: 'system_wakeup',
    since: '1.1',
    doc: 'Wakes a machine that sleeps; does nothing otherwise.',
    run: ({ machine }) => machine.wakeup(),
  }),
  action({ name: 'inject-nmi', since: '0.14', doc: 'Sends an NMI to every CPU.', run: ({ machine }) => machine.nmi() }),
  action({
    name: 'quit',
    since: '0.14',
    doc: 'Ends the machine.',
    run: ({ machine, afterReply }) => afterReply(() => machine.quit('host-qmp-quit')),
  }),
  query({
    name: 'qom-list',
    since: '1.2',
    doc: 'Properties and children of an object.',
    args: { path: str },
    returns: array(propertyInfo),
    run: (context, { path }) => objectAt(context, path).list().map(propertyOutput),
  }),
  query({
    name: 'qom-get',
    since: '1.2',
    doc: 'Value of a property.',
    args: { path: str, property: str },
    returns: any,
    run: (context, { path, property }) => propertyValue(objectAt(context, path), property) as JsonOutput,
  }),
  action({
    name: 'qom-set',
    since: '1.2',
    doc: 'Sets a property.',
    args: { path: str, property: str, value: any },
    run: (context, { path, property, value }) => objectAt(context, path).set(property, qomValue(value)),
  }),
  query({
    name: 'qom-list-types',
    since: '1.1',
    doc: 'Types of objects: those that derive from `implements`, abstract ones only when asked for.',
    args: { implements: optional(str), abstract: optional(bool) },
    returns: array(typeInfo),
    run: ({ machine }, args) => listTypes(machine.qom.types(), args.implements, args.abstract ?? false),
  }),
  query({
    name: 'human-monitor-command',
    since: '0.14',
    doc: 'Runs a line of the human monitor and returns its text; a text that would not fit one reply is cut and says so.',
    args: { 'command-line': str, 'cpu-index': optional(int) },
    returns: str,
    available: ({ humanMonitor }) => humanMonitor !== undefined,
    run: (context, args) => humanMonitorCommand(context, args['command-line'], args['cpu-index']),
  }),
];

/** The version in its wire form. */
export function versionOutput({ major, minor, micro, package: name }: CommandContext['version']): JsonOutput {
  return { qemu: { micro, minor, major }, package: name };
}

/** 1.5 told names and the number of CPUs; later releases also what CPUs there are and what can be added. */
function machineOutput({ name, alias, isDefault, maxCpus, hotpluggableCpus, defaultCpuType }: MachineType, dialect: Dialect): JsonOutput {
  const first = { name, alias, 'is-default': isDefault || undefined, 'cpu-max': maxCpus };
  if (dialect === '1.5') return first;
  const second = { ...first, 'hotpluggable-cpus': hotpluggableCpus };
  if (dialect === '3.1') return second;
  return { ...second, 'numa-mem-supported': false, deprecated: false, 'default-cpu-type': defaultCpuType };
}

function propsOutput({ socketId, coreId, threadId }: CpuTopologyIds): JsonOutput {
  return { 'core-id': coreId, 'thread-id': threadId, 'socket-id': socketId };
}

/** `current` marks the boot CPU, as in every release. Members in the order in which that release wrote them. */
function cpuOutput(cpu: CpuInfo, later: boolean): JsonOutput {
  const { index, halted, hostThreadId } = cpu;
  const registers = { pc: BigInt.asIntN(64, cpu.pc), halted, thread_id: hostThreadId };
  if (!later) return { current: index === 0, CPU: index, ...registers };
  return { arch: 'x86', current: index === 0, props: propsOutput(cpu), CPU: index, qom_path: cpu.qomPath, ...registers };
}

function fastCpuOutput(cpu: CpuInfo): JsonOutput {
  return {
    'thread-id': cpu.hostThreadId,
    props: propsOutput(cpu),
    'qom-path': cpu.qomPath,
    'cpu-index': cpu.index,
    target: 'x86_64',
  };
}

function slotOutput(slot: CpuSlot): JsonOutput {
  return { props: propsOutput(slot), 'vcpus-count': 1, 'qom-path': slot.qomPath, type: slot.type };
}

function propertyOutput({ name, type }: { readonly name: string; readonly type: string }): JsonOutput {
  return { name, type };
}

function objectAt({ machine }: CommandContext, path: string): QomNode {
  const node = machine.qom.resolve(path);
  if (node === undefined) throw new QmpError('DeviceNotFound', `Device '${clip(path)}' not found`);
  return node;
}

function propertyValue(node: QomNode, property: string): QomValue {
  const value = node.get(property);
  if (value === undefined) throw new QmpError('GenericError', `Property '${node.type}.${clip(property)}' not found`);
  return value;
}

function qomValue(value: JsonValue): QomValue {
  if (value instanceof JsonNumber) return numberValue(value);
  if (Array.isArray(value)) return value.map(qomValue);
  return value instanceof Map ? Object.fromEntries([...value].map(([name, member]) => [name, qomValue(member)])) : value;
}

function numberValue(value: JsonNumber): number | bigint {
  const number = Number(value.text);
  return value.isInteger && !Number.isSafeInteger(number) ? BigInt(value.text) : number;
}

function listTypes(types: readonly QomTypeInfo[], ancestor: string | undefined, withAbstract: boolean): JsonOutput {
  const parents = new Map(types.map(({ name, parent }) => [name, parent]));
  const derives = (name: string | undefined): boolean => name !== undefined && (name === ancestor || derives(parents.get(name)));
  return types
    .filter(({ name, abstract }) => (withAbstract || !abstract) && (ancestor === undefined || derives(name)))
    .map(({ name, parent, abstract }) => ({ name, parent, abstract: abstract || undefined }));
}

function humanMonitorCommand(context: CommandContext, line: string, cpuIndex: bigint | undefined): string {
  const index = cpuIndex === undefined ? undefined : Number(cpuIndex);
  if (index !== undefined && !context.machine.cpus.some((cpu) => cpu.index === index))
    throw new QmpError('GenericError', "Parameter 'cpu-index' expects a CPU number");
  return fitLine(context.humanMonitor?.execute(line, index) ?? '');
}

function fitLine(text: string): string {
  if (text.length * 6 <= MAX_TEXT_BYTES || stringify(text).length <= MAX_TEXT_BYTES) return text;
  const lines = text.split('\r\n');
  let bytes = 0;
  const kept = lines.findIndex((line) => (bytes += stringify(line).length + 2) > MAX_TEXT_BYTES);
  return [...lines.slice(0, kept), `(${lines.length - kept} more lines; the human monitor shows them)`, ''].join('\r\n');
}
