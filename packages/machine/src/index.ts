export * from './control.js';
export { EmptyMachine } from './empty-machine.js';
export { type GuestMoment, GuestTime, type GuestTimeOptions } from './guest-time.js';
export { defaultScheduler, type HostScheduler } from './host-scheduler.js';
export { RunLoop, type RunLoopParts } from './run-loop.js';
