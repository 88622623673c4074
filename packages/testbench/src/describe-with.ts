/// <reference types="jest" />

/**
 * `describe` for a suite that needs something which may be absent: another emulator, recordings, guest images.
 *
 * @param missing what is missing, in words; undefined when everything is there. Then the suite runs; else it counts as one skipped test, and a
 *   warning says what did not run.
 */
export function describeWith(missing: string | undefined, name: string, body: () => void): void {
  if (missing === undefined) return describe(name, body);
  console.warn(`SKIPPED: ${name}: ${missing}`);
  describe(name, () => it.skip(missing, () => {}));
}
