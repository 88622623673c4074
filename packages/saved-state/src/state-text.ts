import { SavedStateError, type StateValue } from './saved-state.js';

/** Marks values that JSON has no form for: `{ "$bytes": base64 }` and `{ "$bigint": digits }`. */
const BYTES = '$bytes';
const BIGINT = '$bigint';
const CHUNK = 0x8000;

/** A state as UTF-8 text in JSON. */
export const encodeState = (value: StateValue): Uint8Array => new TextEncoder().encode(JSON.stringify(marked(value)));

/** Reads it back. Throws SavedStateError. */
export function decodeState(text: Uint8Array): StateValue {
  try {
    return unmarked(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text)));
  } catch (error) {
    throw new SavedStateError(`the state is not readable: ${error instanceof Error ? error.message : error}`);
  }
}

function marked(value: unknown): unknown {
  if (typeof value === 'bigint') return { [BIGINT]: value.toString() };
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return { [BYTES]: base64(value as Uint8Array) };
  if (Array.isArray(value)) return value.map(marked);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, marked(member)]));
}

function unmarked(value: unknown): StateValue {
  if (typeof value !== 'object' || value === null) return value as StateValue;
  if (Array.isArray(value)) return value.map(unmarked);
  const { [BYTES]: bytes, [BIGINT]: digits } = value as Record<string, unknown>;
  if (typeof bytes === 'string') return Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0));
  if (typeof digits === 'string') return BigInt(digits);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, unmarked(member)]));
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}
