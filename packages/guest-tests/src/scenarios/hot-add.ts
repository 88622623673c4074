import { deepStrictEqual, strictEqual } from 'node:assert';
import { Guest, type GuestOptions } from '../guest.js';
import { apicIds, bringOnline, checkLog, cpuList, firstCpus, plug } from '../linux.js';
import { type Figures, millions, type Scenario, using } from './scenario.js';

/** Boots to the shell, hot-adds CPUs and brings each online. */
export async function hotAdd(options: GuestOptions, indexes: readonly number[], ids: readonly number[] = indexes): Promise<Figures> {
  const started = performance.now();
  return using(Guest.boot(options), async (guest) => {
    const boot = { bootSeconds: hostSeconds(started), bootMInstr: millions(guest.pc.instructions) };
    const added = performance.now();
    for (const [at, index] of indexes.entries()) {
      await plug(guest, index);
      bringOnline(guest, at + 1);
    }
    deepStrictEqual(cpuList(guest, 'present'), firstCpus(indexes.length + 1));
    deepStrictEqual(apicIds(guest), [0, ...ids], 'APIC ids in order of CPU number');
    checkLog(guest);
    return { ...boot, hotAddSeconds: hostSeconds(added), totalMInstr: millions(guest.pc.instructions), apicIds: [0, ...ids].join(' ') };
  });
}

const hostSeconds = (since: number): number => Math.round(performance.now() - since) / 1000;

/** The kernel log of a machine of sockets with three cores shows where the CPUs are. */
async function threeCores(acpi: 'firmware' | 'machine'): Promise<Figures> {
  const topology = { cores: 3, threads: 1 };
  return hotAdd({ kernel: 'cloud', acpi, maxCpus: 6, topology }, [1, 2, 3, 4, 5], [1, 2, 4, 5, 6]);
}

/** A CPU index whose APIC id does not fit is refused and changes nothing. */
async function refusals(): Promise<Figures> {
  return using(Guest.boot({ kernel: 'cloud' }), async (guest) => {
    const refused: string[] = [];
    for (const id of [-1, 0, 4, 255, 2 ** 32])
      await guest.qmp.execute('cpu-add', { id }).catch((error: Error) => refused.push(error.message));
    strictEqual(refused.length, 5);
    await plug(guest, 2);
    bringOnline(guest, 1);
    checkLog(guest);
    return { refused: refused.length };
  });
}

const ROADS = ['firmware', 'machine'] as const;
const KERNELS = ['cloud', 'amd64', '686'] as const;

export const HOT_ADD: readonly Scenario[] = [
  ...KERNELS.flatMap((kernel) =>
    ROADS.map((acpi) => ({ name: `hot-add-${kernel}-${acpi}`, run: () => hotAdd({ kernel, acpi }, [1, 2, 3]) })),
  ),
  { name: 'hot-add-cloud-uefi', run: () => hotAdd({ kernel: 'cloud', acpi: 'machine', uefi: true }, [1, 2, 3]) },
  ...ROADS.map((acpi) => ({ name: `out-of-order-${acpi}`, run: () => hotAdd({ kernel: 'cloud', acpi }, [3, 1, 2]) })),
  ...ROADS.map((acpi) => ({ name: `three-cores-${acpi}`, run: () => threeCores(acpi) })),
  { name: 'refusals', run: refusals },
];
