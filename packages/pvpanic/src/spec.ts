import { type NamedRegister, register, rw } from '@hotsocket/registers';

/** Where drivers of guests look for the device when fw_cfg and ACPI do not say. QEMU documentation, 'pvpanic device'. */
export const PVPANIC_PORT = 0x505;
export const PORTS = 1;

/** File in fw_cfg with the port, 16 bits. */
export const PVPANIC_PORT_FILE = 'etc/pvpanic-port';

/** Read: the events that the device takes. Write: what has happened. QEMU documentation, 'pvpanic device', 'ISA Interface'. */
export const EVENTS: NamedRegister<'PANICKED' | 'CRASH_LOADED'> = register('EVENTS', 0, 8, {
  /** The guest has panicked; the host decides what becomes of it. */
  PANICKED: rw(0, 0, 1),
  /** The guest has panicked and takes care of itself, by a crash kernel that it has loaded. */
  CRASH_LOADED: rw(1, 1, 1),
});
