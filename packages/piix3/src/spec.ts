import { type DefinedRegister, type FieldSpec, type Register, register, rw } from '@hotsocket/registers';

// Intel 82371FB (PIIX) and 82371SB (PIIX3) PCI ISA IDE Xcelerator, order number 290550-002, section 2 "Register description".

type Named<F extends string> = DefinedRegister<Readonly<Record<F, FieldSpec>>>;

/** PIRQRCA to PIRQRCD: which ISA interrupt a PCI interrupt wire is steered to; bit 7 set steers it nowhere. */
const pirqRc = (index: number): Named<'DISABLED' | 'RESERVED' | 'IRQ'> =>
  register(`PIRQRC${'ABCD'[index]}`, 0x60 + index, 8, { DISABLED: rw(7, 7, 1), RESERVED: rw(6, 4), IRQ: rw(3, 0) });
export const PIRQRC: readonly ReturnType<typeof pirqRc>[] = [0, 1, 2, 3].map(pirqRc);

/** Interrupts PIRQRC can name; 0, 1, 2, 8 and 13 belong to the board. */
export const STEERABLE_IRQS = 0b1101_1110_1111_1000;

/** ISA clock, X-bus, bus time-out and DMA registers as they are after reset; storage here. */
export const RESET_BYTES: Readonly<Record<number, number>> = {
  76: 0x4d,
  78: 0x03,
  105: 0x02,
  112: 0x80,
  118: 0x0c,
  119: 0x0c,
  120: 0x02,
  160: 0x08,
  168: 0x0f,
};

/** ELCR1 and ELCR2, ports 4D0h and 4D1h: a set bit makes the interrupt level triggered. Bits of 0, 1, 2, 8 and 13 stay 0. */
export const ELCR_PORT = 0x4d0;
export const ELCR: readonly [Named<'LEVEL'>, Named<'LOW' | 'HIGH'>] = [
  register('ELCR1', ELCR_PORT, 8, { LEVEL: rw(7, 3) }),
  register('ELCR2', ELCR_PORT + 1, 8, { LOW: rw(4, 1), HIGH: rw(7, 6) }),
];

/** Reset control, port CF9h: setting RCPU resets, at once or (SRST) with all of the board. */
export const RC_PORT = 0xcf9;
export const RC: Named<'SRST' | 'RCPU'> = register('RC', RC_PORT, 8, { SRST: rw(1), RCPU: rw(2) });

/** Registers of configuration space with a behaviour. */
export const REGISTERS: readonly Register[] = PIRQRC;
