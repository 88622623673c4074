import type { AcpiPiix4 } from '@hotsocket/acpi-piix4';
import { ACPI_FILES, type AcpiFiles, pcAcpiFiles } from '@hotsocket/acpi-tables';
import { apicIdOf, type X86Cpus } from '@hotsocket/cpu-x86';
import { type FwCfg, FwCfgKey, le16, le32, le64 } from '@hotsocket/fw-cfg';
import { directBoot, directBootItems, LINUXBOOT_BOOTORDER, LINUXBOOT_FILE, linuxbootRom } from '@hotsocket/linux-loader';
import { PVPANIC_PORT, PVPANIC_PORT_FILE } from '@hotsocket/pvpanic';
import type { PcOptions } from './options.js';

const E820_RAM = 1;
/** Milliseconds before firmware reboots when nothing boots. */
const NEVER = 0xffff_ffff;

/** What firmware is told through fw_cfg. */
export function fillFirmwareConfig(fwCfg: FwCfg, options: PcOptions, cpus: X86Cpus, pm: AcpiPiix4): void {
  const limit = cpus.apicIdLimit;
  fwCfg.setItem(FwCfgKey.UUID, uuidBytes(options.uuid));
  fwCfg.setItem(FwCfgKey.RAM_SIZE, le64(options.ramBytes));
  fwCfg.setItem(FwCfgKey.NOGRAPHIC, le16(0));
  fwCfg.setItem(FwCfgKey.NB_CPUS, () => le16(cpus.list.length));
  fwCfg.setItem(FwCfgKey.NUMA, concat([le64(0), ...Array.from({ length: limit }, () => le64(0))]));
  fwCfg.setItem(FwCfgKey.BOOT_MENU, le16(0));
  fwCfg.setItem(FwCfgKey.MAX_CPUS, le16(limit));
  fwCfg.setItem(FwCfgKey.ACPI_TABLES, le16(0));
  fwCfg.setItem(FwCfgKey.SMBIOS_ENTRIES, le16(0));
  fwCfg.setItem(FwCfgKey.IRQ0_OVERRIDE, le32(1));
  fwCfg.addFile('etc/e820', e820Entry(0, options.ramBytes, E820_RAM));
  fwCfg.addFile('etc/system-states', pm.systemStates);
  const { rebootTimeoutMs = NEVER, splashTimeMs } = options.boot ?? {};
  fwCfg.addFile('etc/boot-fail-wait', le32(rebootTimeoutMs));
  if (splashTimeMs !== undefined) fwCfg.addFile('etc/boot-menu-wait', le16(splashTimeMs));
  if (options.pvpanic) fwCfg.addFile(PVPANIC_PORT_FILE, le16(options.pvpanic.ioport ?? PVPANIC_PORT));
  if (options.acpi === 'machine') addTables(fwCfg, options, cpus, pm);
  if (options.kernel) addKernel(fwCfg, options, options.kernel);
}

/**
 * Made when they are asked for, since they tell what holds by then: a CPU that was hot-added before a reset, where firmware has put the PM
 * block, and that firmware has switched to the selector interface (UEFI firmware does, to find the CPUs).
 */
function addTables(fwCfg: FwCfg, { maxCpus, topology, cpuHotplug }: PcOptions, present: X86Cpus, pm: AcpiPiix4): void {
  const ids = Array.from({ length: maxCpus }, (_, index) => apicIdOf(topology, index));
  const cpus = () => ids.map((apicId) => ({ apicId, present: present.exists(apicId) }));
  const placed = () => (pm.pmBase === 0 ? {} : { pmBase: pm.pmBase });
  const files = (): AcpiFiles =>
    pcAcpiFiles({ cpus: cpus(), cpuHotplug: cpuHotplug === 'selector' ? cpuHotplug : pm.cpuHotplugInterface, ...placed() });
  fwCfg.addFile(ACPI_FILES.tables, () => files().tables);
  fwCfg.addFile(ACPI_FILES.rsdp, () => files().rsdp);
  fwCfg.addFile(ACPI_FILES.loader, () => files().loader);
}

function addKernel(fwCfg: FwCfg, { initrd, bootModules, append, ramBytes }: PcOptions, kernel: Uint8Array): void {
  const files = { ...(initrd ? { initrd } : {}), ...(bootModules ? { modules: bootModules } : {}) };
  const boot = directBoot({ kernel, ramBytes, ...files, ...(append === undefined ? {} : { cmdline: append }) });
  for (const { key, data } of directBootItems(boot)) fwCfg.setItem(key, data);
  fwCfg.addFile(LINUXBOOT_FILE, linuxbootRom());
  fwCfg.addFile('bootorder', new TextEncoder().encode(`${LINUXBOOT_BOOTORDER}\0`));
}

const e820Entry = (base: number, length: number, type: number): Uint8Array => concat([le64(base), le64(length), le32(type)]);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function uuidBytes(text = '00000000-0000-0000-0000-000000000000'): Uint8Array {
  const digits = text.replaceAll('-', '');
  return Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16));
}
