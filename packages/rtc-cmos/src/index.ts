export { type CpuAdded, RtcCmos, type RtcCmosOptions, type RtcCmosServices, type TimeSet } from './rtc-cmos.js';
