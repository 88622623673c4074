/** Trace points of the device. */
export const TRACE_POINTS = {
  pvpanic_event: ['events'],
} as const;
