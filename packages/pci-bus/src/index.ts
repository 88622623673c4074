export { I440FX_INTX_ROUTE, type IntxRoute, PciBus, type PciBusOptions, PciSlotError, type PluggedFunction } from './pci-bus.js';
export { type ConfigWrite, type PciBar, PciFunction, type PciFunctionOptions, type PciFunctionState } from './pci-function.js';
export * from './spec.js';
export { PCI_TRACE_POINTS } from './trace-points.js';
export { PCI_WINDOW_PRIORITY, type PciSpaces, PciWindow } from './window.js';
