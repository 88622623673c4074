/** Trace points of the power management function. */
export const TRACE_POINTS = {
  piix4_sci: ['level'],
  piix4_gpe: ['events', 'status', 'enable'],
  piix4_apm: ['command'],
  piix4_sleep: ['type'],
  piix4_cpu: ['what', 'apic_id'],
} as const;
