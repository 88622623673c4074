// Child of bench.mjs: boots Linux as the command does, up to the guest's first line, and prints what it took as JSON.
//   node measure-boot.mjs [hotsocket options]
import { Emulator, parseCommandLine } from '../../packages/cli/dist/index.js';

const WORD = 'INIT-READY';
const emulator = new Emulator(parseCommandLine(process.argv.slice(2)), process);
const { machine } = emulator;
let tail = '';
const ready = new Promise((resolve) => {
  machine.board.com1.transmitted = (byte) => {
    tail = (tail + String.fromCharCode(byte)).slice(-WORD.length);
    if (tail === WORD) resolve(machine.instructions);
  };
});
await emulator.start();
const instructions = await ready;
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ instructions, cpuSeconds: (user + system) / 1e6, rssKiB: process.resourceUsage().maxRSS }));
process.exit();
