/** Shape of one package of CPUs. */
export interface Topology {
  readonly cores: number;
  readonly threads: number;
}

/** Where a CPU stands. */
export interface CpuPlace {
  readonly socketId: number;
  readonly coreId: number;
  readonly threadId: number;
}

/** Bits needed for values 0 .. count - 1. */
export const fieldWidth = (count: number): number => (count <= 1 ? 0 : 32 - Math.clz32(count - 1));

/** Place of the CPU with an index: threads first, then cores, then sockets. */
export function placeOf({ cores, threads }: Topology, index: number): CpuPlace {
  return { threadId: index % threads, coreId: Math.floor(index / threads) % cores, socketId: Math.floor(index / (threads * cores)) };
}

/**
 * APIC id of the CPU with an index. Cores and threads get bit fields of their own (SDM volume 3, 9.9 'Hierarchical mapping of shared
 * resources'), so ids have holes when their numbers are not powers of two.
 */
export function apicIdOf(topology: Topology, index: number): number {
  const { socketId, coreId, threadId } = placeOf(topology, index);
  const threadBits = fieldWidth(topology.threads);
  const coreBits = fieldWidth(topology.cores);
  return socketId * 2 ** (coreBits + threadBits) + coreId * 2 ** threadBits + threadId;
}

/** One more than the largest APIC id of `maxCpus` CPUs. */
export const apicIdLimit = (topology: Topology, maxCpus: number): number => apicIdOf(topology, maxCpus - 1) + 1;
