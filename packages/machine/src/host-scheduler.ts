/** What the run loop needs of the host: a clock and turns of the event loop. */
export interface HostScheduler {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Lets other work of the host run; resolves as soon as possible. */
  turn(): Promise<void>;
  /** Waits; `wake` ends it early. */
  sleep(milliseconds: number): { readonly done: Promise<void>; wake(): void };
}

/** For Node.js and browsers. */
export function defaultScheduler(): HostScheduler {
  const immediate = (globalThis as { setImmediate?: (work: () => void) => unknown }).setImmediate;
  return {
    now: () => performance.now(),
    turn: immediate ? () => new Promise((resolve) => immediate(resolve)) : channelTurn(),
    sleep,
  };
}

function channelTurn(): () => Promise<void> {
  const channel = new MessageChannel();
  const waiting: (() => void)[] = [];
  channel.port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      channel.port2.postMessage(0);
    });
}

function sleep(milliseconds: number): { done: Promise<void>; wake(): void } {
  let wake = (): void => {};
  const done = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Math.min(milliseconds, 0x7fff_ffff));
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return { done, wake };
}
