// Intel SDM volume 3, 'Advanced Programmable Interrupt Controller': interrupt messages and the message signalled interrupt format
import { type DefinedRegister, type FieldSpec, register, rw } from '@hotsocket/registers';

type Fields<N extends string> = DefinedRegister<Record<N, FieldSpec>>;

/** QOM type names and child names, as QEMU users know them. */
export const ICC_BUS_TYPE = 'icc-bus';
export const ICC_BRIDGE_TYPE = 'icc-bridge';
/** Abstract type of everything that sits on the bus: CPUs, local APICs, the I/O APIC. */
export const ICC_DEVICE_TYPE = 'icc-device';
export const ICC_BUS_NAME = 'icc-bus';
export const ICC_BRIDGE_PATH = '/machine/icc-bridge';
export const ICC_BUS_PATH = '/machine/icc-bridge/icc-bus';

/** The window of the local APICs: registers of the running CPU's APIC in its first page, message signalled interrupts in the rest. */
export const APIC_SPACE_BASE = 0xfee0_0000;
export const APIC_SPACE_SIZE = 0x10_0000;
export const APIC_PAGE_SIZE = 0x1000;
/** The window lies over everything else, wherever RAM ends. */
export const APIC_SPACE_PRIORITY = 0x1000;
export const IO_APIC_BASE = 0xfec0_0000;
export const IO_APIC_SIZE = 0x1000;

/** Bytes from one register of a local APIC to the next. */
export const REGISTER_STRIDE = 0x10;
/** Local APICs on one bus: ids 0 to 254. */
export const APIC_SLOTS = 255;
/** The destination that means every local APIC, in physical and logical mode. */
export const BROADCAST = 0xff;
export const EXTENDED_BROADCAST = 0xffff_ffff;

/** Delivery modes of messages, of the interrupt command register, redirection entries and local vector entries. */
export const DELIVERY = { FIXED: 0, LOWEST_PRIORITY: 1, SMI: 2, REMOTE_READ: 3, NMI: 4, INIT: 5, STARTUP: 6, EXTINT: 7 } as const;

/** Destination shorthands of the interrupt command register. */
export const SHORTHAND = { NONE: 0, SELF: 1, ALL: 2, ALL_BUT_SELF: 3 } as const;

/** Address bits of a message signalled interrupt. */
export const MSI_ADDRESS: Fields<'DM' | 'RH' | 'DESTINATION'> = register('MSI_ADDRESS', 0, 32, {
  DM: rw(2),
  RH: rw(3),
  DESTINATION: rw(19, 12),
});

/** Data of a message signalled interrupt. */
export const MSI_DATA: Fields<'VECTOR' | 'DELIVERY_MODE' | 'LEVEL' | 'TRIGGER'> = register('MSI_DATA', 0, 32, {
  VECTOR: rw(7, 0),
  DELIVERY_MODE: rw(10, 8),
  LEVEL: rw(14),
  TRIGGER: rw(15),
});
