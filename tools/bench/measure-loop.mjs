// Child of tasks.mjs: executes one loop and prints its speed as JSON.
//   node measure-loop.mjs NAME SECONDS [interpreted]
import { setTimeout as wait } from 'node:timers/promises';
import { Pc } from '../../packages/machine-pc/dist/index.js';
import { LOOPS } from './loops.mjs';

const [name, seconds, tier] = process.argv.slice(2);
const WARM_UP_MS = 1500;
const pc = new Pc({
  cpus: 1,
  maxCpus: 1,
  topology: { cores: 1, threads: 1 },
  ramBytes: 8 << 20,
  firmware: LOOPS[name],
  time: { drive: 'realtime' },
});
pc.board.core.translates = tier !== 'interpreted';
pc.cont();
await wait(WARM_UP_MS);
const before = { instructions: pc.instructions, cpu: process.cpuUsage() };
await wait(Number(seconds) * 1000);
const { user, system } = process.cpuUsage(before.cpu);
console.log(JSON.stringify({ instructions: pc.instructions - before.instructions, cpuSeconds: (user + system) / 1e6 }));
process.exit();
