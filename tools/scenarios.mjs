/**
 * Runs whole guests through what they must be able to do, each in a process of its own, and prints a table.
 *
 *   npm run scenarios -- [--list] [--jobs N] [--interpreter] [name ...]      a name may contain * ; without names: all
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { SCENARIOS } from '../packages/guest-tests/dist/index.js';

const MAIN = new URL('../packages/guest-tests/dist/main.js', import.meta.url).pathname;
const LONGEST_MS = 30 * 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
    interpreter: { type: 'boolean', default: false },
  },
});

const names = [...SCENARIOS.keys()];
const patternOf = (text) => new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);

function chosen() {
  if (positionals.length === 0) return names;
  for (const text of positionals) if (!names.some((name) => patternOf(text).test(name))) usage(`no scenario is called '${text}'`);
  return names.filter((name) => positionals.some((text) => patternOf(text).test(name)));
}

function usage(message) {
  console.error(`${message}; --list shows the names`);
  process.exit(2);
}

/** The outcome of one scenario. */
function run(name) {
  return new Promise((resolve) => {
    const env = { ...process.env, ...(values.interpreter ? { GUEST_TIER: 'interpreter' } : {}) };
    const child = spawn(process.execPath, [MAIN, name], { stdio: ['ignore', 'pipe', 'pipe'], timeout: LONGEST_MS, env });
    let text = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
    child.stderr.setEncoding('utf8').on('data', (part) => (errors += part));
    child.on('close', (status, signal) => resolve(outcomeOf(name, text, errors, signal ?? status)));
  });
}

function outcomeOf(name, text, errors, status) {
  try {
    return JSON.parse(text.trim().split('\n').at(-1));
  } catch {
    return { name, ok: false, seconds: 0, error: `ended with ${status}\n${errors}${text}`.slice(-3000) };
  }
}

function show({ name, ok, seconds, mebibytes = 0, figures = {}, error }) {
  const facts = Object.entries(figures).map(([fact, value]) => `${fact}=${value}`);
  console.log(
    `${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(32)} ${String(seconds).padStart(7)} s ${String(mebibytes).padStart(5)} MB  ${facts.join(' ')}`,
  );
  if (error) console.log(error.replaceAll(/^/gm, '     | '));
}

async function main() {
  if (values.list) return console.log(names.join('\n'));
  const queue = chosen();
  const outcomes = [];
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const outcome = await run(name);
      outcomes.push(outcome);
      show(outcome);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, worker));
  const failed = outcomes.filter(({ ok }) => !ok).map(({ name }) => name);
  console.log(
    `\n${outcomes.length - failed.length} of ${outcomes.length} scenarios passed${failed.length > 0 ? `; failed: ${failed.join(', ')}` : ''}`,
  );
  process.exitCode = failed.length > 0 ? 1 : 0;
}

await main();
