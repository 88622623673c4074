import { action, type Command } from './command.js';
import { clip } from './dialect.js';
import { QmpError } from './errors.js';
import { str } from './qapi-types.js';

/** `device_del` of a CPU that `device_add` has named, or of any CPU by its object path. The reply does not wait for the guest. */
export const deviceDel: Command = action({
  name: 'device_del',
  since: '2.7',
  doc: 'Asks the guest to let a CPU go; DEVICE_DELETED tells when it has. `id` is a name given to device_add, or an object path.',
  args: { id: str },
  available: ({ machine }) => machine.requestCpuRemoval !== undefined,
  run: ({ machine }, { id }) => {
    const path = id.startsWith('/') ? id : `/machine/peripheral/${id}`;
    const node = id === '' ? undefined : machine.qom.resolve(path);
    if (node === undefined) throw new QmpError('DeviceNotFound', `Device '${clip(id)}' not found`);
    const cpu = machine.cpus.find(({ qomPath }) => qomPath === node.path);
    if (cpu === undefined) throw new QmpError('GenericError', `Device '${clip(id)}' does not support hotplugging`);
    machine.requestCpuRemoval?.(cpu.index);
  },
});
