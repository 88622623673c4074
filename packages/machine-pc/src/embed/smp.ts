import { PcOptionsError } from '../options.js';

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

const KEYS: Readonly<Record<string, keyof Smp>> = {
  cpus: 'cpus',
  maxcpus: 'maxCpus',
  sockets: 'sockets',
  cores: 'cores',
  threads: 'threads',
};

/**
 * Reads CPUs as `-smp` takes them (`1,maxcpus=4,cores=2`) or as an object. What is missing is filled as machines of 2013 did: sockets
 * before cores, cores before threads. Throws PcOptionsError.
 */
export function readSmp(smp: string | Partial<Smp>): Smp {
  const given = typeof smp === 'string' ? parse(smp) : smp;
  const { cores = 1, threads = 1 } = given;
  const cpus = given.cpus ?? (given.sockets ?? 1) * cores * threads;
  const maxCpus = given.maxCpus ?? cpus;
  const sockets = given.sockets ?? Math.ceil(maxCpus / (cores * threads));
  const read = { cpus, maxCpus, sockets, cores, threads };
  for (const [key, value] of Object.entries(read))
    if (!Number.isInteger(value) || value < 1) throw new PcOptionsError([`smp: ${key} is ${value}, a whole number from 1 is needed`]);
  if (sockets * cores * threads < maxCpus)
    throw new PcOptionsError([`smp: ${sockets} sockets of ${cores} cores of ${threads} threads are less than maxcpus (${maxCpus})`]);
  return read;
}

function parse(text: string): Partial<Smp> {
  return Object.fromEntries(
    text.split(',').map((part, place) => setting(text, place === 0 && !part.includes('=') ? `cpus=${part}` : part)),
  );
}

function setting(text: string, part: string): [keyof Smp, number] {
  const [, key = '', value] = /^(\w+)=(\d+)$/.exec(part) ?? [];
  const name = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (name === undefined)
    throw new PcOptionsError([`smp '${text}': '${part}' is not one of ${Object.keys(KEYS).join(', ')} with a number`]);
  return [name, Number(value)];
}
