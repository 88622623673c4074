/** Figures that a scenario reports, by name. */
export type Figures = Readonly<Record<string, string | number>>;

/** One thing a guest must be able to do. */
export interface Scenario {
  readonly name: string;
  /** Does it; throws when the guest does not. */
  run(): Promise<Figures>;
}

/** Two decimals and the unit of thousands: 582.55 for 582,548,426. */
export const millions = (count: number): number => Math.round(count / 1e4) / 100;

/** Runs `work` on something that must be disposed of. */
export async function using<T extends { dispose(): Promise<void> }, R>(
  made: T | Promise<T>,
  work: (made: T) => R | Promise<R>,
): Promise<R> {
  const thing = await made;
  try {
    return await work(thing);
  } finally {
    await thing.dispose();
  }
}
