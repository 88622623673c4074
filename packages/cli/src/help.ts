import { GROUPS, type Option } from './options/option.js';
import { UNAVAILABLE } from './options/unavailable.js';

const WIDTH = 34;
const HEAD = `Usage: hotsocket [options]          a PC; without options it starts the firmware
       hotsocket demo [options]     guided tour: Linux boots and gets a CPU (demo --help)
       hotsocket info VIEW [FILE]   how a machine is built: mtree, qtree, nets, map (info --help)
       hotsocket qmp SOCKET COMMAND one QMP command to a running machine (qmp --help)
       hotsocket doctor             what the emulator needs and finds here
Options take one or two dashes. A comma inside a value is written twice.`;
const TAIL = 'In a shared terminal: Ctrl-A h help, Ctrl-A c monitor, Ctrl-A x ends the emulator.';

/** The text of `-help`, or of `-help all`, which also says what is accepted and what is missing. */
export function helpText(options: readonly Option[], all: boolean): string {
  const groups = GROUPS.map((group) => groupText(group, options)).filter((text) => text !== '');
  return `${[HEAD, ...groups, ...(all ? [missing()] : []), TAIL].join('\n')}\n`;
}

function groupText(group: Option['group'], options: readonly Option[]): string {
  const mine = options.filter((option) => option.group === group);
  if (mine.every(({ help }) => help === '')) return `${group}:\n${wrap(mine.map(usage))}`;
  return `${group}:\n${mine.map((option) => `  ${usage(option).padEnd(WIDTH)} ${option.help}`).join('\n')}`;
}

const usage = ({ names, argument }: Option): string => `-${names[0]}${argument === undefined ? '' : ` ${argument}`}`;

function missing(): string {
  const reasons = new Set([...UNAVAILABLE.values()].map(({ why }) => why));
  const namesOf = (reason: string): string[] => [...UNAVAILABLE].filter(([, { why }]) => why === reason).map(([name]) => `-${name}`);
  const texts = [...reasons].map((reason) => `  ${reason}:\n${wrap(namesOf(reason), 4)}`);
  return `Known elsewhere, refused here:\n${texts.join('\n')}`;
}

function wrap(words: readonly string[], indent = 2): string {
  const lines = [' '.repeat(indent)];
  for (const word of words) {
    if (lines.at(-1)!.length + word.length > 100) lines.push(' '.repeat(indent));
    lines[lines.length - 1] += `${word}  `;
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}
