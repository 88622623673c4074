export {
  AcpiPiix4,
  type AcpiPiix4Options,
  type AcpiPiix4Services,
  type CpuAdded,
  type OstReport,
  type SleepRequest,
  type WakeCause,
} from './acpi-piix4.js';
export { APM_PORT, CPU_HOTPLUG_PORT, GPE0_PORT, PCI_HOTPLUG_PORT } from './spec.js';
