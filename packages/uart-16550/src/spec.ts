import { type DefinedRegister, type FieldSpec, register, ro, rw, wo } from '@hotsocket/registers';

// National Semiconductor PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs, June 1995, section 8 "Registers".

/** Ports of one UART. */
export const UART_PORTS = 8;
/** Characters of the receiver FIFO. */
export const FIFO_DEPTH = 16;
/** Crystal of the PC's serial ports; a sixteenth of it is the highest rate, 115200 baud. */
export const CRYSTAL_HZ = 1_843_200;
/** A character that waits this many character times without another, or a read, raises the time-out interrupt. */
export const TIMEOUT_CHARACTERS = 4;

/** Offsets without fields. With LCR.DLAB set, 0 and 1 are the divisor. */
export const RBR_THR = 0;
export const SCR = 7;

type Named<F extends string> = DefinedRegister<Readonly<Record<F, FieldSpec>>>;

/** Interrupt enable. */
export const IER: Named<'ERBFI' | 'ETBEI' | 'ELSI' | 'EDSSI'> = register('IER', 1, 8, {
  ERBFI: rw(0),
  ETBEI: rw(1),
  ELSI: rw(2),
  EDSSI: rw(3),
});

/** Interrupt identification, read. */
export const IIR: Named<'NONE' | 'ID' | 'FIFOS'> = register('IIR', 2, 8, { NONE: ro(0, 0, 1), ID: ro(3, 1), FIFOS: ro(7, 6) });

/** Values of IIR bits 3:0, in order of priority after the first. */
export const INTERRUPT = { NONE: 0x1, LINE_STATUS: 0x6, TIMEOUT: 0xc, DATA: 0x4, TRANSMITTER: 0x2, MODEM: 0x0 } as const;

/** FIFO control, written at the same offset. */
export const FCR: Named<'ENABLE' | 'RESET_RX' | 'RESET_TX' | 'DMA' | 'TRIGGER'> = register('FCR', 2, 8, {
  ENABLE: wo(0),
  RESET_RX: wo(1),
  RESET_TX: wo(2),
  DMA: wo(3),
  TRIGGER: wo(7, 6),
});

/** Characters at which the data interrupt comes, by FCR.TRIGGER. */
export const TRIGGER_LEVELS: readonly number[] = [1, 4, 8, 14];

/** Line control. */
export const LCR: Named<'WLS' | 'STB' | 'PEN' | 'EPS' | 'STICK' | 'BREAK' | 'DLAB'> = register('LCR', 3, 8, {
  WLS: rw(1, 0),
  STB: rw(2),
  PEN: rw(3),
  EPS: rw(4),
  STICK: rw(5),
  BREAK: rw(6),
  DLAB: rw(7),
});

/** Modem control. On a PC, OUT2 connects the interrupt to the bus. */
export const MCR: Named<'DTR' | 'RTS' | 'OUT1' | 'OUT2' | 'LOOP'> = register('MCR', 4, 8, {
  DTR: rw(0),
  RTS: rw(1),
  OUT1: rw(2),
  OUT2: rw(3),
  LOOP: rw(4),
});

/** Line status. Reading clears OE, PE, FE and BI. */
export const LSR: Named<'DR' | 'OE' | 'PE' | 'FE' | 'BI' | 'THRE' | 'TEMT' | 'FIFO_ERROR'> = register('LSR', 5, 8, {
  DR: ro(0),
  OE: ro(1),
  PE: ro(2),
  FE: ro(3),
  BI: ro(4),
  THRE: ro(5, 5, 1),
  TEMT: ro(6, 6, 1),
  FIFO_ERROR: ro(7),
});

/** The error bits, which reading LSR clears and which raise the line status interrupt. */
export const LSR_ERRORS: number = LSR.OE.mask | LSR.PE.mask | LSR.FE.mask | LSR.BI.mask;

/** Modem status: four inputs and what changed since the last read (TERI: RI went low). */
export const MSR: Named<'DCTS' | 'DDSR' | 'TERI' | 'DDCD' | 'CTS' | 'DSR' | 'RI' | 'DCD'> = register('MSR', 6, 8, {
  DCTS: ro(0),
  DDSR: ro(1),
  TERI: ro(2),
  DDCD: ro(3),
  CTS: ro(4),
  DSR: ro(5),
  RI: ro(6),
  DCD: ro(7),
});

/** The change bits of MSR. */
export const MSR_CHANGES: number = MSR.DCTS.mask | MSR.DDSR.mask | MSR.TERI.mask | MSR.DDCD.mask;
