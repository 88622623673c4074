import { pathToFileURL } from 'node:url';
import { BOARD_FORMATS, BOARD_VIEWS, type BoardFormat, type BoardView, type MachineError, renderBoard } from '@hotsocket/machine/board';
import type { StandardStreams } from '../char/stdio.js';
import type { Log } from '../log.js';
import { firstLineOf, UsageError } from '../usage-error.js';

const HELP = `Usage: hotsocket info VIEW [--format FORMAT] [MACHINE]
Prints how a machine is built; nothing of it runs.
VIEW:    mtree  windows in memory and I/O, with priorities
         qtree  parts and buses, and where their registers are
         nets   wires, pins and notices
         map    who answers at each address
FORMAT:  text (default), json, svg
MACHINE: a JavaScript file that exports what defineMachine returns, FILE or FILE#EXPORT; default: the PC
`;

/** A machine definition, as far as this command needs it. */
interface Definition {
  readonly kind: 'hotsocket.machine';
  readonly name: string;
  build(): { describe(): Parameters<typeof renderBoard>[0] };
}

interface Request {
  readonly view: BoardView;
  readonly format: BoardFormat;
  readonly machine: string | undefined;
}

/** `hotsocket info`: prints a machine definition. Returns the exit status; throws UsageError. */
export async function info(args: readonly string[], { stdout }: StandardStreams, log: Log): Promise<number> {
  if (args.length === 0 || args.some((word) => /^--?h(elp)?$/.test(word))) {
    stdout.write(HELP);
    return 0;
  }
  const { view, format, machine } = parse(args);
  const definition = machine === undefined ? await thePc() : await load(machine);
  try {
    stdout.write(renderBoard(definition.build().describe(), view, format));
    return 0;
  } catch (error) {
    return refuse(definition, error, log);
  }
}

/** One line for each conflict of the machine. */
function refuse({ name }: Definition, error: unknown, log: Log): number {
  const { problems = [firstLineOf(error)] } = error as Partial<MachineError>;
  log.line(`info: the machine '${name}' cannot be built:`);
  for (const problem of problems) log.line(`  ${problem}`);
  return 1;
}

function parse(args: readonly string[]): Request {
  const words: string[] = [];
  let format = 'text';
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    const [, inline] = /^--?format(?:=(.*))?$/s.exec(word) ?? [];
    if (/^--?format(=|$)/.test(word)) format = inline ?? args[++at] ?? '';
    else if (word.startsWith('-')) throw new UsageError(`info ${word}: invalid option (possible: --format)`);
    else words.push(word);
  }
  const [view = '', machine, ...more] = words;
  if (more.length > 0) throw new UsageError(`info ${more[0]}: one machine at a time`);
  return { view: choice('view', view, BOARD_VIEWS), format: choice('--format', format, BOARD_FORMATS), machine };
}

function choice<T extends string>(what: string, word: string, possible: readonly T[]): T {
  const found = possible.find((known) => known === word);
  if (found === undefined) throw new UsageError(`info: ${what} '${word}' is unknown (possible: ${possible.join(', ')})`);
  return found;
}

const thePc = async (): Promise<Definition> => (await import('@hotsocket/machine-pc')).pcMachine;

async function load(place: string): Promise<Definition> {
  const [file = '', wanted] = place.split('#');
  const found = Object.entries(await importFile(file)).filter((entry): entry is [string, Definition] => isDefinition(entry[1]));
  const names = found.map(([name]) => name);
  const chosen = wanted === undefined ? found : found.filter(([name]) => name === wanted);
  if (chosen.length === 1) return chosen[0]![1];
  if (found.length === 0) throw new UsageError(`info ${file}: exports nothing that defineMachine returned`);
  throw new UsageError(`info ${place}: name one of its machines: ${names.map((name) => `${file}#${name}`).join(', ')}`);
}

async function importFile(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`info ${file}: ${firstLineOf(error)}`);
  }
}

const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' && value !== null && (value as Partial<Definition>).kind === 'hotsocket.machine';
