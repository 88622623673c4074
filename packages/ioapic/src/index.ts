export { IoApic, type IoApicOptions } from './ioapic.js';
export type { IoApicState } from './saved-state.js';
export { PINS as IO_APIC_PINS, VERSION_82093AA, VERSION_WITH_EOI } from './spec.js';
