import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEMO_GUEST_KEYS, DEMO_GUEST_LINES } from '@hotsocket/demo-guest';
import { DEMO_GUEST, REPOSITORY } from '../images.js';
import type { DemoOptions } from './demo-options.js';
import type { GuestTerminal } from './guest-terminal.js';

/** A guest that the tour can show. */
export interface Guest {
  readonly title: string;
  /** Its part of the emulator's command line. */
  readonly args: readonly string[];
  /** Waits until it can take a CPU. */
  ready(terminal: GuestTerminal): Promise<void>;
  /** Waits until it has taken note of CPU 1. */
  noticed(terminal: GuestTerminal): Promise<void>;
  /** What a person would type to use CPU 1; the answer is shown. */
  readonly line: string;
  /** The answer, whole. */
  answered(terminal: GuestTerminal): Promise<string>;
  /** How the user goes on, when the terminal is his. */
  readonly hint: string;
}

/** The guest asked for, or the embedded one when images cannot be had. */
export async function chooseGuest(options: DemoOptions, say: (text: string) => void): Promise<Guest> {
  if (options.guest === 'embedded') return embeddedGuest();
  const linux = LINUX[options.guest];
  say('looking for firmware, kernel and busybox (fetched from Debian the first time)');
  const images = await fetchImages([FIRMWARE, linux.kernel, linux.initrd]);
  if (images !== undefined) return linuxGuest(linux, images);
  say('no Linux to boot: the embedded guest is used instead');
  return embeddedGuest();
}

// ------------------------------------------------------------------ Linux

const FIRMWARE = 'bios-256k.bin';
const LINUX = {
  cloud: { kernel: 'vmlinuz-cloud-amd64', initrd: 'initramfs-amd64.cpio', name: 'Linux for clouds, 64 bits', bootSeconds: 300 },
  amd64: { kernel: 'vmlinuz-amd64', initrd: 'initramfs-amd64.cpio', name: 'Linux, 64 bits', bootSeconds: 1200 },
  '686': { kernel: 'vmlinuz-686-pae', initrd: 'initramfs-i386.cpio', name: 'Linux, 32 bits with PAE', bootSeconds: 1200 },
} as const;
const STEP_SECONDS = 60;
const PROMPT = /^# $/m;

type Images = Readonly<Record<string, string>>;

/** The fetcher of the repository; a package installed from a registry comes without it. */
async function fetchImages(names: readonly string[]): Promise<Images | undefined> {
  const fetcher = join(REPOSITORY, 'tools/images/fetch.mjs');
  if (!existsSync(fetcher)) return undefined;
  const { ensureImages } = (await import(pathToFileURL(fetcher).href)) as {
    ensureImages(names: readonly string[]): Promise<Images | undefined>;
  };
  return ensureImages(names);
}

function linuxGuest({ kernel, initrd, name, bootSeconds }: (typeof LINUX)[keyof typeof LINUX], images: Images): Guest {
  return {
    title: `SeaBIOS, then ${name} (${kernel})`,
    args: [
      '-m',
      '256',
      '-bios',
      images[FIRMWARE]!,
      '-kernel',
      images[kernel]!,
      '-initrd',
      images[initrd]!,
      '-append',
      'console=ttyS0 cryptomgr.notests',
    ],
    async ready(terminal) {
      await terminal.waitFor(/INIT-READY.*\n/, bootSeconds, 'the boot to a shell');
      await terminal.waitFor(PROMPT, STEP_SECONDS, 'the prompt of the shell');
    },
    async noticed(terminal) {
      await terminal.waitFor(/CPU1 has been hot-added.*\n/, STEP_SECONDS, 'the hot-plug interrupt in Linux');
    },
    line: 'echo 1 > /sys/devices/system/cpu/cpu1/online; nproc\r',
    async answered(terminal) {
      const [answer] = await terminal.waitFor(/nproc\n[\s\S]*?(?=^# $)/m, STEP_SECONDS, 'bringing CPU 1 online');
      return answer.slice('nproc\n'.length);
    },
    hint: 'Linux calls it cpu2: write 1 to /sys/devices/system/cpu/cpu2/online, and nproc counts it',
  };
}

// ------------------------------------------------------------------ the embedded guest

function embeddedGuest(): Guest {
  return {
    title: 'the embedded guest, a small kernel of 32 bits in place of the firmware',
    args: ['-m', '16', '-bios', DEMO_GUEST, '--acpi', 'machine'],
    async ready(terminal) {
      await terminal.waitFor(DEMO_GUEST_LINES.ready, STEP_SECONDS, 'the start of the embedded guest');
    },
    async noticed(terminal) {
      await terminal.waitFor(DEMO_GUEST_LINES.cpuOnline(1), STEP_SECONDS, 'the start of CPU 1');
    },
    line: DEMO_GUEST_KEYS.status,
    async answered(terminal) {
      const [answer] = await terminal.waitFor(/^(?:.*apic id.*\n)+.*CPUs online.*\n/m, STEP_SECONDS, 'the status of the embedded guest');
      return answer;
    },
    hint: 'the guest starts a CPU as soon as it comes; keys: s status, p progress lines, i interrupt all, q power off',
  };
}
