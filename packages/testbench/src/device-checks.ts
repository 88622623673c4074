import type { Device } from '@hotsocket/qom';
import type { SavedState } from '@hotsocket/saved-state';

/** What the checks need of a device. */
export type Checkable = Pick<Device, 'reset' | 'save' | 'restore'>;

/**
 * Throws unless a device that was disturbed and then reset holds the state of a new one. `keeps` names the saved
 * values that a reset leaves alone by design.
 */
export function resetReachesInitialState<D extends Checkable>(
  make: () => D,
  disturb: (device: D) => void,
  keeps: readonly string[] = [],
): void {
  const device = make();
  disturb(device);
  device.reset();
  const differences = stateDifferences(make().save(), device.save()).filter((path) => !keeps.some((name) => isUnder(path, name)));
  if (differences.length > 0) throw new Error(`not as new after reset: ${differences.join(', ')}`);
}

/** Throws unless a disturbed device's state, restored into a new device, is saved again without a difference. */
export function saveRestoreIsIdentity<D extends Checkable>(make: () => D, disturb: (device: D) => void): void {
  const original = make();
  disturb(original);
  const saved = original.save();
  const copy = make();
  copy.restore(saved);
  const differences = stateDifferences(saved, copy.save());
  if (differences.length > 0) throw new Error(`lost by save and restore: ${differences.join(', ')}`);
}

/** The paths of all values that differ between two states: `cells.3`, `alarm.hour`. */
export function stateDifferences(one: SavedState, other: SavedState): string[] {
  return [
    ...differences('', { kind: one.kind, version: one.version, ...one.data }, { kind: other.kind, version: other.version, ...other.data }),
  ];
}

function* differences(path: string, one: unknown, other: unknown): Generator<string> {
  if (Object.is(one, other)) return;
  if (!isComposite(one) || !isComposite(other)) return yield path;
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)]))
    yield* differences(path === '' ? name : `${path}.${name}`, one[name], other[name]);
}

const isComposite = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isUnder = (path: string, name: string): boolean => path === name || path.startsWith(`${name}.`);
