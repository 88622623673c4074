import { Guest } from '../guest.js';
import { bringOnline, cpuList } from '../linux.js';
import { type Figures, type Scenario, using } from './scenario.js';

const ROUNDS = 100;
/** Rounds after which everything that is made once has been made. */
const WARM_UP = 10;
const MiB = 2 ** 20;

/** What a machine holds of its CPUs; the same after any number of rounds. */
const holdings = ({ pc }: Guest): unknown => ({
  objects: pc.infoText('qtree', 0)?.length,
  peripherals: pc.qom.resolve('/machine/peripheral')?.list().length,
  blocks: pc.board.core.cpuCount,
  apics: pc.board.bus.localApics.length,
});

/** Bytes in use after a collection, if the process was started with --expose-gc; else as they are. */
function heapUsed(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}

async function plug(guest: Guest): Promise<void> {
  const { type, props } = await emptySlot(guest);
  await guest.qmp.execute('device_add', { driver: type, id: 'vcpu1', ...props });
  guest.expect(/CPU1 has been hot-added/);
  bringOnline(guest, 1);
}

async function emptySlot(guest: Guest): Promise<{ type: string; props: Record<string, number> }> {
  const slots = (await guest.qmp.execute('query-hotpluggable-cpus')) as {
    type: string;
    props: Record<string, number>;
    'qom-path'?: string;
  }[];
  const slot = slots.findLast((candidate) => candidate['qom-path'] === undefined);
  if (!slot) throw new Error('there is no empty slot');
  return slot;
}

/** The guest takes the CPU offline by itself and ejects it. */
async function unplug(guest: Guest): Promise<void> {
  await guest.qmp.execute('device_del', { id: 'vcpu1' });
  if (!guest.runUntil(() => guest.pc.cpus.length === 1)) throw new Error(`the guest keeps the CPU: ${guest.describe()}`);
  if (cpuList(guest, 'present').length !== 1) throw new Error('the guest still shows the CPU');
}

async function rounds(guest: Guest, count: number): Promise<void> {
  for (let round = 0; round < count; round++) {
    await plug(guest);
    await unplug(guest);
  }
}

async function run(): Promise<Figures> {
  return using(Guest.boot({ kernel: 'cloud', acpi: 'machine', cpuHotplug: 'selector' }), async (guest) => {
    await rounds(guest, WARM_UP);
    const [before, heap] = [JSON.stringify(holdings(guest)), heapUsed()];
    await rounds(guest, ROUNDS - WARM_UP);
    if (JSON.stringify(holdings(guest)) !== before) throw new Error(`${before} became ${JSON.stringify(holdings(guest))}`);
    const deleted = guest.events.filter(({ name }) => name === 'DEVICE_DELETED').length;
    if (deleted !== 2 * ROUNDS) throw new Error(`${deleted} times DEVICE_DELETED`);
    return { rounds: ROUNDS, heapGrowthMiB: ((heapUsed() - heap) / MiB).toFixed(1) };
  });
}

/** CPUs that go again. */
export const UNPLUG: readonly Scenario[] = [{ name: 'plug-and-unplug-100-times', run }];
