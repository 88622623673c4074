/** Trace points of the clock: accesses to its cells and interrupts. */
export const TRACE_POINTS = {
  rtc_read: ['index', 'value'],
  rtc_write: ['index', 'value'],
  rtc_flags: ['set', 'c'],
} as const;
