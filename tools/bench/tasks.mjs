// The pieces of a round: each starts one emulator with one guest and adds samples.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EMULATORS } from './emulators.mjs';
import { KERNELS } from './guests.mjs';
import { LOOPS } from './loops.mjs';
import { connectQmp } from './qmp-client.mjs';
import { GUEST_ROWS } from './rows.mjs';
import { between, RunError, Session } from './session.mjs';
import { quantile } from './statistics.mjs';

const BOOT_LIMIT_MS = 300_000;
const ROW_LIMIT_MS = 180_000;
const SHORT_LIMIT_MS = 60_000;

/** The shell's prompt; its line editor may ask the terminal where the cursor is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequence is what comes
const PROMPT = /# (\x1b\[6n)?$/;
const PROGRAM = '/bin/bench';

/** Starts a guest; resolves when its shell is there, with what that took. */
async function boot(session) {
  await session.expect(/INIT-READY [^\n]*\n/, BOOT_LIMIT_MS);
  return session.expect(PROMPT, SHORT_LIMIT_MS);
}

const startOf = (session) => ({ atMs: session.startedAt, cpuSeconds: 0 });

async function withSession(command, use) {
  const session = new Session(command);
  try {
    return await use(session);
  } finally {
    await session.end();
  }
}

/** Runs one guest program and proves its checksum. */
async function runProgram(session, { name, checksum }) {
  const before = await session.expect(new RegExp(`@begin ${name}\\r?\\n`), SHORT_LIMIT_MS);
  const after = await session.expect(new RegExp(`@(end ${name} (\\w+)|failed [^\r\n]*)\\r?\\n`), ROW_LIMIT_MS);
  const sum = after.match[2];
  if (sum !== checksum) throw new RunError(`${name}: ${sum === undefined ? after.match[1] : `checksum ${sum}, should be ${checksum}`}`);
  return between(before, after);
}

/** Boots a kernel to its shell and runs the chosen programs in it. */
export async function bootAndRun({ emulator, kernel, guests, rows, samples }) {
  const guest = guests.linux(kernel);
  const programs = KERNELS[kernel].programs ? GUEST_ROWS.filter(({ name }) => rows.has(name)) : [];
  await withSession(EMULATORS[emulator].command(guest), async (session) => {
    const ready = await boot(session);
    if (rows.has(`boot-${kernel}`)) samples.add(`boot-${kernel}`, emulator, between(startOf(session), ready));
    if (programs.length === 0) return;
    session.type(`${PROGRAM} ${programs.map(({ name }) => name).join(' ')}\n`);
    for (const program of programs) samples.add(`${program.name} ${guest.arch}`, emulator, await runProgram(session, program));
    await session.expect(/@done\r?\n/, SHORT_LIMIT_MS);
    if (rows.has('memory')) samples.add(`memory ${guest.arch}`, emulator, { value: session.peakMib() });
  });
}

/** From the start of the process to the first instruction of a kernel's setup code. */
export async function timeFirmware({ emulator, guests, samples }) {
  await withSession(EMULATORS[emulator].command(guests.probe()), async (session) => {
    const done = await session.expect(/@firmware-done/, SHORT_LIMIT_MS);
    samples.add('firmware', emulator, between(startOf(session), done));
  });
}

/** From the start of the process to the QMP greeting, the machine paused. */
export async function timeGreeting({ emulator, guests, samples, folder }) {
  const qmp = join(folder, 'greeting.sock');
  await withSession(EMULATORS[emulator].command({ ...guests.probe(), qmp, paused: true }), async (session) => {
    const client = await connectQmp(qmp);
    samples.add('greeting', emulator, between(startOf(session), { ...session.now(), atMs: client.greetedAtMs }));
    client.close();
  });
}

const SETTLE_MS = 2000;
const IDLE_MS = 4000;
const MAX_CPUS = 4;
const COMMANDS = 400;
const PAUSE_MS = 5;

/** Idle use, hot-add and the latency of commands, all in one run. */
export async function timeControl({ emulator, guests, rows, samples, folder }) {
  const qmp = join(folder, 'control.sock');
  await withSession(EMULATORS[emulator].command(guests.linux('cloud', { qmp, maxCpus: MAX_CPUS })), async (session) => {
    await boot(session);
    const client = await connectQmp(qmp);
    if (rows.has('idle')) samples.add('idle', emulator, { value: await idleShare(session) });
    if (rows.has('hot-add') || rows.has('qmp')) await addCpus({ session, client, emulator, samples });
    if (rows.has('qmp')) await timeCommands({ session, client, emulator, samples });
    client.close();
  });
}

/** CPU time of the emulator in percent of one core, the guest at its prompt. */
async function idleShare(session) {
  await wait(SETTLE_MS);
  const before = session.now();
  await wait(IDLE_MS);
  const { wall, cpu } = between(before, session.now());
  return (100 * cpu) / wall;
}

/** How an emulator is told to plug the next CPU in: QEMU has no cpu-add any more. */
const ADD = {
  hotsocket: async (id) => ['cpu-add', { id }],
  async qemu(id, client) {
    const { result } = await client.run('query-hotpluggable-cpus');
    const free = result.filter((slot) => slot['qom-path'] === undefined).at(-1);
    return ['device_add', { id: `cpu${id}`, driver: free.type, ...free.props }];
  },
};

async function addCpus({ session, client, emulator, samples }) {
  session.type(`${PROGRAM} --watch-cpus &\n`);
  await session.expect(/@watching\r?\n/, SHORT_LIMIT_MS);
  for (let id = 1; id < MAX_CPUS; id++) {
    const online = session.expect(/@online \d+\r?\n/, SHORT_LIMIT_MS);
    const { ms, sentAt } = await client.run(...(await ADD[emulator](id, client)));
    const { atMs } = await online;
    samples.add('hot-add reply', emulator, { value: ms });
    samples.add('hot-add online', emulator, { value: atMs - sentAt });
  }
}

/** `query-status` while a program computes on every CPU. */
async function timeCommands({ session, client, emulator, samples }) {
  session.type(`${`${PROGRAM} --spin & `.repeat(MAX_CPUS)}\n`);
  for (let cpu = 0; cpu < MAX_CPUS; cpu++) await session.expect(/@spinning\r?\n/, SHORT_LIMIT_MS);
  const times = [];
  for (let count = 0; count < COMMANDS; count++) {
    times.push((await client.run('query-status')).ms);
    await wait(PAUSE_MS * Math.random());
  }
  samples.add('qmp median', emulator, { value: quantile(times, 0.5) });
  samples.add('qmp 99 %', emulator, { value: quantile(times, 0.99) });
}

const LOOP_SCRIPT = fileURLToPath(new URL('measure-loop.mjs', import.meta.url));
const LOOP_SECONDS = 1;

/** Speed of two loops without an operating system, translated and by the interpreter alone. */
export async function timeLoops({ emulator, samples }) {
  for (const loop of Object.keys(LOOPS)) {
    samples.add(loop, emulator, { value: await speedOf(loop) });
    samples.add(`${loop} interpreted`, emulator, { value: await speedOf(loop, 'interpreted') });
  }
}

const speedOf = (loop, ...tier) =>
  withSession([process.execPath, [LOOP_SCRIPT, loop, String(LOOP_SECONDS), ...tier]], async (session) => {
    const { match } = await session.expect(/\{.*\}/, SHORT_LIMIT_MS);
    const { instructions, cpuSeconds } = JSON.parse(match[0]);
    return instructions / cpuSeconds / 1e6;
  });
