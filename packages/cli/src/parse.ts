import { type MachineConfig, newDraft } from './command-line.js';
import { finish } from './finish.js';
import { helpText } from './help.js';
import { Information, type Option } from './options/option.js';
import { OPTIONS } from './options/option-table.js';
import { UNAVAILABLE } from './options/unavailable.js';
import { UsageError } from './usage-error.js';

const BY_NAME: ReadonlyMap<string, Option> = new Map(OPTIONS.flatMap((option) => option.names.map((name) => [name, option] as const)));

/**
 * Reads a command line (without program name). Returns the machine, or a text that was asked for instead.
 * Throws UsageError, whose message is one line.
 */
export function parseCommandLine(args: readonly string[]): MachineConfig | Information {
  const draft = newDraft();
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    const option = optionOf(word);
    if (option.names.includes('help') && args[at + 1] === 'all') return new Information(helpText(OPTIONS, true));
    const value = option.argument === undefined ? '' : args[++at];
    if (value === undefined) throw new UsageError(`${word}: requires an argument`);
    const information = option.apply(draft, value);
    if (information instanceof Information) return information;
  }
  return finish(draft);
}

function optionOf(word: string): Option {
  const name = /^--?(?=[^-])(.*)$/s.exec(word)?.[1];
  if (name === undefined) throw new UsageError(`${word}: not an option, and disk images are not in this build`);
  const option = BY_NAME.get(name);
  if (option !== undefined) return option;
  const missing = UNAVAILABLE.get(name);
  if (missing !== undefined) throw new UsageError(`${word}: ${missing.why}`);
  throw new UsageError(`${word}: invalid option${suggestion(name)}`);
}

function suggestion(name: string): string {
  const near = [...BY_NAME.keys()].find((known) => known.length > 2 && isNear(known, name));
  return near === undefined ? '' : ` (did you mean -${near}?)`;
}

/** One letter missing, too many, different, or two exchanged. */
function isNear(known: string, typed: string): boolean {
  const start = [...known].findIndex((letter, index) => letter !== typed[index]);
  const from = start < 0 ? known.length : start;
  const [rest, other] = [known.slice(from), typed.slice(from)];
  if (rest.slice(1) === other || rest === other.slice(1) || rest.slice(1) === other.slice(1)) return true;
  return rest.length > 1 && rest[1]! + rest[0]! + rest.slice(2) === other;
}
