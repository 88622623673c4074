import { LineEditor } from './line-editor.js';
import type { Monitor } from './monitor.js';

/** The prompt of an interactive monitor. */
export const PROMPT = '(hotsocket) ';

/** A monitor on a byte stream: terminal, socket or the multiplexed console. */
export class MonitorSession {
  readonly #monitor: Monitor;
  readonly #write: (text: string) => void;
  readonly #editor: LineEditor;
  #greeted = false;

  constructor(monitor: Monitor, write: (text: string) => void) {
    this.#monitor = monitor;
    this.#write = write;
    this.#editor = new LineEditor({
      prompt: PROMPT,
      write,
      submit: (line) => this.#run(line),
      complete: (line) => monitor.complete(line),
    });
  }

  /** The user has turned to the monitor: shows the banner the first time, and the prompt. */
  focus(): void {
    if (!this.#greeted) this.#write(`${this.#monitor.version} monitor - type 'help' for more information\r\n`);
    this.#greeted = true;
    this.#editor.show();
  }

  /** Takes bytes of the keyboard. */
  receive(bytes: Uint8Array): void {
    this.#editor.receive(bytes);
  }

  #run(line: string): void {
    const text = this.#monitor.execute(line);
    if (text !== '') this.#write(text);
    this.#editor.show();
  }
}
