import { readFileSync } from 'node:fs';

type EnsureImages = (names: readonly string[]) => Promise<Record<string, string> | undefined>;

/** The kernels of the tests, and the initramfs that goes with each. */
export const KERNELS = {
  cloud: ['vmlinuz-cloud-amd64', 'initramfs-amd64.cpio.gz'],
  amd64: ['vmlinuz-amd64', 'initramfs-amd64.cpio.gz'],
  '686': ['vmlinuz-686-pae', 'initramfs-i386.cpio.gz'],
  memtest64: ['memtest86+x64.bin', undefined],
  memtest32: ['memtest86+ia32.bin', undefined],
} as const;
export type KernelName = keyof typeof KERNELS;

export const FIRMWARE = 'bios-256k.bin';
export const UEFI = 'OVMF.fd';

/** Reads guest images, which are fetched first when they are missing; undefined when they cannot be had (stderr says why). */
export async function readImages(names: readonly string[]): Promise<Record<string, Uint8Array> | undefined> {
  const tool = new URL('../../../tools/images/fetch.mjs', import.meta.url).href;
  const { ensureImages } = (await import(tool)) as { ensureImages: EnsureImages };
  const paths = await ensureImages(names);
  return paths && Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, new Uint8Array(readFileSync(path))]));
}

/** The images of one kernel: kernel, initramfs if it has one, and firmware. Throws MissingImagesError. */
export async function readKernel(
  name: KernelName,
  firmware: typeof FIRMWARE | typeof UEFI,
): Promise<{ kernel: Uint8Array; initrd?: Uint8Array; firmware: Uint8Array }> {
  const [kernel, initrd] = KERNELS[name];
  const images = await readImages(initrd === undefined ? [kernel, firmware] : [kernel, initrd, firmware]);
  if (images === undefined) throw new MissingImagesError(`the images of kernel '${name}' are not available`);
  const archive = initrd === undefined ? {} : { initrd: images[initrd]! };
  return { kernel: images[kernel]!, firmware: images[firmware]!, ...archive };
}

/** Guest images are neither in the cache nor can they be fetched. */
export class MissingImagesError extends Error {}
