import { Pc } from '@hotsocket/machine-pc';
import { INTERRUPTS_ROM } from './generated/interrupts-rom.js';
import { imageOf } from './roms.js';

/** ROUNDS of guest/interrupts.asm. */
const ROUNDS = 1000;
/** What a round may cost where the sender spins: far less than a turn of 20,000 instructions for each CPU. */
const INSTRUCTIONS_PER_ROUND = 5000;

describe('two CPUs that interrupt each other', () => {
  it('do not wait for ends of turns, and lose none of two NMIs', () => {
    const pc = new Pc({
      cpus: 2,
      maxCpus: 2,
      topology: { cores: 1, threads: 1 },
      ramBytes: 1 << 20,
      firmware: imageOf(INTERRUPTS_ROM),
      debugExit: { iobase: 0xf4, iosize: 4 },
    });
    let [output, status] = ['', -1];
    pc.board.e9Console.written = (byte) => {
      output += String.fromCharCode(byte);
    };
    pc.ended = (_reason, code) => {
      status = code ?? -1;
    };
    pc.noReboot = true;
    pc.cont();
    pc.runFor(20 * INSTRUCTIONS_PER_ROUND * ROUNDS, () => status >= 0);
    expect([output, status]).toEqual(['2', 0x21]);
    expect(pc.board.time.instructions).toBeLessThan(INSTRUCTIONS_PER_ROUND * ROUNDS);
  }, 60_000);
});
