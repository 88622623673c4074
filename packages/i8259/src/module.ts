import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { I8259Pair } from './i8259-pair.js';

/** Binds `I8259Pair`; needs `Trace`. */
export const i8259Module: ContainerModule = new ContainerModule(({ bind }) => {
  bind(I8259Pair)
    .toResolvedValue((trace) => new I8259Pair({ trace }), [Trace])
    .inSingletonScope();
});
