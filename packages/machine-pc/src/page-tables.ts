/** What says how a CPU translates addresses. */
export interface PagingState {
  readonly cr0: number;
  readonly cr3: bigint;
  readonly cr4: number;
  readonly efer: number;
}

/** One page that is mapped: by an entry of the last level, or of one above it. */
export interface MappedPage {
  /** Linear address, sign-extended in long mode. */
  readonly address: bigint;
  readonly physical: bigint;
  readonly bytes: bigint;
  /** Bits of the entry; NX as bit 63. */
  readonly entry: bigint;
  /** Rights of all levels together. */
  readonly user: boolean;
  readonly writable: boolean;
}

/** Reads physical memory without side effects. */
export type ReadMemory = (address: bigint, length: number) => Uint8Array;

/** SDM volume 3, 4.3 to 4.5: bits of entries and of control registers. */
const PRESENT = 1n;
const WRITABLE = 2n;
const USER = 4n;
const LARGE = 0x80n;
const CR0_PG = 0x8000_0000;
const CR4_PSE = 0x10;
const CR4_PAE = 0x20;
const EFER_LMA = 0x400;
const FRAME_64 = 0x000f_ffff_ffff_f000n;
const FRAME_32 = 0xffff_f000n;

/** One level of tables: bits of the address below those it translates, and whether its entries may map pages themselves. */
interface Level {
  readonly shift: number;
  readonly entries: number;
  readonly large: boolean;
  /** Entries have no rights of their own: the page directory pointers of PAE. */
  readonly bare?: true;
}

interface Mode {
  readonly levels: readonly Level[];
  readonly entryBytes: 4 | 8;
  readonly rootMask: bigint;
  readonly frame: bigint;
}

const small = (entries: number): Level => ({ shift: 12, entries, large: false });

function modeOf({ cr0, cr4, efer }: PagingState): Mode | undefined {
  if ((cr0 & CR0_PG) === 0) return undefined;
  const pse = (cr4 & CR4_PSE) !== 0;
  if ((cr4 & CR4_PAE) === 0)
    return { levels: [{ shift: 22, entries: 1024, large: pse }, small(1024)], entryBytes: 4, rootMask: FRAME_32, frame: FRAME_32 };
  const lower: Level[] = [{ shift: 21, entries: 512, large: true }, small(512)];
  if ((efer & EFER_LMA) === 0)
    return {
      levels: [{ shift: 30, entries: 4, large: false, bare: true }, ...lower],
      entryBytes: 8,
      rootMask: 0xffff_ffe0n,
      frame: FRAME_64,
    };
  const upper: Level[] = [39, 30].map((shift) => ({ shift, entries: 512, large: shift === 30 }));
  return { levels: [...upper, ...lower], entryBytes: 8, rootMask: FRAME_64, frame: FRAME_64 };
}

/** A guest may point its tables at themselves: so many are read, then the walk ends. */
const MOST_TABLES = 1024;

/** All pages that a CPU's tables map, by rising address; none while paging is off. `cut` is called when there are too many tables. */
export function* mappedPages(state: PagingState, read: ReadMemory, cut: () => void = () => {}): Generator<MappedPage> {
  const mode = modeOf(state);
  if (!mode) return;
  const walk = { mode, read, tables: 0 };
  yield* tablePages(walk, 0, { at: state.cr3 & mode.rootMask, address: 0n, user: true, writable: true });
  if (walk.tables > MOST_TABLES) cut();
}

interface Walk {
  readonly mode: Mode;
  readonly read: ReadMemory;
  tables: number;
}

/** A table, the address of what its first entry maps, and the rights of the entries above. */
interface Table {
  readonly at: bigint;
  readonly address: bigint;
  readonly user: boolean;
  readonly writable: boolean;
}

function* tablePages(walk: Walk, depth: number, table: Table): Generator<MappedPage> {
  const { mode, read } = walk;
  const level = mode.levels[depth]!;
  if (++walk.tables > MOST_TABLES) return;
  const bytes = read(table.at, level.entries * mode.entryBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let n = 0; n < level.entries; n++) {
    const entry = mode.entryBytes === 8 ? view.getBigUint64(n * 8, true) : BigInt(view.getUint32(n * 4, true));
    if ((entry & PRESENT) === 0n) continue;
    const address = canonical(table.address + (BigInt(n) << BigInt(level.shift)));
    const user = table.user && (level.bare === true || (entry & USER) !== 0n);
    const writable = table.writable && (level.bare === true || (entry & WRITABLE) !== 0n);
    const isPage = depth === mode.levels.length - 1 || (level.large && (entry & LARGE) !== 0n);
    if (isPage) yield { address, physical: frameOf(mode, level, entry), bytes: 1n << BigInt(level.shift), entry, user, writable };
    else yield* tablePages(walk, depth + 1, { at: entry & mode.frame, address, user, writable });
  }
}

/** Bit 47 goes on upwards; addresses of 32 bits do not come so far. */
const canonical = (address: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(48, address));

/** PSE-36: bits 20:13 of a large 32-bit entry are bits 39:32 of the frame. */
function frameOf({ frame, entryBytes }: Mode, { shift }: Level, entry: bigint): bigint {
  const size = 1n << BigInt(shift);
  const base = entry & frame & ~(size - 1n);
  return entryBytes === 4 && shift === 22 ? base | (((entry >> 13n) & 0xffn) << 32n) : base;
}

const hex16 = (value: bigint): string => value.toString(16).padStart(16, '0');
const NX = 1n << 63n;
/** Letters of an entry, from its highest bit down. */
const FLAGS: readonly (readonly [letter: string, bit: bigint])[] = [
  ['X', NX],
  ['G', 0x100n],
  ['P', LARGE],
  ['D', 0x40n],
  ['A', 0x20n],
  ['C', 0x10n],
  ['T', 8n],
  ['U', USER],
  ['W', WRITABLE],
];

/** One line for each page: address, physical address, bits of its entry (X: not to be executed, P: large). */
export function pageLines(pages: Iterable<MappedPage>): string {
  let text = '';
  for (const { address, physical, entry, bytes } of pages) {
    // bit 7 of an entry of the last level is PAT
    const shown = bytes === 0x1000n ? entry & ~LARGE : entry;
    text += `${hex16(address)}: ${hex16(physical)} ${FLAGS.map(([letter, bit]) => ((shown & bit) === 0n ? '-' : letter)).join('')}\n`;
  }
  return text;
}

/** One line for each range of pages with the same rights: from, to, size, rights. */
export function rangeLines(pages: Iterable<MappedPage>): string {
  const ranges: { from: bigint; to: bigint; rights: string }[] = [];
  for (const { address, bytes, user, writable } of pages) {
    const rights = `${user ? 'u' : '-'}r${writable ? 'w' : '-'}`;
    const last = ranges.at(-1);
    if (last?.to === address && last.rights === rights) last.to += bytes;
    else ranges.push({ from: address, to: address + bytes, rights });
  }
  return ranges.map(({ from, to, rights }) => `${hex16(from)}-${hex16(to)} ${hex16(to - from)} ${rights}\n`).join('');
}
