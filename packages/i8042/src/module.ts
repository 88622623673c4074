import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { I8042, type I8042Options } from './i8042.js';

/** Binds `I8042`, one per container; the container must bind `Trace`. */
export const i8042Module = (options: I8042Options = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(I8042)
      .toResolvedValue((trace: Trace) => new I8042({ trace }, options), [Trace])
      .inSingletonScope();
  });
