import type { X86Cpu } from '@hotsocket/cpu-x86';
import type { InfoTopic } from '@hotsocket/machine';
import { renderBoard } from '@hotsocket/machine/board';
import type { PcBoard } from './board.js';

/** Text about a part of the board, or undefined when there is none for a topic. */
export function infoText(board: PcBoard, topic: InfoTopic, cpu: X86Cpu): string | undefined {
  const texts: Partial<Record<InfoTopic, () => string>> = {
    mtree: () => renderBoard(board.describe(), 'mtree'),
    qtree: () => renderBoard(board.describe(), 'qtree'),
    lapic: () => localApic(cpu),
    ioapic: () => savedText(board.ioapic.save()),
    pic: () => savedText(board.pic.save()),
    irq: () => renderBoard(board.describe(), 'nets'),
  };
  return texts[topic]?.();
}

function localApic(cpu: X86Cpu): string {
  return `local APIC of CPU ${cpu.index}\n${savedText(cpu.apic.save())}`;
}

function savedText({ data }: { data: object }): string {
  const lines = Object.entries(data).map(
    ([name, value]) => `  ${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
  return `${lines.join('\n')}\n`;
}
