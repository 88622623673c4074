import { EARLY } from './early.js';
import { HOT_ADD } from './hot-add.js';
import { LIFE } from './life.js';
import { LIVE } from './live.js';
import { MANY } from './many.js';
import { MEMTEST } from './memtest.js';
import type { Scenario } from './scenario.js';
import { UNPLUG } from './unplug.js';

export { hotAdd } from './hot-add.js';
export type { Figures, Scenario } from './scenario.js';

/** Every scenario, by name. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [...HOT_ADD, ...EARLY, ...LIFE, ...MANY, ...LIVE, ...UNPLUG, ...MEMTEST].map((scenario) => [scenario.name, scenario]),
);
