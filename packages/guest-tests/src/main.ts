// Runs one scenario in a process of its own: node dist/main.js NAME. The last line of stdout is its outcome as JSON.
import { SCENARIOS } from './scenarios/index.js';

const name = process.argv[2] ?? '';
const scenario = SCENARIOS.get(name);
if (!scenario) {
  console.log([...SCENARIOS.keys()].join('\n'));
  process.exit(name === '--list' ? 0 : 2);
}
const started = performance.now();
const outcome = await scenario.run().then(
  (figures) => ({ ok: true, figures }),
  (error: unknown) => ({ ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
);
const seconds = Math.round((performance.now() - started) / 100) / 10;
const mebibytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
console.log(JSON.stringify({ name, seconds, mebibytes, ...outcome }));
process.exit(outcome.ok ? 0 : 1);
