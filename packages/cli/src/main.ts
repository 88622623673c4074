#!/usr/bin/env node
import { run } from './run.js';

process.exitCode = await run(process.argv.slice(2));
// a terminal that was read from keeps the process; everything of ours is closed
setImmediate(() => process.exit());
