/** Two boards for a card of one's own: a bare one with an interrupt controller, on which it can be tried alone, and the PC. */
import { I8259Pair } from '@hotsocket/i8259';
import { i8259Module } from '@hotsocket/i8259/module';
import { defineMachine, type MachineDefinition } from '@hotsocket/machine/board';
import type { PcBoard } from '@hotsocket/machine-pc';
import { WatchdogCard } from './watchdog-card.js';

const PORT = 0x300;
const IRQ = 5;

export interface TestBenchParts {
  readonly card: WatchdogCard;
  readonly pic: I8259Pair;
}

/** The card, two interrupt controllers, and a clock that is moved by hand. No processor: a program reads and writes the ports. */
export const watchdogBoard: MachineDefinition<object, TestBenchParts> = defineMachine<object, TestBenchParts>({
  name: 'watchdog-bench',
  defaults: {},
  modules: () => [i8259Module],
  parts: ({ get, clock }) => ({ card: new WatchdogCard({ clock }), pic: get(I8259Pair) }),
  map: ({ io }, { card, pic }) => {
    io.at(PORT, card.io);
    io.at(0x20, pic.masterIo);
    io.at(0xa0, pic.slaveIo);
  },
  nets: ({ wire, open }, { card, pic }) => {
    wire(card.irq, pic.ir(IRQ));
    open(pic.intr, 'no processor');
  },
});

/** Plugs a card into a PC, at the same place. */
export function plugWatchdog(board: PcBoard): WatchdogCard {
  const card = new WatchdogCard(board);
  board.io.map(PORT, card.io);
  card.irq.connect(board.pic.ir(IRQ));
  card.irq.connect(board.ioapic.pin(IRQ));
  return card;
}
