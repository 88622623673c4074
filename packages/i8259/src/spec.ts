// Intel 8259A Programmable Interrupt Controller, order number 231468-003 (December 1988)
import { type DefinedRegister, type FieldSpec, register, rw, wo } from '@hotsocket/registers';

type Fields<N extends string> = DefinedRegister<Record<N, FieldSpec>>;

/** A0 of the chip: 0 takes ICW1, OCW2 and OCW3 and reads IRR, ISR or a poll; 1 takes ICW2-4 and OCW1 and reads IMR. */
export const COMMAND = 0;
export const DATA = 1;
export const PORTS = 2;

/** Inputs of one chip; the lowest priority after initialisation is input 7. */
export const LEVELS = 8;
/** A spurious request is answered with this level ('default IR7'), and no bit of ISR is set. */
export const SPURIOUS_LEVEL = 7;
/** In the PC the slave's INT drives this input of the master. */
export const CASCADE_LEVEL = 2;

/** Initialization command word 1: D4 = 1 tells it from OCW2 and OCW3. */
export const ICW1: Fields<'IC4' | 'SNGL' | 'ADI' | 'LTIM' | 'INIT'> = register('ICW1', COMMAND, 8, {
  IC4: wo(0),
  SNGL: wo(1),
  ADI: wo(2),
  LTIM: wo(3),
  INIT: wo(4),
});

/** ICW2 in 8086 mode: T7-T3 of the vector. */
export const ICW2: Fields<'VECTOR_BASE'> = register('ICW2', DATA, 8, { VECTOR_BASE: wo(7, 3) });

export const ICW4: Fields<'uPM' | 'AEOI' | 'M_S' | 'BUF' | 'SFNM'> = register('ICW4', DATA, 8, {
  uPM: wo(0),
  AEOI: wo(1),
  M_S: wo(2),
  BUF: wo(3),
  SFNM: wo(4),
});

/** Operation control word 1 is the interrupt mask register. */
export const OCW1: Fields<'IMR'> = register('OCW1', DATA, 8, { IMR: rw(7, 0) });

/** Operation control word 2: D4 and D3 are 0. */
export const OCW2: Fields<'LEVEL' | 'EOI' | 'SL' | 'R'> = register('OCW2', COMMAND, 8, {
  LEVEL: wo(2, 0),
  EOI: wo(5),
  SL: wo(6),
  R: wo(7),
});

/** Operation control word 3: D4 = 0, D3 = 1. */
export const OCW3: Fields<'RIS' | 'RR' | 'P' | 'IS_OCW3' | 'SMM' | 'ESMM'> = register('OCW3', COMMAND, 8, {
  RIS: wo(0),
  RR: wo(1),
  P: wo(2),
  IS_OCW3: wo(3),
  SMM: wo(5),
  ESMM: wo(6),
});

/** Bit 7 of a poll word: an interrupt was requested, bits 2:0 name it. */
export const POLL_REQUEST = 0x80;
