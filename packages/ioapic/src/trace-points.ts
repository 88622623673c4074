export const IOAPIC_TRACE_POINTS = {
  ioapic_read: ['index', 'value'],
  ioapic_write: ['index', 'value'],
  ioapic_deliver: ['pin', 'vector', 'mode', 'destination', 'level'],
  ioapic_eoi: ['vector', 'pin'],
  ioapic_unclaimed: ['offset', 'size'],
} as const;
