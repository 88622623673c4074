import { IoSpace, MemorySpace } from '@hotsocket/address-space';
import { IrqPin } from '@hotsocket/irq-line';
import { saveRestoreIsIdentity } from '@hotsocket/testbench';
import { PcTestdev } from './index.js';

describe('pc-testdev', () => {
  it('keeps what is written to the latch, in parts of every width', () => {
    const [io, device] = [new IoSpace(), new PcTestdev()];
    io.map(0xe0, device.io);
    io.write(0xe0, 4, 0x1234_5678);
    io.write(0xe0, 2, 0xbeef);
    io.write(0xe3, 1, 0xaa);
    expect([io.read(0xe0, 4), io.read(0xe1, 1), io.read(0xe8, 1)]).toEqual([0xaa34_beef, 0xbe, 0xef]);
    io.write(0xe8, 1, 0x11);
    expect(io.read(0xe0, 4)).toBe(0xaa34_be11);
  });

  it('takes page flushes without a trace', () => {
    const device = new PcTestdev();
    device.io.write(4, 4, 0x1000);
    expect([device.io.read(4, 4), device.io.read(0, 4)]).toEqual([0, 0]);
  });

  it('drives the line of the port that is written', () => {
    const [io, device] = [new IoSpace(), new PcTestdev()];
    const heard: [number, boolean][] = [];
    for (const [n, line] of device.irq.entries()) line.connect(new IrqPin(`gsi${n}`, (high) => heard.push([n, high])));
    io.map(0x2000, device.irqIo);
    io.write(0x200e, 1, 1);
    io.write(0x2017, 1, 0x80);
    io.write(0x200e, 1, 0);
    device.reset();
    expect(heard).toEqual([
      [14, true],
      [23, true],
      [14, false],
      [23, false],
    ]);
  });

  it('has 64 KiB of memory, little-endian, that a reset leaves alone', () => {
    const [mem, device] = [new MemorySpace(), new PcTestdev()];
    mem.map(0xff00_0000, device.memory);
    mem.write(0xff00_fffc, 4, 0xdead_beef);
    device.reset();
    expect([mem.read(0xff00_fffc, 4), mem.read(0xff00_fffd, 2), mem.read(0xff00_0000, 4)]).toEqual([0xdead_beef, 0xadbe, 0]);
  });

  it('comes back from a saved state with its lines', () => {
    saveRestoreIsIdentity(
      () => new PcTestdev(),
      (device) => {
        device.io.write(0, 4, 0xffff_ffff);
        device.irqIo.write(3, 1, 1);
        device.memory.write(7, 2, 0x1234);
      },
    );
    const device = new PcTestdev();
    device.irqIo.write(5, 1, 1);
    const copy = new PcTestdev();
    copy.restore(device.save());
    expect(copy.irq.map((line) => line.high).indexOf(true)).toBe(5);
  });
});
