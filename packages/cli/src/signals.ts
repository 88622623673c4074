/** Signals that end the emulator in an orderly way. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
/** After this many milliseconds nobody waits for a client that does not read. */
const PATIENCE_MS = 1000;

/** Calls `terminate` at the first signal; a second one ends the process at once. Returns the removal. */
export function onSignals(terminate: (signal: number) => void): () => void {
  let signals = 0;
  const handlers = Object.entries(SIGNALS).map(([name, number]) => {
    const handler = (): void => {
      if (signals++ > 0) process.exit(128 + number);
      terminate(number);
    };
    process.on(name, handler);
    return () => void process.removeListener(name, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}

/** Waits for orderly closing, but not for ever. */
export async function closeSoon(close: Promise<void>): Promise<void> {
  const timeout = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS).unref());
  await Promise.race([close, timeout]);
}
