import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { ContainerModule } from 'inversify';
import { I8254 } from './i8254.js';
import { PortB } from './port-b.js';

/** Binds `I8254` and `PortB`, one per container; the container must bind `VirtualClock` and `Trace`. */
export const i8254Module: ContainerModule = new ContainerModule(({ bind }) => {
  bind(I8254)
    .toResolvedValue((clock: VirtualClock, trace: Trace) => new I8254({ clock, trace }), [VirtualClock, Trace])
    .inSingletonScope();
  bind(PortB)
    .toResolvedValue((pit: I8254) => new PortB({ pit }), [I8254])
    .inSingletonScope();
});
