import { PcOptionsError } from './options.js';

/** CPUs and where they stand. `cores` per socket, `threads` per core. */
export interface Smp {
  /** At power-on. */
  readonly cpus: number;
  /** Places, filled or not. */
  readonly maxCpus: number;
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

/** The numbers of an `Smp` by their names in `-smp`. */
export const SMP_KEYS: Readonly<Record<string, keyof Smp>> = {
  cpus: 'cpus',
  maxcpus: 'maxCpus',
  sockets: 'sockets',
  cores: 'cores',
  threads: 'threads',
};
const MOST_CPUS = 255;

/** Reads CPUs as `-smp` takes them (`1,maxcpus=4,cores=2`) or as an object, and completes them. Throws PcOptionsError. */
export function readSmp(smp: string | Partial<Smp>): Smp {
  try {
    return completeSmp(typeof smp === 'string' ? parse(smp) : smp);
  } catch (error) {
    throw error instanceof SmpError ? new PcOptionsError([`smp: ${error.message}`]) : error;
  }
}

/** Numbers of CPUs that do not go together; the message is for the user. */
export class SmpError extends Error {
  readonly code = 'SMP';
}

/**
 * What is missing is filled as machines of 2013 did, from the number of CPUs at power-on: sockets come before cores, cores before threads.
 * A number that is given is never changed: if the product is too small for maxcpus, that is an error. Throws SmpError.
 */
export function completeSmp(given: Partial<Smp>): Smp {
  const smp = fill(given);
  check(smp);
  return smp;
}

function fill({ sockets, cores, threads, ...given }: Partial<Smp>): Smp {
  const cpus = given.cpus ?? (sockets ?? 1) * (cores ?? 1) * (threads ?? 1);
  const maxCpus = given.maxCpus ?? cpus;
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

function check(smp: Smp): void {
  for (const [name, key] of Object.entries(SMP_KEYS))
    if (!Number.isInteger(smp[key]) || smp[key] < 1) throw new SmpError(`${name} is ${smp[key]}, a whole number from 1 is needed`);
  const { cpus, maxCpus, sockets, cores, threads } = smp;
  if (maxCpus > MOST_CPUS) throw new SmpError(`maxcpus is ${maxCpus}, this machine supports at most ${MOST_CPUS} CPUs`);
  if (maxCpus < cpus)
    throw new SmpError(`maxcpus (${maxCpus}) must be equal to or greater than the number of CPUs to start with (${cpus})`);
  const places = `sockets (${sockets}) * cores (${cores}) * threads (${threads})`;
  if (sockets * cores * threads < maxCpus) throw new SmpError(`${places} is less than maxcpus (${maxCpus})`);
}

function parse(text: string): Partial<Smp> {
  return Object.fromEntries(text.split(',').map((part, place) => setting(place === 0 && !part.includes('=') ? `cpus=${part}` : part)));
}

function setting(part: string): [keyof Smp, number] {
  const [, name = '', value] = /^(\w+)=(\d+)$/.exec(part) ?? [];
  const key = Object.hasOwn(SMP_KEYS, name) ? SMP_KEYS[name] : undefined;
  if (key === undefined) throw new SmpError(`'${part}' is not one of ${Object.keys(SMP_KEYS).join(', ')} with a number`);
  return [key, Number(value)];
}
