import { type DefinedRegister, type FieldSpec, register, rw, wo } from '@hotsocket/registers';

// QEMU Firmware Configuration (fw_cfg) Device, specification in QEMU's documentation ("docs/specs/fw_cfg").

/** First port: a word written selects an item, bytes read from it and from the next port are the item's. */
export const FW_CFG_PORT = 0x510;
/** First port of the DMA address register, 8 bytes, big-endian. */
export const FW_CFG_DMA_PORT = 0x514;

type Named<F extends string> = DefinedRegister<Readonly<Record<F, FieldSpec>>>;

/** The selector. Bit 14 once opened items for writing and is ignored now. */
export const SELECTOR: Named<'ARCH' | 'WRITE_CHANNEL' | 'INDEX'> = register('SELECTOR', 0, 16, {
  ARCH: rw(15),
  WRITE_CHANNEL: rw(14),
  INDEX: rw(13, 0),
});

/** Control word of a DMA descriptor. After the transfer the device leaves 0 or ERROR there. */
export const DMA_CONTROL: Named<'ERROR' | 'READ' | 'SKIP' | 'SELECT' | 'WRITE' | 'KEY'> = register('DMA_CONTROL', 0, 32, {
  ERROR: rw(0),
  READ: wo(1),
  SKIP: wo(2),
  SELECT: wo(3),
  WRITE: wo(4),
  KEY: wo(31, 16),
});

/** Bytes of a DMA descriptor: control, length, address, all big-endian. */
export const DMA_DESCRIPTOR_BYTES = 16;
/** What the DMA address register reads as. */
export const DMA_SIGNATURE = 'QEMU CFG';

/** Keys of items that are not files. Numbers in them are little-endian. */
export const FwCfgKey = {
  /** ASCII `QEMU`. Set by the device. */
  SIGNATURE: 0x00,
  /** u32: bit 0 always, bit 1 DMA. Set by the device. */
  ID: 0x01,
  UUID: 0x02,
  /** u64, bytes. */
  RAM_SIZE: 0x03,
  /** u16. */
  NOGRAPHIC: 0x04,
  /** u16: CPUs present. */
  NB_CPUS: 0x05,
  KERNEL_ADDR: 0x07,
  KERNEL_SIZE: 0x08,
  INITRD_ADDR: 0x0a,
  INITRD_SIZE: 0x0b,
  BOOT_DEVICE: 0x0c,
  /** u64 count; a u64 node of each APIC id; u64 bytes of each node. */
  NUMA: 0x0d,
  BOOT_MENU: 0x0e,
  /** u16: limit of APIC ids. */
  MAX_CPUS: 0x0f,
  KERNEL_ENTRY: 0x10,
  KERNEL_DATA: 0x11,
  INITRD_DATA: 0x12,
  CMDLINE_ADDR: 0x13,
  CMDLINE_SIZE: 0x14,
  CMDLINE_DATA: 0x15,
  SETUP_ADDR: 0x16,
  SETUP_SIZE: 0x17,
  SETUP_DATA: 0x18,
  /** Names, sizes and keys of the files. Made by the device. */
  FILE_DIR: 0x19,
  ACPI_TABLES: 0x8000,
  SMBIOS_ENTRIES: 0x8001,
  IRQ0_OVERRIDE: 0x8002,
  E820_TABLE: 0x8003,
  HPET: 0x8004,
} as const;

/** Key of the first file, in the order of names. */
export const FILE_FIRST = 0x20;
/** Files a machine may have, unless it says otherwise. */
export const FILE_SLOTS = 0x20;
/** Bytes of a file's name with its NUL. */
export const FILE_NAME_BYTES = 56;
/** Bytes of a directory entry: size u32, key u16, reserved u16, name; all big-endian. */
export const FILE_ENTRY_BYTES = 64;
