import { DEMO_GUEST_LINES, demoGuestRom } from '@hotsocket/demo-guest';
import { Pc, type PcOptions } from '@hotsocket/machine-pc';
import { FIRMWARE, KERNELS, readImages, readKernel } from './images.js';
import { SteppedHost } from './stepped-host.js';

const BOARD = { cpus: 2, maxCpus: 2, topology: { cores: 2, threads: 1 }, ramBytes: 128 << 20 };
const images = await readImages([...KERNELS['686'], FIRMWARE]);
if (images === undefined)
  console.warn('SKIPPED: the tiers were not compared on a kernel, because its images are neither cached nor to be had');
const withImages = images === undefined ? it.skip : it;

interface History {
  /** CPU, instructions and registers after each slice. */
  readonly slices: string[];
  readonly output: string;
  readonly regions: number;
}

/** What a guest does in its first instructions, in one tier. */
function historyOf(options: Partial<PcOptions>, instructions: number, translates: boolean): History {
  const pc = new Pc({ ...BOARD, firmware: demoGuestRom(), host: new SteppedHost(), ...options });
  pc.board.core.translates = translates;
  const history = { slices: [] as string[], output: '' };
  pc.board.com1.transmitted = (byte) => void (history.output += String.fromCharCode(byte));
  const { executor } = pc.board;
  const slice = executor.slice.bind(executor);
  executor.slice = (cpu, budget) => {
    const executed = slice(cpu, budget);
    const registers = pc.registers(cpu.index).flatMap((group) => group.registers.map(({ name, value }) => `${name}=${value.toString(16)}`));
    history.slices.push(`cpu=${cpu.index} ran=${executed} ${registers.join(' ')}`);
    return executed;
  };
  pc.cont();
  while (pc.instructions < instructions) pc.runFor(1_000_000);
  pc.stop();
  return { ...history, regions: pc.board.core.translator.regions };
}

/** Both tiers must stop at the same instructions, with the same registers; translated code must have been executed. */
function compare(options: Partial<PcOptions>, instructions: number): History {
  const interpreted = historyOf(options, instructions, false);
  const translated = historyOf(options, instructions, true);
  expect(translated.slices).toEqual(interpreted.slices);
  expect(translated.output).toBe(interpreted.output);
  expect([interpreted.regions, translated.regions > 0]).toEqual([0, true]);
  return translated;
}

describe('interpreted and translated code agree after every slice', () => {
  it('in the demo guest with two CPUs', () => {
    expect(compare({}, 3_000_000).output).toMatch(DEMO_GUEST_LINES.ready);
  });

  withImages('in firmware and the start of a kernel', async () => {
    compare(await readKernel('686', FIRMWARE), 40_000_000);
  });
});
