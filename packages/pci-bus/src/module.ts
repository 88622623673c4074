import { IoSpace, MemorySpace } from '@hotsocket/address-space';
import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { PciBus, type PciBusOptions } from './pci-bus.js';

/** Binds `PciBus`, one per container; the container must bind `IoSpace`, `MemorySpace` and `Trace`. */
export const pciBusModule = (options: PciBusOptions = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(PciBus)
      .toResolvedValue((io, mem, trace) => new PciBus({ io, mem, trace }, options), [IoSpace, MemorySpace, Trace])
      .inSingletonScope();
  });
