// Runs the tests of a bundle once, in a worker, with one mutant switched on. Says whether a test failed, as soon as one has.
import { parentPort, workerData } from 'node:worker_threads';
import { expect } from 'expect';
import { addEventHandler, afterAll, afterEach, beforeAll, beforeEach, describe, it, run, test } from 'jest-circus';

Object.assign(globalThis, { describe, it, test, beforeAll, beforeEach, afterAll, afterEach, expect, mutant: workerData.mutant });
console.log = console.warn = console.error = () => {};
let passed = 0;
addEventHandler((event) => {
  if (event.name === 'test_done' && event.test.errors.length > 0)
    tell({ failed: true, test: event.test.name, error: String(event.test.errors[0]) });
  if (event.name === 'test_done') passed++;
  if (event.name === 'error') tell({ failed: true, error: String(event.error) });
});
process.on('uncaughtException', (error) => tell({ failed: true, error: String(error) }));
process.on('unhandledRejection', (error) => tell({ failed: true, error: String(error) }));
try {
  await import(workerData.bundle);
  await run();
  tell({ failed: false, passed });
} catch (error) {
  tell({ failed: true, error: String(error) });
}

function tell(outcome) {
  parentPort.postMessage(outcome);
}
