import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { IccBridge } from './icc-bridge.js';
import { IccBus } from './icc-bus.js';

/** Binds the one `IccBus` of a machine and its `IccBridge`; needs `Trace`. */
export const iccBusModule: ContainerModule = new ContainerModule(({ bind }) => {
  bind(IccBus)
    .toResolvedValue((trace) => new IccBus({ trace }), [Trace])
    .inSingletonScope();
  bind(IccBridge)
    .toResolvedValue((bus, trace) => new IccBridge({ bus, trace }), [IccBus, Trace])
    .inSingletonScope();
});
