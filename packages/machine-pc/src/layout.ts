/** Every magic address of the board, with its reason. */

export const KiB = 1024;
export const MiB: number = 1024 * KiB;
export const GiB: number = 1024 * MiB;

/** RAM ends here at the latest: above are PCI devices, the APICs and the firmware. */
export const RAM_TOP = 0xe000_0000;
/** Firmware ends at 4 GiB, where the reset vector is; its last 128 KiB appear below 1 MiB too (ISA BIOS area). */
export const FIRMWARE_TOP: number = 4 * GiB;
export const ISA_BIOS = 0xe_0000;
export const ISA_BIOS_BYTES: number = 128 * KiB;
/** Display memory of an adapter; nothing on a board without one. */
export const VGA_MEMORY = 0xa_0000;
export const VGA_MEMORY_BYTES: number = 128 * KiB;
/** Option ROM area, first addresses that PAM shadows. */
export const OPTION_ROMS = 0xc_0000;

/** Windows that lie over RAM while PAM or SMRAM does not open it. */
export const OVERLAY_PRIORITY = 1;
/** The APICs' windows lie over everything. */
export const APIC_PRIORITY = 0x1000;
/** Where a guest moves a local APIC, over the others too. */
export const MOVED_APIC_PRIORITY: number = APIC_PRIORITY + 1;

export const PORT = {
  pic1: 0x20,
  pit: 0x40,
  keyboardData: 0x60,
  portB: 0x61,
  keyboardCommand: 0x64,
  rtc: 0x70,
  systemControl: 0x92,
  pic2: 0xa0,
  apm: 0xb2,
  com1: 0x3f8,
  com2: 0x2f8,
  elcr: 0x4d0,
  fwCfg: 0x510,
  fwCfgDma: 0x514,
  pciAddress: 0xcf8,
  pciData: 0xcfc,
  pciHotplug: 0xae00,
  cpuHotplug: 0xaf00,
  gpe0: 0xafe0,
} as const;

/** ISA interrupts. */
export const IRQ = { timer: 0, keyboard: 1, com2: 3, com1: 4, rtc: 8, sci: 9, mouse: 12 } as const;
/** The timer's interrupt reaches the I/O APIC at pin 2 (MADT override 0 -> 2). */
export const IO_APIC_TIMER_PIN = 2;

/** Places on PCI bus 0. */
export const PCI = { hostBridge: [0, 0], isaBridge: [1, 0], powerManagement: [1, 3] } as const;

/** Clocks. */
export const TSC_HZ = 1_000_000_000;
