import { fileURLToPath } from 'node:url';
import * as loader from '@hotsocket/linux-loader';
import * as machine from '@hotsocket/machine-pc';

interface Report {
  readonly ended: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly failures: ReadonlyMap<number, string>;
}

interface Run {
  readonly kernel: string;
  readonly initrd: Uint8Array;
  readonly cpuModel: string;
  readonly translates: boolean;
}

interface Tools {
  readonly MissingError: new () => Error;
  readonly initramfs: (modules: unknown, kernel: string, every: number) => Uint8Array;
  readonly runHere: (modules: unknown, run: Run) => Promise<{ output: string }>;
  readonly parseReport: (output: string) => Report;
}

const TOOLS = fileURLToPath(new URL('../../../tools/conformance/oracle-guest.mjs', import.meta.url));
/** The kernel that boots first; it has no 16-bit segments. */
const KERNEL = 'vmlinuz-cloud-amd64';
/** One vector in 401: the rest is for npm run conformance:guest. */
const STRIDE = 401;

/** What the oracle in the guest says; undefined, with the reason told, when an image or the vectors are absent. */
async function runSample(): Promise<Report | undefined> {
  const { MissingError, initramfs, runHere, parseReport } = (await import(TOOLS)) as Tools;
  const modules = { loader, machine };
  try {
    const initrd = initramfs(modules, KERNEL, STRIDE);
    const { output } = await runHere(modules, { kernel: KERNEL, initrd, cpuModel: 'max', translates: true });
    return parseReport(output);
  } catch (error) {
    if (!(error instanceof MissingError)) throw error;
    console.warn(`NOT RUN: ${error.message}`);
    return undefined;
  }
}

describe('the recorded vectors in a process of a Linux guest', () => {
  it('a sample passes, through paging, signals and sigreturn', async () => {
    const report = await runSample();
    if (!report) return;
    expect([...report.failures.values()]).toEqual([]);
    expect(report).toMatchObject({ ended: true, failed: 0 });
    expect(report.passed).toBeGreaterThan(100_000 / STRIDE);
  }, 240_000);
});
