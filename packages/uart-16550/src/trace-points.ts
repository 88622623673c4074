/** Trace points of the UART. */
export const TRACE_POINTS = {
  uart_read: ['uart', 'offset', 'value'],
  uart_write: ['uart', 'offset', 'value'],
  uart_receive: ['uart', 'offered', 'accepted'],
  uart_irq: ['uart', 'id'],
} as const;
