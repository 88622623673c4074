import type { StandardStreams } from '../char/stdio.js';

export async function demo(_args: readonly string[], _streams: StandardStreams): Promise<number> {
  return 1;
}
