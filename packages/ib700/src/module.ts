import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { ContainerModule } from 'inversify';
import { Ib700 } from './ib700.js';

/** Binds `Ib700`; needs `VirtualClock` and `Trace`. */
export const ib700Module: ContainerModule = new ContainerModule(({ bind }) => {
  bind(Ib700)
    .toResolvedValue((clock: VirtualClock, trace: Trace) => new Ib700({ clock, trace }), [VirtualClock, Trace])
    .inSingletonScope();
});
