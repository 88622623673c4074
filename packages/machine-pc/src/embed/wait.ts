import { PcError } from './pc-error.js';

/** Limits of a wait. */
export interface WaitOptions {
  /** Gives up when it aborts; the error has code `WAIT_ABORTED` and the signal's reason as its cause. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up after this many milliseconds of the host, with code `WAIT_TIMEOUT`. No limit by default. */
  readonly timeout?: number | undefined;
}

/** What a wait is for, and what would be good to know when it fails. */
export interface WaitSubject {
  readonly what: string;
  /** What was last seen of it. */
  lastSeen(): string;
  /** Aborts when the machine ends, with a PcError as its reason. */
  readonly life: AbortSignal;
}

type Settle<T> = (value: T) => void;

/** Waits until `begin` settles, or one of the limits is reached, or the machine ends. `begin` gives what ends its part of the wait. */
export function wait<T>(subject: WaitSubject, options: WaitOptions, begin: (resolve: Settle<T>) => () => void): Promise<T> {
  const { life } = subject;
  const { signal, timeout } = options;
  return new Promise<T>((resolve, reject) => {
    const cleanup: (() => void)[] = [];
    let settled = false;
    const settle = (action: () => void): void => {
      if (settled) return;
      settled = true;
      for (const step of cleanup.splice(0)) step();
      action();
    };
    const fail = (error: () => PcError): void => settle(() => reject(error()));
    if (signal?.aborted) return fail(() => aborted(subject, signal));
    const stop = begin((value) => settle(() => resolve(value)));
    if (settled) return stop();
    cleanup.push(stop);
    if (life.aborted) return fail(() => ended(subject));
    listen(life, () => fail(() => ended(subject)), cleanup);
    if (signal) listen(signal, () => fail(() => aborted(subject, signal)), cleanup);
    if (timeout !== undefined) {
      const timer = setTimeout(() => fail(() => timedOut(subject, timeout)), timeout);
      cleanup.push(() => clearTimeout(timer));
    }
  });
}

function listen(signal: AbortSignal, heard: () => void, cleanup: (() => void)[]): void {
  signal.addEventListener('abort', heard, { once: true });
  cleanup.push(() => signal.removeEventListener('abort', heard));
}

const timedOut = (subject: WaitSubject, timeout: number): PcError =>
  new PcError('WAIT_TIMEOUT', `${timeout} ms passed without ${subject.what}; ${subject.lastSeen()}`);

const aborted = (subject: WaitSubject, { reason }: AbortSignal): PcError =>
  new PcError('WAIT_ABORTED', `gave up waiting for ${subject.what}; ${subject.lastSeen()}`, { cause: reason });

function ended(subject: WaitSubject): PcError {
  const reason = subject.life.reason as PcError;
  return new PcError(reason.code, `${reason.message} before ${subject.what}; ${subject.lastSeen()}`, { cause: reason });
}
