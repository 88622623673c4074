import { PciBus } from '@hotsocket/pci-bus';
import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { I440fx, type I440fxOptions } from './i440fx.js';

/** Binds `I440fx`, one per container; the container must bind `PciBus` and `Trace`. */
export const i440fxModule = (options: I440fxOptions = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(I440fx)
      .toResolvedValue((pci: PciBus, trace: Trace) => new I440fx({ pci, trace }, options), [PciBus, Trace])
      .inSingletonScope();
  });
