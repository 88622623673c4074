import { IccBus } from '@hotsocket/icc-bus';
import { Trace } from '@hotsocket/trace';
import { VirtualClock } from '@hotsocket/virtual-clock';
import { ContainerModule, type ServiceIdentifier } from 'inversify';
import { LocalApic, type LocalApicOptions } from './local-apic.js';

/** Makes a local APIC on the machine's bus; CPUs are plugged at any time, so the container gives the maker. */
export type MakeLocalApic = (options: LocalApicOptions) => LocalApic;
export const MakeLocalApic: ServiceIdentifier<MakeLocalApic> = Symbol.for('hotsocket.MakeLocalApic');

/** Binds `MakeLocalApic`; needs `VirtualClock`, `IccBus` and `Trace`. */
export const apicModule: ContainerModule = new ContainerModule(({ bind }) => {
  bind<MakeLocalApic>(MakeLocalApic)
    .toResolvedValue((clock, bus, trace) => (options) => new LocalApic({ clock, bus, trace }, options), [VirtualClock, IccBus, Trace])
    .inSingletonScope();
});
