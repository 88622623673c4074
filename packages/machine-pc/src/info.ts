import { layout, type X86Cpu } from '@hotsocket/cpu-x86';
import type { InfoTopic } from '@hotsocket/machine';
import { renderBoard } from '@hotsocket/machine/board';
import type { PcBoard } from './board.js';
import { ioApicText, localApicText, picText } from './interrupt-text.js';
import { type MappedPage, mappedPages, pageLines, rangeLines } from './page-tables.js';

/** CR0.PG. */
const PAGING = 0x8000_0000;

/** Text about a part of the board, or undefined when there is none for a topic. */
export function infoText(board: PcBoard, topic: InfoTopic, cpu: X86Cpu): string | undefined {
  const texts: Partial<Record<InfoTopic, () => string>> = {
    mtree: () => renderBoard(board.describe(), 'mtree'),
    qtree: () => renderBoard(board.describe(), 'qtree'),
    lapic: () => localApicText(cpu.apic, cpu.index),
    ioapic: () => ioApicText(board.ioapic),
    pic: () => picText(board.pic),
    irq: () => renderBoard(board.describe(), 'nets'),
    mem: () => pagesText(board, cpu, rangeLines),
    tlb: () => pagesText(board, cpu, pageLines),
  };
  return texts[topic]?.();
}

function pagesText({ core }: PcBoard, cpu: X86Cpu, text: (pages: Iterable<MappedPage>) => string): string {
  const { CR0, CR3, CR4, EFER } = layout;
  const state = { cr0: cpu.get32(CR0), cr3: cpu.get64(CR3), cr4: cpu.get32(CR4), efer: cpu.get32(EFER) };
  if ((state.cr0 & PAGING) === 0) return 'PG disabled\n';
  let rest = '';
  const cut = (): void => {
    rest = '... the rest is not shown\n';
  };
  const read = (address: bigint, length: number): Uint8Array => core.peekPhysical(Number(address), length);
  return text(mappedPages(state, read, cut)) + rest;
}
