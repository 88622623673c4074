/**
 * The CPU at the other end of a local APIC. All calls come synchronously, also while this CPU executes an instruction (it
 * wrote its own APIC); the CPU acts on them at its next instruction boundary.
 */
export interface ApicCpu {
  /** The level of INTR: an interrupt waits until the CPU calls `acknowledge`. Called on changes. */
  interruptPending(pending: boolean): void;
  nmi(): void;
  smi(): void;
  /** INIT: the APIC has already been cleared; halt while `waitsForSipi`, else go to the reset vector. */
  init(): void;
  /** Startup: run at vector * 1000h. Comes only after `waitsForSipi`. */
  sipi(vector: number): void;
  /** The time-stamp counter, for TSC deadlines; without it one that counts from power-on is assumed. */
  tsc?(): number;
}

/** Stands in until a CPU is connected. */
export const NO_CPU: ApicCpu = { interruptPending: () => {}, nmi: () => {}, smi: () => {}, init: () => {}, sipi: () => {} };
