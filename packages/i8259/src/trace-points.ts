export const I8259_TRACE_POINTS = {
  pic_read: ['chip', 'offset', 'value'],
  pic_write: ['chip', 'offset', 'value'],
  pic_acknowledge: ['chip', 'level', 'spurious'],
} as const;
