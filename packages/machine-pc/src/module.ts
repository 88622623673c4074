import { ContainerModule, type ServiceIdentifier } from 'inversify';
import type { PcOptions } from './options.js';
import { Pc } from './pc.js';

/** Makes a PC from its options. */
export type MakePc = (options: PcOptions, modules?: readonly ContainerModule[]) => Pc;
export const MakePc: ServiceIdentifier<MakePc> = Symbol.for('hotsocket.MakePc');

/** Binds `MakePc`. */
export const pcModule: ContainerModule = new ContainerModule(({ bind }) => {
  bind<MakePc>(MakePc).toConstantValue((options, modules) => new Pc(options, modules));
});
