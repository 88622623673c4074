/** Trace points of the debug ports. */
export const TRACE_POINTS = {
  post_code: ['value'],
  debug_exit: ['offset', 'size', 'value'],
} as const;
