import type { StandardStreams } from './char/stdio.js';
import type { MachineConfig } from './command-line.js';
import { EmptyEmulator } from './empty-emulator.js';
import { Emulator } from './emulator.js';
import type { Log } from './log.js';
import { closeSoon, onSignals } from './signals.js';
import type { Supervision } from './supervise/supervision.js';

/** A machine with its frontends, or a replacement for one. */
interface Startable {
  readonly ended: Promise<number>;
  open(): Promise<void>;
  run(): void;
  terminate(signal: number): void;
  close(): Promise<void>;
}

/** Runs a machine until it ends. Returns the exit status; rejects with UsageError when something cannot be opened. */
export async function startEmulator(config: MachineConfig, streams: StandardStreams, log: Log): Promise<number> {
  if (config.machineType === 'none') return runToEnd(new EmptyEmulator(config, log));
  const supervision = await supervise(config, streams, log);
  const emulator = new Emulator(config, streams, log);
  return runToEnd(emulator, supervision && (() => supervision.watch(emulator)));
}

/** `watch` starts the machine and tells its exit status, in the place of `run`. */
async function runToEnd(emulator: Startable, watch?: () => Promise<number>): Promise<number> {
  const removeSignals = onSignals((signal) => emulator.terminate(signal));
  try {
    await emulator.open();
    if (watch) return await watch();
    emulator.run();
    return await emulator.ended;
  } finally {
    await closeSoon(emulator.close());
    removeSignals();
  }
}

async function supervise({ supervision }: MachineConfig, streams: StandardStreams, log: Log): Promise<Supervision | undefined> {
  if (supervision === undefined) return undefined;
  const { Supervision } = await import('./supervise/supervision.js');
  return new Supervision(supervision, streams, log);
}
