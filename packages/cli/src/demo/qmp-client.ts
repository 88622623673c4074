import { connect, type Socket } from 'node:net';
import { UsageError } from '../usage-error.js';

interface Message {
  readonly QMP?: { readonly version: { readonly package: string } };
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
}

/** A QMP client on a Unix socket, as any program could be one. */
export class QmpClient {
  readonly #socket: Socket;
  readonly #arrived: Message[] = [];
  #waiting: ((message: Message) => void) | undefined;
  #rest = '';
  #gone = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', () => {});
    socket.on('close', () => this.#lost());
  }

  /** Connects, reads the greeting and negotiates. Rejects with UsageError. */
  static async connect(path: string): Promise<QmpClient> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(new UsageError(`QMP client: ${error.message}`)));
    });
    const client = new QmpClient(socket);
    if ((await client.#next()).QMP === undefined) throw new UsageError('QMP client: no greeting came');
    await client.execute('qmp_capabilities');
    return client;
  }

  /** Sends a command and returns its result. Rejects with UsageError when it is refused. */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.#socket.write(`${QmpClient.text(command, args)}\n`);
    const { return: result, error } = await this.#reply();
    if (error !== undefined) throw new UsageError(`QMP client: ${command} was refused: ${error.desc}`);
    return result;
  }

  /** A command as it goes over the wire. */
  static text(command: string, args?: Readonly<Record<string, unknown>>): string {
    return JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }) });
  }

  close(): void {
    this.#socket.end();
  }

  async #reply(): Promise<Message> {
    for (;;) {
      const message = await this.#next();
      if (message.event === undefined) return message;
    }
  }

  #next(): Promise<Message> {
    const message = this.#arrived.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#gone) return Promise.reject(new UsageError('QMP client: the connection was closed'));
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\r\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#arrive(JSON.parse(line) as Message);
  }

  #arrive(message: Message): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#arrived.push(message);
    else waiting(message);
  }

  #lost(): void {
    this.#gone = true;
    this.#arrive({ error: { class: 'GenericError', desc: 'the connection was closed' } });
  }
}
