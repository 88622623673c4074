/** Trace points of the configuration device. */
export const TRACE_POINTS = {
  fw_cfg_select: ['key', 'length'],
  fw_cfg_dma: ['control', 'length', 'address', 'result'],
} as const;
