import { deepStrictEqual, strictEqual } from 'node:assert';
import { createHash } from 'node:crypto';
import { Guest, type GuestOptions } from '../guest.js';
import { bringOnline, checkLog, checkOnline, cpuList, firstCpus, plug, takeOffline } from '../linux.js';
import { type Figures, millions, type Scenario, using } from './scenario.js';

type Road = 'firmware' | 'machine';

/** CPUs that were hot-added are boot CPUs after a reset. */
async function reboot(acpi: Road, reset: (guest: Guest) => unknown): Promise<Figures> {
  return using(Guest.boot({ kernel: 'cloud', acpi }), async (guest) => {
    await plug(guest, 2);
    bringOnline(guest, 1);
    await guest.cpuAdd(1);
    guest.expect(/CPU\d+ has been hot-added/);
    await reset(guest);
    guest.expect(/Linux version/);
    guest.toShell();
    deepStrictEqual(cpuList(guest, 'online'), [0, 1, 2]);
    for (const cpu of [1, 2]) checkOnline(guest, cpu);
    checkLog(guest);
    await plug(guest, 3);
    bringOnline(guest, 3);
    const resets = guest.events.filter(({ name }) => name === 'RESET');
    strictEqual(resets.length, 1);
    return { reset: JSON.stringify(resets[0]) };
  });
}

async function powerOff(acpi: Road): Promise<Figures> {
  return using(Guest.boot({ kernel: 'cloud', acpi }), async (guest) => {
    guest.send('poweroff -f\n');
    guest.runUntil(() => guest.pc.runState !== 'running', { seconds: 30 });
    strictEqual(guest.pc.runState, 'shutdown');
    const end = guest.events.at(-1);
    deepStrictEqual(end, { name: 'SHUTDOWN', guest: true, reason: 'guest-shutdown' });
    return { event: JSON.stringify(end) };
  });
}

async function offlineAndOnline(acpi: Road): Promise<Figures> {
  return using(Guest.boot({ kernel: 'cloud', acpi, cpus: 2 }), async (guest) => {
    await plug(guest, 3);
    bringOnline(guest, 2);
    for (const cpu of [1, 2, 1, 2]) {
      takeOffline(guest, cpu);
      bringOnline(guest, cpu);
    }
    checkLog(guest);
    return { rounds: 4 };
  });
}

/** CPUs that are there at power-on are started by firmware and kernel. */
async function bootCpus(options: GuestOptions & { cpus: number }): Promise<Figures> {
  return using(Guest.boot(options), (guest) => {
    deepStrictEqual(cpuList(guest, 'online'), firstCpus(options.cpus));
    for (const cpu of firstCpus(options.cpus)) checkOnline(guest, cpu);
    checkLog(guest);
    return { cpus: options.cpus, bootMInstr: millions(guest.pc.instructions) };
  });
}

async function memory(mebibytes: number): Promise<Figures> {
  return using(Guest.boot({ kernel: 'cloud', ramBytes: (mebibytes << 20) >>> 0 }), (guest) => {
    const total = Number(/MemTotal: +(\d+) kB/.exec(guest.shell('cat /proc/meminfo'))?.[1]) / 1024;
    if (total < mebibytes * 0.5 || total > mebibytes) throw new Error(`${total} MiB seen by the guest`);
    checkLog(guest);
    return { memTotalMiB: Math.round(total) };
  });
}

/** Two runs of the same machine execute the same instructions and print the same. */
async function determinism(): Promise<Figures> {
  const runs = [await fingerprint(), await fingerprint()];
  deepStrictEqual(runs[0], runs[1]);
  return runs[0]!;
}

const fingerprint = (): Promise<Figures> =>
  using(Guest.boot({ kernel: 'cloud' }), async (guest) => {
    await plug(guest, 1);
    bringOnline(guest, 1);
    const sha256 = createHash('sha256').update(guest.output).digest('hex').slice(0, 16);
    return { instructions: guest.pc.instructions, guestNs: guest.pc.board.clock.now(), sha256 };
  });

const ROADS = ['firmware', 'machine'] as const;

export const LIFE: readonly Scenario[] = [
  ...ROADS.flatMap((acpi) => [
    { name: `reboot-${acpi}`, run: () => reboot(acpi, (guest) => guest.send('reboot -f\n')) },
    { name: `system-reset-${acpi}`, run: () => reboot(acpi, (guest) => guest.qmp.execute('system_reset')) },
    { name: `poweroff-${acpi}`, run: () => powerOff(acpi) },
    { name: `offline-online-${acpi}`, run: () => offlineAndOnline(acpi) },
    { name: `smp-4-${acpi}`, run: () => bootCpus({ kernel: 'cloud', acpi, cpus: 4 }) },
  ]),
  { name: 'smp-4-cores-2', run: () => bootCpus({ kernel: 'cloud', cpus: 4, topology: { cores: 2, threads: 2 } }) },
  { name: 'smp-4-686', run: () => bootCpus({ kernel: '686', cpus: 4 }) },
  { name: 'memory-96', run: () => memory(96) },
  { name: 'memory-3072', run: () => memory(3072) },
  { name: 'determinism', run: determinism },
];
