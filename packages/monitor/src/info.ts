import type { InfoTopic, MachineControl, QomNode, RegisterGroup, RegisterValue, RunState } from '@hotsocket/machine/control';
import { type CommandContext, type MonitorCommand, noArguments } from './command.js';
import { MonitorError } from './errors.js';
import { hexAddress } from './format.js';

/** The topics of `info`. */
export const INFO_TOPICS: readonly MonitorCommand[] = [
  topic('version', 'version of the program', ({ version }) => `${version}\n`),
  topic('status', 'run state of the machine', ({ machine }) => `VM status: ${statusText(machine.runState)}\n`),
  topic('name', 'name of the machine', ({ machine }) => (machine.name === undefined ? '' : `${machine.name}\n`)),
  topic('uuid', 'UUID of the machine', ({ machine }) => `${machine.uuid}\n`),
  topic('cpus', 'the CPUs that are there; * marks the selected one', cpusText),
  topic('hotpluggable-cpus', 'every place for a CPU, highest first', ({ machine }) => slotsText(machine)),
  {
    name: 'registers',
    usage: '[-a]',
    help: 'registers of the selected CPU, or of all CPUs (-a)',
    words: () => ['-a'],
    run: registersText,
  },
  {
    name: 'qom-tree',
    usage: '[path]',
    help: 'the objects of the machine and their types',
    run: ({ machine }, args) => treeText(machine, args.trim() || '/machine'),
  },
  part('mtree', 'memory and I/O map'),
  part('qtree', 'devices and buses'),
  part('lapic', 'local APIC of the selected CPU'),
  part('ioapic', 'I/O APIC'),
  part('pic', '8259 interrupt controllers'),
  part('irq', 'interrupts delivered, by number'),
  part('mem', 'mapped ranges of the page tables of the selected CPU'),
  part('tlb', 'page table entries of the selected CPU'),
];

function topic(name: string, help: string, text: (context: CommandContext) => string): MonitorCommand {
  return {
    name,
    help,
    run(context, args) {
      noArguments({ name: `info ${name}` }, args);
      return text(context);
    },
  };
}

/** A topic whose text comes from the machine. */
function part(name: InfoTopic, help: string): MonitorCommand {
  return topic(name, help, ({ machine, cpuIndex }) => {
    const text = machine.infoText(name, cpuIndex);
    if (text === undefined) throw new MonitorError(`info ${name}: this machine has nothing to show`);
    return text.endsWith('\n') || text === '' ? text : `${text}\n`;
  });
}

function statusText(state: RunState): string {
  if (state === 'running' || state === 'paused') return state;
  return `paused (${state})`;
}

function cpusText({ machine, cpuIndex }: CommandContext): string {
  return machine.cpus
    .map(({ index, pc, halted, hostThreadId }) => {
      const mark = index === cpuIndex ? '*' : ' ';
      return `${mark} CPU #${index}: pc=0x${hexAddress(pc)}${halted ? ' (halted)' : ''} thread_id=${hostThreadId}\n`;
    })
    .join('');
}

function slotsText({ cpuSlots }: MachineControl): string {
  const slots = [...cpuSlots]
    .reverse()
    .map(({ type, qomPath, socketId, coreId, threadId }) => [
      `  type: "${type}"`,
      '  vcpus_count: "1"',
      ...(qomPath === undefined ? [] : [`  qom_path: "${qomPath}"`]),
      '  CPUInstance Properties:',
      `    socket-id: "${socketId}"`,
      `    core-id: "${coreId}"`,
      `    thread-id: "${threadId}"`,
    ]);
  return `${['Hotpluggable CPUs:', ...slots.flat()].join('\n')}\n`;
}

function registersText({ machine, cpuIndex }: CommandContext, args: string): string {
  if (args.trim() === '') return groupsText(machine.registers(cpuIndex));
  if (args.trim() !== '-a') throw new MonitorError('info registers takes -a or nothing');
  return machine.cpus.map(({ index }) => `\nCPU#${index}\n${groupsText(machine.registers(index))}`).join('');
}

function groupsText(groups: readonly RegisterGroup[]): string {
  return groups.map(groupText).join('');
}

const LINE_WIDTH = 80;

/** Plain registers side by side, those with a note on lines of their own. */
function groupText({ registers }: RegisterGroup): string {
  let text = '';
  let column = 0;
  for (const register of registers) {
    const shown = registerText(register);
    const alone = register.note !== undefined;
    const fits = column > 0 && !alone && column + 1 + shown.length <= LINE_WIDTH;
    text += column === 0 ? shown : `${fits ? ' ' : '\n'}${shown}`;
    column = fits ? column + 1 + shown.length : shown.length;
    if (alone) {
      text += ` ${register.note}\n`;
      column = 0;
    }
  }
  return column === 0 ? text : `${text}\n`;
}

function registerText({ name, value, bits }: RegisterValue): string {
  return `${name.toUpperCase().padEnd(3)}=${BigInt.asUintN(bits, value)
    .toString(16)
    .padStart(Math.ceil(bits / 4), '0')}`;
}

const MAX_TREE_DEPTH = 64;

function treeText({ qom }: MachineControl, path: string): string {
  const root = qom.resolve(path);
  if (root === undefined) throw new MonitorError(`Path '${path}' could not be resolved`);
  const below = (node: QomNode, label: string, depth: number): string => {
    const children = depth >= MAX_TREE_DEPTH ? [] : node.list().filter(({ type }) => type.startsWith('child<'));
    const texts = children.map(({ name }) => {
      const child = qom.resolve(`${node.path === '/' ? '' : node.path}/${name}`);
      return child === undefined ? '' : below(child, `/${name}`, depth + 1);
    });
    return `${'  '.repeat(depth)}${label} (${node.type})\n${texts.join('')}`;
  };
  return below(root, root.path, 0);
}
