/** Makes a program that shows a difference as small as it can. */
import { caseOf, differences } from './machines.mjs';

/** Leaves out items, and turns of loops, as long as the difference stays. */
export function shrink(name, program) {
  const differs = (candidate) => candidate.items.length > 0 && differences(name, candidate, caseOf(candidate, 0)).length > 0;
  let best = program;
  for (let before; before !== best; ) {
    before = best;
    for (const candidate of smaller(best)) if (differs(candidate)) best = candidate;
  }
  return best;
}

/** Programs without one of the items, the last first, and such with fewer turns of a loop. */
function* smaller(program) {
  const { items } = program;
  for (let n = items.length - 1; n >= 0; n--) yield { ...program, items: items.filter((_, index) => index !== n) };
  for (const [n, { loop, over }] of items.entries()) if (loop > 1) yield { ...program, items: items.with(n, { loop: loop >> 1, over }) };
}
