import type { MachineControl } from '@hotsocket/machine/control';
import { ContainerModule, type ServiceIdentifier } from 'inversify';
import { QmpServer, type QmpServerOptions } from './server.js';

/** Token of the QMP server of a machine. */
export const QmpServerToken: ServiceIdentifier<QmpServer> = Symbol.for('@hotsocket/qmp/QmpServer');

/** Binds one QMP server to the machine that `machine` stands for. */
export function qmpModule(machine: ServiceIdentifier<MachineControl>, options: Omit<QmpServerOptions, 'machine'> = {}): ContainerModule {
  return new ContainerModule(({ bind }) => {
    bind(QmpServerToken)
      .toResolvedValue((control: MachineControl) => new QmpServer({ ...options, machine: control }), [machine])
      .inSingletonScope();
  });
}
