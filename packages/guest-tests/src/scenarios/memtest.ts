import { Guest } from '../guest.js';
import { type Figures, millions, type Scenario, using } from './scenario.js';

/** memtest86+ of the Debian package on two CPUs, with its screen on the serial line: the first tests, or one whole pass. */
async function memtest(kernel: 'memtest64' | 'memtest32', mebibytes: number, end: RegExp): Promise<Figures> {
  const options = { kernel, cpus: 2, maxCpus: 2, ramBytes: mebibytes << 20, append: 'console=ttyS0,115200' } as const;
  return using(Guest.create(options), (guest) => {
    guest.pc.cont();
    guest.expect(/SMP: 2T \(PAR\)/);
    guest.expect(end, { instructions: 60e9, seconds: 7200 });
    const errors = /Errors: *[1-9]\d*/.exec(guest.output);
    if (errors) throw new Error(`${errors[0]}: ${guest.describe()}`);
    if (!/Using: All Cores/.test(guest.output)) throw new Error(`only one CPU was used: ${guest.describe()}`);
    return { mInstr: millions(guest.pc.instructions), guestSeconds: Math.round(guest.seconds) };
  });
}

/** Tests 0 to 4 are done when the next one begins. */
const FIRST_TESTS = /#5 +\[/;
const PASS = /Pass: +1/;

export const MEMTEST: readonly Scenario[] = [
  { name: 'memtest-x64', run: () => memtest('memtest64', 16, FIRST_TESTS) },
  { name: 'memtest-ia32', run: () => memtest('memtest32', 16, FIRST_TESTS) },
  { name: 'memtest-x64-pass', run: () => memtest('memtest64', 8, PASS) },
];
