/** What a snapshot may hold: plain data, 64-bit values as bigint, bulk bytes as Uint8Array. */
export type StateValue = number | bigint | boolean | string | null | Uint8Array | readonly StateValue[] | StateRecord;
/** Named values. */
export interface StateRecord {
  readonly [name: string]: StateValue;
}

/** The state of one device at one moment: which kind, which version of its format, and the data. */
export interface SavedState {
  readonly kind: string;
  readonly version: number;
  readonly data: StateRecord;
}

/** A snapshot that does not fit; the message names the device and what is wrong. */
export class SavedStateError extends Error {
  readonly code = 'SAVED_STATE';
}

/** Makes a record of `data`, which is copied, so that later changes of the device do not reach the snapshot. */
export function savedState(kind: string, version: number, data: object): SavedState {
  return { kind, version, data: structuredClone(data) as StateRecord };
}

/** Checks kind and version of a record and returns a copy of its data; throws SavedStateError when they differ. */
export function restoreRecord<T extends object>(saved: SavedState, kind: string, version: number): T {
  if (saved.kind !== kind) throw new SavedStateError(`state of '${saved.kind}' given to '${kind}'`);
  if (saved.version !== version) throw new SavedStateError(`${kind}: version ${saved.version} is not supported (expected ${version})`);
  return structuredClone(saved.data) as T;
}
