import { type MappedPage, mappedPages, type PagingState, pageLines, rangeLines } from './page-tables.js';

const PG = 0x8000_0001;

/** Memory of 64 KiB with 32-bit words, or 64-bit ones, at addresses. */
function memory(words: Readonly<Record<number, bigint>>, bytes: 4 | 8): (address: bigint, length: number) => Uint8Array {
  const ram = new Uint8Array(0x1_0000);
  const view = new DataView(ram.buffer);
  for (const [at, word] of Object.entries(words)) {
    if (bytes === 8) view.setBigUint64(Number(at), word, true);
    else view.setUint32(Number(at), Number(word), true);
  }
  return (address, length) => ram.slice(Number(address), Number(address) + length);
}

const pages = (state: Partial<PagingState>, read: ReturnType<typeof memory>): MappedPage[] => [
  ...mappedPages({ cr0: PG, cr3: 0x1000n, cr4: 0, efer: 0, ...state }, read),
];

describe('mappedPages', () => {
  it('gives nothing while paging is off', () => {
    expect(pages({ cr0: 1 }, memory({ 4096: 0x2007n }, 4))).toEqual([]);
  });

  it('walks two levels of 32 bits, with pages of 4 MiB where CR4.PSE allows them', () => {
    const read = memory({ 4096: 0x2007n, 8188: 0xffc0_2083n, 8196: 0x5025n }, 4);
    expect(pageLines(pages({ cr4: 0x10 }, read))).toBe(
      '0000000000001000: 0000000000005000 ----A--U-\n00000000ffc00000: 00000001ffc00000 --P-----W\n',
    );
    expect(rangeLines(pages({ cr4: 0x10 }, read))).toBe(
      '0000000000001000-0000000000002000 0000000000001000 ur-\n00000000ffc00000-0000000100000000 0000000000400000 -rw\n',
    );
  });

  it('walks PAE, whose highest entries have no rights of their own', () => {
    const read = memory({ 4120: 0x2001n, 12280: 0x8000_0000_0060_00e7n, 8192: 0x3007n, 12296: 0x8003n }, 8);
    expect(pageLines(pages({ cr4: 0x20 }, read))).toBe(
      '00000000c0001000: 0000000000008000 --------W\n00000000ffe00000: 0000000000600000 X-PDA--UW\n',
    );
  });

  it('walks four levels, joins the rights of all, and extends the sign of addresses', () => {
    const read = memory({ 4096: 0x2007n, 8184: 0x2003n, 8192: 0x3005n, 12288: 0x4007n, 16384: 0x9007n, 16392: 0xa007n }, 8);
    const state = { cr4: 0x20, efer: 0x500 };
    expect(rangeLines(pages(state, read))).toBe(
      '0000000000000000-0000000000002000 0000000000002000 ur-\nffffff8000000000-ffffff8000002000 0000000000002000 -r-\n',
    );
    expect(pageLines(pages(state, read)).split('\n')[3]).toBe('ffffff8000001000: 000000000000a000 -------UW');
  });

  it('comes to an end where tables point at themselves', () => {
    const self = memory(Object.fromEntries(Array.from({ length: 512 }, (_, n) => [0x1000 + 8 * n, 0x1007n])), 8);
    let [count, cut] = [0, 0];
    for (const page of mappedPages({ cr0: PG, cr3: 0x1000n, cr4: 0x20, efer: 0x500 }, self, () => cut++)) count += Number(page.user);
    expect([count, cut]).toEqual([(1024 - 4) * 512, 1]);
  });
});
