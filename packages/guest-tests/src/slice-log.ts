import type { Pc } from '@hotsocket/machine-pc';

/** Instructions by CPU in windows of guest time. */
export class SliceLog {
  /** One entry a window: instructions by CPU index. */
  readonly windows: number[][] = [];
  readonly #stop: () => void;

  constructor(pc: Pc, windowNs: number) {
    const { executor, clock } = pc.board;
    const slice = executor.slice.bind(executor);
    const start = clock.now();
    executor.slice = (cpu, budget) => {
      const window = Math.floor((clock.now() - start) / windowNs);
      const executed = slice(cpu, budget);
      const counts = (this.windows[window] ??= []);
      counts[cpu.index] = (counts[cpu.index] ?? 0) + executed;
      return executed;
    };
    this.#stop = () => {
      executor.slice = slice;
    };
  }

  stop(): void {
    this.#stop();
  }

  /** The smallest share that any of `cpus` CPUs had in a whole window, as a part of the window's instructions. */
  smallestShare(cpus: number): number {
    const whole = this.windows.slice(0, -1);
    const shares = whole.flatMap((counts) => {
      const sum = counts.reduce((total, count) => total + count, 0);
      return Array.from({ length: cpus }, (_, cpu) => (counts[cpu] ?? 0) / sum);
    });
    return Math.min(...shares);
  }
}
