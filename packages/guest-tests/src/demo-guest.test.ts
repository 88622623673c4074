import { createHash } from 'node:crypto';
import { DEMO_GUEST_KEYS, DEMO_GUEST_LINES, demoGuestRom } from '@hotsocket/demo-guest';
import { Guest, type GuestOptions } from './guest.js';
import { QmpCommandError } from './qmp-client.js';

const ROADS = ['firmware', 'machine'] as const;
const OPTIONS = { firmware: demoGuestRom(), ramBytes: 16 << 20, maxCpus: 8 };

async function withGuest(options: GuestOptions, work: (guest: Guest) => Promise<void>): Promise<void> {
  const guest = await Guest.create({ ...OPTIONS, ...options });
  try {
    await work(guest);
  } finally {
    await guest.dispose();
  }
}

async function started(guest: Guest): Promise<void> {
  await guest.qmp.execute('cont');
  guest.expect(DEMO_GUEST_LINES.ready);
}

describe.each(ROADS)('the demo guest, ACPI %s', (acpi) => {
  it('starts CPUs that are added in any order', () =>
    withGuest({ acpi }, async (guest) => {
      await started(guest);
      for (const index of [5, 1, 7]) {
        await guest.cpuAdd(index);
        guest.expect(DEMO_GUEST_LINES.cpuOnline(index));
      }
      guest.send(DEMO_GUEST_KEYS.interruptAll);
      guest.expect(/interrupt to all: 3 of 3 CPUs answered/);
    }));

  it('finds CPUs by their APIC ids when these are not their numbers', () =>
    withGuest({ acpi, topology: { cores: 3, threads: 1 } }, async (guest) => {
      await started(guest);
      await guest.cpuAdd(3);
      guest.expect(DEMO_GUEST_LINES.cpuOnline(4));
    }));

  it('starts CPUs that were added before the machine ran', () =>
    withGuest({ acpi }, async (guest) => {
      await guest.cpuAdd(2);
      await started(guest);
      guest.expect(DEMO_GUEST_LINES.cpuOnline(2));
    }));

  it('takes no notice of a CPU while the machine is stopped, and does when it goes on', () =>
    withGuest({ acpi }, async (guest) => {
      await started(guest);
      await guest.qmp.execute('stop');
      const { instructions } = guest.pc;
      await guest.cpuAdd(1);
      guest.run(100);
      expect(guest.pc.instructions).toBe(instructions);
      await guest.qmp.execute('cont');
      guest.expect(DEMO_GUEST_LINES.cpuOnline(1));
    }));

  it('starts CPUs that were hot-added again after a reset', () =>
    withGuest({ acpi }, async (guest) => {
      await started(guest);
      await guest.cpuAdd(3);
      guest.expect(DEMO_GUEST_LINES.cpuOnline(3));
      await guest.qmp.execute('system_reset');
      guest.expect(DEMO_GUEST_LINES.cpuOnline(3));
      expect(guest.events.map(({ name }) => name)).toEqual(['RESUME', 'RESET']);
    }));
});

describe('a machine with the demo guest', () => {
  it('refuses a CPU that is there, and adds the next one', () =>
    withGuest({}, async (guest) => {
      await started(guest);
      await expect(guest.cpuAdd(0)).rejects.toThrow(QmpCommandError);
      await guest.cpuAdd(1);
      guest.expect(DEMO_GUEST_LINES.cpuOnline(1));
    }));

  it('is the same in every run', async () => {
    const runs: unknown[] = [];
    const once = (): Promise<void> =>
      withGuest({}, async (guest) => {
        await started(guest);
        await guest.cpuAdd(1);
        guest.expect(DEMO_GUEST_LINES.cpuOnline(1));
        guest.run(500);
        runs.push([guest.pc.instructions, guest.pc.board.clock.now(), createHash('sha256').update(guest.output).digest('hex')]);
      });
    await once();
    await once();
    expect(runs[1]).toEqual(runs[0]);
  });

  it('ends when the guest turns the power off', () =>
    withGuest({}, async (guest) => {
      await started(guest);
      guest.send(DEMO_GUEST_KEYS.powerOff);
      guest.runUntil(() => guest.pc.runState !== 'running', { seconds: 5 });
      expect(guest.events.at(-1)).toEqual({ name: 'SHUTDOWN', guest: true, reason: 'guest-shutdown' });
    }));
});
