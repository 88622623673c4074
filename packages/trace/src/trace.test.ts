import { Trace, type TraceRecord } from './index.js';

function listening(): { trace: Trace; records: TraceRecord[]; stop: () => void } {
  const trace = new Trace();
  const records: TraceRecord[] = [];
  const stop = trace.listen((record) => records.push(record));
  return { trace, records, stop };
}

const POINTS = { rtc_read: ['index', 'value'], rtc_write: ['index', 'value'], pit_load: [] } as const;

describe('Trace', () => {
  it('starts with every point off', () => {
    const { trace } = listening();
    const points = trace.points(POINTS);
    expect([points.rtc_read.on, points.rtc_write.on, points.pit_load.on]).toEqual([false, false, false]);
  });

  it('switches on what a pattern matches, and says how many names', () => {
    const { trace } = listening();
    const points = trace.points(POINTS);
    expect(trace.enable('rtc_*')).toBe(2);
    expect([points.rtc_read.on, points.rtc_write.on, points.pit_load.on]).toEqual([true, true, false]);
  });

  it('switches on points that are defined later', () => {
    const { trace } = listening();
    trace.enable('*_load');
    expect(trace.points(POINTS).pit_load.on).toBe(true);
  });

  it('takes a pattern without a star as a whole name, and its other characters as they are', () => {
    const { trace } = listening();
    trace.points({ ...POINTS, rtc_readX: [] });
    expect([trace.enable('rtc_read'), trace.enable('rtc.read'), trace.enable('(')]).toEqual([1, 0, 0]);
  });

  it('switches off again, also for points defined later', () => {
    const { trace } = listening();
    const points = trace.points(POINTS);
    trace.enable('*');
    expect(trace.disable('rtc_*')).toBe(2);
    expect([points.rtc_read.on, points.pit_load.on, trace.points(POINTS).rtc_write.on]).toEqual([false, true, false]);
  });

  it('delivers records with names of fields, in order', () => {
    const { trace, records } = listening();
    const { rtc_write, pit_load } = trace.points(POINTS);
    rtc_write.emit(0x0b, 2);
    pit_load.emit();
    expect(records).toEqual([
      { name: 'rtc_write', fields: ['index', 'value'], values: [0x0b, 2] },
      { name: 'pit_load', fields: [], values: [] },
    ]);
  });

  it('stops delivering to a listener that was removed', () => {
    const { trace, records, stop } = listening();
    stop();
    trace.points(POINTS).pit_load.emit();
    expect(records).toEqual([]);
  });

  it('lists names once and sorted, and switches all points of a name', () => {
    const { trace } = listening();
    const [one, other] = [trace.points(POINTS), trace.points(POINTS)];
    trace.enable('pit_load');
    expect([trace.names(), one.pit_load.on, other.pit_load.on]).toEqual([['pit_load', 'rtc_read', 'rtc_write'], true, true]);
  });

  it('tells a watcher whether its point is on, at first and at each change', () => {
    const { trace } = listening();
    trace.points(POINTS);
    trace.enable('rtc_*');
    const seen: boolean[] = [];
    trace.watch('rtc_read', (on) => seen.push(on));
    trace.disable('rtc_write');
    trace.disable('*');
    trace.enable('rtc_read');
    expect(seen).toEqual([true, false, true]);
  });
});
