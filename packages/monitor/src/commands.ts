import type { MachineControl } from '@hotsocket/machine/control';
import { button, type CommandContext, expressions, type MonitorCommand, oneExpression } from './command.js';
import { MonitorError } from './errors.js';
import { dump, type Format, formatValue, takeFormat } from './format.js';
import { INFO_TOPICS } from './info.js';

const MEMORY: Format = { count: 1, style: 'x', size: 4 };
const VALUE: Format = { count: 1, style: 'x', size: 8 };
/** Where devices with a name stand. */
const NAMED = /^\/machine\/peripheral\//;
const PORT: Format = { count: 1, style: 'x', size: 1 };

/** Every command of the monitor, in the order of the help. */
export const MONITOR_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'help',
    alias: '?',
    usage: '[command]',
    help: 'show the commands, or one of them',
    words: () => MONITOR_COMMANDS.map(({ name }) => name),
    run: (_context, args) => helpText(args.trim()),
  },
  {
    name: 'info',
    usage: '[topic]',
    help: 'show a part of the machine',
    words: () => INFO_TOPICS.map(({ name }) => name),
    run: runInfo,
  },
  {
    name: 'cpu',
    usage: 'index',
    help: 'select the CPU that register and memory commands mean',
    words: ({ machine }) => machine.cpus.map(({ index }) => String(index)),
    run: selectCpu,
  },
  {
    name: 'cpu-add',
    usage: 'id',
    help: 'plug the CPU with this index into the running machine',
    words: ({ machine }) => machine.cpuSlots.filter(({ qomPath }) => qomPath === undefined).map(({ index }) => String(index)),
    run: addCpu,
  },
  {
    name: 'device_add',
    usage: 'type[,id=name],socket-id=n,core-id=n,thread-id=n',
    help: 'plug a CPU of this type at its place, or at apic-id=n',
    words: ({ machine }) => [...new Set(machine.cpuSlots.map(({ type }) => type))],
    run: addDevice,
  },
  {
    name: 'device_del',
    usage: 'id',
    help: 'ask the guest to let a CPU go, given by its name or object path',
    words: ({ machine }) => machine.cpus.filter(({ index }) => index > 0).map(({ qomPath }) => qomPath.replace(NAMED, '')),
    run: removeCpu,
  },
  button('stop', 'stop the machine', (machine) => machine.stop(), 's'),
  button('cont', 'run the machine', (machine) => machine.cont(), 'c'),
  button('system_reset', 'reset the machine', (machine) => machine.reset('host-qmp-system-reset')),
  button('system_powerdown', 'press the power button', (machine) => machine.powerdown()),
  button('system_wakeup', 'wake the machine from sleep', (machine) => machine.wakeup()),
  button('nmi', 'send an NMI to every CPU', (machine) => machine.nmi()),
  {
    name: 'x',
    usage: '/fmt addr',
    help: 'show memory as the selected CPU sees it; fmt is [count][x|d|u|o|c|i][b|h|w|g]',
    run: (context, args) => showMemory(context, args, 'virtual'),
  },
  {
    name: 'xp',
    usage: '/fmt addr',
    help: 'show memory at a physical address',
    run: (context, args) => showMemory(context, args, 'physical'),
  },
  { name: 'p', alias: 'print', usage: '/fmt expr', help: 'show the value of an expression; $name is a register', run: printValue },
  { name: 'i', usage: '/fmt addr', help: 'read an I/O port (b, h or w wide)', run: readPort },
  { name: 'o', usage: '/fmt addr value', help: 'write an I/O port (b, h or w wide)', run: writePort },
  button('quit', 'end the emulator', (machine) => machine.quit('host-qmp-quit'), 'q'),
];

/** A command by its name or alias. */
export function findCommand(name: string, table: readonly MonitorCommand[] = MONITOR_COMMANDS): MonitorCommand | undefined {
  return table.find((command) => command.name === name || command.alias === name);
}

function helpText(name: string): string {
  if (name === '') return MONITOR_COMMANDS.map((command) => helpLine(command)).join('');
  const [first = '', second] = name.split(/\s+/);
  if (first === 'info') return infoHelp(second);
  const command = findCommand(first);
  if (command === undefined) throw new MonitorError(`unknown command: '${first.slice(0, 80)}'`);
  return helpLine(command);
}

function infoHelp(name: string | undefined): string {
  const topics = name === undefined ? INFO_TOPICS : INFO_TOPICS.filter((topic) => topic.name === name);
  return topics.map((topic) => helpLine(topic, 'info ')).join('');
}

function helpLine({ name, alias, usage, help }: MonitorCommand, prefix = ''): string {
  const names = alias === undefined ? name : `${name}|${alias}`;
  return `${prefix}${names}${usage === undefined ? '' : ` ${usage}`} -- ${help}\n`;
}

function runInfo(context: CommandContext, args: string): string {
  const [, name = '', rest = ''] = /^\s*(\S*)(.*)$/s.exec(args) ?? [];
  if (name === '') return infoHelp(undefined);
  const topic = findCommand(name, INFO_TOPICS);
  if (topic === undefined) throw new MonitorError(`unknown command: 'info ${name.slice(0, 80)}'`);
  return topic.run(context, rest);
}

function selectCpu(context: CommandContext, args: string): string {
  const index = oneExpression(context, args);
  if (!context.machine.cpus.some((cpu) => BigInt(cpu.index) === index)) throw new MonitorError(`there is no CPU ${index}`);
  context.selectCpu(Number(index));
  return '';
}

/** The id is read as a signed number and not as an expression: `cpu-add -1` must be refused as what it is. */
function addCpu({ machine }: CommandContext, args: string): string {
  if (machine.hotAddCpu === undefined) throw new MonitorError('this machine cannot add CPUs');
  const [, sign, digits] = /^\s*(-?)(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})\s*$/.exec(args) ?? [];
  if (digits === undefined) throw new MonitorError('cpu-add: expected the index of a CPU');
  machine.hotAddCpu(sign === '-' ? -BigInt(digits) : BigInt(digits));
  return '';
}

/** What places a CPU, by the names of the properties. */
const PLACES: Readonly<Record<string, 'socketId' | 'coreId' | 'threadId' | 'apicId'>> = {
  'socket-id': 'socketId',
  'core-id': 'coreId',
  'thread-id': 'threadId',
  'apic-id': 'apicId',
};

function addDevice({ machine }: CommandContext, args: string): string {
  if (machine.hotAddCpu === undefined) throw new MonitorError('this machine cannot add CPUs');
  const [driver = '', ...words] = args.trim().split(',');
  if (driver !== machine.cpuSlots[0]?.type) throw new MonitorError(`'${driver.slice(0, 80)}' is not a type of CPU that fits this machine`);
  const values = new Map(words.map((word) => readProperty(word)));
  const deviceId = values.get('id');
  values.delete('id');
  machine.hotAddCpu(slotAt(machine, values).index, deviceId === undefined ? {} : { deviceId });
  return '';
}

function readProperty(word: string): [string, string] {
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/.exec(word) ?? [];
  if (name === 'id' && /^[A-Za-z][A-Za-z0-9\-._]*$/.test(value)) return [name, value];
  if (Object.hasOwn(PLACES, name) && /^\d{1,9}$/.test(value)) return [name, value];
  throw new MonitorError(`device_add: '${word.slice(0, 80)}' is no property with its value`);
}

/** The slot that all given values mean; it takes the APIC id or a complete place to tell. */
function slotAt({ cpuSlots }: MachineControl, values: ReadonlyMap<string, string>): MachineControl['cpuSlots'][number] {
  const places = [...values].map(([name, value]) => [PLACES[name]!, Number(value)] as const);
  const slots = cpuSlots.filter((slot) => places.every(([place, value]) => slot[place] === value));
  const [slot] = slots;
  if (!slot) throw new MonitorError('device_add: there is no such place');
  if (slots.length > 1) throw new MonitorError('device_add: give socket-id, core-id and thread-id, or apic-id');
  return slot;
}

function removeCpu({ machine }: CommandContext, args: string): string {
  if (machine.requestCpuRemoval === undefined) throw new MonitorError('this machine cannot remove CPUs');
  const id = args.trim();
  const cpu = machine.cpus.find(({ qomPath }) => qomPath === id || (id !== '' && qomPath === `/machine/peripheral/${id}`));
  if (cpu === undefined) throw new MonitorError(`Device '${id.slice(0, 80)}' not found`);
  machine.requestCpuRemoval(cpu.index);
  return '';
}

function showMemory(context: CommandContext, args: string, space: 'virtual' | 'physical'): string {
  const { format, rest } = takeFormat(args, MEMORY);
  const address = oneExpression(context, rest);
  if (format.style === 'i') return showInstructions(context, address, format.count, space);
  const length = format.count * format.size;
  const { machine, cpuIndex } = context;
  const bytes = space === 'virtual' ? machine.readVirtual(cpuIndex, address, length) : machine.readPhysical(address, length);
  if (bytes === undefined) throw new MonitorError('Cannot access memory');
  return dump(address, bytes, format);
}

function showInstructions({ machine, cpuIndex }: CommandContext, address: bigint, count: number, space: 'virtual' | 'physical'): string {
  if (machine.disassemble === undefined) throw new MonitorError('this build has no disassembler');
  const lines = machine.disassemble(cpuIndex, address, count, space);
  if (lines === undefined) throw new MonitorError('Cannot access memory');
  return lines
    .map((line) => {
      const bytes = Array.from(line.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
      return `0x${line.address.toString(16).padStart(8, '0')}:  ${bytes.padEnd(24)} ${line.text}\n`;
    })
    .join('');
}

function printValue(context: CommandContext, args: string): string {
  const { format, rest } = takeFormat(args, VALUE);
  const value = oneExpression(context, rest);
  if (format.style !== 'x') return `${formatValue(value, { ...format, style: format.style === 'i' ? 'x' : format.style })}\n`;
  return `0x${BigInt.asUintN(format.size * 8, value).toString(16)}\n`;
}

function portSize({ size }: Format): 1 | 2 | 4 {
  if (size === 8) throw new MonitorError('a port is 1, 2 or 4 bytes wide (b, h, w)');
  return size;
}

function portLabel(port: number, size: 1 | 2 | 4): string {
  return `port${{ 1: 'b', 2: 'w', 4: 'l' }[size]}[0x${port.toString(16).padStart(4, '0')}]`;
}

function readPort(context: CommandContext, args: string): string {
  const { format, rest } = takeFormat(args, PORT);
  const size = portSize(format);
  const port = Number(oneExpression(context, rest) & 0xffffn);
  const value = BigInt(context.machine.readPort(port, size) >>> 0);
  return `${portLabel(port, size)} = ${formatValue(value, { ...format, style: 'x' })}\n`;
}

function writePort(context: CommandContext, args: string): string {
  const { format, rest } = takeFormat(args, PORT);
  const size = portSize(format);
  const reader = expressions(context, rest);
  const [port, value] = [reader.next(), reader.next()];
  reader.end();
  context.machine.writePort(Number(port & 0xffffn), size, Number(BigInt.asUintN(size * 8, value)));
  return '';
}
