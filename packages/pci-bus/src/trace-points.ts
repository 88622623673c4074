/** Trace points of configuration space and of the windows it moves. */
export const PCI_TRACE_POINTS = {
  pci_config_read: ['function', 'offset', 'size', 'value'],
  pci_config_write: ['function', 'offset', 'size', 'value'],
  pci_absent: ['slot', 'function', 'offset'],
  pci_window: ['region', 'address'],
  pci_window_conflict: ['region', 'address'],
} as const;
