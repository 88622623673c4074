import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { Pvpanic, type PvpanicOptions } from './pvpanic.js';

/** Binds `Pvpanic`; needs `Trace`. */
export const pvpanicModule = (options: PvpanicOptions = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(Pvpanic)
      .toResolvedValue((trace: Trace) => new Pvpanic({ trace }, options), [Trace])
      .inSingletonScope();
  });
