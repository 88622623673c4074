// Runs the tests of a bundle once, in a worker, with one mutant switched on. Says whether a test failed, as soon as one has that does not
// fail without a mutant (`ignored`); without `ignored` it says which ones fail.
import { parentPort, workerData } from 'node:worker_threads';
import { expect } from 'expect';
import { addEventHandler, afterAll, afterEach, beforeAll, beforeEach, describe, it, run, test } from 'jest-circus';

Object.assign(globalThis, { describe, it, test, beforeAll, beforeEach, afterAll, afterEach, expect, mutant: workerData.mutant });
console.log = console.warn = console.error = () => {};
const { ignored } = workerData;
const failures = [];
let passed = 0;
addEventHandler((event) => {
  if (event.name === 'test_done') judge(event.test);
  if (event.name === 'error') tell({ failed: true, error: String(event.error) });
});
process.on('uncaughtException', (error) => tell({ failed: true, error: String(error) }));
process.on('unhandledRejection', (error) => tell({ failed: true, error: String(error) }));
try {
  await import(workerData.bundle);
  await run();
  tell({ failed: false, passed, failures });
} catch (error) {
  tell({ failed: true, error: String(error) });
}

function judge({ name, errors }) {
  if (errors.length === 0) passed++;
  else if (!ignored) failures.push(name);
  else if (!ignored.includes(name)) tell({ failed: true });
}

function tell(outcome) {
  parentPort.postMessage(outcome);
}
