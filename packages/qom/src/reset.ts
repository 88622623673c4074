import type { QomObject } from './qom-object.js';

/**
 * Resets an object and all below it in three phases: every object enters, then every object holds, then every object exits, so
 * that no object sees another half reset. Children come before their parents, devices that are not realized are left out.
 */
export function resetObject(object: QomObject): void {
  const all = [...inReset(object)];
  for (const each of all) each.resetPhases.enter?.();
  for (const each of all) each.resetPhases.hold?.();
  for (const each of all) each.resetPhases.exit?.();
}

function* inReset(object: QomObject): Generator<QomObject> {
  for (const child of object.children()) yield* inReset(child);
  if (object.isRealized || !object.types.isA(object.type, 'device')) yield object;
}
