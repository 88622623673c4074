import type { MachineType } from '@hotsocket/machine/control';

/** The machine types that this program builds, for `query-machines`. */
export const MACHINE_TYPES: readonly MachineType[] = [
  { name: 'none', maxCpus: 1, hotpluggableCpus: false },
  {
    name: 'pc-i440fx-1.5',
    alias: 'pc',
    isDefault: true,
    maxCpus: 255,
    hotpluggableCpus: true,
    defaultCpuType: 'hotsocket64-x86_64-cpu',
  },
];
