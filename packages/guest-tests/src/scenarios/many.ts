import { deepStrictEqual, strictEqual } from 'node:assert';
import { Guest } from '../guest.js';
import { bringOnline, checkLog, cpuList, firstCpus } from '../linux.js';
import { SliceLog } from '../slice-log.js';
import { type Figures, millions, type Scenario, using } from './scenario.js';

const CPU_BITMAP = 0xaf00;
const CMOS_CPUS = 0x5f;
/** Instructions in 10 ms of guest time, at 32 ns each. */
const WINDOW = 312_500;

/** Adds all 254 CPUs that an 8-bit APIC id leaves room for, without a pause. */
async function burst(acpi: 'firmware' | 'machine'): Promise<Figures> {
  return using(Guest.boot({ kernel: 'cloud', acpi, maxCpus: 255, ramBytes: 512 << 20 }), async (guest) => {
    const started = performance.now();
    await Promise.all(
      firstCpus(255)
        .slice(1)
        .map((index) => guest.cpuAdd(index)),
    );
    const milliseconds = Math.round(performance.now() - started);
    if (milliseconds > 4000) throw new Error(`254 adds took ${milliseconds} ms`);
    strictEqual(guest.pc.board.rtc.cell(CMOS_CPUS), 254, 'CPUs less one in CMOS');
    strictEqual(bitmap(guest).length, 255, 'CPUs in the bitmap');
    const before = { seconds: guest.seconds, instructions: guest.pc.instructions };
    guest.runUntil(() => (guest.output.match(/has been hot-added/g)?.length ?? 0) >= 254, { seconds: 60 });
    const present = cpuList(guest, 'present').length;
    const figures = { adds: 254, milliseconds, present, seenAfterSeconds: (guest.seconds - before.seconds).toFixed(2) };
    strictEqual(present, 255, 'CPUs the guest sees');
    for (const cpu of [1, 2, 100, 254]) bringOnline(guest, cpu);
    checkLog(guest);
    return { ...figures, mInstr: millions(guest.pc.instructions - before.instructions) };
  });
}

/** CPUs in the bitmap. */
function bitmap(guest: Guest): number[] {
  return firstCpus(256).filter((id) => (guest.pc.readPort(CPU_BITMAP + (id >> 3), 1) >> (id & 7)) & 1);
}

/** With `count` CPUs that spin, every CPU gets at least half its share in each window, and the next CPU still comes online. */
async function fairness(count: number): Promise<Figures> {
  return using(Guest.boot({ kernel: 'cloud', maxCpus: count + 1, ramBytes: 512 << 20 }), async (guest) => {
    for (const index of firstCpus(count).slice(1)) await guest.cpuAdd(index);
    for (const cpu of firstCpus(count)) {
      if (cpu > 0) bringOnline(guest, cpu);
      guest.shell(`(taskset ${(1 << cpu).toString(16)} sh -c 'while :; do :; done' &)`);
    }
    guest.run(500);
    const log = new SliceLog(guest.pc, WINDOW);
    guest.run(1000);
    log.stop();
    const share = log.smallestShare(count);
    if (share < 1 / (2 * count)) throw new Error(`a CPU had ${(share * 100).toFixed(2)} % of 10 ms`);
    const started = guest.seconds;
    await guest.cpuAdd(count);
    guest.expect(/CPU\d+ has been hot-added/);
    bringOnline(guest, count);
    deepStrictEqual(cpuList(guest, 'online'), firstCpus(count + 1));
    checkLog(guest);
    return {
      spinning: count,
      smallestShare: share.toFixed(4),
      fairShare: (1 / count).toFixed(4),
      bringUpSeconds: (guest.seconds - started).toFixed(2),
    };
  });
}

export const MANY: readonly Scenario[] = [
  { name: 'burst-254-firmware', run: () => burst('firmware') },
  { name: 'burst-254-machine', run: () => burst('machine') },
  { name: 'fairness-2', run: () => fairness(2) },
  { name: 'fairness-8', run: () => fairness(8) },
];
