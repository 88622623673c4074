/** Trace points of the host bridge. */
export const TRACE_POINTS = {
  i440fx_pam: ['segment', 'readRam', 'writeRam'],
  i440fx_smram: ['open'],
  i440fx_narrow: ['port', 'size', 'value'],
} as const;
