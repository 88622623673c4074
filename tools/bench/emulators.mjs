// The emulators that are measured, and how each is started with a guest.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const QEMU = 'qemu-system-x86_64';
const V86 = join(root, 'node_modules/v86');

/**
 * What is started: file names, MiB and words for the kernel. `qmp` is the path of a socket; `maxCpus` leaves slots for CPUs.
 *
 * @typedef {{ ramMib: number, arch: 'amd64' | 'i386', bios: string, legacyBios?: string, vgaBios?: string, kernel: string,
 *   initrd?: string, append?: string, qmp?: string, maxCpus?: number, paused?: boolean }} Guest
 */

/** Options that Hotsocket and QEMU have in common. */
const pcOptions = ({ ramMib, bios, kernel, initrd, append, qmp, maxCpus = 1, paused }) => [
  ...['-nodefaults', '-display', 'none', '-serial', 'stdio', '-m', String(ramMib), '-smp', `1,maxcpus=${maxCpus}`, '-bios', bios],
  ...['-kernel', kernel],
  ...(initrd === undefined ? [] : ['-initrd', initrd]),
  ...(append === undefined ? [] : ['-append', append]),
  ...(qmp === undefined ? [] : ['-qmp', `unix:${qmp},server=on,wait=off`]),
  ...(paused ? ['-S'] : []),
];

const versionOf = (command) => {
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0] : undefined;
};

/**
 * An emulator. `version` is undefined when it is not installed; `missing` then says what to do. `hasQmp` is true where CPUs can be
 * plugged in and commands be timed.
 *
 * @typedef {{ title: string, archs: readonly string[], hasQmp: boolean, version(): string | undefined, missing: string,
 *   command(guest: Guest): [string, string[]] }} Emulator
 */

/** @type {Readonly<Record<string, Emulator>>} */
export const EMULATORS = {
  hotsocket: {
    title: 'Hotsocket',
    archs: ['amd64', 'i386'],
    hasQmp: true,
    version: () => JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8')).version,
    missing: 'is not built',
    command: (guest) => [process.execPath, [join(root, 'packages/cli/bundle/main.js'), ...pcOptions(guest)]],
  },
  qemu: {
    title: 'QEMU',
    archs: ['amd64', 'i386'],
    hasQmp: true,
    version: () => /version (\S+)/.exec(versionOf(QEMU) ?? '')?.[1],
    missing: 'is not installed (Debian: apt install qemu-system-x86)',
    command: (guest) => [QEMU, ['-accel', 'tcg,thread=single', '-monitor', 'none', ...pcOptions(guest)]],
  },
  v86: {
    title: 'v86',
    archs: ['i386'],
    hasQmp: false,
    version: () => (existsSync(V86) ? JSON.parse(readFileSync(join(V86, 'package.json'), 'utf8')).version.split('+')[0] : undefined),
    missing: 'is not installed (npm ci)',
    command: (guest) => [process.execPath, [join(here, 'run-v86.mjs'), JSON.stringify(guest)]],
  },
};
