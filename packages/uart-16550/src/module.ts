import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { ContainerModule } from 'inversify';
import { Uart16550, type Uart16550Options } from './uart-16550.js';

/** Binds `Uart16550`, one per container; the container must bind `VirtualClock` and `Trace`. Further ports are made with `new`. */
export const uart16550Module = (options: Uart16550Options = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(Uart16550)
      .toResolvedValue((clock: VirtualClock, trace: Trace) => new Uart16550({ clock, trace }, options), [VirtualClock, Trace])
      .inSingletonScope();
  });
