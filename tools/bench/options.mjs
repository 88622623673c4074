// The command line of the benchmark.
import { parseArgs } from 'node:util';
import { EMULATORS } from './emulators.mjs';
import { ROW_NAMES } from './rows.mjs';

/** A wrong command line, in one line. */
export class OptionError extends Error {
  name = 'OptionError';
}

/** What `--help` prints. */
export const HELP = `Measures Hotsocket beside other emulators, in turn, on the same guests.

  npm run bench -- [options]

  --quick             one round, without the boot of the largest kernel: under three minutes
  --rounds N          rounds, 1 to 20 (default 3)
  --rows A,B          these rows only; a name may contain *
  --archs A,B         guests of these architectures only: amd64, i386
  --emulators A,B     of ${Object.keys(EMULATORS).join(', ')} (default: all that are installed)
  --by wall|cpu       what ratios compare (default wall; cpu on a machine that is not quiet)
  --verbose           every sample as soon as it is there
  --write             puts tables and plot into docs/performance.md and docs/performance.svg

rows: ${ROW_NAMES.join(' ')}`;

const ARCHS = ['amd64', 'i386'];
const MOST_ROUNDS = 20;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  rows: { type: 'string' },
  archs: { type: 'string' },
  emulators: { type: 'string' },
  by: { type: 'string', default: 'wall' },
};

function parsed(args) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: false }).values;
  } catch (error) {
    throw new OptionError(error.message.split('. ')[0]);
  }
}

/** The names that a list with patterns means. */
function chosen(option, text, known) {
  if (text === undefined) return new Set(known);
  const names = text.split(',').flatMap((word) => {
    const pattern = new RegExp(`^${word.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
    const found = known.filter((name) => pattern.test(name));
    if (found.length === 0) throw new OptionError(`--${option}: '${word}' is not one of ${known.join(', ')}`);
    return found;
  });
  return new Set(names);
}

function roundsOf({ rounds, quick }) {
  if (rounds === undefined) return quick ? 1 : 3;
  const count = Number(rounds);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_ROUNDS) return count;
  throw new OptionError(`--rounds: '${rounds}' is not a number from 1 to ${MOST_ROUNDS}`);
}

/** Rows that `--quick` leaves out when none are named. */
const LONG = ['boot-full'];

function rowsOf({ rows, quick }) {
  const names = chosen('rows', rows, ROW_NAMES);
  if (quick && rows === undefined) for (const name of LONG) names.delete(name);
  return names;
}

/** Reads the arguments. Throws OptionError. */
export function parseOptions(args) {
  const values = parsed(args);
  if (!['wall', 'cpu'].includes(values.by)) throw new OptionError(`--by: '${values.by}' is neither wall nor cpu`);
  return {
    help: values.help,
    write: values.write,
    verbose: values.verbose,
    by: values.by,
    rounds: roundsOf(values),
    rows: rowsOf(values),
    archs: chosen('archs', values.archs, ARCHS),
    emulators: chosen('emulators', values.emulators, Object.keys(EMULATORS)),
    named: { emulators: values.emulators !== undefined },
  };
}
