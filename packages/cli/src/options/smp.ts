import { KeyValues } from './key-values.js';

/** CPUs and where they stand. `cores` per socket, `threads` per core. */
export interface Smp {
  readonly cpus: number;
  readonly maxCpus: number;
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

const SCHEMA = { implied: 'cpus', keys: ['cpus', 'maxcpus', 'sockets', 'dies', 'cores', 'threads'] };
const MOST_CPUS = 255;

export const ONE_CPU: Smp = { cpus: 1, maxCpus: 1, sockets: 1, cores: 1, threads: 1 };

/**
 * Reads the value of `-smp`. What is missing is filled as machines of 2013 did, from the number of CPUs at power-on: sockets come before
 * cores, cores before threads. A value that is given is never changed: if the product is too small for maxcpus, that is an error.
 */
export function parseSmp(text: string): Smp {
  const given = KeyValues.parse(`-smp ${text}`, text, SCHEMA);
  const smp = fill(given);
  check(given, smp);
  return smp;
}

function fill(given: KeyValues): Smp {
  const count = (key: string): number | undefined => given.integer(key, 1);
  const [sockets, cores, threads] = [count('sockets'), count('cores'), count('threads')];
  const cpus = count('cpus') ?? (sockets ?? 1) * (cores ?? 1) * (threads ?? 1);
  const maxCpus = count('maxcpus') ?? cpus;
  const perSocket = sockets === undefined ? 1 : cpus / sockets;
  const filledCores = cores ?? whole(perSocket / (threads ?? 1));
  const filledThreads = threads ?? (cores === undefined ? 1 : whole(perSocket / cores));
  return {
    cpus,
    maxCpus,
    cores: filledCores,
    threads: filledThreads,
    sockets: sockets ?? Math.ceil(maxCpus / (filledCores * filledThreads)),
  };
}

const whole = (value: number): number => Math.max(1, Math.floor(value));

function check(given: KeyValues, { cpus, maxCpus, sockets, cores, threads }: Smp): void {
  if ((given.integer('dies', 1) ?? 1) > 1) given.fail('this machine has one die per socket');
  if (maxCpus > MOST_CPUS) given.fail(`maxcpus is ${maxCpus}, this machine supports at most ${MOST_CPUS} CPUs`);
  if (maxCpus < cpus) given.fail(`maxcpus (${maxCpus}) must be equal to or greater than the number of CPUs to start with (${cpus})`);
  const places = `sockets (${sockets}) * cores (${cores}) * threads (${threads})`;
  if (sockets * cores * threads < maxCpus) given.fail(`${places} is less than maxcpus (${maxCpus})`);
}
