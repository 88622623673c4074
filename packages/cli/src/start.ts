import type { StandardStreams } from './char/stdio.js';
import type { MachineConfig } from './command-line.js';
import { Emulator } from './emulator.js';
import type { Log } from './log.js';
import { closeSoon, onSignals } from './signals.js';
import type { Supervision } from './supervise/supervision.js';

/** Runs a machine until it ends. Returns the exit status; rejects with UsageError when something cannot be opened. */
export async function startEmulator(config: MachineConfig, streams: StandardStreams, log: Log): Promise<number> {
  const supervision = await supervise(config, streams, log);
  const emulator = new Emulator(config, streams, log);
  const removeSignals = onSignals((signal) => emulator.terminate(signal));
  try {
    await emulator.open();
    if (supervision) return await supervision.watch(emulator);
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
