export const I8254_TRACE_POINTS = {
  pit_read: ['port', 'value'],
  pit_write: ['port', 'value'],
  pit_out0: ['high', 'rose'],
} as const;
