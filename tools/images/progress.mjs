// One progress line on stderr: a bar redrawn in place on a terminal, a plain line per step elsewhere.

const WIDTH = 30;

/** The progress of a few named steps, each from 0 to 100 percent. */
export class Progress {
  #stream;
  #step = '';

  constructor(stream = process.stderr) {
    this.#stream = stream;
  }

  /** Starts a step; on a stream that is no terminal this is its only line. */
  step(text) {
    this.#clear();
    this.#step = text;
    if (this.#stream.isTTY) this.percent(0);
    else this.#stream.write(`${text}\n`);
  }

  /** Redraws the bar of the current step; 0 to 100. */
  percent(value) {
    if (!this.#stream.isTTY) return;
    const done = Math.round((Math.min(Math.max(value, 0), 100) / 100) * WIDTH);
    const bar = '#'.repeat(done).padEnd(WIDTH, '.');
    this.#stream.write(`\r\x1b[K[${bar}] ${String(Math.floor(value)).padStart(3)} %  ${this.#step}`);
  }

  /** Removes the bar, so that what follows stands on a line of its own. */
  end() {
    this.#clear();
    this.#step = '';
  }

  #clear() {
    if (this.#stream.isTTY && this.#step !== '') this.#stream.write('\r\x1b[K');
  }
}
