import type { StateLimits } from '@hotsocket/saved-state';

export const KIND = 'fw_cfg';
export const VERSION = 1;

/** What the device holds besides its items. */
export interface FwCfgState {
  /** Selected key, without the write bit. */
  key: number;
  /** Next byte of the item. */
  offset: number;
  /** Upper half of the DMA address, until the lower is written. */
  dmaHigh: number;
}

/** The state at power-on and after reset. */
export const initialState = (): FwCfgState => ({ key: 0, offset: 0, dmaHigh: 0 });

/** Largest values a snapshot may hold. */
export const LIMITS: StateLimits = { key: 0xffff, offset: 0xffff_ffff, dmaHigh: 0xffff_ffff };

/** The snapshot: the state, and the bytes of items that a guest may write, by key in hexadecimal or file name. */
export interface FwCfgSaved extends FwCfgState {
  written: Record<string, Uint8Array>;
}
