import { deepStrictEqual } from 'node:assert';
import { Guest } from '../guest.js';
import { bringOnline, checkLog, checkOnline, cpuList } from '../linux.js';
import { type Figures, type Scenario, using } from './scenario.js';

type Road = 'firmware' | 'machine';

/** Moments at which a CPU is added before the guest is up. Each brings the machine to its moment. */
const MOMENTS: Readonly<Record<string, (guest: Guest) => void | Promise<void>>> = {
  prelaunch: () => {},
  'bios-start': (guest) => {
    guest.pc.cont();
    guest.runUntil(() => false, { instructions: 1000 });
  },
  decompressor: (guest) => {
    guest.pc.cont();
    guest.runUntil(() => false, { instructions: 20e6 });
  },
  'kernel-banner': (guest) => at(guest, /Linux version [^\n]*\n/),
  'acpi-core': (guest) => at(guest, /ACPI: Core revision \d+/),
  'acpi-interpreter': (guest) => at(guest, /ACPI: Interpreter enabled/),
  'run-init': (guest) => at(guest, /Run \/init as init process/),
};

function at(guest: Guest, pattern: RegExp): void {
  guest.pc.cont();
  guest.expect(pattern);
}

/** CPUs that are added at a moment of the boot are there when the shell is. */
async function addEarly(moment: string, acpi: Road): Promise<Figures> {
  return using(Guest.create({ kernel: 'cloud', acpi }), async (guest) => {
    await MOMENTS[moment]!(guest);
    await guest.cpuAdd(1);
    await guest.cpuAdd(3);
    const addedAt = guest.seconds;
    guest.pc.cont();
    guest.toShell();
    guest.run(200);
    deepStrictEqual(cpuList(guest, 'present'), [0, 1, 2]);
    const online = cpuList(guest, 'online');
    for (const cpu of [1, 2])
      if (online.includes(cpu)) checkOnline(guest, cpu);
      else bringOnline(guest, cpu);
    checkLog(guest);
    return { addedAtSeconds: addedAt.toFixed(3), onlineAtShell: online.join(' ') };
  });
}

/** A machine that was stopped by QMP notices the CPU when it goes on, and not before. */
async function addPaused(acpi: Road): Promise<Figures> {
  return using(Guest.boot({ kernel: 'cloud', acpi }), async (guest) => {
    await guest.qmp.execute('stop');
    const { instructions } = guest.pc;
    await guest.cpuAdd(2);
    guest.run(1000);
    deepStrictEqual(guest.pc.instructions, instructions, 'instructions while stopped');
    await guest.qmp.execute('cont');
    guest.expect(/CPU\d+ has been hot-added/);
    bringOnline(guest, 1);
    checkLog(guest);
    return { apicId: 2 };
  });
}

const ROADS = ['firmware', 'machine'] as const;

export const EARLY: readonly Scenario[] = ROADS.flatMap((acpi) => [
  ...Object.keys(MOMENTS).map((moment) => ({ name: `add-at-${moment}-${acpi}`, run: () => addEarly(moment, acpi) })),
  { name: `add-while-paused-${acpi}`, run: () => addPaused(acpi) },
]);
