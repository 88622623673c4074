import { Guest } from './guest.js';
import { SliceLog } from './slice-log.js';

/**
 * A ROM on which every CPU spins in a jump to itself with interrupts off: nothing but NOPs up to it.
 * The test sends the SIPIs itself.
 */
function spinRom(): Uint8Array {
  const rom = new Uint8Array(0x1_0000).fill(0x90);
  // cli; jmp $
  rom.set([0xfa, 0xeb, 0xfe], 0xfff0);
  return rom;
}

/** Instructions in 10 ms of guest time, at 32 ns each. */
const WINDOW = 312_500;

describe.each([2, 3, 8, 64, 255])('%i CPUs that spin', (cpus) => {
  it('have at least half of their share each in every 10 ms', async () => {
    const guest = await Guest.create({ firmware: spinRom(), ramBytes: 1 << 20, cpus, maxCpus: 255 });
    const { pc } = guest;
    // vector ff: from ff000h on the ROM is NOPs
    for (const cpu of pc.board.cpus.list.slice(1)) cpu.sipi(0xff);
    pc.cont();
    // straight code is not cut: all must have come to their jump
    guest.run(100);
    const log = new SliceLog(pc, WINDOW);
    guest.run(105);
    log.stop();
    await guest.dispose();
    expect(log.windows.length).toBeGreaterThanOrEqual(10);
    expect(log.smallestShare(cpus) * cpus).toBeGreaterThanOrEqual(0.5);
  });
});
