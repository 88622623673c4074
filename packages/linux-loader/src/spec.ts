// The Linux/x86 boot protocol as data. Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".

/** A little-endian field of the setup header. */
export interface HeaderField {
  /** the name the boot protocol gives it */
  readonly name: string;
  /** offset in the image, bytes */
  readonly at: number;
  readonly bytes: 1 | 2 | 4 | 8;
  /** first protocol version that has the field, as the header's version word has it (0x020a = 2.10) */
  readonly since: number;
}

const field = (name: string, at: number, bytes: HeaderField['bytes'], since = 0): HeaderField => ({ name, at, bytes, since });

export const SETUP_SECTS: HeaderField = field('setup_sects', 0x1f1, 1);
export const SYSSIZE: HeaderField = field('syssize', 0x1f4, 4, 0x0204);
export const VID_MODE: HeaderField = field('vid_mode', 0x1fa, 2);
export const BOOT_FLAG: HeaderField = field('boot_flag', 0x1fe, 2);
export const HEADER: HeaderField = field('header', 0x202, 4);
export const VERSION: HeaderField = field('version', 0x206, 2);
export const TYPE_OF_LOADER: HeaderField = field('type_of_loader', 0x210, 1, 0x0200);
export const LOADFLAGS: HeaderField = field('loadflags', 0x211, 1, 0x0200);
export const RAMDISK_IMAGE: HeaderField = field('ramdisk_image', 0x218, 4, 0x0200);
export const RAMDISK_SIZE: HeaderField = field('ramdisk_size', 0x21c, 4, 0x0200);
export const HEAP_END_PTR: HeaderField = field('heap_end_ptr', 0x224, 2, 0x0201);
export const CMD_LINE_PTR: HeaderField = field('cmd_line_ptr', 0x228, 4, 0x0202);
export const INITRD_ADDR_MAX: HeaderField = field('initrd_addr_max', 0x22c, 4, 0x0203);
export const KERNEL_ALIGNMENT: HeaderField = field('kernel_alignment', 0x230, 4, 0x0205);
export const RELOCATABLE_KERNEL: HeaderField = field('relocatable_kernel', 0x234, 1, 0x0205);
export const CMDLINE_SIZE: HeaderField = field('cmdline_size', 0x238, 4, 0x0206);
export const PAYLOAD_OFFSET: HeaderField = field('payload_offset', 0x248, 4, 0x0208);
export const PAYLOAD_LENGTH: HeaderField = field('payload_length', 0x24c, 4, 0x0208);
export const PREF_ADDRESS: HeaderField = field('pref_address', 0x258, 8, 0x020a);
export const INIT_SIZE: HeaderField = field('init_size', 0x260, 4, 0x020a);

/** Every field that is read, in the order of the image. */
export const HEADER_FIELDS: readonly HeaderField[] = [
  SETUP_SECTS,
  SYSSIZE,
  VID_MODE,
  BOOT_FLAG,
  HEADER,
  VERSION,
  TYPE_OF_LOADER,
  LOADFLAGS,
  RAMDISK_IMAGE,
  RAMDISK_SIZE,
  HEAP_END_PTR,
  CMD_LINE_PTR,
  INITRD_ADDR_MAX,
  KERNEL_ALIGNMENT,
  RELOCATABLE_KERNEL,
  CMDLINE_SIZE,
  PAYLOAD_OFFSET,
  PAYLOAD_LENGTH,
  PREF_ADDRESS,
  INIT_SIZE,
];

/** Value of boot_flag. */
export const BOOT_FLAG_MAGIC = 0xaa55;
/** Value of header: the letters "HdrS", little-endian. */
export const HEADER_MAGIC = 0x5372_6448;

/** loadflags: the protected-mode code is loaded at 1 MiB, not at 64 KiB. */
export const LOADED_HIGH = 0x01;
/** loadflags: heap_end_ptr is valid. */
export const CAN_USE_HEAP = 0x80;

export const SECTOR_BYTES = 512;
/** setup_sects 0 stands for this many. */
export const DEFAULT_SETUP_SECTS = 4;
/** The real-mode code may fill 32 KiB of its segment; heap and stack need the rest. Boot protocol, "Memory Layout". */
export const SETUP_LIMIT = 0x8000;
/** Above the heap the stack of the real-mode code has 512 bytes. Boot protocol, "Sample Boot Configuration". */
export const STACK_BYTES = 0x200;

/** type_of_loader of a loader that got the number 0Bh (QEMU) without a version: the one the option ROM stands in for. */
export const LOADER_ID = 0xb0;

/** initrd_addr_max of kernels whose header does not have the field. */
export const DEFAULT_INITRD_ADDR_MAX = 0x37ff_ffff;
/** cmdline_size of kernels whose header does not have the field. */
export const DEFAULT_CMDLINE_SIZE = 255;

/** Where the parts go by kind of kernel; cmdline below setup's stack or in a segment of its own. Guest-physical addresses. */
export const ADDRESSES = {
  /** protocol 2.02 and newer, loaded high */
  modern: { setup: 0x1_0000, cmdline: 0x2_0000, kernel: 0x10_0000 },
  /** older protocols, loaded high: the command line is found through a 16-bit offset from 9000:0 */
  oldHigh: { setup: 0x9_0000, cmdlineEnd: 0x9_a000, kernel: 0x10_0000 },
  /** zImage: everything below 640 KiB */
  low: { setup: 0x9_0000, cmdlineEnd: 0x9_a000, kernel: 0x1_0000 },
} as const;

/** Magic and offset of the command line for protocols before 2.02. Boot protocol, "The Kernel Command Line". */
export const OLD_CMDLINE = { magicAt: 0x20, magic: 0xa33f, offsetAt: 0x22 } as const;

/** Firmware keeps its ACPI tables at the top of RAM: 128 KiB of tables and 32 KiB more. */
export const DEFAULT_RAM_RESERVE = 0x2_8000;

/** Words of the `vga=` option that stand for a number. Boot protocol, "Special Command Line Options". */
export const VIDEO_MODES: Readonly<Record<string, number>> = { normal: 0xffff, ext: 0xfffe, ask: 0xfffd };

/** fw_cfg keys of direct kernel boot: load address, size and bytes of each part. */
export const FW_CFG_KEYS = {
  kernel: { address: 0x07, size: 0x08, data: 0x11 },
  initrd: { address: 0x0a, size: 0x0b, data: 0x12 },
  cmdline: { address: 0x13, size: 0x14, data: 0x15 },
  setup: { address: 0x16, size: 0x17, data: 0x18 },
} as const;

/** Magic numbers of files that people try as kernels. */
export const OTHER_FILES: readonly { readonly magic: readonly number[]; readonly what: string }[] = [
  { magic: [0x7f, 0x45, 0x4c, 0x46], what: 'an ELF file' },
  { magic: [0x1f, 0x8b], what: 'a gzip file' },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: 'an xz file' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: 'a zstd file' },
  { magic: [0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e], what: 'a Debian package or ar archive' },
  { magic: [0x30, 0x37, 0x30, 0x37, 0x30], what: 'a cpio archive' },
];
