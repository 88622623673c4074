import { type DefinedRegister, type FieldSpec, register, ro, rw } from '@hotsocket/registers';

// IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller";
// Intel UPI-41AH/42AH; 82371SB for port 92h.

type Named<F extends string> = DefinedRegister<Readonly<Record<F, FieldSpec>>>;

export const DATA_PORT = 0x60;
export const COMMAND_PORT = 0x64;
export const SYSTEM_CONTROL_PORT = 0x92;

/** Status, read at 64h. IBF stays 0: the controller takes every byte at once. */
export const STATUS: Named<'OBF' | 'IBF' | 'SYS' | 'CMD' | 'UNLOCKED' | 'AUX_OBF' | 'TIMEOUT' | 'PARITY'> = register('STATUS', 0x64, 8, {
  OBF: ro(0),
  IBF: ro(1),
  SYS: ro(2),
  CMD: ro(3),
  UNLOCKED: ro(4, 4, 1),
  AUX_OBF: ro(5),
  TIMEOUT: ro(6),
  PARITY: ro(7),
});

/** Command byte, byte 0 of the controller's RAM. */
export const COMMAND_BYTE: Named<'KBD_INT' | 'AUX_INT' | 'SYS' | 'IGNORE_LOCK' | 'KBD_DISABLE' | 'AUX_DISABLE' | 'XLATE' | 'RESERVED'> =
  register('COMMAND_BYTE', 0, 8, {
    KBD_INT: rw(0, 0, 1),
    AUX_INT: rw(1, 1, 1),
    SYS: rw(2),
    IGNORE_LOCK: rw(3),
    KBD_DISABLE: rw(4),
    AUX_DISABLE: rw(5),
    XLATE: rw(6),
    RESERVED: rw(7),
  });

/** Output port. RESET is active low; bits 4 and 5 follow the output buffer. */
export const OUTPUT_PORT: Named<'RESET' | 'A20' | 'AUX' | 'KBD_IRQ' | 'AUX_IRQ' | 'KBD'> = register('OUTPUT_PORT', 0, 8, {
  RESET: rw(0, 0, 1),
  A20: rw(1, 1, 1),
  AUX: rw(3, 2, 3),
  KBD_IRQ: ro(4),
  AUX_IRQ: ro(5),
  KBD: rw(7, 6, 3),
});

/** System control port A, 92h: a written RESET resets the processor and reads as 0. */
export const SYSTEM_CONTROL: Named<'RESET' | 'A20' | 'REST'> = register('SYSTEM_CONTROL', SYSTEM_CONTROL_PORT, 8, {
  RESET: rw(0),
  A20: rw(1),
  REST: rw(7, 2),
});

/** Commands written at 64h. 20h–3fh and 60h–7fh name a byte of RAM in their low five bits. */
export const COMMAND = {
  READ_RAM: 0x20,
  WRITE_RAM: 0x60,
  TEST_PASSWORD: 0xa4,
  DISABLE_AUX: 0xa7,
  ENABLE_AUX: 0xa8,
  TEST_AUX: 0xa9,
  SELF_TEST: 0xaa,
  TEST_KBD: 0xab,
  DISABLE_KBD: 0xad,
  ENABLE_KBD: 0xae,
  READ_INPUT_PORT: 0xc0,
  READ_OUTPUT_PORT: 0xd0,
  WRITE_OUTPUT_PORT: 0xd1,
  WRITE_KBD_BUFFER: 0xd2,
  WRITE_AUX_BUFFER: 0xd3,
  WRITE_AUX: 0xd4,
  DISABLE_A20: 0xdd,
  ENABLE_A20: 0xdf,
  READ_TEST_INPUTS: 0xe0,
  PULSE_OUTPUT_PORT: 0xf0,
} as const;

/** Answers of the controller. */
export const SELF_TEST_PASSED = 0x55;
export const INTERFACE_PASSED = 0x00;
export const NO_PASSWORD = 0xf1;
/** Input port: keyboard not locked. */
export const INPUT_PORT = 0x80;
/** Bytes of the controller's RAM. */
export const RAM_BYTES = 32;

/** Answers of keyboard and mouse. */
export const ACK = 0xfa;
export const RESEND = 0xfe;
export const SELF_TEST_OK = 0xaa;
export const ECHO = 0xee;

/**
 * Scan codes of set 2 (index) as the controller hands them on in set 1 while XLATE is set; codes from 80h up pass, but
 * for 83h and 84h. IBM PS/2 reference, "Scan code translation".
 */
const TRANSLATED = [
  'ff 43 41 3f 3d 3b 3c 58 64 44 42 40 3e 0f 29 59',
  '65 38 2a 70 1d 10 02 5a 66 71 2c 1f 1e 11 03 5b',
  '67 2e 2d 20 12 05 04 5c 68 39 2f 21 14 13 06 5d',
  '69 31 30 23 22 15 07 5e 6a 72 32 24 16 08 09 5f',
  '6b 33 25 17 18 0b 0a 60 6c 34 35 26 27 19 0c 61',
  '6d 73 28 74 1a 0d 62 6e 3a 36 1c 1b 75 2b 63 76',
  '55 56 77 78 79 7a 0e 7b 7c 4f 7d 4b 47 7e 7f 6f',
  '52 53 50 4c 4d 48 01 45 57 4e 51 4a 37 49 46 54',
]
  .join(' ')
  .split(' ')
  .map((code) => Number.parseInt(code, 16));

export const translate = (code: number): number => (code === 0x83 ? 0x41 : code === 0x84 ? 0x54 : (TRANSLATED[code] ?? code));
