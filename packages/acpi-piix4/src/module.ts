import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { ContainerModule } from 'inversify';
import { AcpiPiix4, type AcpiPiix4Options } from './acpi-piix4.js';

/** Binds `AcpiPiix4`, one per container; the container must bind `VirtualClock` and `Trace`. */
export const acpiPiix4Module = (options: AcpiPiix4Options = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(AcpiPiix4)
      .toResolvedValue((clock: VirtualClock, trace: Trace) => new AcpiPiix4({ clock, trace }, options), [VirtualClock, Trace])
      .inSingletonScope();
  });
