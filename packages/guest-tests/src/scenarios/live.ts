import { deepStrictEqual } from 'node:assert';
import { Guest } from '../guest.js';
import { parseCpuList } from '../linux.js';
import { type Figures, type Scenario, using } from './scenario.js';

/** The machine runs by itself, as for a user; commands come over the socket while it executes. */
async function live(drive: 'icount' | 'realtime'): Promise<Figures> {
  return using(Guest.create({ kernel: 'cloud', live: true, time: { drive } }), async (guest) => {
    const started = performance.now();
    await guest.qmp.execute('cont');
    await guest.wait(/INIT-READY [^\n]*\n[\s\S]*# /, 180);
    const bootSeconds = ((performance.now() - started) / 1000).toFixed(2);
    const latencies: number[] = [];
    for (const cpu of [1, 2]) {
      await guest.cpuAdd(cpu);
      await guest.wait(/CPU\d+ has been hot-added/);
      await guest.liveShell(`sleep 1; echo 1 > /sys/devices/system/cpu/cpu${cpu}/online`);
      await guest.liveShell(`(taskset ${1 << cpu} sh -c 'while :; do :; done' &)`);
      latencies.push(await latency(guest));
    }
    deepStrictEqual(parseCpuList(await guest.liveShell('cat /sys/devices/system/cpu/online')), [0, 1, 2]);
    const complaints = await guest.liveShell('dmesg | grep -E "WARNING|BUG:|Call Trace|Oops|lockup|segfault|rcu.*stall" || true');
    deepStrictEqual(complaints, '');
    return { bootSeconds, worstQmpMs: Math.max(...latencies).toFixed(1) };
  });
}

/** The longest answer to twenty QMP commands, in milliseconds. */
async function latency(guest: Guest): Promise<number> {
  let worst = 0;
  for (let round = 0; round < 20; round++) {
    const asked = performance.now();
    await guest.qmp.execute('query-status');
    worst = Math.max(worst, performance.now() - asked);
  }
  return worst;
}

export const LIVE: readonly Scenario[] = [
  { name: 'live-icount', run: () => live('icount') },
  { name: 'live-realtime', run: () => live('realtime') },
];
