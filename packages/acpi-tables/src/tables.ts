// System description tables. ACPI Specification 6.4, section 5.2, and 1.0b for the first revisions.

import { type Term, terms } from './aml.js';
import { checkUnique } from './aml-names.js';
import { ascii, checksum, concat, type Piece, u16, u32, u64 } from './bytes.js';

const HEADER_BYTES = 36;
/** Offset of the checksum in the common header. */
export const CHECKSUM_AT = 9;

/** Who made the tables: at most six, eight and four characters. */
const OEM = { id: 'HOTSKT', tablePrefix: 'HSKT', creator: 'HSKT', revision: 1 } as const;

/** A table with the common header: four-character signature, revision, body. Its bytes sum to 0. */
export function table(signature: string, revision: number, ...body: readonly Piece[]): Uint8Array {
  const content = concat(...body);
  const origin = [
    ascii(OEM.id, 6, 0x20),
    ascii(OEM.tablePrefix + signature, 8, 0x20),
    u32(OEM.revision),
    ascii(OEM.creator, 4, 0x20),
    u32(1),
  ];
  const bytes = concat(ascii(signature, 4), u32(HEADER_BYTES + content.length), revision, 0, ...origin, content);
  bytes[CHECKSUM_AT] = checksum(bytes);
  return bytes;
}

/**
 * A definition block. Revision 1 means 32-bit integers, which every ACPI system reads.
 *
 * @throws AmlError when two terms define the same object
 */
export function definitionBlock(signature: 'DSDT' | 'SSDT', body: readonly Term[], revision: 1 | 2 = 1): Uint8Array {
  const all = terms(...body);
  checkUnique(all.names);
  return table(signature, revision, all.aml);
}

/** Registers and constants of the fixed ACPI hardware. Addresses are I/O ports, 0 where there is no block. */
export interface FixedHardware {
  /** 1: 116 bytes, ACPI 1.0. 3: 244 bytes, with reset register and extended addresses, ACPI 2.0 and later. */
  readonly revision: 1 | 3;
  /** ISA interrupt of the SCI */
  readonly sci: number;
  readonly smiCommand: number;
  readonly acpiEnable: number;
  readonly acpiDisable: number;
  readonly pm1Event: number;
  readonly pm1Control: number;
  readonly pmTimer: number;
  readonly gpe0: number;
  /** bytes of status and enable registers together */
  readonly gpe0Bytes: number;
  /** CMOS index of the century, 0 without one */
  readonly century: number;
  /** IA-PC boot architecture flags, read from revision 3 on: 1 = legacy devices, 2 = 8042, 4 = no VGA */
  readonly bootArchitecture: number;
  /** fixed feature flags, see {@link FADT_FLAGS} */
  readonly flags: number;
  /** port and value of the reset register, revision 3 only */
  readonly reset?: { readonly port: number; readonly value: number };
}

/** Fixed feature flags of the FADT. ACPI table 5.10. */
export const FADT_FLAGS = {
  WBINVD: 0x1,
  PROC_C1: 0x4,
  SLP_BUTTON: 0x20,
  RTC_S4: 0x80,
  RESET_REG_SUP: 0x400,
  USE_PLATFORM_CLOCK: 0x8000,
  FORCE_APIC_CLUSTER_MODEL: 0x4_0000,
} as const;

/** Offsets of the addresses that a loader fills in. */
export const FADT_POINTERS = { facs: 36, dsdt: 40, xFacs: 132, xDsdt: 140 } as const;

/** C2 and C3 latencies above 100 and 1000 us say that the states are not there. */
const NO_C_STATE = 0x0fff;
const IO_SPACE = 1;

/** A generic address: an I/O block of so many bytes, accessed in units of so many bytes. */
const gas = (port: number, bytes: number, unit: number): Uint8Array =>
  port === 0 ? new Uint8Array(12) : concat(IO_SPACE, bytes * 8, 0, Math.log2(unit) + 1, u64(port));

/** Fixed ACPI Description Table; the pointers to FACS and DSDT are 0. */
export function fadt(hardware: FixedHardware): Uint8Array {
  const { pm1Event, pm1Control, pmTimer, gpe0, gpe0Bytes, revision } = hardware;
  const base = [
    u32(0), u32(0), // FIRMWARE_CTRL, DSDT
    0, 0, u16(hardware.sci), u32(hardware.smiCommand), // dual 8259 model, unspecified profile
    hardware.acpiEnable, hardware.acpiDisable, 0, 0, // no S4BIOS, no P-state control
    u32(pm1Event), u32(0), u32(pm1Control), u32(0), u32(0), u32(pmTimer), u32(gpe0), u32(0),
    4, 2, 0, 4, gpe0Bytes, 0, 0, 0, // block lengths; GPE1 base; no C-state control
    u16(NO_C_STATE), u16(NO_C_STATE), u16(0), u16(0), 0, 0, 0, 0, // latencies, cache flush, duty cycle, alarms
    hardware.century, u16(hardware.bootArchitecture), 0, u32(hardware.flags),
  ]; // biome-ignore format: one row per line of the specification's table
  return table('FACP', revision, ...base, ...(revision === 3 ? extended(hardware) : []));
}

function extended({ reset, pm1Event, pm1Control, pmTimer, gpe0, gpe0Bytes }: FixedHardware): readonly Piece[] {
  const none = gas(0, 0, 1);
  const resetRegister = [gas(reset?.port ?? 0, 1, 1), reset?.value ?? 0, [0, 0, 0]];
  const pm = [gas(pm1Event, 4, 2), none, gas(pm1Control, 2, 2), none, none, gas(pmTimer, 4, 4), gas(gpe0, gpe0Bytes, 1), none];
  return [...resetRegister, u64(0), u64(0), ...pm];
}

/** Firmware ACPI Control Structure: 64 bytes, no checksum, at a 64-byte boundary. */
export const facs = (): Uint8Array => concat(ascii('FACS'), u32(64), new Uint8Array(56));

/** A local APIC of the MADT. */
export interface LocalApic {
  /** the id that the Processor object has too */
  readonly processorId: number;
  readonly apicId: number;
  /** false: can be added later */
  readonly enabled: boolean;
}

export interface InterruptOverride {
  readonly isaIrq: number;
  readonly gsi: number;
  /** 0: as the bus has it; 0x0d: level, active high */
  readonly flags: number;
}

export interface MadtOptions {
  readonly localApicAddress: number;
  /** the PC has two 8259 that must be masked */
  readonly hasPics: boolean;
  readonly apics: readonly LocalApic[];
  readonly ioApic: { readonly id: number; readonly address: number };
  readonly overrides: readonly InterruptOverride[];
}

/** LINT1 of every processor takes the NMI. */
const LOCAL_NMI = [4, 6, 0xff, 0, 0, 1] as const;

/** MADT entry of a local APIC, also what _MAT returns. Type 0 below APIC id 255, else x2APIC (type 9). */
export function localApicEntry({ processorId, apicId, enabled }: LocalApic): Uint8Array {
  const flags = u32(enabled ? 1 : 0);
  if (apicId < 255) return concat(0, 8, processorId & 0xff, apicId, flags);
  return concat(9, 16, u16(0), u32(apicId), flags, u32(processorId));
}

/** Multiple APIC Description Table, revision 1. */
export function madt({ localApicAddress, hasPics, apics, ioApic, overrides }: MadtOptions): Uint8Array {
  const entries = [
    ...apics.map(localApicEntry),
    concat(1, 12, ioApic.id, 0, u32(ioApic.address), u32(0)),
    ...overrides.map(({ isaIrq, gsi, flags }) => concat(2, 10, 0, isaIrq, u32(gsi), u16(flags))),
    concat(LOCAL_NMI),
  ];
  return table('APIC', 1, u32(localApicAddress), u32(hasPics ? 1 : 0), ...entries);
}

export interface HpetOptions {
  /** value of the capabilities register's low half: vendor, comparators, revision */
  readonly blockId: number;
  readonly address: number;
  /** shortest usable period in ticks */
  readonly minimumTick: number;
}

/** High Precision Event Timer table. IA-PC HPET Specification 1.0a, 3.2.4. */
export const hpet = ({ blockId, address, minimumTick }: HpetOptions): Uint8Array =>
  table('HPET', 1, u32(blockId), 0, 64, 0, 0, u64(address), 0, u16(minimumTick), 0);

/** Root table with 32-bit pointers; 0 where a loader fills them in. */
export const rsdt = (pointers: readonly number[]): Uint8Array => table('RSDT', 1, ...pointers.map(u32));
/** Root table with 64-bit pointers. */
export const xsdt = (pointers: readonly number[]): Uint8Array => table('XSDT', 1, ...pointers.map(u64));

/** Offsets in the RSDP of what a loader fills in. */
export const RSDP_FIELDS = { checksum: 8, rsdt: 16, xsdt: 24, extendedChecksum: 32, firstPartBytes: 20 } as const;

/** Root System Description Pointer: revision 0 with an RSDT alone (20 bytes), 2 with an XSDT too (36 bytes). */
export function rsdp(pointers: { readonly rsdt: number; readonly xsdt?: number }): Uint8Array {
  const modern = pointers.xsdt !== undefined;
  const first = concat(ascii('RSD PTR '), 0, ascii(OEM.id, 6, 0x20), modern ? 2 : 0, u32(pointers.rsdt));
  first[RSDP_FIELDS.checksum] = checksum(first);
  if (!modern) return first;
  const bytes = concat(first, u32(36), u64(pointers.xsdt), 0, [0, 0, 0]);
  bytes[RSDP_FIELDS.extendedChecksum] = checksum(bytes);
  return bytes;
}
