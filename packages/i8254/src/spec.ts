// Intel 8254 Programmable Interval Timer, order number 231164-005 (September 1993)
import { type DefinedRegister, type FieldSpec, register, ro, rw, wo } from '@hotsocket/registers';

type Fields<N extends string> = DefinedRegister<Record<N, FieldSpec>>;

/** The PC's PIT input: 14.31818 MHz / 12. */
export const PIT_HZ = 1_193_182;
export const PORTS = 4;
export const COUNTERS = 3;
/** Offset of the control word register; offsets 0 to 2 are the counters. */
export const CONTROL_PORT = 3;
/** Counts of a counter of each kind; a count of 0 stands for all of them. */
export const BINARY_COUNTS = 0x1_0000;
export const BCD_COUNTS = 10_000;

export const CONTROL_WORD: Fields<'BCD' | 'MODE' | 'RW' | 'SC'> = register('CONTROL_WORD', CONTROL_PORT, 8, {
  BCD: wo(0),
  MODE: wo(3, 1),
  RW: wo(5, 4),
  SC: wo(7, 6),
});
/** SC value of the read-back command. */
export const SC_READ_BACK = 3;
/** RW values. */
export const RW = { LATCH: 0, LSB: 1, MSB: 2, WORD: 3 } as const;

/** Read-back command: COUNT and STATUS are active low; CNT has bit n for counter n. */
export const READ_BACK: Fields<'CNT' | 'STATUS' | 'COUNT' | 'SC'> = register('READ_BACK', CONTROL_PORT, 8, {
  CNT: wo(3, 1),
  STATUS: wo(4),
  COUNT: wo(5),
  SC: wo(7, 6),
});

/** What the read-back command latches as status; the low six bits are those of the control word. */
export const STATUS: Fields<'CONTROL' | 'NULL_COUNT' | 'OUTPUT'> = register('STATUS', 0, 8, {
  CONTROL: ro(5, 0),
  NULL_COUNT: ro(6),
  OUTPUT: ro(7),
});

/** Control word bits of a counter after reset: word access, mode 3, binary. QUIRK: undefined in the datasheet; QEMU 7.2 runs mode 3. */
export const CONTROL_AFTER_RESET = 0x36;

/** PC/AT port B, 61h. */
export const PORT_B: Fields<
  'TIM_CNT2_EN' | 'SPKR_DAT_EN' | 'PCI_SERR_EN' | 'IOCHK_EN' | 'REFRESH' | 'TMR2_OUT' | 'IOCHK_NMI' | 'SERR_NMI'
> = register('PORT_B', 0, 8, {
  TIM_CNT2_EN: rw(0),
  SPKR_DAT_EN: rw(1),
  PCI_SERR_EN: rw(2),
  IOCHK_EN: rw(3),
  REFRESH: ro(4),
  TMR2_OUT: ro(5),
  IOCHK_NMI: ro(6),
  SERR_NMI: ro(7),
});
/** PIT ticks from one memory refresh to the next: counter 1 of the PC divides by 18. */
export const REFRESH_TICKS = 18;
