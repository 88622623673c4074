/** A queue of bytes as plain data: `count` bytes from `head` in a ring. */
export interface ByteQueue {
  readonly ring: Uint8Array;
  head: number;
  count: number;
}

export const byteQueue = (size: number): ByteQueue => ({ ring: new Uint8Array(size), head: 0, count: 0 });

/** Adds all of `bytes`, or nothing when they do not fit. */
export function push(queue: ByteQueue, ...bytes: readonly number[]): boolean {
  if (queue.count + bytes.length > queue.ring.length) return false;
  for (const byte of bytes) queue.ring[(queue.head + queue.count++) % queue.ring.length] = byte;
  return true;
}

/** Takes the oldest byte, or undefined. */
export function shift(queue: ByteQueue): number | undefined {
  if (queue.count === 0) return undefined;
  const byte = queue.ring[queue.head]!;
  queue.head = (queue.head + 1) % queue.ring.length;
  queue.count--;
  return byte;
}

export function clear(queue: ByteQueue): void {
  queue.head = 0;
  queue.count = 0;
}

/** True when head and count are inside the ring, as of a queue that was only pushed and shifted. */
export const isQueue = ({ ring, head, count }: ByteQueue): boolean => head < ring.length && count <= ring.length;
