/**
 * Addresses of everything the execution core keeps in its WebAssembly memory. The block of the CPU that is executing is
 * always at CPU_BLOCK, so that generated code holds constant addresses; the blocks of the others wait in SAVED_BLOCKS.
 */

export const KiB = 1024;
export const MiB: number = 1024 * KiB;
export const PAGE_BYTES = 4096;

/** State of the executing CPU. */
export const CPU_BLOCK = 0x1000;
export const CPU_BLOCK_BYTES = 0x1000;

/** RAX RCX RDX RBX RSP RBP RSI RDI R8..R15, 8 bytes each. */
export const GPR = 0x1000;
export const RAX = 0x1000;
export const RCX = 0x1008;
export const RDX = 0x1010;
export const RBX = 0x1018;
export const RSP = 0x1020;
export const RBP = 0x1028;
export const RSI = 0x1030;
export const RDI = 0x1038;
/** Always zero: the base, index or segment of an address that has none. */
export const ZERO = 0x1080;
/** RIP minus the offset in the page, for the page that is executing: RIP = PAGE_RIP + the record's page offset. */
export const PAGE_RIP = 0x1088;
/** Instruction pointer; valid whenever generated code is not between two instructions of a page. */
export const RIP = 0x1090;

/**
 * The status flags in the form in which instructions leave them. ZF: FLAG_ZERO = 0. SF: FLAG_SIGN < 0. PF: even parity of the
 * low byte of FLAG_SIGN. CF: bit 63 of FLAG_CARRY. OF: bit 63 xor bit 62 of FLAG_CARRY. AF: bit 4 of FLAG_AUX.
 */
export const FLAG_ZERO = 0x1098;
export const FLAG_SIGN = 0x10a0;
export const FLAG_CARRY = 0x10a8;
export const FLAG_AUX = 0x10b0;
/** The other bits of RFLAGS (TF IF DF IOPL NT RF VM AC VIF VIP ID), bit 1 set, status bits zero. */
export const EFLAGS = 0x10b4;

/** Segment registers ES CS SS DS FS GS, then LDTR and TR: 32 bytes each. */
export const SEGMENTS = 0x10c0;
export const SEGMENT_BYTES = 32;
/** Offsets in a segment: base (u64), limit in bytes (u32), attributes (u32, as in the descriptor's second dword), selector (u16). */
export const SEG_BASE = 0;
export const SEG_LIMIT = 8;
export const SEG_ATTR = 12;
export const SEG_SELECTOR = 16;
export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;
export const LDTR = 6;
export const TR = 7;
/** Address of segment register `index`. */
export const segment = (index: number): number => SEGMENTS + index * SEGMENT_BYTES;

export const GDTR_BASE = 0x11c0;
export const GDTR_LIMIT = 0x11c8;
export const IDTR_BASE = 0x11d0;
export const IDTR_LIMIT = 0x11d8;
export const CR0 = 0x11e0;
export const CR2 = 0x11e8;
export const CR3 = 0x11f0;
export const CR4 = 0x11f8;
export const EFER = 0x1208;
/** DR0..DR7, 8 bytes each. */
export const DR = 0x1210;
export const XCR0 = 0x1250;
/** Model-specific registers with a place of their own, 8 bytes each. */
export const MSR_STAR = 0x1258;
export const MSR_LSTAR = 0x1260;
export const MSR_CSTAR = 0x1268;
export const MSR_FMASK = 0x1270;
export const MSR_KERNEL_GS_BASE = 0x1278;
export const MSR_SYSENTER_CS = 0x1280;
export const MSR_SYSENTER_ESP = 0x1288;
export const MSR_SYSENTER_EIP = 0x1290;
export const MSR_PAT = 0x1298;
export const MSR_TSC_AUX = 0x12a0;
/** Added to the machine's TSC (WRMSR to the TSC), 64 bit. */
export const TSC_OFFSET = 0x12a8;

/** Highest RIP that CS allows, as i64; all ones in 64-bit code. */
export const CODE_LIMIT = 0x12d0;
/** Not zero: instructions are decoded and executed one by one. */
export const STEPPING = 0x12d8;
/**
 * What instructions of the x87, WAIT, MMX and SSE raise under the present CR0 and CR4: a vector, or 0 to go on. `refreshFpuTraps` derives them.
 */
export const X87_TRAP = 0x12e0;
export const WAIT_TRAP = 0x12e4;
export const MMX_TRAP = 0x12e8;
export const SSE_TRAP = 0x12ec;
/** Between a definition and its helper: opcode and ModRM of an x87 instruction, then the bytes that it stores. */
export const FPU_OPCODE = 0x12f0;
export const FPU_STORED = 0x12f4;
/** Address of the source operand of an SSE helper: a register, or a copy of memory. */
export const SSE_SOURCE = 0x12f8;
/** Current privilege level. */
export const CPL = 0x1300;
/** Which decoded form of a page is executed: see MODE_*. */
export const MODE_KEY = 0x1304;
/** Mask of linear addresses formed without a prefix: all ones in 64-bit code, else 2^32 - 1. */
export const ADDRESS_MASK = 0x1308;
/** Stack addressing: mask of rSP, base to add, and whether limits must be checked. */
export const STACK_MASK = 0x12b8;
export const STACK_BASE = 0x12c0;
export const STACK_CHECK = 0x12c8;
/** Instructions left in this slice; the CPU stops at the first check point at which it is not positive. */
export const BUDGET = 0x1310;
/** Not zero: stop at the next check point. */
export const EXIT_REQUEST = 0x1314;
/** Address of the TLB of the current privilege (user or supervisor half). */
export const TLB_BASE = 0x1318;
/** Decoded-record table of the page that is executing, or NO_RECORDS. */
export const CURRENT_TABLE = 0x131c;
/** Pending fault: vector, error code or -1. */
export const FAULT_VECTOR = 0x1320;
export const FAULT_ERROR = 0x1324;
/** Record of the instruction that faulted, 0 when it could not be fetched; and whether its fault is a non-canonical address. */
export const FAULT_RECORD = 0x13c0;
export const NONCANONICAL = 0x13c4;
/** Execution state of the CPU, see ACTIVITY_*. */
export const ACTIVITY = 0x1328;
/** Interrupts are held off for one instruction: 0 none, 1 by STI, 2 by a load of SS. */
export const SHADOW = 0x132c;
/** Events waiting for this CPU, see EVENT_*. */
export const EVENTS = 0x1330;
/** NMIs are blocked until IRET. */
export const NMI_BLOCKED = 0x1334;
/** Vector of a received SIPI. */
export const SIPI_VECTOR = 0x1338;
/** Linear address and value of an access that generated code hands to the slow path. */
export const SLOW_ADDRESS = 0x1340;
export const SLOW_VALUE = 0x1350;
/** Where a read-modify-write works when its operand is not in one page of plain RAM. */
export const BOUNCE = 0x1380;
/** Memory operand of an x87 or block instruction on its way to or from a helper, 512 bytes. */
export const SCRATCH = 0x1800;

/** x87: physical registers R0..R7, 16 bytes each (64-bit mantissa, then sign and exponent); MM0..MM7 are their mantissas. */
export const X87 = 0x1400;
export const FCW = 0x1480;
export const FSW = 0x1482;
/** Full tag word. */
export const FTW = 0x1484;
export const FOP = 0x1486;
export const FIP = 0x1488;
export const FDP = 0x1490;
export const FCS = 0x1498;
export const FDS = 0x149a;
export const MXCSR = 0x14a0;
/** XMM0..XMM15, 16 bytes each. */
export const XMM = 0x1500;

/** Code sizes of MODE_KEY. */
export const MODE_CODE16 = 0;
export const MODE_CODE32 = 1;
export const MODE_CODE64 = 2;
/** MODE_KEY bit: CS SS DS ES have base 0 and limit 4 GiB, so that their checks can be left out. */
export const MODE_FLAT = 8;
/** Number of different keys. */
export const MODE_KEYS = 16;

export const ACTIVITY_RUNNING = 0;
export const ACTIVITY_HALTED = 1;
export const ACTIVITY_WAIT_FOR_SIPI = 2;
export const ACTIVITY_SHUTDOWN = 3;

export const EVENT_INTERRUPT = 1;
export const EVENT_NMI = 2;
export const EVENT_SMI = 4;
export const EVENT_INIT = 8;
export const EVENT_SIPI = 16;
/** The slice is to end with the present instruction. */
export const EVENT_YIELD = 32;
/** A second NMI, behind one that waits though none is in progress: a processor that runs would have taken the first one meanwhile. */
export const EVENT_NMI_NEXT = 64;

/** Read-only tables of generated code. */
export const PARITY_TABLE = 0x2000;
/** Mask of offsets by address size in bytes (i64 at 8 times the size). */
export const ADDRESS_SIZE_MASKS = 0x2200;

/** A page's record table without a record: jumps always look up. */
export const NO_RECORDS = 0x4000;
/** Records of instructions that are executed once and not kept. */
export const SCRATCH_RECORDS = 0x8000;

/** 256 CRC-32C remainders of one byte (u32). */
export const CRC32_TABLE = 0x2400;
/** For each immediate byte, the byte indices that PSHUFD, PSHUFLW and PSHUFHW take: 256 times 16 bytes. */
export const SHUFFLE_32 = 0x9000;
export const SHUFFLE_LOW_16 = 0xa000;
export const SHUFFLE_HIGH_16 = 0xb000;

/** State blocks of CPUs that are not executing. */
export const SAVED_BLOCKS = 0x1_0000;
export const MAX_CPUS = 256;

/** Translation look-aside buffers: per CPU a supervisor and a user half. */
export const TLBS: number = SAVED_BLOCKS + MAX_CPUS * CPU_BLOCK_BYTES;
export const TLB_ENTRIES = 8192;
export const TLB_ENTRY_BYTES = 32;
export const TLB_HALF_BYTES: number = TLB_ENTRIES * TLB_ENTRY_BYTES;
export const TLB_BYTES: number = 2 * TLB_HALF_BYTES;
/** Offsets in an entry: linear page for reads, writes, fetches (i64 each), host page minus linear page, address of the page's CODE_PAGES slot. */
export const TLB_READ = 0;
export const TLB_WRITE = 8;
export const TLB_EXECUTE = 16;
export const TLB_ADDEND = 24;
export const TLB_CODE = 28;

/** One i32 per physical page below 4 GiB: address of its code page descriptor, or 0. */
export const CODE_PAGES: number = TLBS + MAX_CPUS * TLB_BYTES;
export const PHYSICAL_PAGES = 0x10_0000;

/** Descriptors of pages with decoded code: record table per MODE_KEY (i32 each), then 64 bits of lines that hold code. */
export const DESCRIPTORS: number = CODE_PAGES + PHYSICAL_PAGES * 4;
export const DESCRIPTOR_BYTES = 128;
export const DESCRIPTOR_LINES: number = MODE_KEYS * 4;
/** How often the page's records were dropped (i32): translated code that enters the page from another one compares it. */
export const DESCRIPTOR_VERSION: number = DESCRIPTOR_LINES + 8;
export const MAX_DESCRIPTORS = 8192;

/** Record tables: per page and key one i32 per byte offset, the record that starts there or 0. */
export const TABLES: number = DESCRIPTORS + MAX_DESCRIPTORS * DESCRIPTOR_BYTES;
export const TABLE_BYTES: number = PAGE_BYTES * 4;
export const MAX_TABLES = 4096;

/** Decoded instructions. */
export const RECORDS: number = TABLES + MAX_TABLES * TABLE_BYTES;
export const RECORD_BYTES = 32;
export const MAX_RECORDS: number = 1.5 * MiB;

/** How often control has come to each record, one i32 each. */
export const HOTNESS: number = RECORDS + MAX_RECORDS * RECORD_BYTES;

/** Guest RAM and ROM images, page aligned. */
export const GUEST: number = HOTNESS + MAX_RECORDS * 4;

/** Fields of a record. */
export const REC_HANDLER = 0; // u16
export const REC_LENGTH = 2; // u8
export const REC_FLAGS = 3; // u8, RECORD_*
export const REC_PAGE_OFFSET = 4; // u16, of the instruction's first byte
export const REC_SEGMENT = 6; // u8, segment register of the memory operand; u8 @7 address size in bytes
export const REC_ADDRESS_BYTES = 7; // u8
export const REC_BASE = 8; // u16, address of the base register
export const REC_INDEX = 10; // u16, address of the index register
export const REC_SCALE = 12; // u8
export const REC_EXTRA = 13; // u8: ENTER level, condition, ...
export const REC_SEGMENT_BASE = 14; // u16, address of the segment base to add
export const REC_DISPLACEMENT = 16; // i32
export const REC_REG = 20; // u16, address of the register named by ModRM.reg
export const REC_RM = 22; // u16, address of the register named by ModRM.rm, +r or a fixed operand
export const REC_IMMEDIATE = 24; // i64

/** The memory operand needs segment checks or a narrower address size: use the complete address computation. */
export const RECORD_COMPLEX = 1;
/** LOCK prefix. */
export const RECORD_LOCK = 2;
/** F3 / F2 as repeat or hint prefix. */
export const RECORD_REP = 4;
export const RECORD_REPNE = 8;
/** The default segment of the memory operand is SS: #SS instead of #GP. */
export const RECORD_STACK = 16;
/** Direct jump inside the page: the immediate is the target's page offset. */
export const RECORD_LOCAL = 32;
/** The memory operand's offset is the 64-bit immediate (moffs). */
export const RECORD_OFFSET = 64;

/** Handlers with a meaning of their own, before those of instructions. */
export const HANDLER_STALE = 0;
/** Go on at page offset REC_IMMEDIATE through a new look-up. */
export const HANDLER_CONTINUE = 1;
/** Check that the next page is still the one of REC_IMMEDIATE, before an instruction that crosses into it. */
export const HANDLER_CROSSING = 2;
/** Go on at the record at address REC_IMMEDIATE. */
export const HANDLER_LINK = 3;
/** One instruction was executed by itself: leave, or raise the trap that was asked for. */
export const HANDLER_STEPPED = 4;
/** Undefined opcode. */
export const HANDLER_INVALID = 5;
/** Instruction of more than 15 bytes. */
export const HANDLER_TOO_LONG = 6;
/** A debugger may want to stop before the instruction that follows. */
export const HANDLER_BREAKPOINT = 7;
export const FIRST_HANDLER = 8;
/** Entries of translated regions, above all instructions; the record's immediate is the instruction's own record. */
export const FIRST_REGION = 4096;
export const MAX_REGIONS = 8192;
