import { connect, type Socket } from 'node:net';
import type { QmpServer } from '@hotsocket/qmp';
import { UsageError } from './usage-error.js';

interface Message {
  readonly QMP?: { readonly version: { readonly package: string } };
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
}

/** A command that was refused. */
export class QmpRefusal extends UsageError {
  readonly errorClass: string;

  constructor(command: string, { class: errorClass, desc }: NonNullable<Message['error']>) {
    super(`QMP client: ${command} was refused: ${desc}`);
    this.errorClass = errorClass;
  }
}

/** What a client writes to. */
interface Line {
  write(text: string): void;
  end(): void;
}

/** A QMP client, as any program could be one. */
export class QmpClient {
  #line: Line = { write: () => {}, end: () => {} };
  readonly #arrived: Message[] = [];
  #waiting: ((message: Message) => void) | undefined;
  #rest = '';
  #gone = false;

  private constructor() {}

  /** Connects to a Unix socket, or to a port of this host, reads the greeting and negotiates. Rejects with UsageError. */
  static async connect(path: string): Promise<QmpClient> {
    const [, host, port] = /^(?:tcp:)?(\[[^\]]*\]|[^:/]*):(\d{1,5})$/.exec(path) ?? [];
    const socket = port === undefined ? connect(path) : connect(Number(port), host?.replace(/[[\]]/g, '') || '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(new UsageError(`QMP client: ${error.message}`)));
    });
    const client = new QmpClient();
    client.#useSocket(socket);
    return client.#negotiate();
  }

  /** Talks to a server of this process. */
  static async inProcess(server: QmpServer): Promise<QmpClient> {
    const client = new QmpClient();
    const session = server.connect({ pendingBytes: 0, write: (text) => client.#take(text), end: () => client.#lost() });
    client.#line = { write: (text) => session.receive(Buffer.from(text)), end: () => server.release(session) };
    return client.#negotiate();
  }

  #useSocket(socket: Socket): void {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', () => {});
    socket.on('close', () => this.#lost());
    this.#line = socket;
  }

  async #negotiate(): Promise<this> {
    if ((await this.#next()).QMP === undefined) throw new UsageError('QMP client: no greeting came');
    await this.execute('qmp_capabilities');
    return this;
  }

  /** Sends a command and returns its result. Rejects with QmpRefusal when it is refused, with UsageError when nobody answers. */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.#line.write(`${QmpClient.text(command, args)}\n`);
    const { return: result, error } = await this.#reply();
    if (error !== undefined) throw new QmpRefusal(command, error);
    return result;
  }

  /** A command as it goes over the wire. */
  static text(command: string, args?: Readonly<Record<string, unknown>>): string {
    return JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }) });
  }

  close(): void {
    this.#line.end();
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
