export { ManualClock } from '@hotsocket/virtual-clock';
export { describeWith } from './describe-with.js';
export { type Checkable, resetReachesInitialState, saveRestoreIsIdentity, stateDifferences } from './device-checks.js';
export { fuzzRegion } from './fuzz-region.js';
export { PinRecorder } from './pin-recorder.js';
export { Random } from './random.js';
