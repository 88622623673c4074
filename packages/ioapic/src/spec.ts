// Intel 82093AA I/O Advanced Programmable Interrupt Controller, order number 290566-001 (May 1996)
import { type DefinedRegister, type FieldSpec, register, ro, rw } from '@hotsocket/registers';

type Fields<N extends string> = DefinedRegister<Record<N, FieldSpec>>;

export const PINS = 24;
export const REGION_LENGTH = 0x1000;

/** Offsets in the window: index, data, and from version 20h the EOI register. */
export const IOREGSEL = 0x00;
export const IOWIN = 0x10;
export const EOIR = 0x40;

/** Version of the 82093AA. */
export const VERSION_82093AA = 0x11;
/** Version of the I/O APICs in later chip sets, with an EOI register. */
export const VERSION_WITH_EOI = 0x20;

/** Register indexes. */
export const IOAPICID: Fields<'ID'> = register('IOAPICID', 0x00, 32, { ID: rw(27, 24) });
export const IOAPICVER: Fields<'APIC_VERSION' | 'MAX_REDIRECTION_ENTRY'> = register('IOAPICVER', 0x01, 32, {
  APIC_VERSION: ro(7, 0, VERSION_82093AA),
  MAX_REDIRECTION_ENTRY: ro(23, 16, PINS - 1),
});
/** Takes the ID when the ID register is written. */
export const IOAPICARB: Fields<'ARBITRATION_ID'> = register('IOAPICARB', 0x02, 32, { ARBITRATION_ID: ro(27, 24) });

/** Low half of redirection entry n, at index 10h + 2n. */
export const IOREDTBL_LOW: Fields<
  'INTVEC' | 'DELMOD' | 'DESTMOD' | 'DELIVS' | 'INTPOL' | 'REMOTE_IRR' | 'TRIGGER_MODE' | 'INTERRUPT_MASK'
> = register('IOREDTBL_LOW', 0x10, 32, {
  INTVEC: rw(7, 0),
  DELMOD: rw(10, 8),
  DESTMOD: rw(11),
  DELIVS: ro(12),
  INTPOL: rw(13),
  REMOTE_IRR: ro(14),
  TRIGGER_MODE: rw(15),
  INTERRUPT_MASK: rw(16, 16, 1),
});
/** High half, at index 11h + 2n. */
export const IOREDTBL_HIGH: Fields<'DESTINATION'> = register('IOREDTBL_HIGH', 0x11, 32, { DESTINATION: rw(31, 24) });
