import { deepStrictEqual, strictEqual } from 'node:assert';
import type { Guest } from './guest.js';

const CPU_FILES = '/sys/devices/system/cpu';
/** What a healthy kernel does not say. */
const COMPLAINTS = "WARNING|BUG:|Call Trace|Oops|stall|lockup|segfault|unstable|not responding|do_boot_cpu failed|didn't";
const LOOP = 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; echo $i; cut -d" " -f39 /proc/self/stat';

/** The CPUs of a list file (`present`, `online`, `possible`): `0-2,5` is 0, 1, 2, 5. */
export function cpuList(guest: Guest, file: string): number[] {
  return parseCpuList(guest.shell(`cat ${CPU_FILES}/${file}`));
}

export function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

/** The numbers 0 to `count` - 1. */
export const firstCpus = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

/** Hot-adds a CPU over QMP and waits until the kernel says so and shows it as present, not online. */
export async function plug(guest: Guest, index: number): Promise<void> {
  const before = cpuList(guest, 'present');
  await guest.cpuAdd(index);
  guest.expect(/CPU\d+ has been hot-added/);
  guest.run(5);
  const added = cpuList(guest, 'present').filter((cpu) => !before.includes(cpu));
  deepStrictEqual(added, [before.length], `present after cpu-add ${index}`);
}

/** Brings a CPU online by sysfs; the guest must then count it and run a process on it. */
export function bringOnline(guest: Guest, cpu: number): void {
  guest.shell(`echo 1 > ${CPU_FILES}/cpu${cpu}/online`);
  checkOnline(guest, cpu);
}

/** A CPU is online, and a process that is pinned to it gets on. */
export function checkOnline(guest: Guest, cpu: number): void {
  const online = cpuList(guest, 'online');
  if (!online.includes(cpu)) throw new Error(`CPU ${cpu} is not online, only ${online}`);
  strictEqual(guest.shell('nproc'), String(online.length), 'nproc');
  strictEqual(
    guest.shell(`taskset ${(1n << BigInt(cpu)).toString(16)} sh -c '${LOOP}'`),
    `2000\n${cpu}`,
    'count and CPU of a pinned process',
  );
}

export function takeOffline(guest: Guest, cpu: number): void {
  guest.shell(`echo 0 > ${CPU_FILES}/cpu${cpu}/online`);
  if (cpuList(guest, 'online').includes(cpu)) throw new Error(`CPU ${cpu} is still online`);
}

/** The kernel has nothing to complain about. */
export function checkLog(guest: Guest): void {
  strictEqual(guest.shell(`dmesg | grep -E "${COMPLAINTS}" || true`), '', 'complaints in the kernel log');
}

/** APIC ids of the CPUs that are online, in order of CPU number. */
export function apicIds(guest: Guest): number[] {
  return guest.shell("sed -n 's/^apicid.*: //p' /proc/cpuinfo").split('\n').map(Number);
}
