import { connect, type Socket } from 'node:net';

/** A QMP command was refused. `errorClass` and `message` are those on the wire. */
export class QmpCommandError extends Error {
  readonly errorClass: string;

  constructor(errorClass: string, message: string) {
    super(message);
    this.errorClass = errorClass;
  }
}

type Message = { return?: unknown; error?: { class: string; desc: string }; event?: string; QMP?: unknown };

/** A QMP client on a Unix socket. */
export class QmpClient {
  /** Events in order of arrival. */
  readonly events: string[] = [];
  /** The same as they stood on the wire. */
  readonly eventLines: string[] = [];
  readonly #socket: Socket;
  readonly #waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  #rest = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    socket.on('error', (error) => this.#fail(error)).on('close', () => this.#fail(new Error('the QMP connection was closed')));
  }

  /** Connects to `path`, reads the greeting and negotiates. */
  static async connect(path: string): Promise<QmpClient> {
    const client = new QmpClient(connect(path));
    const greeting = JSON.parse(await client.#next()) as Message;
    if (greeting.QMP === undefined) throw new Error(`no QMP greeting: ${JSON.stringify(greeting)}`);
    await client.execute('qmp_capabilities');
    return client;
  }

  /** Executes one command and gives what it returns. Rejects with QmpCommandError. */
  async execute(command: string, args?: Record<string, unknown>): Promise<unknown> {
    const line = await this.request(JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}) }));
    const reply = JSON.parse(line) as Message;
    if (reply.error) throw new QmpCommandError(reply.error.class, reply.error.desc);
    return reply.return;
  }

  /** Sends the text of a request and gives the line that answers it. */
  request(text: string): Promise<string> {
    this.#socket.write(`${text}\r\n`);
    return this.#next();
  }

  close(): void {
    this.#socket.destroy();
  }

  #next(): Promise<string> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#message(line.trimEnd());
  }

  #message(line: string): void {
    const { event } = JSON.parse(line) as Message;
    if (event === undefined) return this.#waiting.shift()?.resolve(line);
    this.events.push(event);
    this.eventLines.push(line);
  }
}
