import { EmptyQtestTarget } from './empty.js';
import { QtestSession } from './session.js';

it('a machine with nothing in it answers reads with ones and moves its time', () => {
  const lines: string[] = [];
  const session = new QtestSession(new EmptyQtestTarget(), (text) => lines.push(text.trimEnd()));
  const commands = [
    'inb 0x60',
    'outl 0xcf8 1',
    'readl 0',
    'writeb 0 1',
    'read 0 2',
    'write 0 1 0x00',
    'clock_step 5',
    'clock_step',
    'clock_set 3',
  ];
  session.receive([...commands, 'irq_intercept_in ioapic', 'set_irq_in ioapic unnamed-gpio-in 1 1', 'endianness', ''].join('\n'));
  expect(lines).toEqual([
    'OK 0x00ff',
    'OK',
    'OK 0x00000000ffffffff',
    'OK',
    'OK 0xffff',
    'OK',
    'OK 5',
    'OK 5',
    'OK 5',
    'FAIL Unknown device',
    'FAIL Unknown device',
    'OK little',
  ]);
});
