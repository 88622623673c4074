import { completeSmp, SMP_KEYS, type Smp, SmpError } from '@hotsocket/machine-pc/smp';
import { KeyValues } from './key-values.js';

export type { Smp };

const SCHEMA = { implied: 'cpus', keys: ['cpus', 'maxcpus', 'sockets', 'dies', 'cores', 'threads'] };

export const ONE_CPU: Smp = completeSmp({});

/** Reads the value of `-smp`; the machine fills in what is missing. */
export function parseSmp(text: string): Smp {
  const given = KeyValues.parse(`-smp ${text}`, text, SCHEMA);
  if ((given.integer('dies', 1) ?? 1) > 1) given.fail('this machine has one die per socket');
  const numbers = Object.entries(SMP_KEYS).flatMap(([name, key]) => {
    const value = given.integer(name, 1);
    return value === undefined ? [] : [[key, value] as const];
  });
  try {
    return completeSmp(Object.fromEntries(numbers));
  } catch (error) {
    if (error instanceof SmpError) given.fail(error.message);
    throw error;
  }
}
