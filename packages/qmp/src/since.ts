import type { Dialect } from './dialect.js';

/** True when a dialect has what appeared in QEMU release `since`. The default dialect has everything. */
export function offers(dialect: Dialect, since: string): boolean {
  return dialect === 'default' || rank(since) <= rank(dialect);
}

function rank(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major * 1000 + minor;
}
