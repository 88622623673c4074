export type { Device, Property } from './device.js';
