import { mmio } from '@hotsocket/address-space';
import { Trace, type TraceRecord } from '@hotsocket/trace';
import { TracedIoSpace } from './traced-io.js';

const records: TraceRecord[] = [];
const trace = new Trace();
trace.listen((record) => records.push(record));
const io = new TracedIoSpace(trace);
let cell = 0x5a;
io.map(0xb3, mmio('apms', 1, { read: () => cell, write: (_offset, _size, value) => (cell = value) }));

beforeEach(() => records.splice(0));

describe('TracedIoSpace', () => {
  it('behaves as without traces while its points are off', () => {
    io.write(0xb3, 1, 0x11);
    expect([io.read(0xb3, 1), io.read(0xb4, 2), records]).toEqual([0x11, 0xffff, []]);
  });

  it('shows port, size and value of each access', () => {
    trace.enable('io_*');
    io.write(0xb3, 1, 0x22);
    io.read(0xb3, 1);
    trace.disable('io_*');
    expect(records.map(({ name, values }) => [name, ...values])).toEqual([
      ['io_write', 0xb3, 1, 0x22],
      ['io_read', 0xb3, 1, 0x22],
    ]);
  });
});
