import { ByteBuffer } from './byte-buffer.js';

const written = (write: (out: ByteBuffer) => void): number[] => {
  const out = new ByteBuffer();
  write(out);
  return [...out.bytes];
};

describe('ByteBuffer', () => {
  it.each([
    [0, [0x00]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [624485, [0xe5, 0x8e, 0x26]],
    [0xffffffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('writes %i as unsigned LEB128', (value, bytes) => {
    expect(written((out) => out.u32(value))).toEqual(bytes);
  });

  it.each([
    [63, [0x3f]],
    [64, [0xc0, 0x00]],
    [-1, [0x7f]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
  ])('writes %i as signed LEB128, of 32 and of 64 bits', (value, bytes) => {
    expect(written((out) => out.s32(value))).toEqual(bytes);
    expect(written((out) => out.s64(BigInt(value)))).toEqual(bytes);
  });

  it('keeps what it holds when it grows', () => {
    const long = Uint8Array.from({ length: 1000 }, (_, i) => i & 0xff);
    const bytes = written((out) => {
      out.u8(7);
      out.append(long);
    });
    expect(bytes).toEqual([7, ...long]);
  });
});
