import { IoSpace, MemorySpace } from '@hotsocket/address-space';
import { IccBus } from '@hotsocket/icc-bus';
import { Trace } from '@hotsocket/trace';
import { ManualClock, VirtualClock } from '@hotsocket/virtual-clock';
import { ContainerModule, type ServiceIdentifier } from 'inversify';
import { isAbsent } from './absent.js';
import { Bindings, firstLine } from './bindings.js';
import { type BoardDescription, describeBoard } from './describe.js';
import { Ends } from './ends.js';
import { MachineError } from './machine-error.js';
import { type MapBlock, type NetsBlock, type NoticesBlock, Schematic } from './schematic.js';

/** What every part may ask for. They are bound in the container of the machine under their classes. */
export interface BoardServices {
  readonly trace: Trace;
  readonly clock: VirtualClock;
  readonly io: IoSpace;
  readonly mem: MemorySpace;
}

/** The block of a definition that names the parts. */
export interface PartsBlock extends BoardServices {
  /** The part that a loaded module has bound to a token. */
  get<T>(token: ServiceIdentifier<T>): T;
}

/** A machine as its maker writes it down: the four blocks of its schematic, and the modules and services that they draw on. */
export interface MachineBlocks<Options, Parts extends object> {
  /** What the machine is called in messages. */
  readonly name: string;
  /** Options for which the machine can be built as it is; `build` takes what differs. */
  readonly defaults: Options;
  /** Modules that bind parts to their tokens. */
  modules?(options: Options): readonly ContainerModule[];
  /** Services other than the usual ones: a quiet trace, a clock moved by hand, two empty spaces. */
  services?(options: Options): Partial<BoardServices>;
  /** The parts by name. */
  parts(block: PartsBlock, options: Options): Parts;
  /** Ports, memory, PCI places. */
  map(block: MapBlock, parts: Parts, options: Options): void;
  /** One line per wire. */
  nets(block: NetsBlock, parts: Parts, options: Options): void;
  /** One line per subscription, in the order of delivery. */
  notices?(block: NoticesBlock, parts: Parts, options: Options): void;
}

/** A machine that was built. */
export interface Board<Parts extends object> extends BoardServices {
  readonly name: string;
  readonly parts: Parts;
  /** The machine as it is wired and mapped at this moment. */
  describe(): BoardDescription;
}

/** A definition that can be built any number of times; machines share nothing. */
export interface MachineDefinition<Options, Parts extends object> {
  /** Marks definitions among the exports of a program. */
  readonly kind: 'hotsocket.machine';
  readonly name: string;
  readonly defaults: Options;
  /**
   * Builds a machine. `modules` are loaded after the machine's own, to swap parts by rebinding their tokens. Throws MachineError with every
   * conflict of the four blocks.
   */
  build(options?: Partial<Options>, modules?: readonly ContainerModule[]): Board<Parts>;
}

/** Defines a machine by its four blocks. */
export function defineMachine<Options extends object, Parts extends object>(
  blocks: MachineBlocks<Options, Parts>,
): MachineDefinition<Options, Parts> {
  const { name, defaults } = blocks;
  return {
    kind: 'hotsocket.machine',
    name,
    defaults,
    build: (options = {}, modules = []) => build(blocks, { ...defaults, ...options }, modules),
  };
}

function build<Options, Parts extends object>(
  blocks: MachineBlocks<Options, Parts>,
  options: Options,
  extra: readonly ContainerModule[],
): Board<Parts> {
  const services = makeServices(blocks.services?.(options) ?? {});
  const bindings = makeBindings(services, blocks.modules?.(options) ?? [], extra);
  const parts = makeParts(blocks, bindings, services, options);
  const ends = new Ends(parts ?? {});
  const schematic = new Schematic(services, ends);
  if (parts) draw(blocks, schematic, parts, options);
  const problems = [...bindings.problems, ...schematic.problems];
  if (problems.length > 0 || !parts) throw new MachineError(blocks.name, problems);
  return { ...services, name: blocks.name, parts, describe: () => describeBoard(blocks.name, parts, services, schematic, ends) };
}

function makeServices(given: Partial<BoardServices>): BoardServices {
  const { trace = new Trace(), clock = new ManualClock(), io = new IoSpace(), mem = new MemorySpace() } = given;
  return { trace, clock, io, mem };
}

function makeBindings(services: BoardServices, own: readonly ContainerModule[], extra: readonly ContainerModule[]): Bindings {
  const bindings = new Bindings();
  bindings.load(servicesModule(services), 'the services of the machine');
  for (const [at, module] of own.entries()) bindings.load(module, `module ${at + 1} of the machine`);
  for (const [at, module] of extra.entries()) bindings.load(module, `module ${at + 1} of those added`);
  bindings.checkUnique();
  return bindings;
}

const servicesModule = ({ trace, clock, io, mem }: BoardServices): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(Trace).toConstantValue(trace);
    bind(VirtualClock).toConstantValue(clock);
    bind(IoSpace).toConstantValue(io);
    bind(MemorySpace).toConstantValue(mem);
  });

function makeParts<Options, Parts extends object>(
  blocks: MachineBlocks<Options, Parts>,
  bindings: Bindings,
  services: BoardServices,
  options: Options,
): Parts | undefined {
  try {
    const parts = blocks.parts({ ...services, get: (token) => bindings.get(token) }, options);
    checkIccBuses(parts, bindings);
    return parts;
  } catch (error) {
    bindings.problems.push(`parts: ${firstLine(error)}`);
    return undefined;
  }
}

/** Local APICs, the I/O APIC and the interrupt wires of the CPUs meet on one bus. */
function checkIccBuses(parts: object, bindings: Bindings): void {
  const held = Object.entries(parts).filter(([, part]) => !isAbsent(part) && part instanceof IccBus);
  const names = held.filter(([, part], at) => held.findIndex(([, other]) => other === part) === at).map(([name]) => name);
  if (names.length > 1)
    bindings.problems.push(`the machine has ${names.length} ICC buses (${names.join(', ')}), it can have one: all APICs hang on it`);
}

function draw<Options, Parts extends object>(
  blocks: MachineBlocks<Options, Parts>,
  schematic: Schematic,
  parts: Parts,
  options: Options,
): void {
  const steps: Record<string, () => void> = {
    map: () => blocks.map(schematic.block, parts, options),
    nets: () => blocks.nets(schematic.block, parts, options),
    notices: () => blocks.notices?.(schematic.block, parts, options),
  };
  for (const [block, step] of Object.entries(steps)) {
    try {
      step();
    } catch (error) {
      schematic.problems.push(`${block}: ${firstLine(error)}`);
    }
  }
  schematic.checkComplete();
}
