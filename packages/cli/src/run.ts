import type { StandardStreams } from './char/stdio.js';
import { Log } from './log.js';
import { Information } from './options/option.js';
import { TRACE_HELP } from './options/option-table.js';
import { parseCommandLine } from './parse.js';
import { UsageError } from './usage-error.js';

/**
 * Runs one command line (without program name) to its end. Returns the exit status: 0 when the machine ended in an orderly way, 1 when
 * the command line or a file is wrong, otherwise what the guest told its debug exit device.
 */
export async function run(args: readonly string[], streams: StandardStreams = process): Promise<number> {
  const log = new Log(streams.stderr);
  try {
    if (args[0] === 'demo') return await (await import('./demo/demo.js')).demo(args.slice(1), streams);
    if (args[0] === 'info') return await (await import('./info/info.js')).info(args.slice(1), streams, log);
    if (args[0] === 'qmp') return await (await import('./qmp-command.js')).qmpCommand(args.slice(1), streams);
    if (args[0] === 'doctor') return await (await import('./doctor.js')).doctor(streams);
    const parsed = parseCommandLine(args);
    if (parsed instanceof Information) return await inform(parsed, streams);
    return await (await import('./start.js')).startEmulator(parsed, streams, log);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    log.line(error.message);
    return 1;
  }
}

async function inform({ text }: Information, { stdout }: StandardStreams): Promise<number> {
  stdout.write(text === TRACE_HELP ? `${(await import('./build-machine.js')).tracePointNames().join('\n')}\n` : text);
  return 0;
}
