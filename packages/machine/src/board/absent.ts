const known = new WeakSet<object>();

/**
 * Stands for a part that could not be made, so that the rest of a definition is read and its problems are found too: whatever is asked of it
 * is absent as well.
 */
export const ABSENT: object = new Proxy(() => {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => 0 : ABSENT),
  set: () => true,
  apply: () => ABSENT,
  construct: () => ABSENT,
});
known.add(ABSENT);

/** True for what came from a part that could not be made. */
export const isAbsent = (value: unknown): boolean =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && known.has(value);
