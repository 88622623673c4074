import { UsageError } from '../usage-error.js';

export const KERNELS = ['cloud', 'amd64', '686'] as const;

/** What the tour shows. */
export interface DemoOptions {
  readonly guest: (typeof KERNELS)[number] | 'embedded';
  /** Most CPUs; one is there at power-on. */
  readonly maxCpus: number;
  /** Shows what the guest prints while it boots. */
  readonly verbose: boolean;
}

export const DEMO_HELP = `Usage: npm start -- [options]      or: hotsocket demo [options]
A guided tour: a PC boots SeaBIOS and Linux, a QMP client says cpu-add, and Linux takes the new CPU into use.
On a terminal it ends in the guest's shell; otherwise it ends by itself.

  --kernel cloud|amd64|686   which Debian kernel; default cloud, the fastest to boot
  --embedded                 a small guest that comes with the program instead of Linux: nothing is fetched
  --maxcpus N                CPUs there may be, 2 to 255; default 4
  --verbose                  show what the guest prints while it boots
  --help                     this text

Firmware, kernel and busybox come from Debian's packages, once, into .cache/images (some 17 MB for the cloud kernel). Where that
is not possible, the embedded guest is used. 'hotsocket -help' is about the emulator itself.
`;

const DEFAULTS: DemoOptions = { guest: 'cloud', maxCpus: 4, verbose: false };
const MOST_CPUS = 255;

/** Reads the options of the tour; 'help' when that was asked for. Throws UsageError. */
export function parseDemoOptions(args: readonly string[]): DemoOptions | 'help' {
  let options = DEFAULTS;
  for (let at = 0; at < args.length; at++) {
    const name = args[at]!.replace(/^--?(?=[a-z])/, '');
    if (name === 'help' || name === 'h') return 'help';
    if (name === 'embedded') options = { ...options, guest: 'embedded' };
    else if (name === 'verbose') options = { ...options, verbose: true };
    else if (name === 'kernel') options = { ...options, guest: kernelOf(args[++at]) };
    else if (name === 'maxcpus') options = { ...options, maxCpus: countOf(args[++at]) };
    else throw new UsageError(`demo ${args[at]}: invalid option; demo --help lists them`);
  }
  return options;
}

function kernelOf(word: string | undefined): DemoOptions['guest'] {
  const known = KERNELS.find((kernel) => kernel === word);
  if (known === undefined) throw new UsageError(`demo --kernel ${word ?? ''}: possible are ${KERNELS.join(', ')}`);
  return known;
}

function countOf(word: string | undefined): number {
  const count = /^\d+$/.test(word ?? '') ? Number(word) : 0;
  if (count < 2 || count > MOST_CPUS) throw new UsageError(`demo --maxcpus ${word ?? ''}: expected a number from 2 to ${MOST_CPUS}`);
  return count;
}
