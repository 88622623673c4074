/** Two machines in one process that share nothing: what is plugged into the first is plugged into the second, too. */
import { createPc, type EmbeddedPc } from '@hotsocket/machine-pc';

/** Starts two PCs; each CPU that the first has started is added to the second. */
export async function twoMachines(signal: AbortSignal): Promise<[EmbeddedPc, EmbeddedPc]> {
  const [left, right] = [createPc({ name: 'left', smp: '1,maxcpus=4' }), createPc({ name: 'right', smp: '1,maxcpus=4', memory: '32M' })];
  left.events$.subscribe((event) => {
    if (event.name === 'CPU_ONLINE') void right.cpus.add(event.index);
  });
  await Promise.all([left.start({ signal }), right.start({ signal })]);
  return [left, right];
}
