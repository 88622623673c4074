import type { PciFunctionState } from '@hotsocket/pci-bus';

export const KIND = 'i440FX';
export const VERSION = 1;

/** What a snapshot of the host bridge holds. */
export interface I440fxState {
  /** CONFADD, the dword last written to CF8h. */
  confAdd: number;
}

/** The state at power-on. */
export const initialState = (): I440fxState => ({ confAdd: 0 });

/** The snapshot: the state and configuration space. */
export interface I440fxSaved extends I440fxState {
  pci: PciFunctionState;
}
