export { Guest, GuestError, type GuestOptions, type Patience } from './guest.js';
export { FIRMWARE, KERNELS, type KernelName, MissingImagesError, readImages } from './images.js';
export { QmpClient, QmpCommandError } from './qmp-client.js';
export { type Figures, hotAdd, SCENARIOS, type Scenario } from './scenarios/index.js';
export { type WireEvent, WireLog } from './wire-log.js';
