import { demoGuestRom } from '@hotsocket/demo-guest';
import { defaultScheduler, type MachineEvent, type RunState, type ShutdownReason } from '@hotsocket/machine';
import type { ContainerModule } from 'inversify';
import type { Observable } from 'rxjs';
import { checkOptions } from './check-options.js';
import { EventStream } from './embed/event-stream.js';
import { HostGate } from './embed/host-gate.js';
import { type CpuEvent, HotPlug } from './embed/hot-plug.js';
import { fetchUrl, type ImageSource, type ReadUrl, readImage } from './embed/image-source.js';
import { memoryBytes } from './embed/memory-size.js';
import { PcError } from './embed/pc-error.js';
import { noSuchPort, SerialPort } from './embed/serial-port.js';
import { type WaitOptions, type WaitSubject, wait } from './embed/wait.js';
import { KiB } from './layout.js';
import { type PcOptions, PcOptionsError } from './options.js';
import { Pc } from './pc.js';
import { readSmp, type Smp } from './smp.js';

type Described = 'cpus' | 'maxCpus' | 'topology' | 'ramBytes' | 'firmware' | 'kernel' | 'initrd';

/** A PC to embed. Everything has a default: without options it is one CPU, 64 MiB and the built-in demo guest. */
export interface CreatePcOptions extends Omit<PcOptions, Described> {
  /** As `-smp` takes it, `1,maxcpus=4`, or an object; default one CPU. */
  readonly smp?: string | Partial<Smp>;
  /** As `-m` takes it, `256M`, or bytes; default 64 MiB. */
  readonly memory?: string | number;
  /** Default: the demo guest, which starts CPUs that are added and says so. A kernel needs a real one, such as SeaBIOS. */
  readonly firmware?: ImageSource;
  readonly kernel?: ImageSource;
  readonly initrd?: ImageSource;
  /** Loaded last: they may rebind a part's token to swap the part. */
  readonly modules?: readonly ContainerModule[];
  /** A reset ends the machine. */
  readonly noReboot?: boolean;
  /** Power-off stops the machine and keeps it. */
  readonly noShutdown?: boolean;
  /** How URLs are read; default `fetch`. */
  readonly readUrl?: ReadUrl;
}

/** What happens to an embedded PC. */
export type PcEvent = MachineEvent | CpuEvent;

/** How a machine ended. */
export interface PcEnd {
  readonly reason: ShutdownReason;
  /** Status that the guest gave to the debug exit device. */
  readonly exitCode: number | undefined;
}

/** Describes a PC; it is built when it is loaded or started. Throws PcOptionsError with every problem that shows without the images. */
export function createPc(options: CreatePcOptions = {}): EmbeddedPc {
  return new EmbeddedPc(options);
}

/** A PC in a program of one's own: awaited calls, streams, waits that can be given up. Nothing is shared between two of them. */
export class EmbeddedPc implements AsyncDisposable {
  /** CPUs, and adding them. */
  readonly cpus: HotPlug;
  /** What happens, in order; delivered after the fact, so an observer may call the machine. */
  readonly events$: Observable<PcEvent>;
  /** The same for `for await`. */
  readonly events: AsyncIterable<PcEvent>;
  readonly #options: CreatePcOptions;
  readonly #stream = new EventStream<PcEvent>();
  readonly #life = new AbortController();
  readonly #gate: HostGate;
  readonly #com1: SerialPort;
  #loading: Promise<Pc> | undefined;
  #machine: Pc | undefined;
  #disposing: Promise<void> | undefined;
  #end: PcEnd | undefined;

  constructor(options: CreatePcOptions) {
    this.#options = options;
    checkOptions(describe(options, placeholders(options)));
    this.events$ = this.#stream.events$;
    this.events = this.#stream;
    this.cpus = new HotPlug({
      life: this.#life.signal,
      load: (limits) => this.load(limits),
      machine: () => this.machine,
      emit: (event) => this.#stream.push(event),
    });
    this.#gate = new HostGate(options.host ?? defaultScheduler(), () => this.cpus.poll());
    this.#com1 = new SerialPort('serial port 0', this.#life.signal, this.#gate);
  }

  /** `prelaunch` until it is started. */
  get state(): RunState {
    return this.#machine?.runState ?? 'prelaunch';
  }

  /** The machine itself: control plane, board, parts. Throws PcError `NOT_LOADED` before `load` or `start`. */
  get machine(): Pc {
    if (!this.#machine) throw new PcError('NOT_LOADED', 'the machine is built by load or start');
    return this.#machine;
  }

  /** Serial port 0 is COM1. Throws PcError `NO_SUCH_PORT`. */
  serial(index = 0): SerialPort {
    if (index !== 0) throw noSuchPort(index);
    return this.#com1;
  }

  /** Reads the images and builds the machine, once. Throws PcError `IMAGE_SOURCE`, PcOptionsError, ImageError. */
  async load(options: WaitOptions = {}): Promise<Pc> {
    this.#loading ??= this.#build();
    const loading = this.#loading;
    const outcome = await wait<{ pc: Pc } | { error: unknown }>(this.#subject('the images being loaded'), options, (resolve) => {
      loading.then(
        (pc) => resolve({ pc }),
        (error: unknown) => resolve({ error }),
      );
      return () => {};
    });
    if ('error' in outcome) throw outcome.error;
    return outcome.pc;
  }

  /** Runs the machine, loading it first; does nothing while it runs. */
  async start(options: WaitOptions = {}): Promise<void> {
    const machine = await this.load(options);
    this.#gate.bypass(false);
    machine.cont();
  }

  /** Stops the CPUs and guest time; resolves when nothing executes any more. Does nothing while it does not run. */
  async pause(): Promise<void> {
    this.#gate.bypass(true);
    this.#machine?.stop();
    await this.#machine?.idle();
  }

  /** Resets the machine; resolves when all devices are reset. Whether it runs stays as it is. */
  async reset(options: WaitOptions = {}): Promise<void> {
    if (!this.#machine || this.#life.signal.aborted) return;
    const done = this.once('RESET', options);
    this.#gate.bypass(true);
    this.#machine.reset('host-ui');
    try {
      await done;
    } catch (error) {
      if (!(error instanceof PcError && error.code === 'MACHINE_ENDED')) throw error;
    } finally {
      this.#gate.bypass(this.state !== 'running');
    }
  }

  /**
   * The whole machine at this moment: its state, and the pages of RAM that are not empty. A machine that runs is paused for it, and runs on. Rejects with ControlError
   * `reset-required` when it is over.
   */
  async snapshot(): Promise<Uint8Array> {
    const machine = await this.load();
    const running = machine.runState === 'running';
    if (running) await this.pause();
    const file = machine.snapshot();
    if (running) await this.start();
    return file;
  }

  /**
   * Goes to the moment of a snapshot of a machine with the same options, built in this process or another; paused, until `start`. Rejects
   * with SavedStateError, and stays as it was, when the snapshot is damaged or of another machine.
   */
  async restore(snapshot: Uint8Array): Promise<void> {
    const machine = await this.load();
    await this.pause();
    machine.restore(snapshot);
  }

  /** Resolves with the next event of a name. */
  once<Name extends PcEvent['name']>(name: Name, options: WaitOptions = {}): Promise<Extract<PcEvent, { name: Name }>> {
    type Wanted = Extract<PcEvent, { name: Name }>;
    return wait<Wanted>(this.#subject(`the event ${name}`), options, (resolve) => {
      const subscription = this.events$.subscribe((event) => {
        if (event.name === name) resolve(event as Wanted);
      });
      return () => subscription.unsubscribe();
    });
  }

  /** Resolves when the machine has ended: power-off, a reset with `noReboot`, the debug exit device, `dispose`. */
  ended(options: WaitOptions = {}): Promise<PcEnd> {
    const over = this.#life.signal;
    const subject = { ...this.#subject('the machine ending'), life: new AbortController().signal };
    return wait<PcEnd>(subject, options, (resolve) => {
      const look = (): void => resolve(this.#end ?? { reason: 'host-error', exitCode: undefined });
      if (over.aborted) look();
      else over.addEventListener('abort', look, { once: true });
      return () => over.removeEventListener('abort', look);
    });
  }

  /** Ends the machine and everything that waits for it; resolves when nothing executes any more. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    this.#gate.bypass(true);
    try {
      await this.#machine?.[Symbol.asyncDispose]();
    } catch (error) {
      this.#failed(error);
    }
    this.#finish({ reason: 'none', exitCode: undefined }, new PcError('MACHINE_ENDED', 'the machine was disposed of'));
  }

  async #build(): Promise<Pc> {
    const options = this.#options;
    const images = await readImages(options, this.#life.signal);
    this.#life.signal.throwIfAborted();
    const machine = new Pc({ ...describe(options, images), host: this.#gate }, options.modules);
    machine.noReboot = options.noReboot ?? false;
    machine.noShutdown = options.noShutdown ?? false;
    machine.ended = (reason, exitCode) => this.#machineEnded({ reason, exitCode });
    machine.events$.subscribe((event) => this.#heard(machine, event));
    this.cpus.watch(machine);
    this.#com1.attach(machine.board.com1);
    this.#machine = machine;
    return machine;
  }

  #heard(machine: Pc, event: MachineEvent): void {
    this.#stream.push(event);
    const runs = event.name === 'RESUME' || event.name === 'WAKEUP';
    if (runs) queueMicrotask(() => void machine.idle().catch((error: unknown) => this.#failed(error)));
  }

  #machineEnded(end: PcEnd): void {
    this.#gate.bypass(true);
    queueMicrotask(() => this.#finish(end, new PcError('MACHINE_ENDED', `the machine ended (${end.reason})`)));
  }

  /** The run loop threw: a defect of ours. The machine does not run any more. */
  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    const cause = new PcError('INTERNAL_ERROR', `the machine stopped because of an internal error (${text})`, { cause: error });
    this.#finish({ reason: 'host-error', exitCode: undefined }, cause);
  }

  #finish(end: PcEnd, reason: PcError): void {
    if (this.#life.signal.aborted) return;
    this.#end = end;
    this.#stream.end();
    this.#life.abort(reason);
  }

  #subject(what: string): WaitSubject {
    return { what, life: this.#life.signal, lastSeen: () => `the machine is in state ${this.state}` };
  }
}

type Images = Pick<PcOptions, 'firmware' | 'kernel' | 'initrd'>;

const DEFAULT_MEMORY = '64M';

function describe({ smp = '1', memory = DEFAULT_MEMORY, ...options }: CreatePcOptions, images: Images): PcOptions {
  const { cpus, maxCpus, cores, threads } = readSmp(smp);
  const ramBytes = memoryBytes(memory);
  const { firmware, kernel, initrd, modules, readUrl, noReboot, noShutdown, ...rest } = options;
  if (kernel && !firmware) throw new PcOptionsError(['a kernel needs firmware that can load it, such as SeaBIOS']);
  const acpi = rest.acpi ?? (firmware ? 'firmware' : 'machine');
  return { ...rest, ...images, acpi, cpus, maxCpus, topology: { cores, threads }, ramBytes };
}

/** Images of a size that is right, to check the rest. */
function placeholders({ kernel, initrd }: CreatePcOptions): Images {
  const empty = new Uint8Array();
  return { firmware: new Uint8Array(64 * KiB), ...(kernel ? { kernel: empty } : {}), ...(initrd ? { initrd: empty } : {}) };
}

async function readImages({ firmware, kernel, initrd, readUrl = fetchUrl }: CreatePcOptions, signal: AbortSignal): Promise<Images> {
  const read = async (name: 'firmware' | 'kernel' | 'initrd', source: ImageSource | undefined): Promise<Partial<Images>> =>
    source ? { [name]: await readImage(name, source, readUrl, signal) } : {};
  const [first, ...others] = await Promise.all([read('firmware', firmware), read('kernel', kernel), read('initrd', initrd)]);
  return Object.assign({ firmware: demoGuestRom() }, first, ...others);
}
