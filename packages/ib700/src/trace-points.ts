/** Trace points of the watchdog; time in seconds. */
export const TRACE_POINTS = {
  ib700_start: ['seconds'],
  ib700_stop: [],
  ib700_expired: [],
} as const;
