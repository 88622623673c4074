import type { DebugControl, DebugStop, DebugWatchpoint } from '@hotsocket/machine/control';

/** Kinds of the packets Z0 to Z4. */
const KINDS = ['software', 'hardware', 'write', 'read', 'access'] as const;
type Kind = (typeof KINDS)[number];

interface Point {
  readonly kind: Kind;
  readonly address: bigint;
  readonly length: number;
}

/** So many are enough for a person and bound what a client can cost. */
const MOST_POINTS = 1024;
const LONGEST_WATCH = 0x1_0000;

/** The client's breakpoints and watchpoints: one list for all CPUs, those that come later included. */
export class PointList {
  readonly #debug: DebugControl;
  readonly #points = new Map<string, Point>();

  constructor(debug: DebugControl) {
    this.#debug = debug;
  }

  /** Adds or removes what a Z or z packet names, `TYPE,ADDRESS,LENGTH`. Doing it twice changes nothing. Gives the reply. */
  change(text: string, insert: boolean): string {
    const [, type, address, length] = /^([0-4]),([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,8})$/.exec(text) ?? [];
    if (type === undefined) return /^[5-9]/.test(text) ? '' : 'E22';
    const point = { kind: KINDS[Number(type)]!, address: BigInt(`0x${address}`), length: Number.parseInt(length!, 16) };
    if (point.length > LONGEST_WATCH) return 'E22';
    const key = `${point.kind} ${point.address} ${isBreakpoint(point) ? '' : point.length}`;
    if (!insert) this.#points.delete(key);
    else if (this.#points.size < MOST_POINTS) this.#points.set(key, point);
    else return 'E28';
    this.#apply(isBreakpoint(point));
    return 'OK';
  }

  /** There is a breakpoint at a linear address. */
  breaksAt(address: bigint): boolean {
    return [...this.#points.values()].some((point) => isBreakpoint(point) && samePlace(point.address, address));
  }

  /** Removes all. */
  clear(): void {
    if (this.#points.size === 0) return;
    this.#points.clear();
    this.#apply(true);
    this.#apply(false);
  }

  /** The part of a stop reply that tells the reason, for a client that knows the words it has announced. */
  reason(stop: DebugStop, known: ReadonlySet<string>): string {
    const address = BigInt.asUintN(64, stop.address).toString(16);
    if (stop.reason === 'watchpoint') return `${{ write: 'watch', read: 'rwatch', access: 'awatch' }[stop.kind ?? 'write']}:${address};`;
    const isSoftware = [...this.#points.values()].some((point) => point.kind === 'software' && samePlace(point.address, stop.address));
    const word = isSoftware ? 'swbreak' : 'hwbreak';
    return known.has(word) ? `${word}:;` : '';
  }

  #apply(breakpoints: boolean): void {
    const points = [...this.#points.values()].filter((point) => isBreakpoint(point) === breakpoints);
    if (breakpoints) this.#debug.setBreakpoints(points.map(({ address }) => address));
    else
      this.#debug.setWatchpoints(points.map(({ kind, address, length }) => ({ kind: kind as DebugWatchpoint['kind'], address, length })));
  }
}

const isBreakpoint = ({ kind }: Point): boolean => kind === 'software' || kind === 'hardware';
const samePlace = (a: bigint, b: bigint): boolean => BigInt.asUintN(64, a) === BigInt.asUintN(64, b);
