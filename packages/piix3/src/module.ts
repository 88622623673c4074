import { Trace } from '@hotsocket/trace';
import { ContainerModule } from 'inversify';
import { Piix3 } from './piix3.js';

/** Binds `Piix3`, one per container; the container must bind `Trace`. */
export const piix3Module: ContainerModule = new ContainerModule(({ bind }) => {
  bind(Piix3)
    .toResolvedValue((trace: Trace) => new Piix3({ trace }), [Trace])
    .inSingletonScope();
});
