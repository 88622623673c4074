import type { QtestTarget } from '@hotsocket/qtest';
import type { MachineConfig } from './command-line.js';
import { UsageError } from './usage-error.js';

/** Opens the endpoint of `-qtest`, if there is one; the protocol is loaded only then. Rejects with UsageError. */
export async function openQtest(
  { qtest, qtestLog }: MachineConfig,
  targetOf: (module: typeof import('@hotsocket/qtest')) => QtestTarget,
): Promise<{ close(): Promise<void> } | undefined> {
  if (qtest === undefined) return undefined;
  const [module, node] = await Promise.all([import('@hotsocket/qtest'), import('@hotsocket/qtest/node')]);
  const log = qtestLog === undefined ? {} : { log: node.qtestLogFile(qtestLog) };
  try {
    return await node.serveQtest(targetOf(module), node.parseQtestEndpoint(qtest), log);
  } catch (error) {
    throw error instanceof node.QtestEndpointError ? new UsageError(error.message) : error;
  }
}
