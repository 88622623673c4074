import { concat } from './bytes.js';
import type { PossibleCpu } from './cpu-hotplug-bitmap.js';
import { type AddressRange, I8042_ISA_DEVICES, type IsaDevice, PC_ISA_DEVICES, pcDsdt, serialPort } from './pc-dsdt.js';
import { encodeLoader, type LoaderCommand } from './table-loader.js';
import { CHECKSUM_AT, FADT_FLAGS, FADT_POINTERS, facs, fadt, type HpetOptions, hpet, madt, RSDP_FIELDS, rsdp, rsdt } from './tables.js';

/** What the ACPI tables of a PC describe. Everything but the CPUs has the board's usual value. */
export interface PcAcpiOptions {
  /** every CPU that is there or can be added, in slot order, the boot processor first */
  readonly cpus: readonly PossibleCpu[];
  /** how CPUs are added; the bitmap unless told */
  readonly cpuHotplug?: 'bitmap' | 'selector';
  /** power management registers; 0600h where firmware takes its tables from the machine */
  readonly pmBase?: number;
  /** memory for PCI devices below 4 GiB; E0000000h to FEBFFFFFh unless told */
  readonly pciMemory?: AddressRange;
  readonly pciMemoryHigh?: AddressRange;
  /** devices on the ISA bus beside those of every PC; keyboard controller and COM1 unless told */
  readonly isaDevices?: readonly IsaDevice[];
  readonly hpet?: HpetOptions;
  /** 1 (ACPI 1.0, the default) or 3, which names the reset register */
  readonly fadtRevision?: 1 | 3;
}

/** The tables of a PC; pointers between them are 0. */
export interface PcTables {
  readonly facs: Uint8Array;
  readonly dsdt: Uint8Array;
  readonly fadt: Uint8Array;
  readonly madt: Uint8Array;
  readonly hpet?: Uint8Array;
}

/** Contents of the fw_cfg files by which firmware gets the tables. */
export interface AcpiFiles {
  readonly tables: Uint8Array;
  readonly rsdp: Uint8Array;
  readonly loader: Uint8Array;
}

/** Names of these files in fw_cfg. */
export const ACPI_FILES = { tables: 'etc/acpi/tables', rsdp: 'etc/acpi/rsdp', loader: 'etc/table-loader' } as const;

/** Addresses and numbers of the board. */
const BOARD = {
  sci: 9,
  smiCommand: 0xb2,
  acpiEnable: 0xf1,
  acpiDisable: 0xf0,
  gpe0: 0xafe0,
  gpe0Bytes: 4,
  cpuHotplugPort: 0xaf00,
  century: 0x32,
  resetPort: 0xcf9,
  /** RCPU and SRST of the reset control register */
  resetValue: 0x06,
  localApic: 0xfee0_0000,
  ioApic: 0xfec0_0000,
} as const;

/** PCI interrupts and the SCI: level, active high. The timer's ISA interrupt 0 arrives at input 2. */
const LEVEL_HIGH = 0x0d;
const OVERRIDES = [{ isaIrq: 0, gsi: 2, flags: 0 }, ...[5, 9, 10, 11].map((irq) => ({ isaIrq: irq, gsi: irq, flags: LEVEL_HIGH }))];

/** Flat logical mode addresses eight APICs; above that the operating system must be told. */
const FLAT_LIMIT = 8;
const FLAGS = FADT_FLAGS.WBINVD | FADT_FLAGS.PROC_C1 | FADT_FLAGS.SLP_BUTTON | FADT_FLAGS.RTC_S4 | FADT_FLAGS.USE_PLATFORM_CLOCK;

/**
 * The ACPI tables of an i440FX/PIIX PC.
 *
 * @throws AmlError for APIC ids the hot-plug interface cannot express, and for devices with the same name
 */
export function pcTables(options: PcAcpiOptions): PcTables {
  const { cpus, cpuHotplug = 'bitmap', pmBase = 0x600, hpet: timer } = options;
  const { isaDevices = [...I8042_ISA_DEVICES, serialPort(1, 0x3f8, 4)], pciMemory = { first: 0xe000_0000, last: 0xfebf_ffff } } = options;
  const { gpe0, gpe0Bytes, cpuHotplugPort: port } = BOARD;
  const dsdt = pcDsdt({
    pmBase,
    gpe0,
    gpe0Bytes,
    cpus,
    cpuHotplug: { kind: cpuHotplug, port },
    pciMemory,
    isaDevices: [...PC_ISA_DEVICES, ...isaDevices],
    ...(options.pciMemoryHigh === undefined ? {} : { pciMemoryHigh: options.pciMemoryHigh }),
    ...(timer === undefined ? {} : { hpetAddress: timer.address }),
  });
  const tables = { facs: facs(), dsdt, fadt: pcFadt(options, pmBase), madt: pcMadt(cpus, cpuHotplug) };
  return timer === undefined ? tables : { ...tables, hpet: hpet(timer) };
}

function pcFadt({ fadtRevision: revision = 1, cpus, isaDevices }: PcAcpiOptions, pmBase: number): Uint8Array {
  const manyCpus = cpus.length > FLAT_LIMIT ? FADT_FLAGS.FORCE_APIC_CLUSTER_MODEL : 0;
  const has8042 = isaDevices === undefined || isaDevices.some(({ id }) => id === 'PNP0303');
  return fadt({
    ...BOARD,
    revision,
    pm1Event: pmBase,
    pm1Control: pmBase + 4,
    pmTimer: pmBase + 8,
    bootArchitecture: revision === 3 ? (has8042 ? 0x03 : 0x01) : 0,
    flags: FLAGS | manyCpus | (revision === 3 ? FADT_FLAGS.RESET_REG_SUP : 0),
    reset: { port: BOARD.resetPort, value: BOARD.resetValue },
  });
}

/** The processor id of an entry is the one of its object: APIC id for the bitmap, slot for the selector. */
function pcMadt(cpus: readonly PossibleCpu[], kind: 'bitmap' | 'selector'): Uint8Array {
  const apics = cpus.map(({ apicId, present }, slot) => ({ processorId: kind === 'bitmap' ? apicId : slot, apicId, enabled: present }));
  return madt({ localApicAddress: BOARD.localApic, hasPics: true, apics, ioApic: { id: 0, address: BOARD.ioApic }, overrides: OVERRIDES });
}

/** The FACS must be at a multiple of 64; it comes first, and the file is allocated so. */
const ALIGNMENT = 64;
const TABLE_ALIGNMENT = 16;

/** The same tables as fw_cfg files, with the commands that place and link them. */
export function pcAcpiFiles(options: PcAcpiOptions): AcpiFiles {
  const { facs: facsTable, dsdt, fadt: fixed, madt: apics, hpet: timer } = pcTables(options);
  const listed = [fixed, apics, ...(timer === undefined ? [] : [timer])];
  const root = rsdt(listed.map(() => 0));
  const { file, offsets } = pack([facsTable, dsdt, ...listed, root]);
  const [facsAt, dsdtAt, ...listedAt] = offsets as [number, number, ...number[]];
  const rootAt = listedAt.pop()!;
  const pointers = [
    ...fadtPointers(options.fadtRevision ?? 1, listedAt[0]!, { facsAt, dsdtAt }),
    ...listedAt.map((target, index) => ({ at: rootAt + 36 + index * 4, size: 4 as const, target })),
  ];
  for (const { at, size, target } of pointers) putOffset(file, at, size, target);
  const sums = [
    { at: listedAt[0]!, length: fixed.length },
    { at: rootAt, length: root.length },
  ];
  for (const { at } of sums) file[at + CHECKSUM_AT] = 0;
  return { tables: file, rsdp: rsdp({ rsdt: rootAt }), loader: encodeLoader(loaderCommands(pointers, sums)) };
}

interface Pointer {
  readonly at: number;
  readonly size: 4 | 8;
  /** offset in the tables file */
  readonly target: number;
}

function fadtPointers(revision: 1 | 3, at: number, { facsAt, dsdtAt }: { facsAt: number; dsdtAt: number }): Pointer[] {
  const short: Pointer[] = [
    { at: at + FADT_POINTERS.facs, size: 4, target: facsAt },
    { at: at + FADT_POINTERS.dsdt, size: 4, target: dsdtAt },
  ];
  return revision === 1 ? short : [...short, { at: at + FADT_POINTERS.xDsdt, size: 8, target: dsdtAt }];
}

function putOffset(file: Uint8Array, at: number, size: 4 | 8, target: number): void {
  const view = new DataView(file.buffer);
  view.setUint32(at, target, true);
  if (size === 8) view.setUint32(at + 4, 0, true);
}

function pack(parts: readonly Uint8Array[]): { file: Uint8Array; offsets: readonly number[] } {
  const offsets: number[] = [];
  let file = new Uint8Array();
  for (const part of parts) {
    const start = Math.ceil(file.length / TABLE_ALIGNMENT) * TABLE_ALIGNMENT;
    offsets.push(start);
    file = concat(file, new Uint8Array(start - file.length), part) as Uint8Array<ArrayBuffer>;
  }
  return { file, offsets };
}

function loaderCommands(pointers: readonly Pointer[], sums: readonly { at: number; length: number }[]): LoaderCommand[] {
  const { tables, rsdp: root } = ACPI_FILES;
  return [
    { kind: 'allocate', file: root, alignment: 16, zone: 'f-segment' },
    { kind: 'allocate', file: tables, alignment: ALIGNMENT, zone: 'high' },
    ...pointers.map(({ at, size }): LoaderCommand => ({ kind: 'add-pointer', file: tables, pointee: tables, offset: at, size })),
    ...sums.map(({ at, length }): LoaderCommand => ({ kind: 'add-checksum', file: tables, offset: at + CHECKSUM_AT, start: at, length })),
    { kind: 'add-pointer', file: root, pointee: tables, offset: RSDP_FIELDS.rsdt, size: 4 },
    { kind: 'add-checksum', file: root, offset: RSDP_FIELDS.checksum, start: 0, length: RSDP_FIELDS.firstPartBytes },
  ];
}
