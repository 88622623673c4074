// A QMP client for one command at a time, whose replies are timed.
import { createConnection } from 'node:net';

const RETRY_MS = 2;

/** Connects as soon as the socket is there. Resolves to a client whose session is negotiated; `greetedAtMs` is the host's time. */
export async function connectQmp(path, limitMs = 60_000) {
  const socket = await connected(path, performance.now() + limitMs);
  const client = new QmpClient(socket);
  await client.message(({ QMP }) => QMP !== undefined);
  client.greetedAtMs = performance.now();
  await client.run('qmp_capabilities');
  return client;
}

async function connected(path, deadline) {
  for (;;) {
    const socket = createConnection(path);
    const error = await new Promise((resolve) => socket.once('connect', resolve).once('error', resolve));
    if (error === undefined) return socket;
    if (performance.now() > deadline) throw error;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

class QmpClient {
  /** When the greeting came. */
  greetedAtMs = 0;
  #socket;
  #text = '';
  #waiting;

  constructor(socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (part) => this.#received(part));
    socket.on('error', () => {});
  }

  /** Resolves with the next message that the predicate takes. */
  message(takes) {
    return new Promise((resolve) => (this.#waiting = { takes, resolve }));
  }

  /** Executes a command; resolves with its result and the milliseconds until the reply. */
  async run(execute, args = {}) {
    const reply = this.message((message) => 'return' in message || 'error' in message);
    const sentAt = performance.now();
    this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const message = await reply;
    if (message.error) throw new Error(`${execute}: ${message.error.desc}`);
    return { result: message.return, ms: message.at - sentAt, sentAt };
  }

  close() {
    this.#socket.destroy();
  }

  #received(part) {
    const at = performance.now();
    const lines = (this.#text + part).split('\n');
    this.#text = lines.pop();
    for (const line of lines) this.#take({ ...JSON.parse(line), at });
  }

  #take(message) {
    if (!this.#waiting?.takes(message)) return;
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    resolve(message);
  }
}
