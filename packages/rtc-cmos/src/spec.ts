/**
 * MC146818A Real-Time Clock plus RAM (Motorola, "Advance Information"), and the cells that PC firmware agrees on.
 * Registers are indexed: `offset` is the number written to the index port.
 */
import { type NamedRegister, register, ro, rw } from '@hotsocket/registers';

/** Ports of the block: index (write only on the PC/AT) and data. */
export const INDEX_PORT = 0;
export const DATA_PORT = 1;
/** Bits of the index that select a cell. Bit 7 of the index port is the PC/AT's NMI mask, no part of this chip. */
export const INDEX_MASK = 0x7f;
export const CELLS = 128;

/** Time, calendar and alarm bytes (data sheet, "Time, Calendar, and Alarm Locations"). */
export const SECONDS = 0x00;
export const SECONDS_ALARM = 0x01;
export const MINUTES = 0x02;
export const MINUTES_ALARM = 0x03;
export const HOURS = 0x04;
export const HOURS_ALARM = 0x05;
export const DAY_OF_WEEK = 0x06;
export const DAY_OF_MONTH = 0x07;
export const MONTH = 0x08;
export const YEAR = 0x09;
/** Not in the chip: the PC/AT's firmware keeps the century in this cell, the PS/2's in the next. */
export const CENTURY = 0x32;
export const CENTURY_PS2 = 0x37;
/** Hours in 12-hour mode: set for p.m. */
export const PM = 0x80;
/** An alarm byte with both bits set matches every value. */
export const DONT_CARE = 0xc0;

/** PC/AT shutdown status: 0xfe asks the firmware to resume from suspend. */
export const SHUTDOWN_STATUS = 0x0f;
export const SHUTDOWN_RESUME = 0xfe;
/** CPUs present, minus one: SeaBIOS waits for that many application processors. */
export const CPU_COUNT = 0x5f;

/** Register A: update in progress, divider, rate selection. */
export const A: NamedRegister<'UIP' | 'DV' | 'RS'> = register('A', 0x0a, 8, { UIP: ro(7), DV: rw(6, 4, 2), RS: rw(3, 0, 6) });
/** Values of A.DV from here on hold the divider chain in reset (data sheet, "Divider Control"). */
export const DV_RESET = 6;
/** Values of A.DV up to this one name a crystal with which the clock runs. */
export const DV_RUNNING = 2;

/** Register B: SET, interrupt enables, data mode (1 binary), hours (1: 24). */
export const B: NamedRegister<'SET' | 'PIE' | 'AIE' | 'UIE' | 'SQWE' | 'DM' | 'H24' | 'DSE'> = register('B', 0x0b, 8, {
  SET: rw(7),
  PIE: rw(6),
  AIE: rw(5),
  UIE: rw(4),
  SQWE: rw(3),
  DM: rw(2),
  H24: rw(1, 1, 1),
  DSE: rw(0),
});
/** Bits of B that the RESET pin clears (data sheet, "RESET"). */
export const B_CLEARED_BY_RESET: number = B.PIE.mask | B.AIE.mask | B.UIE.mask | B.SQWE.mask;

/** Register C: flags, each at the bit of its enable in B. A read clears them all. */
export const C: NamedRegister<'IRQF' | 'PF' | 'AF' | 'UF'> = register('C', 0x0c, 8, { IRQF: ro(7), PF: ro(6), AF: ro(5), UF: ro(4) });
/** The flags that cause interrupts. */
export const C_SOURCES: number = C.PF.mask | C.AF.mask | C.UF.mask;

/** Register D: valid RAM and time; the battery is never flat. */
export const D: NamedRegister<'VRT'> = register('D', 0x0d, 8, { VRT: ro(7, 7, 1) });

/** The crystal of the PC/AT. */
export const CRYSTAL_HZ = 32_768;
/** UIP is set this long before the update: 8 cycles (data sheet: 244 us). */
export const UIP_LEAD_NS = 244_140;

/** Crystal cycles between two periodic interrupts for a value of A.RS; 0 is off (data sheet, "Periodic Interrupt Rate", 32.768 kHz). */
export const PERIOD_CYCLES: readonly number[] = [0, 128, 256, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384];
