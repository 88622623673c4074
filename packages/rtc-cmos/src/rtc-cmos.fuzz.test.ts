import { fuzzRegion, ManualClock, Random, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { RtcCmos } from './rtc-cmos.js';

describe('RtcCmos under random accesses', () => {
  it.each([1, 2, 3, 4])('never throws, answers bytes and keeps its state whole (seed %d)', (seed) => {
    const clock = new ManualClock();
    const make = (): RtcCmos => new RtcCmos({ clock }, { startDate: 0 });
    const random = new Random(seed);
    saveRestoreIsIdentity(make, (rtc) => {
      for (let round = 0; round < 50; round++) {
        fuzzRegion(rtc.io, random.next(), 40);
        clock.advance(random.below(20_000_000));
      }
    });
  });
});
