#!/usr/bin/env node
// Compares our machine with QEMU: the same seeded accesses through the qtest protocol, device by device. Needs `npm run build`.
import { parseArgs } from 'node:util';
import { runOurs, runQemu } from './machines.mjs';
import { PROFILES, randomFrom } from './profiles.mjs';

const HELP = `node tools/qtest-diff/qtest-diff.mjs [profile ...] [--seed N] [--count N] [--rounds N] [--qemu PROGRAM]

Profiles: ${Object.keys(PROFILES).join(' ')} (all by default).
Each round sends --count accesses (default 2000) to fresh machines; the first difference is cut down to a short sequence.`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    qemu: { type: 'string', default: 'qemu-system-x86_64' },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  console.log(HELP);
  process.exit(0);
}

const chosen = positionals.length > 0 ? positionals : Object.keys(PROFILES);
const unknown = chosen.filter((name) => !(name in PROFILES));
if (unknown.length > 0) {
  console.error(`unknown profile: ${unknown.join(' ')}\n\n${HELP}`);
  process.exit(1);
}

/** Replies with the bits that a known difference leaves open cleared. */
function compared(profile, command, reply) {
  const known = profile.known?.find((entry) => entry.command.test(command));
  if (!known) return reply;
  return known.mask === undefined ? '*' : `OK ${Number(reply.slice(3)) & known.mask}`;
}

/** The first command that the machines answer otherwise. */
async function firstDifference(profile, commands) {
  const theirs = await runQemu(commands, options.qemu);
  const ours = runOurs(commands);
  for (const [at, command] of commands.entries()) {
    if (compared(profile, command, theirs[at] ?? 'ended') !== compared(profile, command, ours[at] ?? 'none'))
      return { at, command, qemu: theirs[at] ?? 'QEMU ended', ours: ours[at] };
  }
  return undefined;
}

/** Leaves out what the difference does not need, in ever smaller pieces; the set-up stays. */
async function shrink(profile, commands) {
  let best = commands;
  for (let piece = best.length >> 1; piece >= 1; piece >>= 1)
    for (let start = profile.setup?.length ?? 0; start + piece < best.length; ) {
      const shorter = [...best.slice(0, start), ...best.slice(start + piece)];
      const difference = await firstDifference(profile, shorter);
      if (difference) best = shorter.slice(0, difference.at + 1);
      else start += piece;
    }
  return best;
}

function sequence(profile, seed, count) {
  const random = randomFrom(seed);
  const commands = [...(profile.setup ?? [])];
  while (commands.length < count) commands.push(...profile.next(random));
  return commands;
}

async function compare(name) {
  const profile = PROFILES[name];
  const count = Number(options.count);
  for (let round = 0; round < Number(options.rounds); round++) {
    const seed = Number(options.seed) + round;
    const commands = sequence(profile, seed, count);
    const difference = await firstDifference(profile, commands);
    if (!difference) continue;
    const shortest = await shrink(profile, commands.slice(0, difference.at + 1));
    const { qemu, ours } = await firstDifference(profile, shortest);
    console.log(
      `${name}: DIFFERENT at access ${difference.at} of seed ${seed}\n    ${shortest.join('\n    ')}\n  QEMU ${qemu}, ours ${ours}`,
    );
    return 0;
  }
  const total = count * Number(options.rounds);
  console.log(`${name}: ${total} accesses equal`);
  return total;
}

const started = performance.now();
let equal = 0;
let different = 0;
for (const name of chosen) {
  const accesses = await compare(name);
  equal += accesses;
  if (accesses === 0) different++;
}
console.log(`${equal} accesses equal, ${different} profiles different, ${((performance.now() - started) / 1000).toFixed(1)} s`);
process.exit(different > 0 ? 1 : 0);
