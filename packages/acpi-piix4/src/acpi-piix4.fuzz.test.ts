import type { AccessSize } from '@hotsocket/address-space';
import { fuzzRegion, ManualClock, Random, saveRestoreIsIdentity } from '@hotsocket/testbench';
import { AcpiPiix4 } from './acpi-piix4.js';

describe('AcpiPiix4 under random accesses', () => {
  it.each([1, 2, 3, 4])('never throws, answers in range and keeps its state whole (seed %d)', (seed) => {
    const clock = new ManualClock();
    const random = new Random(seed);
    const make = (): AcpiPiix4 => new AcpiPiix4({ clock }, { presentCpus: [0, 1], cpuSlots: [0, 1, 2, 4, 5, 6] });
    saveRestoreIsIdentity(make, (pm) => {
      for (let round = 0; round < 40; round++) {
        for (const region of [pm.pm, pm.gpe0, pm.cpuHotplug, pm.pciHotplug, pm.apm]) fuzzRegion(region, random.next(), 20);
        pm.cpuAdded({ apicId: random.pick([2, 4, 5, 6]), present: 3 });
        pm.requestCpuRemoval(random.below(8));
        pm.pci.configWrite(random.below(256), random.pick<AccessSize>([1, 2, 4]), random.next());
        clock.advance(random.below(500_000_000));
      }
    });
  });
});
