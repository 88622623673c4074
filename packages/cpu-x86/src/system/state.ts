/**
 * State of a CPU that only helpers use: debug and machine-check registers, MTRRs, temporaries. It lies in the CPU's block, so that it is
 * saved and switched with the rest.
 */
const SYSTEM_STATE = 0x1a00;

/** Descriptors on their way from a table: low and high doubleword, upper half of a 64-bit base, address of the entry as a 64-bit number. */
export const DESCRIPTOR: number = SYSTEM_STATE;
export const STACK_DESCRIPTOR: number = SYSTEM_STATE + 0x20;
export const GATE: number = SYSTEM_STATE + 0x40;
export const DESC_LOW = 0;
export const DESC_HIGH = 4;
export const DESC_UPPER = 8;
export const DESC_ADDRESS = 16;

/** A value of up to 16 bytes on its way to or from memory. */
export const TEMPORARY: number = SYSTEM_STATE + 0x60;
/** 1 while an event is delivered that is no software interrupt: bit EXT of error codes. */
export const EXTERNAL: number = SYSTEM_STATE + 0x70;
/** RIP for which SHADOW holds: at any other the shadow is over. */
export const SHADOW_RIP: number = SYSTEM_STATE + 0x78;
/** DR6 bits of breakpoints that this instruction has met. */
export const DEBUG_HITS: number = SYSTEM_STATE + 0x80;
/** The instruction entered a handler, so that TF asks for no trap after it. */
export const TRAP_SUPPRESSED: number = SYSTEM_STATE + 0x84;
/** Interruptions taken: exceptions and software and external interrupts. */
export const DELIVERIES: number = SYSTEM_STATE + 0x88;
/** State of the generator behind RDRAND. */
export const RANDOM_STATE: number = SYSTEM_STATE + 0x8c;

/** A stack frame of 64-bit mode on its way to or from memory: RIP CS RFLAGS RSP SS, for delivery with the error code before it. */
export const FRAME: number = SYSTEM_STATE + 0x98;

/** Model-specific registers kept in the block, 8 bytes each; see msr.ts. */
export const MSR_STATE: number = SYSTEM_STATE + 0xe0;
export const MSR_STATE_END = 0x2000;

/** Bits of RFLAGS. */
export const FLAG_CF = 0x1;
export const FLAG_PF = 0x4;
export const FLAG_AF = 0x10;
export const FLAG_ZF = 0x40;
export const FLAG_SF = 0x80;
export const FLAG_TF = 0x100;
export const FLAG_IF = 0x200;
export const FLAG_DF = 0x400;
export const FLAG_OF = 0x800;
export const FLAG_IOPL = 0x3000;
export const FLAG_NT = 0x4000;
export const FLAG_RF = 0x1_0000;
export const FLAG_VM = 0x2_0000;
export const FLAG_AC = 0x4_0000;
export const FLAG_VIF = 0x8_0000;
export const FLAG_VIP = 0x10_0000;
export const FLAG_ID = 0x20_0000;
/** CF PF AF ZF SF OF. */
export const STATUS_FLAGS = 0x8d5;

/** Attributes as in a descriptor's second doubleword (SDM volume 3, 3.4.5). */
export const ATTR_ACCESSED = 0x100;
/** Writable for data, readable for code. */
export const ATTR_RW = 0x200;
/** Expand-down for data, conforming for code. */
export const ATTR_DC = 0x400;
export const ATTR_CODE = 0x800;
/** Code or data segment, not a system descriptor. */
export const ATTR_S = 0x1000;
export const ATTR_PRESENT = 0x8000;
export const ATTR_L = 0x20_0000;
export const ATTR_DB = 0x40_0000;
export const ATTR_G = 0x80_0000;
/** Bits of the second doubleword that a segment register keeps. */
export const ATTR_KEPT = 0x00f0_ff00;
export const dplOf = (attributes: number): number => (attributes >>> 13) & 3;
/** Type field of a system descriptor (SDM volume 3, 3.5). */
export const typeOf = (attributes: number): number => (attributes >>> 8) & 15;

/** System descriptor types. */
export const TYPE_TSS16 = 1;
export const TYPE_LDT = 2;
export const TYPE_TSS16_BUSY = 3;
export const TYPE_CALL16 = 4;
export const TYPE_TASK = 5;
export const TYPE_INTERRUPT16 = 6;
export const TYPE_TRAP16 = 7;
export const TYPE_TSS = 9;
export const TYPE_TSS_BUSY = 11;
export const TYPE_CALL = 12;
export const TYPE_INTERRUPT = 14;
export const TYPE_TRAP = 15;

export const CR0_PE = 0x1;
export const CR0_MP = 0x2;
export const CR0_EM = 0x4;
export const CR0_TS = 0x8;
export const CR0_ET = 0x10;
export const CR0_NE = 0x20;
export const CR0_WP = 0x1_0000;
export const CR0_AM = 0x4_0000;
export const CR0_NW = 0x2000_0000;
export const CR0_CD = 0x4000_0000;
export const CR0_PG = 0x8000_0000;

export const CR4_VME = 0x1;
export const CR4_PVI = 0x2;
export const CR4_TSD = 0x4;
export const CR4_DE = 0x8;
export const CR4_PSE = 0x10;
export const CR4_PAE = 0x20;
export const CR4_MCE = 0x40;
export const CR4_PGE = 0x80;
export const CR4_PCE = 0x100;
export const CR4_OSFXSR = 0x200;
export const CR4_OSXMMEXCPT = 0x400;
export const CR4_UMIP = 0x800;
export const CR4_FSGSBASE = 0x1_0000;
export const CR4_PCIDE = 0x2_0000;
export const CR4_OSXSAVE = 0x4_0000;
export const CR4_SMEP = 0x10_0000;
export const CR4_SMAP = 0x20_0000;

export const EFER_SCE = 0x1;
export const EFER_LME = 0x100;
export const EFER_LMA = 0x400;
export const EFER_NXE = 0x800;

/** Canonical linear addresses are -2^47 .. 2^47 - 1. */
const CANONICAL_LIMIT = 2 ** 47;
export const isCanonical = (address: number): boolean => address >= -CANONICAL_LIMIT && address < CANONICAL_LIMIT;
/** True when the 64 bits with this high half are a canonical address, whatever the low half. */
export const isCanonicalHigh = (high: number): boolean => (high | 0) >> 15 === (high | 0) >> 31;
