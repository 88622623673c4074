import type { StandardStreams } from './char/stdio.js';
import type { MachineConfig } from './command-line.js';
import { Emulator } from './emulator.js';
import type { Log } from './log.js';
import { closeSoon, onSignals } from './signals.js';

/** Runs a machine until it ends. Returns the exit status; rejects with UsageError when something cannot be opened. */
export async function startEmulator(config: MachineConfig, streams: StandardStreams, log: Log): Promise<number> {
  const emulator = new Emulator(config, streams, log);
  const removeSignals = onSignals((signal) => emulator.terminate(signal));
  try {
    await emulator.start();
    return await emulator.ended;
  } finally {
    await closeSoon(emulator.close());
    removeSignals();
  }
}
