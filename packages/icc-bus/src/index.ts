export { IccBridge } from './icc-bridge.js';
export { IccBus, IccBusError, type IoApicPort, type LocalApicPort } from './icc-bus.js';
export { type InterruptMessage, messageOfMsi } from './interrupt-message.js';
export {
  APIC_PAGE_SIZE,
  APIC_SLOTS,
  APIC_SPACE_BASE,
  APIC_SPACE_PRIORITY,
  APIC_SPACE_SIZE,
  BROADCAST,
  DELIVERY,
  ICC_BRIDGE_PATH,
  ICC_BRIDGE_TYPE,
  ICC_BUS_NAME,
  ICC_BUS_PATH,
  ICC_BUS_TYPE,
  ICC_DEVICE_TYPE,
  IO_APIC_BASE,
  IO_APIC_SIZE,
  REGISTER_STRIDE,
  SHORTHAND,
} from './spec.js';
