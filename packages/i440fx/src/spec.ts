import { type DefinedRegister, type FieldSpec, type Register, register, rw } from '@hotsocket/registers';

// Intel 440FX PCIset, 82441FX PMC, order number 290549-001, section 3 "Register description".

/** CONFADD and CONFDATA: configuration mechanism #1. Section 3.1. */
export const CONFADD_PORT = 0xcf8;
export const CONFDATA_PORT = 0xcfc;

type Named<F extends string> = DefinedRegister<Readonly<Record<F, FieldSpec>>>;

/** CONFADD, dword at CF8h: what a dword at CFCh stands for. Not in configuration space; its offset is a port. */
export const CONFADD: Named<'ENABLE' | 'RESERVED' | 'BUS' | 'DEVICE' | 'FUNCTION' | 'REGISTER'> = register('CONFADD', CONFADD_PORT, 32, {
  ENABLE: rw(31),
  RESERVED: rw(30, 24),
  BUS: rw(23, 16),
  DEVICE: rw(15, 11),
  FUNCTION: rw(10, 8),
  REGISTER: rw(7, 0),
});

/** PAM0 to PAM6: two nibbles of read enable, write enable and two bits that are storage (cacheability). */
const pam = (index: number): Named<'RE_LOW' | 'WE_LOW' | 'REST_LOW' | 'RE_HIGH' | 'WE_HIGH' | 'REST_HIGH'> =>
  register(`PAM${index}`, 0x59 + index, 8, {
    RE_LOW: rw(0),
    WE_LOW: rw(1),
    REST_LOW: rw(3, 2),
    RE_HIGH: rw(4),
    WE_HIGH: rw(5),
    REST_HIGH: rw(7, 6),
  });
export const PAM: readonly ReturnType<typeof pam>[] = [0, 1, 2, 3, 4, 5, 6].map(pam);

/** SMRAM control. DLCK stays set until reset, forces DOPEN to 0 and makes both read-only. */
export const SMRAM: Named<'DBASESEG' | 'SMRAME' | 'DLCK' | 'DCLS' | 'DOPEN' | 'RESERVED'> = register('SMRAM', 0x72, 8, {
  DBASESEG: rw(2, 0, 0b010),
  SMRAME: rw(3),
  DLCK: rw(4),
  DCLS: rw(5),
  DOPEN: rw(6),
  RESERVED: rw(7),
});

/** Where QEMU tells coreboot how much RAM there is, in units of 8 MiB; DRB0 to DRB7 (60h to 67h) stay zero. */
export const COREBOOT_RAM_SIZE: Named<'UNITS'> = register('COREBOOT_RAM_SIZE', 0x57, 8, { UNITS: rw(7, 0) });

/** Registers of configuration space with a behaviour or a reset value. */
export const REGISTERS: readonly Register[] = [...PAM, SMRAM, COREBOOT_RAM_SIZE];

/** Memory that one nibble of a PAM register steers. */
export interface PamSegment {
  readonly gpa: number;
  readonly length: number;
  /** Which PAM register. */
  readonly pam: number;
  readonly nibble: 'low' | 'high';
}

const KIB = 1024;
const sixteenKib = (index: number): PamSegment => ({
  gpa: 0xc_0000 + index * 16 * KIB,
  length: 16 * KIB,
  pam: 1 + (index >> 1),
  nibble: (index & 1) === 0 ? 'low' : 'high',
});

/** Segment 0 is f0000h (64 KiB); segments 1 to 12 are c0000h to effffh in steps of 16 KiB. */
export const PAM_SEGMENTS: readonly PamSegment[] = [
  { gpa: 0xf_0000, length: 64 * KIB, pam: 0, nibble: 'high' },
  ...Array.from({ length: 12 }, (_, index) => sixteenKib(index)),
];
