import { setImmediate as turn } from 'node:timers/promises';
import { ByteBatch } from './byte-batch.js';
import { InputQueue } from './input-queue.js';

const random = (seed: number) => (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8;

describe('InputQueue', () => {
  it('delivers every byte once and in order to a peer that takes as it likes', () => {
    const next = random(3);
    const taken: number[] = [];
    const sent: number[] = [];
    const queue = new InputQueue(
      (bytes) => {
        const count = Math.min(bytes.length, next() % 4);
        taken.push(...bytes.subarray(0, count));
        return count;
      },
      { pause: () => {}, resume: () => {} },
    );
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from({ length: next() % 20 }, next);
      sent.push(...bytes);
      queue.push(bytes);
    }
    while (queue.length > 0) queue.drain();
    expect(taken).toEqual(sent);
  });

  it('holds its source back exactly while something waits', () => {
    let room = 2;
    let paused = false;
    const source = { pause: () => void (paused = true), resume: () => void (paused = false) };
    const queue = new InputQueue((bytes) => Math.min(bytes.length, room), source);
    queue.push(Uint8Array.of(1));
    const before = paused;
    room = 0;
    queue.push(Uint8Array.of(2, 3));
    const full = [paused, queue.length];
    room = 9;
    queue.drain();
    expect([before, full, paused, queue.length]).toEqual([false, [true, 2], false, 0]);
  });

  it('may be drained from inside the peer', () => {
    const taken: number[] = [];
    const queue: InputQueue = new InputQueue(
      (bytes) => {
        queue.drain();
        taken.push(bytes[0]!);
        return 1;
      },
      { pause: () => {}, resume: () => {} },
    );
    queue.push(Uint8Array.of(1, 2, 3));
    expect(taken).toEqual([1, 2, 3]);
  });
});

describe('ByteBatch', () => {
  it('delivers what a turn has brought in one piece', async () => {
    const pieces: number[][] = [];
    const batch = new ByteBatch((bytes) => void pieces.push([...bytes]));
    for (const byte of [1, 2, 3]) batch.put(byte);
    const during = pieces.length;
    await turn();
    batch.put(4);
    await turn();
    expect([during, pieces]).toEqual([0, [[1, 2, 3], [4]]]);
  });

  it('delivers at once when it is full, and what is left on request', () => {
    const lengths: number[] = [];
    const batch = new ByteBatch((bytes) => void lengths.push(bytes.length));
    for (let count = 0; count < (64 << 10) + 5; count++) batch.put(count);
    batch.flush();
    batch.flush();
    expect(lengths).toEqual([64 << 10, 5]);
  });
});
