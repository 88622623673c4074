/** Trace points of the keyboard controller. */
export const TRACE_POINTS = {
  i8042_read: ['port', 'value'],
  i8042_write: ['port', 'value'],
  i8042_a20: ['enabled'],
  i8042_reset: ['by'],
} as const;
