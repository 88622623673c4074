import fc from 'fast-check';
import { escapeBinary, frame, fromHex, type GdbInput, MAX_PACKET, PacketReader, toHex, unescapeBinary } from './packets.js';

function read(...portions: string[]): GdbInput[] {
  const inputs: GdbInput[] = [];
  const reader = new PacketReader((input) => inputs.push(input));
  for (const portion of portions) reader.feed(Uint8Array.from(portion, (letter) => letter.charCodeAt(0)));
  return inputs;
}

const packet = (text: string): GdbInput => ({ kind: 'packet', text });

describe('a reader of packets', () => {
  it('takes packets, signs and the interrupt, in any portions', () => {
    const inputs = [{ kind: 'ack' }, packet('qC'), { kind: 'nak' }, { kind: 'interrupt' }, packet('')];
    const text = '+$qC#b4-\x03$#00';
    expect(read(text)).toEqual(inputs);
    expect(read(...text)).toEqual(inputs);
  });

  it.each([
    ['a wrong sum', '$qC#b5$?#3f'],
    ['no sum', '$qC#zz$?#3f'],
    ['a sum of one digit', '$qC#4 $?#3f'],
    ['too much data', `$${'a'.repeat(MAX_PACKET + 1)}#61$?#3f`],
  ])('says that a packet is damaged by %s, and goes on', (_name, text) => {
    expect(read(text)).toEqual([{ kind: 'damaged' }, packet('?')]);
  });

  it('drops a packet without an end when the next begins, and bytes between packets', () => {
    expect(read('$qSupp$?#3fHTTP/1.1\r\n$g#67')).toEqual([packet('?'), packet('g')]);
  });

  it('takes 0x03 inside of a packet as data', () => {
    expect(read(frame('X0,1:\x03'))).toEqual([packet('X0,1:\x03')]);
  });

  it('takes the longest packet', () => {
    expect(read(frame('a'.repeat(MAX_PACKET)))).toEqual([packet('a'.repeat(MAX_PACKET))]);
  });

  it('survives noise, and finds the packet behind it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        const inputs: GdbInput[] = [];
        const reader = new PacketReader((input) => inputs.push(input));
        reader.feed(noise);
        reader.feed(Uint8Array.from('##00$?#3f', (letter) => letter.charCodeAt(0)));
        expect(inputs.at(-1)).toEqual(packet('?'));
      }),
    );
  });
});

describe('texts of packets', () => {
  it('have the sum of their bytes', () => {
    expect([frame('OK'), frame('T05thread:p01.01;'), frame('')]).toEqual(['$OK#9a', '$T05thread:p01.01;#06', '$#00']);
  });

  it('are escaped and read back, whatever the bytes', () => {
    expect(escapeBinary('a#$}*')).toBe('a}\x03}\x04}]}\n');
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(unescapeBinary(escapeBinary(String.fromCharCode(...bytes)))).toEqual(bytes);
      }),
    );
    expect(unescapeBinary('ab}')).toBeUndefined();
  });

  it('carry bytes as digits', () => {
    expect([toHex([0, 255, 16]), fromHex('00fF10'), fromHex('0'), fromHex('0g')]).toEqual([
      '00ff10',
      Uint8Array.of(0, 255, 16),
      undefined,
      undefined,
    ]);
  });
});
