import type { Pc } from '@hotsocket/machine-pc';

/** Instructions by CPU in windows of so many instructions of all CPUs. */
export class SliceLog {
  /** One entry a window: instructions by CPU index. */
  readonly windows: number[][] = [];
  readonly #window: number;
  readonly #stop: () => void;

  constructor(pc: Pc, window: number) {
    this.#window = window;
    const { executor } = pc.board;
    const slice = executor.slice.bind(executor);
    const first = pc.instructions;
    executor.slice = (cpu, budget) => {
      const start = pc.instructions - first;
      const executed = slice(cpu, budget);
      this.#add(cpu.index, start, executed);
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
    const shares = whole.flatMap((counts) => Array.from({ length: cpus }, (_, cpu) => (counts[cpu] ?? 0) / this.#window));
    return Math.min(...shares);
  }

  /** A slice may lie in several windows. */
  #add(cpu: number, start: number, executed: number): void {
    for (let at = start; at < start + executed; ) {
      const window = Math.floor(at / this.#window);
      const end = Math.min(start + executed, (window + 1) * this.#window);
      const counts = (this.windows[window] ??= []);
      counts[cpu] = (counts[cpu] ?? 0) + end - at;
      at = end;
    }
  }
}
