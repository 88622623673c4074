import type { ControlError, CpuAddError, MachineControl, MachineType } from '@hotsocket/machine/control';
import type { Command, CommandContext, HumanMonitor, QmpVersion } from './command.js';
import { versionOutput } from './commands.js';
import { clip } from './dialect.js';
import { QmpError } from './errors.js';
import type { EventServices, EventSpec, QmpEvent } from './events.js';
import { type JsonError, type JsonLimits, JsonStreamParser } from './json-parser.js';
import { type JsonObject, type JsonOutput, type JsonValue, stringify } from './json-value.js';
import type { Checks } from './qapi-types.js';

/** Where a session sends its bytes. */
export interface QmpSink {
  /** Takes ASCII text; must not call back into the session. */
  write(text: string): void;
  /** Bytes written that the client has not taken yet. */
  readonly pendingBytes: number;
  /** Sends what is pending, then closes. */
  end(): void;
}

/** What the sessions of a server have in common. */
export interface SessionHost {
  readonly machine: MachineControl;
  readonly humanMonitor: HumanMonitor | undefined;
  readonly machineTypes: readonly MachineType[];
  readonly version: QmpVersion;
  readonly checks: Checks;
  readonly commands: readonly Command[];
  readonly events: readonly EventSpec[];
  readonly services: EventServices;
  readonly jsonLimits: JsonLimits;
  readonly maxPendingBytes: number;
  log(message: string): void;
}

/** After the negotiation events wait so long, or until the next command: some clients change their reader at this point. */
export const QUIET_AFTER_NEGOTIATION_MS = 10;
/** With its envelope and an id of ordinary length a reply stays below the 64 KiB that line readers of clients allow. */
export const MAX_REPLY_BYTES = 64_000;

/** First words of HTTP requests, and header names for a page that invents a verb of its own. None of them can begin a JSON message. */
const HTTP_WORDS =
  /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI|host|origin|user-agent|accept|connection|content-[a-z]+)$/i;
/** Events that are part of their command and so come before its reply; all others come after it. */
const BEFORE_REPLY = new Set<string>(['STOP', 'RESUME']);

type Phase = 'negotiation' | 'quiet' | 'command' | 'closed';
type Input =
  | { readonly kind: 'request'; readonly request: JsonObject }
  | { readonly kind: 'not-an-object' | 'http' }
  | { readonly kind: 'bad'; readonly error: JsonError };

/**
 * One QMP connection: bytes in, lines out. Knows no sockets and no threads.
 *
 * Replies come one per request and in order. Events come only after the negotiation and never between the bytes of a reply. When the sink
 * holds more than `maxPendingBytes`, events are dropped and counted, and requests wait (`blocked`) until `resume` is called.
 */
export class QmpSession {
  readonly #host: SessionHost;
  readonly #sink: QmpSink;
  readonly #context: CommandContext;
  readonly #parser: JsonStreamParser;

  #phase: Phase = 'negotiation';
  #queue: Input[] = [];
  #next = 0;
  #deaf = false;
  #inputEnded = false;
  #busy = false;
  #closing = false;
  #held: QmpEvent[] = [];
  #heldBytes = 0;
  #afterReply: (() => void)[] = [];
  #cancelQuiet: () => void = () => {};
  #droppedEvents = 0;

  constructor(host: SessionHost, sink: QmpSink) {
    this.#host = host;
    this.#sink = sink;
    this.#context = this.#makeContext();
    this.#parser = new JsonStreamParser(
      { value: (value) => this.#takeValue(value), error: (error) => this.#takeError(error) },
      host.jsonLimits,
    );
    const greeting = { version: versionOutput(host.version), capabilities: [] };
    this.#writeLine(stringify({ QMP: greeting }));
  }

  /** Events that were not sent because the client did not read. */
  get droppedEvents(): number {
    return this.#droppedEvents;
  }

  /** True while requests wait for the client to read; the transport should not read on. */
  get blocked(): boolean {
    return this.#phase !== 'closed' && this.#sink.pendingBytes > this.#host.maxPendingBytes;
  }

  /** Takes bytes from the client and answers every request in them. Never throws. */
  receive(bytes: Uint8Array): void {
    if (this.#phase === 'closed' || this.#deaf) return;
    this.#parser.feed(bytes);
    this.#pump();
  }

  /** The client will send nothing more: answers what is there, then closes. */
  end(): void {
    if (!this.#deaf) this.#parser.end();
    this.#inputEnded = true;
    this.#pump();
  }

  /** The client has read; goes on with the requests that wait. */
  resume(): void {
    this.#pump();
  }

  /** Ends the session. A command that is running is answered first. */
  close(): void {
    this.#closing = true;
    if (!this.#busy) this.#finish();
  }

  /** Sends an event, now or when the rules of the protocol allow it. */
  event(event: QmpEvent): void {
    if (this.#phase === 'negotiation' || this.#phase === 'closed') return;
    const wait = this.#phase === 'quiet' || (this.#busy && !BEFORE_REPLY.has(event.name));
    if (this.#sink.pendingBytes + this.#heldBytes + event.text.length > this.#host.maxPendingBytes) this.#drop();
    else if (wait) this.#hold(event);
    else this.#writeLine(event.text);
  }

  // Input

  #takeValue(value: JsonValue): void {
    if (this.#deaf) return;
    if (value instanceof Map) this.#queue.push({ kind: 'request', request: value });
    else {
      this.#queue.push({ kind: 'not-an-object' });
      this.#parser.skipLine();
    }
  }

  #takeError(error: JsonError): void {
    if (this.#deaf) return;
    this.#deaf = error.kind === 'keyword' && error.topLevel && HTTP_WORDS.test(error.text);
    this.#queue.push(this.#deaf ? { kind: 'http' } : { kind: 'bad', error });
  }

  #pump(): void {
    if (this.#busy) return;
    while (this.#next < this.#queue.length && this.#phase !== 'closed' && !this.blocked) {
      const input = this.#queue[this.#next++]!;
      this.#answer(input);
    }
    if (this.#next < this.#queue.length) return;
    this.#queue = [];
    this.#next = 0;
    if (this.#inputEnded) this.#finish();
  }

  #answer(input: Input): void {
    switch (input.kind) {
      case 'request':
        return this.#runRequest(input.request);
      case 'http':
        this.#host.log('an HTTP request on a QMP socket: connection closed');
        return this.#finish();
      case 'not-an-object':
        return this.#writeError(new QmpError('GenericError', this.#host.checks.texts.notAnObject()));
      case 'bad':
        return this.#writeError(new QmpError('GenericError', this.#host.checks.texts.badSyntax(input.error)));
    }
  }

  // Requests

  #runRequest(request: JsonObject): void {
    if (this.#phase === 'quiet') this.#leaveQuiet();
    this.#busy = true;
    const id = request.get('id');
    try {
      this.#writeReturn(this.#dispatch(request), id);
    } catch (error) {
      this.#writeError(this.#asQmpError(error), id);
    }
    for (const task of this.#afterReply.splice(0)) this.#runTask(task);
    this.#busy = false;
    if (this.#phase === 'command') this.#releaseHeld();
    if (this.#closing) this.#finish();
  }

  #dispatch(request: JsonObject): JsonOutput {
    const { name, args } = this.#checkEnvelope(request);
    const { texts } = this.#host.checks;
    if (this.#phase === 'negotiation' && name !== 'qmp_capabilities')
      throw new QmpError('CommandNotFound', texts.negotiationExpected(name));
    if (this.#phase !== 'negotiation' && name === 'qmp_capabilities') throw new QmpError('CommandNotFound', texts.alreadyNegotiated());
    const command = this.#host.commands.find((candidate) => candidate.name === name);
    if (command === undefined) throw new QmpError('CommandNotFound', texts.unknownCommand(name));
    return command.execute(this.#context, args);
  }

  #checkEnvelope(request: JsonObject): { readonly name: string; readonly args: JsonObject } {
    const { texts } = this.#host.checks;
    const refuse = (desc: string): never => {
      throw new QmpError('GenericError', desc);
    };
    const known = new Set(['execute', 'arguments', 'id']);
    const name = request.get('execute');
    const args = request.get('arguments') ?? new Map<string, JsonValue>();
    if (name !== undefined && typeof name !== 'string') return refuse(texts.executeNotString());
    if (!(args instanceof Map) || request.get('arguments') === null) return refuse(texts.argumentsNotObject());
    const foreign = [...request.keys()].find((member) => !known.has(member));
    if (foreign !== undefined) return refuse(texts.unexpectedMember(foreign));
    return name === undefined ? refuse(texts.missingExecute()) : { name, args };
  }

  #makeContext(): CommandContext {
    const { machine, humanMonitor, machineTypes, version, checks, commands, events } = this.#host;
    return {
      machine,
      humanMonitor,
      machineTypes,
      version,
      checks,
      commands,
      events,
      negotiate: (capabilities) => this.#negotiate(capabilities),
      afterReply: (task) => void this.#afterReply.push(task),
    };
  }

  #negotiate(capabilities: readonly string[]): void {
    const [capability] = capabilities;
    if (capability !== undefined) throw new QmpError('GenericError', `Capability '${clip(capability)}' is not offered by this server`);
    this.#phase = 'quiet';
    this.#cancelQuiet = this.#host.services.schedule(QUIET_AFTER_NEGOTIATION_MS, () => this.#leaveQuiet());
  }

  #leaveQuiet(): void {
    this.#cancelQuiet();
    if (this.#phase !== 'quiet') return;
    this.#phase = 'command';
    this.#releaseHeld();
  }

  #runTask(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#host.log(`after the reply: ${messageOf(error)}`);
    }
  }

  #asQmpError(error: unknown): QmpError {
    if (error instanceof QmpError) return error;
    if (isControlError(error)) return new QmpError('GenericError', this.#controlText(error));
    this.#host.log(`a command failed: ${messageOf(error)}`);
    return new QmpError('GenericError', `Internal error: ${clip(messageOf(error))}`);
  }

  #controlText(error: ControlError): string {
    return isCpuAddError(error) ? this.#host.checks.texts.cpuAdd(error) : error.message;
  }

  // Output

  #writeReturn(value: JsonOutput, id: JsonValue | undefined): void {
    const text = stringify(value);
    if (text.length > MAX_REPLY_BYTES)
      throw new QmpError('GenericError', `Reply of ${text.length} bytes exceeds the limit of ${MAX_REPLY_BYTES}`);
    this.#writeLine(`{"return": ${text}${id === undefined ? '' : `, "id": ${stringify(id)}`}}`);
  }

  #writeError({ errorClass, message }: QmpError, id?: JsonValue): void {
    this.#writeLine(stringify({ id, error: { class: errorClass, desc: message } }));
  }

  #writeLine(text: string): void {
    if (this.#phase !== 'closed') this.#sink.write(`${text}\r\n`);
  }

  #hold(event: QmpEvent): void {
    this.#held.push(event);
    this.#heldBytes += event.text.length;
  }

  #releaseHeld(): void {
    this.#heldBytes = 0;
    for (const { text } of this.#held.splice(0)) this.#writeLine(text);
  }

  #drop(): void {
    if (this.#droppedEvents++ === 0) this.#host.log('a QMP client does not read: its events are dropped');
  }

  #finish(): void {
    if (this.#phase === 'closed') return;
    this.#cancelQuiet();
    if (this.#phase === 'quiet') this.#phase = 'command';
    this.#releaseHeld();
    this.#phase = 'closed';
    this.#queue = [];
    this.#next = 0;
    this.#sink.end();
  }
}

/** By mark and not by class: the machine may come from another copy of its package. */
function isControlError(error: unknown): error is ControlError {
  return error instanceof Error && 'kind' in error && error.kind === 'control';
}

function isCpuAddError(error: ControlError): error is CpuAddError {
  return 'index' in error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
