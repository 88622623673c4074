/** The figures of the last complete runs, kept in results.json, and the page docs/conformance.md that is made from them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { conformancePage } from '../../packages/cpu-tests/dist/index.js';

const RESULTS = new URL('results.json', import.meta.url);
const PAGE = new URL('../../docs/conformance.md', import.meta.url);

/** Replaces some of the figures (see ConformanceResults in packages/cpu-tests) and writes the page. */
export function writeResults(changes) {
  const results = { ...JSON.parse(readFileSync(RESULTS, 'utf8')), ...changes };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(PAGE, conformancePage(results));
}
