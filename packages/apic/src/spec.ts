// Intel SDM volume 3A, chapter 'Advanced Programmable Interrupt Controller (APIC)': local APIC in xAPIC mode
import { APIC_SPACE_BASE } from '@hotsocket/icc-bus';
import { type DefinedRegister, type FieldSpec, register, ro, rw } from '@hotsocket/registers';

type Fields<N extends string> = DefinedRegister<Record<N, FieldSpec>>;

/** Register numbers: the offset in the page divided by 16, and the x2APIC MSR number less 800h. */
export const REG = {
  ID: 0x02,
  VERSION: 0x03,
  TPR: 0x08,
  APR: 0x09,
  PPR: 0x0a,
  EOI: 0x0b,
  RRD: 0x0c,
  LDR: 0x0d,
  DFR: 0x0e,
  SVR: 0x0f,
  ISR: 0x10,
  TMR: 0x18,
  IRR: 0x20,
  ESR: 0x28,
  ICR_LOW: 0x30,
  ICR_HIGH: 0x31,
  LVT: 0x32,
  INITIAL_COUNT: 0x38,
  CURRENT_COUNT: 0x39,
  DIVIDE: 0x3e,
} as const;

/** Interrupts the own CPU; in x2APIC mode only. */
export const SELF_IPI = 0x3f;

/** Entries of the local vector table, in the order of their registers. */
export const LVT = { TIMER: 0, THERMAL: 1, PERFORMANCE: 2, LINT0: 3, LINT1: 4, ERROR: 5 } as const;
export const LVT_ENTRIES = 6;

export const VECTORS = 256;
/** Vectors 0 to 15 are not for interrupts: 'Valid Interrupt Vectors'. */
export const LOWEST_VECTOR = 16;

export const APIC_ID: Fields<'ID'> = register('ID', REG.ID, 32, { ID: rw(31, 24) });
/** Integrated APIC, six LVT entries. */
export const APIC_VERSION: Fields<'VERSION' | 'MAX_LVT'> = register('VERSION', REG.VERSION, 32, {
  VERSION: ro(7, 0, 0x11),
  MAX_LVT: ro(23, 16, LVT_ENTRIES - 1),
});
export const LDR: Fields<'LOGICAL_ID'> = register('LDR', REG.LDR, 32, { LOGICAL_ID: rw(31, 24) });
/** The model is in the upper four bits; the others are ones. */
export const DFR: Fields<'MODEL' | 'ONES'> = register('DFR', REG.DFR, 32, { MODEL: rw(31, 28, 0xf), ONES: ro(27, 0, 0xfff_ffff) });
export const MODEL_FLAT = 0xf;
export const MODEL_CLUSTER = 0x0;

export const SVR: Fields<'VECTOR' | 'ENABLED' | 'FOCUS_DISABLED'> = register('SVR', REG.SVR, 32, {
  VECTOR: rw(7, 0, 0xff),
  ENABLED: rw(8),
  FOCUS_DISABLED: rw(9),
});

/** Error status bits that this APIC raises: 'Error Handling'. */
export const ESR: Fields<'SEND_ILLEGAL_VECTOR' | 'RECEIVE_ILLEGAL_VECTOR' | 'ILLEGAL_REGISTER'> = register('ESR', REG.ESR, 32, {
  SEND_ILLEGAL_VECTOR: ro(5),
  RECEIVE_ILLEGAL_VECTOR: ro(6),
  ILLEGAL_REGISTER: ro(7),
});

export const ICR_LOW: Fields<'VECTOR' | 'DELIVERY_MODE' | 'LOGICAL' | 'DELIVERY_STATUS' | 'LEVEL' | 'TRIGGER' | 'SHORTHAND'> = register(
  'ICR_LOW',
  REG.ICR_LOW,
  32,
  {
    VECTOR: rw(7, 0),
    DELIVERY_MODE: rw(10, 8),
    LOGICAL: rw(11),
    DELIVERY_STATUS: ro(12),
    LEVEL: rw(14),
    TRIGGER: rw(15),
    SHORTHAND: rw(19, 18),
  },
);
export const ICR_HIGH: Fields<'DESTINATION'> = register('ICR_HIGH', REG.ICR_HIGH, 32, { DESTINATION: rw(31, 24) });

const VECTOR = rw(7, 0);
const DELIVERY_STATUS = ro(12);
const MASK = rw(16, 16, 1);

export const LVT_TIMER: Fields<'VECTOR' | 'DELIVERY_STATUS' | 'MASK' | 'MODE'> = register('LVT_TIMER', REG.LVT + LVT.TIMER, 32, {
  VECTOR,
  DELIVERY_STATUS,
  MASK,
  MODE: rw(18, 17),
});
export const LVT_LINT: Fields<'VECTOR' | 'DELIVERY_MODE' | 'DELIVERY_STATUS' | 'POLARITY' | 'REMOTE_IRR' | 'TRIGGER' | 'MASK'> = register(
  'LVT_LINT',
  REG.LVT + LVT.LINT0,
  32,
  { VECTOR, DELIVERY_MODE: rw(10, 8), DELIVERY_STATUS, POLARITY: rw(13), REMOTE_IRR: ro(14), TRIGGER: rw(15), MASK },
);
/** Thermal sensor and performance counters. */
export const LVT_SENSOR: Fields<'VECTOR' | 'DELIVERY_MODE' | 'DELIVERY_STATUS' | 'MASK'> = register(
  'LVT_SENSOR',
  REG.LVT + LVT.THERMAL,
  32,
  {
    VECTOR,
    DELIVERY_MODE: rw(10, 8),
    DELIVERY_STATUS,
    MASK,
  },
);
export const LVT_ERROR: Fields<'VECTOR' | 'DELIVERY_STATUS' | 'MASK'> = register('LVT_ERROR', REG.LVT + LVT.ERROR, 32, {
  VECTOR,
  DELIVERY_STATUS,
  MASK,
});
/** The layout of each entry, by its number. */
export const LVT_LAYOUT: readonly (typeof LVT_ERROR | typeof LVT_LINT | typeof LVT_SENSOR | typeof LVT_TIMER)[] = [
  LVT_TIMER,
  LVT_SENSOR,
  LVT_SENSOR,
  LVT_LINT,
  LVT_LINT,
  LVT_ERROR,
];
/** LINT0 of the bootstrap processor when the firmware starts: ExtINT, unmasked (virtual wire). */
export const LVT_EXTINT_UNMASKED = 0x700;

/** Timer modes of the LVT timer entry; 3 is reserved. */
export const TIMER_MODE = { ONE_SHOT: 0, PERIODIC: 1, TSC_DEADLINE: 2 } as const;

/** Bits 3, 1 and 0 choose the divider: 2, 4, 8, 16, 32, 64, 128, 1. */
export const DIVIDE: Fields<'LOW' | 'HIGH'> = register('DIVIDE', REG.DIVIDE, 32, { LOW: rw(1, 0), HIGH: rw(3) });
export const DIVIDERS: readonly number[] = [2, 4, 8, 16, 32, 64, 128, 1];

/** IA32_APIC_BASE, low half. */
export const APIC_BASE: Fields<'BSP' | 'EXTENDED' | 'ENABLE' | 'BASE'> = register('APIC_BASE', 0x1b, 32, {
  BSP: ro(8),
  EXTENDED: rw(10),
  ENABLE: rw(11, 11, 1),
  BASE: rw(31, 12, APIC_SPACE_BASE >>> 12),
});
