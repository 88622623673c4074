/** Status word, control word and number formats of the x87 and of MXCSR. Intel SDM volume 1, chapters 8 and 10. */

/** Exception flags; the same six bits in FSW, FCW (masks), MXCSR bits 0..5, and MXCSR bits 7..12 (masks). */
export const IE = 0x01;
export const DE = 0x02;
export const ZE = 0x04;
export const OE = 0x08;
export const UE = 0x10;
export const PE = 0x20;

/** FSW: stack fault, exception summary, condition codes, busy. */
export const SF = 0x40;
export const ES = 0x80;
export const C0 = 0x0100;
export const C1 = 0x0200;
export const C2 = 0x0400;
export const C3 = 0x4000;
export const BUSY = 0x8000;
export const TOP_SHIFT = 11;
export const TOP_MASK = 0x3800;
export const EXCEPTIONS = 0x3f;

/** FCW after FINIT: all exceptions masked, 64-bit precision, round to nearest. */
export const FCW_INIT = 0x037f;
/** FCW bit 6 is reserved and reads as one. */
export const FCW_RESERVED = 0x40;
export const FCW_WRITABLE = 0x1f3f;
export const PC_SHIFT = 8;
export const RC_SHIFT = 10;

/** Rounding control, as in FCW bits 11:10 and MXCSR bits 14:13. */
export const RC_NEAREST = 0;
export const RC_DOWN = 1;
export const RC_UP = 2;
export const RC_ZERO = 3;

/** MXCSR: denormals are zero, flush to zero. */
export const DAZ = 0x0040;
export const FTZ = 0x8000;
export const MXCSR_MASK_SHIFT = 7;
export const MXCSR_RC_SHIFT = 13;

/** EFLAGS bits delivered by FCOMI, COMISS and their relatives. */
export const CF = 0x01;
export const PF = 0x04;
export const ZF = 0x40;

/** What an operand is. Everything below INFINITE is finite, everything from QNAN up has no numeric value. */
export const ZERO = 0;
export const NORMAL = 1;
/** Denormal or pseudo-denormal: finite and not zero, raises DE. Its significand is normalized when unpacked. */
export const DENORMAL = 2;
export const INFINITE = 3;
export const QNAN = 4;
export const SNAN = 5;
/** Unnormal, pseudo-infinity, pseudo-NaN: encodings the 80387 and later reject as invalid. */
export const UNSUPPORTED = 6;

/** Exponent range (unbiased) and precision in bits of the three binary formats. */
export const EMIN_32 = -126;
export const EMAX_32 = 127;
export const EMIN_64 = -1022;
export const EMAX_64 = 1023;
export const EMIN_80 = -16382;
export const EMAX_80 = 16383;
export const BIAS_80 = 16383;
/** Exponent adjustment of an unmasked overflow or underflow whose destination is a register: 3 × 2^13. */
export const WRAP_80 = 24576;
