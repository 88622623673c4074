import type { CpuInfo, DebugControl, DebugStop, MachineControl, MachineEvent } from '@hotsocket/machine/control';
import type { Subscription } from 'rxjs';
import {
  escapeBinary,
  frame,
  fromHex,
  type GdbInput,
  hexOfText,
  MAX_PACKET,
  PacketReader,
  textOfHex,
  toHex,
  unescapeBinary,
} from './packets.js';
import { PointList } from './points.js';
import { type Description, type GdbRegister, RegisterFile, registersOf, totalBytes } from './registers.js';
import { type Resume, readResume, type StepRange } from './resume.js';
import { targetXml } from './target-description.js';
import { ALL, ANY, readThreadId, threadId, threadOf } from './threads.js';

/** The client's end of a connection. Texts hold one byte in each character. */
export interface GdbSink {
  write(text: string): void;
  /** The session is over; what was written still has to arrive. */
  end(): void;
}

/** What a session works on. */
export interface SessionHost {
  readonly machine: MachineControl;
  readonly debug: DebugControl;
  readonly humanMonitor: { execute(line: string, cpuIndex?: number): string } | undefined;
  readonly description: Description;
  /** What happens to a stopped machine whose client vanishes. */
  readonly onDisconnect: 'pause' | 'continue';
  log(message: string): void;
}

const SIGINT = 'T02';
const SIGTRAP = 'T05';
/** errno values as replies, in decimal digits, as clients of emulators know them. */
const EFAULT = 'E14';
const EINVAL = 'E22';
/** Features a client may announce in qSupported that change our replies. */
const CLIENT_FEATURES = ['multiprocess', 'swbreak', 'hwbreak'];
const OUR_FEATURES = `PacketSize=${MAX_PACKET.toString(16)};qXfer:features:read+;vContSupported+;multiprocess+;QStartNoAckMode+;swbreak+;hwbreak+`;
/** How single steps go; a step is always one instruction. */
const STEP_ENABLE = 1;
const STEP_WITHOUT_INTERRUPTS = 2;
const STEP_WITHOUT_TIME = 4;
const STEP_BITS = 7;
/** So many steps of a range are done at once; a client whose range is not left by then asks again, and may interrupt between. */
const MOST_STEPS = 1000;
/** Characters of monitor text in one packet. */
const OUTPUT_PIECE = 1000;
/** Bytes of memory in one packet. */
const MOST_MEMORY = MAX_PACKET / 2;

type Handler = (args: string) => string | undefined;

/**
 * One client: GDB remote serial protocol in, replies out. All CPUs are threads of process 1, always stopped and run together. The machine
 * is stopped while a client is attached and has not let it run.
 */
export class GdbSession {
  readonly #host: SessionHost;
  readonly #sink: GdbSink;
  readonly #reader: PacketReader;
  readonly #points: PointList;
  readonly #subscriptions: Subscription[];
  readonly #handlers: readonly (readonly [prefix: string, handler: Handler])[];
  readonly #features = new Set<string>();
  #acknowledges = true;
  #lastReply = '';
  /** The client waits for the machine to stop. */
  #waiting = false;
  #attached = true;
  #closed = false;
  #physical = false;
  #stepFlags = STEP_BITS;
  #stop: DebugStop | undefined;
  /** Indices of the CPUs that `g` and `c` packets mean. */
  #inspected: number;
  #resumed: number;

  constructor(host: SessionHost, sink: GdbSink) {
    this.#host = host;
    this.#sink = sink;
    this.#points = new PointList(host.debug);
    this.#reader = new PacketReader((input) => this.#input(input));
    this.#handlers = this.#table();
    this.#inspected = host.machine.cpus[0]?.index ?? 0;
    this.#resumed = this.#inspected;
    host.machine.stop();
    this.#subscriptions = [
      host.machine.events$.subscribe((event) => this.#event(event)),
      host.debug.stops$.subscribe((stop) => this.#debugStopped(stop)),
    ];
  }

  /** Bytes from the client, in any portions. */
  receive(bytes: Uint8Array): void {
    if (!this.#closed) this.#reader.feed(bytes);
  }

  /** The client is gone, with or without a farewell. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    if (!this.#attached) return;
    this.#release();
    if (this.#host.onDisconnect === 'continue') this.#run();
  }

  // ---------------------------------------------------------------- packets

  #input(input: GdbInput): void {
    if (this.#closed) return;
    if (input.kind === 'interrupt') this.#host.machine.stop();
    else if (input.kind === 'nak') this.#sink.write(this.#lastReply);
    else if (input.kind === 'damaged') this.#acknowledge('-');
    else if (input.kind === 'packet') this.#packet(input.text);
  }

  #packet(text: string): void {
    this.#acknowledge('+');
    const reply = this.#answer(text);
    if (reply !== undefined) this.#send(reply);
    if (text === 'QStartNoAckMode') this.#acknowledges = false;
  }

  #acknowledge(sign: '+' | '-'): void {
    if (this.#acknowledges) this.#sink.write(sign);
  }

  #send(text: string): void {
    this.#lastReply = frame(text);
    this.#sink.write(this.#lastReply);
  }

  /** The empty reply means: not supported. */
  #answer(text: string): string | undefined {
    const [prefix, handler] = this.#handlers.find(([start]) => text.startsWith(start)) ?? [];
    if (!handler || prefix === undefined) return '';
    try {
      return handler(text.slice(prefix.length));
    } catch (error) {
      this.#host.log(`gdb: '${text.slice(0, 40)}': ${error instanceof Error ? error.message : String(error)}`);
      return EINVAL;
    }
  }

  /** By prefix; longer ones first. */
  #table(): readonly (readonly [string, Handler])[] {
    return [
      ['qSupported', (args) => this.#supported(args)],
      ['QStartNoAckMode', () => 'OK'],
      ['qXfer:features:read:', (args) => this.#readDescription(args)],
      ['qfThreadInfo', () => `m${this.#threads().join(',')}`],
      ['qsThreadInfo', () => 'l'],
      ['qThreadExtraInfo,', (args) => this.#threadInfo(args)],
      ['qAttached', () => '1'],
      ['qC', (args) => (args === '' ? `QC${this.#threadId(this.#inspected)}` : '')],
      ['qRcmd,', (args) => this.#monitor(args)],
      ['qqemu.sstepbits', () => `ENABLE=${STEP_ENABLE},NOIRQ=${STEP_WITHOUT_INTERRUPTS},NOTIMER=${STEP_WITHOUT_TIME}`],
      ['qqemu.sstep', () => `0x${this.#stepFlags.toString(16)}`],
      ['Qqemu.sstep=', (args) => this.#setStepFlags(args)],
      ['qqemu.PhyMemMode', () => String(Number(this.#physical))],
      ['Qqemu.PhyMemMode:', (args) => this.#setPhysical(args)],
      ['vCont?', () => 'vCont;c;C;s;S;r'],
      ['vCont;', (args) => this.#vCont(args)],
      ['vAttach;', () => this.#stopReply()],
      ['vKill;', () => this.#kill('OK')],
      ['?', () => this.#stopReply()],
      ['H', (args) => this.#selectThread(args)],
      ['T', (args) => (this.#cpuOf(readThreadId(args)) ? 'OK' : EINVAL)],
      ['g', () => this.#readAll()],
      ['G', (args) => this.#writeAll(args)],
      ['p', (args) => this.#readOne(args)],
      ['P', (args) => this.#writeOne(args)],
      ['m', (args) => this.#readMemory(args)],
      ['M', (args) => this.#writeMemory(args, fromHex)],
      ['X', (args) => this.#writeMemory(args, unescapeBinary)],
      ['Z', (args) => this.#points.change(args, true)],
      ['z', (args) => this.#points.change(args, false)],
      ['c', (args) => this.#resumeAt(args, 'c')],
      ['C', (args) => this.#resumeAt(args.replace(/^[0-9a-fA-F]{2};?/, ''), 'c')],
      ['s', (args) => this.#resumeAt(args, 's')],
      ['S', (args) => this.#resumeAt(args.replace(/^[0-9a-fA-F]{2};?/, ''), 's')],
      ['D', () => this.#detach()],
      ['k', () => this.#kill(undefined)],
      ['!', () => 'OK'],
    ];
  }

  // ---------------------------------------------------------------- introduction

  #supported(args: string): string {
    const announced = new Set(args.split(/[:;]/));
    for (const feature of CLIENT_FEATURES) if (announced.has(`${feature}+`)) this.#features.add(feature);
    return OUR_FEATURES;
  }

  #readDescription(args: string): string {
    const [, annex, offset, length] = /^([^:]*):([0-9a-fA-F]{1,8}),([0-9a-fA-F]{1,8})$/.exec(args) ?? [];
    if (annex !== 'target.xml') return annex === undefined ? EINVAL : 'E00';
    const start = Number.parseInt(offset!, 16);
    const text = targetXml(this.#host.description);
    const piece = text.slice(start, start + Math.min(Number.parseInt(length!, 16), MOST_MEMORY));
    return (start + piece.length < text.length ? 'm' : 'l') + escapeBinary(piece);
  }

  #monitor(hex: string): string {
    const line = textOfHex(hex);
    if (line === undefined) return EINVAL;
    if (!this.#host.humanMonitor) return '';
    const text = this.#host.humanMonitor.execute(line, this.#inspectedCpu()?.index);
    for (let at = 0; at < text.length; at += OUTPUT_PIECE) this.#send(`O${hexOfText(text.slice(at, at + OUTPUT_PIECE))}`);
    return 'OK';
  }

  #setStepFlags(args: string): string {
    const flags = /^(?:0[xX])?[0-9a-fA-F]$/.test(args) ? Number.parseInt(args, 16) : STEP_BITS + 1;
    if (flags > STEP_BITS) return EINVAL;
    this.#stepFlags = flags;
    return 'OK';
  }

  #setPhysical(args: string): string {
    if (!/^[01]$/.test(args)) return EINVAL;
    this.#physical = args === '1';
    return 'OK';
  }

  // ---------------------------------------------------------------- threads

  #threads(): string[] {
    return this.#host.machine.cpus.map(({ index }) => this.#threadId(index));
  }

  #threadId(cpuIndex: number): string {
    return threadId(threadOf({ index: cpuIndex }), this.#features.has('multiprocess'));
  }

  #threadInfo(text: string): string {
    const cpu = this.#cpuOf(readThreadId(text));
    return cpu ? hexOfText(`CPU#${cpu.index} [${cpu.halted ? 'halted ' : 'running'}]`) : EINVAL;
  }

  /** Hg, Hc: thread 0 and -1 leave the choice to us. */
  #selectThread(args: string): string {
    const thread = readThreadId(args.slice(1));
    const cpu = thread === ANY || thread === ALL ? this.#inspectedCpu() : this.#cpuOf(thread);
    if (!cpu || !/^[gc]/.test(args)) return EINVAL;
    if (args.startsWith('g')) this.#inspected = cpu.index;
    else this.#resumed = cpu.index;
    return 'OK';
  }

  #cpuOf(thread: number | undefined): CpuInfo | undefined {
    return this.#host.machine.cpus.find((cpu) => threadOf(cpu) === thread);
  }

  /** A CPU that was selected may have been unplugged since. */
  #inspectedCpu(): CpuInfo | undefined {
    const { cpus } = this.#host.machine;
    return cpus.find(({ index }) => index === this.#inspected) ?? cpus[0];
  }

  // ---------------------------------------------------------------- registers

  get #registers(): readonly GdbRegister[] {
    return registersOf(this.#host.description);
  }

  #file(): RegisterFile {
    return new RegisterFile(this.#host.machine, this.#inspectedCpu()?.index ?? 0, this.#host.description);
  }

  #readAll(): string {
    const file = this.#file();
    return this.#registers.map((register) => file.read(register)).join('');
  }

  /** Writes what differs, so that a value which cannot be written does no harm as long as it stays. */
  #writeAll(hex: string): string {
    if (hex.length !== 2 * totalBytes(this.#host.description)) return EINVAL;
    const file = this.#file();
    let at = 0;
    for (const register of this.#registers) {
      const piece = hex.slice(at, at + register.bits / 4);
      at += piece.length;
      const bytes = fromHex(piece);
      if (!bytes || (piece.toLowerCase() !== file.read(register) && !file.write(register, bytes))) return EINVAL;
    }
    return 'OK';
  }

  #readOne(number: string): string {
    const register = this.#registerNumbered(number);
    return register ? this.#file().read(register) : EINVAL;
  }

  #writeOne(args: string): string {
    const [number = '', hex = ''] = args.split('=');
    const register = this.#registerNumbered(number);
    const bytes = fromHex(hex);
    if (!register || bytes?.length !== register.bits / 8) return EINVAL;
    return this.#file().write(register, bytes) ? 'OK' : EINVAL;
  }

  #registerNumbered(number: string): GdbRegister | undefined {
    return /^[0-9a-fA-F]{1,4}$/.test(number) ? this.#registers[Number.parseInt(number, 16)] : undefined;
  }

  // ---------------------------------------------------------------- memory

  #readMemory(args: string): string {
    const [, address, length] = /^([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,8})$/.exec(args) ?? [];
    if (address === undefined || Number.parseInt(length!, 16) > MOST_MEMORY) return EINVAL;
    const bytes = this.#bytesAt(BigInt(`0x${address}`), Number.parseInt(length!, 16));
    return bytes ? toHex(bytes) : EFAULT;
  }

  #bytesAt(address: bigint, length: number): Uint8Array | undefined {
    const { machine } = this.#host;
    if (this.#physical) return machine.readPhysical(address, length);
    return machine.readVirtual(this.#inspectedCpu()?.index ?? 0, address, length);
  }

  #writeMemory(args: string, decode: (data: string) => Uint8Array | undefined): string {
    const [, address, length, data] = /^([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,8}):(.*)$/s.exec(args) ?? [];
    const bytes = data === undefined ? undefined : decode(data);
    if (address === undefined || bytes?.length !== Number.parseInt(length!, 16)) return EINVAL;
    if (bytes.length === 0) return 'OK';
    return this.#put(BigInt(`0x${address}`), bytes) ? 'OK' : EFAULT;
  }

  #put(address: bigint, bytes: Uint8Array): boolean {
    const { debug } = this.#host;
    if (this.#physical) return debug.writePhysical(address, bytes);
    return debug.writeVirtual(this.#inspectedCpu()?.index ?? 0, address, bytes);
  }

  // ---------------------------------------------------------------- running

  #resumeAt(address: string, action: 'c' | 's'): string | undefined {
    const cpu = this.#host.machine.cpus.find(({ index }) => index === this.#resumed)?.index ?? this.#inspectedCpu()?.index ?? 0;
    if (address !== '' && !/^[0-9a-fA-F]{1,16}$/.test(address)) return EINVAL;
    if (address !== '') this.#host.debug.writeRegister(cpu, 'rip', BigInt(`0x${address}`));
    return this.#resume({ step: action === 's' ? cpu : undefined, held: [], others: true });
  }

  #vCont(actions: string): string | undefined {
    const plan = readResume(actions, this.#host.machine.cpus, this.#inspected);
    return plan ? this.#resume(plan) : EINVAL;
  }

  /** The reply to a run is the stop that ends it. */
  #resume({ step, range, held, others }: Resume): string | undefined {
    const leaves = this.#stop && this.#elsewhere(this.#stop) ? this.#stop.cpuIndex : undefined;
    this.#host.debug.hold(held);
    this.#stop = undefined;
    if (step !== undefined) return this.#step(step, others, range);
    if (leaves !== undefined && !held.includes(leaves)) this.#leave(leaves);
    this.#waiting = true;
    try {
      this.#host.machine.cont();
      return undefined;
    } catch (error) {
      this.#waiting = false;
      throw error;
    }
  }

  /** A client that does not see the breakpoint does not step over it either. */
  #leave(cpuIndex: number): void {
    const standing = this.#host.machine.cpus.some(({ index }) => index === cpuIndex);
    if (standing && this.#host.machine.runState === 'debug')
      this.#host.debug.step(cpuIndex, { interrupts: false, time: true, others: false });
  }

  #step(cpuIndex: number, others: boolean, range?: StepRange): string {
    const interrupts = (this.#stepFlags & STEP_WITHOUT_INTERRUPTS) === 0;
    const time = (this.#stepFlags & STEP_WITHOUT_TIME) === 0;
    this.#inspected = cpuIndex;
    for (let left = MOST_STEPS; left > 0; left--) {
      this.#stop = this.#host.debug.step(cpuIndex, { interrupts, time, others }) ?? this.#arrived(cpuIndex, range);
      if (this.#stop || !range || !this.#isInside(cpuIndex, range)) break;
    }
    return this.#stopReply();
  }

  /** Inside of a range breakpoints count; a plain step that ends at one is a step. */
  #arrived(cpuIndex: number, range: StepRange | undefined): DebugStop | undefined {
    const address = this.#cpuAt(cpuIndex)?.pc;
    if (!range || address === undefined || !this.#points.breaksAt(address)) return undefined;
    return { cpuIndex, address, reason: 'breakpoint' };
  }

  /** The CPU still executes and its instruction pointer, as the client sees it, is in the range. */
  #isInside(cpuIndex: number, { start, end }: StepRange): boolean {
    const { description, debug } = this.#host;
    const cpu = this.#cpuAt(cpuIndex);
    if (!cpu || cpu.halted || this.#host.machine.runState !== 'debug') return false;
    const pointer = description === 'i8086' ? cpu.pc : (debug.readRegister(cpuIndex, 'rip') ?? end);
    return pointer >= start && pointer < end;
  }

  #cpuAt(cpuIndex: number): CpuInfo | undefined {
    return this.#host.machine.cpus.find(({ index }) => index === cpuIndex);
  }

  #stopReply(signal: string = SIGTRAP): string {
    const cpu = this.#inspectedCpu();
    const reason = this.#stop && !this.#elsewhere(this.#stop) ? this.#points.reason(this.#stop, this.#features) : '';
    return `${signal}thread:${this.#threadId(cpu?.index ?? 0)};${reason}`;
  }

  /**
   * The client cannot see that the CPU is at the breakpoint: its instruction pointer is an offset in a segment that does not start at 0.
   * Then it is told of a plain trap; for a breakpoint that it does not find it would go on without a word.
   */
  #elsewhere({ reason, cpuIndex, address }: DebugStop): boolean {
    if (reason !== 'breakpoint' || this.#host.description === 'i8086') return false;
    return this.#host.debug.readRegister(cpuIndex, 'rip') !== address;
  }

  #debugStopped(stop: DebugStop): void {
    if (!this.#waiting) return;
    this.#stop = stop;
    this.#inspected = stop.cpuIndex;
    this.#resumed = stop.cpuIndex;
    this.#waiting = false;
    this.#send(this.#stopReply());
  }

  #event({ name }: MachineEvent): void {
    if (name === 'SHUTDOWN') this.#ended();
    else if (name === 'STOP' && this.#waiting && this.#host.machine.runState !== 'debug') this.#stoppedByOthers();
  }

  #stoppedByOthers(): void {
    this.#waiting = false;
    this.#stop = undefined;
    this.#send(this.#stopReply(SIGINT));
  }

  /** A machine that is kept after its power-off can still be looked at. */
  #ended(): void {
    if (this.#host.machine.runState === 'running') return;
    if (this.#waiting) this.#send(this.#features.has('multiprocess') ? 'W00;process:1' : 'W00');
    this.#attached = false;
    this.close();
    this.#sink.end();
  }

  // ---------------------------------------------------------------- farewell

  #detach(): string {
    this.#release();
    this.#attached = false;
    this.#run();
    return 'OK';
  }

  #kill(reply: string | undefined): undefined {
    if (reply !== undefined) this.#send(reply);
    this.#waiting = false;
    this.#host.machine.quit('host-signal');
    return undefined;
  }

  #release(): void {
    this.#points.clear();
    this.#host.debug.hold([]);
  }

  #run(): void {
    try {
      this.#host.machine.cont();
    } catch (error) {
      this.#host.log(`gdb: the machine does not go on: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
