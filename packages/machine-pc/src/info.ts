import type { X86Cpu } from '@hotsocket/cpu-x86';
import type { InfoTopic } from '@hotsocket/machine';
import type { PcBoard } from './board.js';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Text about a part of the board, or undefined when there is none for a topic. */
export function infoText(board: PcBoard, topic: InfoTopic, cpu: X86Cpu): string | undefined {
  const texts: Partial<Record<InfoTopic, () => string>> = {
    mtree: () => memoryTree(board),
    qtree: () => deviceList(board),
    lapic: () => localApic(cpu),
    ioapic: () => savedText(board.ioapic.save()),
    pic: () => savedText(board.pic.save()),
    irq: () => wires(board),
  };
  return texts[topic]?.();
}

function memoryTree({ io, mem }: PcBoard): string {
  const memory = mem.mappings().map(({ gpa, length, region, priority, access }) => {
    const mode = `${access.read ? 'r' : '-'}${access.write ? 'w' : '-'}`;
    return `  ${hex(gpa, 16)}-${hex(gpa + length - 1, 16)} (prio ${priority}, ${region.kind}, ${mode}): ${region.name}`;
  });
  const ports = io.mappings().map(({ start, region }) => `  ${hex(start, 4)}-${hex(start + region.length - 1, 4)}: ${region.name}`);
  return ['memory', ...memory, 'I/O', ...ports, ''].join('\n');
}

function deviceList({ pci, cpus }: PcBoard): string {
  const functions = pci.functions().map(({ slot, number, function: fn }) => `  pci 00:${hex(slot, 2)}.${number} ${fn.name}`);
  const processors = cpus.list.map((cpu) => `  icc ${cpu.typeName} index ${cpu.index} apic-id ${cpu.archId}`);
  return ['main system bus', ...processors, ...functions, ''].join('\n');
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

function wires({ pm, rtc, com1, pit, keyboard, pic }: PcBoard): string {
  const lines = [pit.out0, keyboard.keyboardIrq, keyboard.mouseIrq, com1.irq, rtc.irq, pm.sci, pic.intr];
  return lines
    .map((line) => `  ${line.label}: ${line.high ? 'high' : 'low'} -> ${line.pins.map((pin) => pin.label).join(', ')}\n`)
    .join('');
}
