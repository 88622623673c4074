export const ICC_TRACE_POINTS = {
  icc_message: ['destination', 'logical', 'mode', 'vector', 'level', 'targets'],
  icc_attach: ['id'],
  icc_detach: ['id'],
  icc_eoi: ['vector'],
  icc_unclaimed: ['offset', 'size'],
} as const;
