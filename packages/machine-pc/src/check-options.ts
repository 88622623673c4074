import { apicIdLimit, MAX_GUEST_BYTES } from '@hotsocket/cpu-x86';
import { BOOT_ORDER } from './cmos.js';
import { cpuModel } from './cpu-model.js';
import { ISA_BIOS, KiB, MiB, OPTION_ROMS, RAM_TOP } from './layout.js';
import { type BootOptions, type PcOptions, PcOptionsError } from './options.js';

const MOST_CPUS = 255;
const LARGEST_FIRMWARE = 16 * MiB;
const APIC_IDS = 256;

/** Throws PcOptionsError with everything that is wrong. */
export function checkOptions(options: PcOptions): void {
  const problems = [...cpuProblems(options), ...memoryProblems(options), ...hotplugProblems(options)];
  problems.push(...bootProblems(options.boot), ...modelProblems(options));
  if (options.kernel === undefined && (options.initrd ?? options.bootModules ?? options.append) !== undefined)
    problems.push('an initial RAM disk or a command line is of no use without a kernel');
  if (problems.length > 0) throw new PcOptionsError(problems);
}

function modelProblems({ cpuModel: text }: PcOptions): readonly string[] {
  try {
    cpuModel(text, { cores: 1, threads: 1 });
    return [];
  } catch (error) {
    if (error instanceof PcOptionsError) return error.problems;
    throw error;
  }
}

function bootProblems({ order = '', once = '', rebootTimeoutMs = 0, splashTimeMs = 0 }: BootOptions = {}): string[] {
  const problems: string[] = [];
  for (const devices of [order, once]) {
    const unknown = [...devices].find((letter) => !BOOT_ORDER.letters.includes(letter));
    if (unknown !== undefined) problems.push(`boot device '${unknown}': only ${BOOT_ORDER.letters.join(', ')} are possible`);
    else if (devices.length > BOOT_ORDER.most) problems.push(`boot order '${devices}' names more than ${BOOT_ORDER.most} devices`);
  }
  if (!inRange(rebootTimeoutMs, 0xffff)) problems.push(`reboot timeout of ${rebootTimeoutMs} ms: 0 to 65535 are possible`);
  if (!inRange(splashTimeMs, 0xffff)) problems.push(`splash time of ${splashTimeMs} ms: 0 to 65535 are possible`);
  return problems;
}

const inRange = (value: number, most: number): boolean => Number.isInteger(value) && value >= 0 && value <= most;

function cpuProblems({ cpus, maxCpus, topology }: PcOptions): string[] {
  const problems: string[] = [];
  if (!Number.isInteger(cpus) || cpus < 1) problems.push(`the number of CPUs is ${cpus}, it must be 1 or more`);
  if (maxCpus < cpus) problems.push(`maxcpus is ${maxCpus}, less than the ${cpus} CPUs to start with`);
  if (maxCpus > MOST_CPUS) problems.push(`maxcpus is ${maxCpus}, this machine supports at most ${MOST_CPUS}`);
  if (topology.cores < 1 || topology.threads < 1) problems.push('cores and threads must be 1 or more');
  else if (cpus >= 1 && apicIdLimit(topology, cpus) > APIC_IDS - 1)
    problems.push(`${cpus} CPUs of this topology need APIC ids beyond ${APIC_IDS - 2}`);
  return problems;
}

function hotplugProblems({ cpuHotplug, acpi, strictLegacy }: PcOptions): string[] {
  if (cpuHotplug !== 'selector') return [];
  if (strictLegacy) return ['the selector registers of CPU hot-plug do not exist on a strictly legacy machine'];
  return acpi === 'machine' ? [] : ["the selector registers of CPU hot-plug need the machine's own ACPI tables"];
}

function memoryProblems({ ramBytes, firmware }: PcOptions): string[] {
  const problems: string[] = [];
  const most = Math.min(RAM_TOP, MAX_GUEST_BYTES - LARGEST_FIRMWARE - (ISA_BIOS - OPTION_ROMS));
  if (!Number.isInteger(ramBytes) || ramBytes < MiB || ramBytes > most)
    problems.push(`RAM of ${ramBytes} bytes: from 1 MiB to ${Math.floor(most / MiB)} MiB are possible`);
  else if (ramBytes % (4 * KiB) !== 0) problems.push(`RAM of ${ramBytes} bytes is not a multiple of 4 KiB`);
  const { length } = firmware;
  if (length === 0 || length % (64 * KiB) !== 0 || length > LARGEST_FIRMWARE)
    problems.push(`firmware of ${length} bytes: a multiple of 64 KiB up to ${LARGEST_FIRMWARE / MiB} MiB is needed`);
  return problems;
}
