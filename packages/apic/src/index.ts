export { type ApicCpu, NO_CPU } from './apic-cpu.js';
export { LocalApic, type LocalApicOptions, type LocalApicServices, type MsrValue } from './local-apic.js';
export type { ApicTimerState, LocalApicState } from './saved-state.js';
export { REG as APIC_REGISTER } from './spec.js';
