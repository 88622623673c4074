import { type DefinedRegister, type FieldSpec, type Register, register, ro, rsvd, rw } from '@hotsocket/registers';

// PCI Local Bus Specification, Revision 2.1, chapter 6 "Configuration Space".

/** Bytes of one function's configuration space. */
export const CONFIG_BYTES = 256;
/** Device numbers on one bus. */
export const SLOTS = 32;
/** Functions of one device. */
export const FUNCTIONS = 8;
/** Base address registers of a header of type 0. */
export const BARS = 6;
/** First byte that belongs to the device and not to the header. */
export const DEVICE_SPECIFIC = 0x40;

type Word<F extends string> = DefinedRegister<Readonly<Record<F, FieldSpec>>>;

export const VENDOR_ID: Word<'ID'> = register('VENDOR_ID', 0x00, 16, { ID: ro(15, 0) });
export const DEVICE_ID: Word<'ID'> = register('DEVICE_ID', 0x02, 16, { ID: ro(15, 0) });
/** Command. Section 6.2.2; interrupt disable is of revision 2.3. */
export const COMMAND: Word<'IO' | 'MEMORY' | 'MASTER' | 'SERR' | 'INTX_DISABLE'> = register('COMMAND', 0x04, 16, {
  IO: rw(0),
  MEMORY: rw(1),
  MASTER: rw(2),
  SERR: rw(8),
  INTX_DISABLE: rw(10),
});
/** Status. Section 6.2.3; interrupt status is of revision 2.3. The upper bits are cleared by writing ones. */
export const STATUS: Word<'INTERRUPT' | 'CAPABILITIES' | 'FAST_B2B' | 'PARITY_DATA' | 'DEVSEL' | 'ERRORS'> = register('STATUS', 0x06, 16, {
  INTERRUPT: ro(3),
  CAPABILITIES: ro(4),
  FAST_B2B: ro(7),
  PARITY_DATA: { high: 8, low: 8, access: 'w1c', reset: 0 },
  DEVSEL: ro(10, 9),
  ERRORS: { high: 15, low: 11, access: 'w1c', reset: 0 },
});
export const CLASS_CODE: Word<'INTERFACE' | 'SUBCLASS' | 'BASE' | 'REVISION'> = register('CLASS_CODE', 0x08, 32, {
  REVISION: ro(7, 0),
  INTERFACE: ro(15, 8),
  SUBCLASS: ro(23, 16),
  BASE: ro(31, 24),
});
export const CACHE_LINE_SIZE: Word<'DWORDS'> = register('CACHE_LINE_SIZE', 0x0c, 8, { DWORDS: rw(7, 0) });
export const LATENCY_TIMER: Word<'CLOCKS'> = register('LATENCY_TIMER', 0x0d, 8, { CLOCKS: ro(7, 0) });
export const HEADER_TYPE: Word<'LAYOUT' | 'MULTIFUNCTION'> = register('HEADER_TYPE', 0x0e, 8, { LAYOUT: ro(6, 0), MULTIFUNCTION: ro(7) });
export const SUBSYSTEM_VENDOR_ID: Word<'ID'> = register('SUBSYSTEM_VENDOR_ID', 0x2c, 16, { ID: ro(15, 0) });
export const SUBSYSTEM_ID: Word<'ID'> = register('SUBSYSTEM_ID', 0x2e, 16, { ID: ro(15, 0) });
export const INTERRUPT_LINE: Word<'ROUTE'> = register('INTERRUPT_LINE', 0x3c, 8, { ROUTE: rw(7, 0) });
export const INTERRUPT_PIN: Word<'PIN' | 'RESERVED'> = register('INTERRUPT_PIN', 0x3d, 8, { PIN: ro(2, 0), RESERVED: rsvd(7, 3) });

/** Offset of base address register `index` (0..5). Section 6.2.5.1. */
export const barOffset = (index: number): number => 0x10 + 4 * index;

/** The registers every header has, in the order of their offsets. */
export const HEADER: readonly Register[] = [
  VENDOR_ID,
  DEVICE_ID,
  COMMAND,
  STATUS,
  CLASS_CODE,
  CACHE_LINE_SIZE,
  LATENCY_TIMER,
  HEADER_TYPE,
  SUBSYSTEM_VENDOR_ID,
  SUBSYSTEM_ID,
  INTERRUPT_LINE,
  INTERRUPT_PIN,
];

/** Flag bits of a base address register: bit 0 says I/O, bit 3 says prefetchable memory. */
export const BAR_IO = 1;
export const BAR_PREFETCHABLE = 8;
/** The guest's bits of a base address register are never these. */
export const BAR_FLAGS: Readonly<Record<'io' | 'memory', number>> = { io: 0x3, memory: 0xf };
