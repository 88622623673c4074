/**
 * 82371AB (PIIX4) PCI function 3: power management and SMBus (Intel datasheet 290562-001, April 1997), the ACPI registers it holds
 * (ACPI specification, "ACPI Register Model"), and the hot-plug blocks that PC emulators put beside it.
 */
import { type NamedRegister, register, ro, rw, w1c, wo } from '@hotsocket/registers';

/** The crystal of the power management timer (ACPI, "Power Management Timer"). */
export const PM_TIMER_HZ = 3_579_545;
/** The timer has 24 bits; its status is set whenever bit 23 changes. */
export const PM_TIMER_COUNTS = 0x100_0000;
export const PM_TIMER_HALF = 0x80_0000;

/** Length of the window at PMBA, and of the one at SMBBA. */
export const PM_LENGTH = 64;
export const SMBUS_LENGTH = 64;
/** Offset of the timer, 32 bits, read only. */
export const PM_TMR = 0x08;

/** PM1 status. ACPI, "PM1 Status Registers". */
export const PM1_STS: NamedRegister<'TMR' | 'BM' | 'GBL' | 'PWRBTN' | 'SLPBTN' | 'RTC' | 'WAK'> = register('PM1_STS', 0x00, 16, {
  TMR: w1c(0),
  BM: w1c(4),
  GBL: w1c(5),
  PWRBTN: w1c(8),
  SLPBTN: w1c(9),
  RTC: w1c(10),
  WAK: w1c(15),
});

/** PM1 enable. ACPI, "PM1 Enable Registers". */
export const PM1_EN: NamedRegister<'TMR' | 'GBL' | 'PWRBTN' | 'SLPBTN' | 'RTC'> = register('PM1_EN', 0x02, 16, {
  TMR: rw(0),
  GBL: rw(5),
  PWRBTN: rw(8),
  SLPBTN: rw(9),
  RTC: rw(10),
});
/** Events of PM1 that raise the SCI while they are enabled. */
export const PM1_SCI_EVENTS: number = PM1_EN.TMR.mask | PM1_EN.GBL.mask | PM1_EN.PWRBTN.mask | PM1_EN.RTC.mask;

/** PM1 control. ACPI, "PM1 Control Registers". */
export const PM1_CNT: NamedRegister<'SCI_EN' | 'BM_RLD' | 'GBL_RLS' | 'SLP_TYP' | 'SLP_EN'> = register('PM1_CNT', 0x04, 16, {
  SCI_EN: rw(0),
  BM_RLD: rw(1),
  GBL_RLS: wo(2),
  SLP_TYP: rw(12, 10),
  SLP_EN: wo(13),
});
/** Values of SLP_TYP, as the firmware's `\_Sx` objects say them; suspend to disk is an option of the device. */
export const SLP_TYP_OFF = 0;
export const SLP_TYP_SUSPEND = 1;

/** General purpose events: two bytes of status, two of enable. QEMU docs/specs/acpi_cpu_hotplug and acpi_pci_hotplug. */
export const GPE0_PORT = 0xafe0;
export const GPE0_LENGTH = 4;
export const GPE0_EN_OFFSET = 2;
export const GPE_PCI_HOTPLUG: number = 1 << 1;
export const GPE_CPU_HOTPLUG: number = 1 << 2;
/** What the first release with CPU hot-plug lets through to the SCI; later ones let everything through. */
export const STRICT_GPE_MASK: number = GPE_PCI_HOTPLUG | GPE_CPU_HOTPLUG;

/** PCI hot-plug block: 32-bit registers. QEMU docs/specs/acpi_pci_hotplug. */
export const PCI_HOTPLUG_PORT = 0xae00;
export const PCI_HOTPLUG_LENGTH = 0x18;
export const PCI_UP = 0x00;
export const PCI_DOWN = 0x04;
export const PCI_EJECT = 0x08;
export const PCI_REMOVABLE = 0x0c;
export const PCI_BUS_SELECT = 0x10;

/** CPU hot-plug block: a bitmap by APIC id, or the register block. QEMU docs/specs/acpi_cpu_hotplug. */
export const CPU_HOTPLUG_PORT = 0xaf00;
export const CPU_HOTPLUG_LENGTH = 32;
export const CPU_BLOCK_LENGTH = 12;
export const CPU_SELECTOR = 0x00;
export const CPU_FLAGS_OFFSET = 0x04;
export const CPU_COMMAND = 0x05;
export const CPU_DATA = 0x08;

/** Status and control of the selected CPU. */
export const CPU_FLAGS: NamedRegister<'ENABLED' | 'INSERT' | 'REMOVE' | 'EJECT' | 'FW_EJECT'> = register('CPU_FLAGS', CPU_FLAGS_OFFSET, 8, {
  ENABLED: ro(0),
  INSERT: w1c(1),
  REMOVE: w1c(2),
  EJECT: wo(3),
  FW_EJECT: rw(4),
});
/** Commands of the register block. */
export const CPU_CMD_NEXT_EVENT = 0;
export const CPU_CMD_OST_EVENT = 1;
export const CPU_CMD_OST_STATUS = 2;
export const CPU_CMD_ARCH_ID = 3;

/** APM control and status ports (82371AB, "APM Registers"), and the commands the board's firmware puts into the FADT. */
export const APM_PORT = 0xb2;
export const APM_LENGTH = 2;
export const APMC = 0;
export const APM_ACPI_ENABLE = 0xf1;
export const APM_ACPI_DISABLE = 0xf0;

/** Power management base address, configuration offset 40h. */
export const PMBA: NamedRegister<'IO' | 'BASE'> = register('PMBA', 0x40, 32, { IO: ro(0, 0, 1), BASE: rw(15, 6) });

/** Device activity B, 58h: APMC_EN lets writes to APMC raise an SMI. The other bits are storage. */
export const DEVACTB: NamedRegister<'ALL_LOW' | 'APMC_EN' | 'ALL_HIGH'> = register('DEVACTB', 0x58, 32, {
  ALL_LOW: rw(24, 0),
  APMC_EN: rw(25),
  ALL_HIGH: rw(31, 26),
});

/** Miscellaneous power management, 80h: PMIOSE lets the window at PMBA answer. */
export const PMREGMISC: NamedRegister<'PMIOSE'> = register('PMREGMISC', 0x80, 8, { PMIOSE: rw(0) });

/** SMBus base address, 90h. */
export const SMBBA: NamedRegister<'IO' | 'BASE'> = register('SMBBA', 0x90, 32, { IO: ro(0, 0, 1), BASE: rw(15, 6) });

/** SMBus host configuration, d2h: the interrupt goes to IRQ 9 (4). */
export const SMBHSTCFG: NamedRegister<'SMB_HST_EN' | 'SMB_INTRSEL'> = register('SMBHSTCFG', 0xd2, 8, {
  SMB_HST_EN: rw(0, 0, 1),
  SMB_INTRSEL: rw(3, 1, 4),
});

/** Bytes at which firmware's device descriptions learn which legacy devices the board has (device resources). */
export const PARALLEL_BYTE = 0x5f;
export const PARALLEL_ENABLED = 0x80;
export const SERIAL_BYTE = 0x67;
export const SERIAL_1_ENABLED = 0x08;
export const SERIAL_2_ENABLED = 0x90;
/** Bytes that differ from zero on this board. */
export const RESET_BYTES: Readonly<Record<number, number>> = { [PARALLEL_BYTE]: 0x10, 99: 0x60 };

/** SMBus host status. */
export const SMBHSTSTS: NamedRegister<'HOST_BUSY' | 'INTER' | 'DEV_ERR' | 'BUS_ERR' | 'FAILED'> = register('SMBHSTSTS', 0x00, 8, {
  HOST_BUSY: ro(0),
  INTER: w1c(1),
  DEV_ERR: w1c(2),
  BUS_ERR: w1c(3),
  FAILED: w1c(4),
});

/** SMBus host control. */
export const SMBHSTCNT: NamedRegister<'INTEREN' | 'KILL' | 'SMB_CMD_PROT' | 'START'> = register('SMBHSTCNT', 0x02, 8, {
  INTEREN: rw(0),
  KILL: rw(1),
  SMB_CMD_PROT: rw(4, 2),
  START: wo(6),
});
