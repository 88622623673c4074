export { Bus, type BusOptions } from './bus.js';
export type { Device, Property } from './device.js';
export { DeviceObject, type DeviceObjectOptions } from './device-object.js';
export { ObjectTree } from './object-tree.js';
export { QomError, type QomErrorCode } from './qom-error.js';
export { type Link, type PropertyInfo, QomObject, type ResetPhases } from './qom-object.js';
export { resetObject } from './reset.js';
export { type StaticProperty, type TypeInfo, TypeRegistry } from './type-registry.js';
export { checkValue, type PropertyValue } from './value.js';
