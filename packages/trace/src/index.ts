export { type PointDefinitions, type Points, Trace, TracePoint, type TraceRecord, type TraceSink } from './trace.js';
