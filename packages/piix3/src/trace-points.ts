/** Trace points of the ISA bridge. */
export const TRACE_POINTS = {
  piix3_pirq: ['irq', 'level'],
  piix3_elcr: ['mask'],
  piix3_reset: ['kind'],
} as const;
