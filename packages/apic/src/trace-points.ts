export const APIC_TRACE_POINTS = {
  apic_read: ['id', 'register', 'value'],
  apic_write: ['id', 'register', 'value'],
  apic_accept: ['id', 'mode', 'vector', 'level'],
  apic_acknowledge: ['id', 'vector'],
  apic_eoi: ['id', 'vector'],
  apic_error: ['id', 'bits'],
  apic_timer: ['id', 'vector'],
} as const;
