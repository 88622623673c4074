import { IccBus } from '@hotsocket/icc-bus';
import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { IoApic } from './ioapic.js';

/** Binds `IoApic`; needs `IccBus` and `Trace`. */
export const ioApicModule: ContainerModule = new ContainerModule(({ bind }) => {
  bind(IoApic)
    .toResolvedValue((bus, trace) => new IoApic({ bus, trace }), [IccBus, Trace])
    .inSingletonScope();
});
