// The guests that are measured: firmware, kernels and an initramfs with the benchmark program in it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpioArchive } from '../../packages/linux-loader/dist/index.js';
import { ensureImages } from '../images/fetch.mjs';
import { benchProgram, firmwareProbe } from './build-guest.mjs';

/** Memory of every guest, MiB. */
export const RAM_MIB = 256;

// mitigations=off: what is compared are emulators, not the bugs of the processors that they announce
const APPEND = 'console=ttyS0 quiet cryptomgr.notests mitigations=off';

/** The kernels by name; under those with `programs` the guest rows run. */
export const KERNELS = {
  cloud: { arch: 'amd64', image: 'vmlinuz-cloud-amd64', title: 'cloud amd64', programs: true },
  full: { arch: 'amd64', image: 'vmlinuz-amd64', title: 'amd64', programs: false },
  pae: { arch: 'i386', image: 'vmlinuz-686-pae', title: '686-pae', programs: true },
};

const IMAGES = [
  ...['bios-256k.bin', 'bios.bin', 'vgabios-stdvga.bin', 'initramfs-amd64.cpio', 'initramfs-i386.cpio'],
  ...Object.values(KERNELS).map(({ image }) => image),
];

/** The files of all guests. Initramfs files go to `folder`. Resolves to undefined, after one line on stderr, when images cannot be had. */
export async function prepareGuests(folder, archs) {
  const images = await ensureImages(IMAGES);
  if (images === undefined) return undefined;
  const initrds = Object.fromEntries(archs.map((arch) => [arch, writeInitrd(folder, arch, images)]));
  const firmware = { bios: images['bios-256k.bin'], legacyBios: images['bios.bin'], vgaBios: images['vgabios-stdvga.bin'] };
  return {
    linux(name, more = {}) {
      const { arch, image } = KERNELS[name];
      return { ...firmware, ramMib: RAM_MIB, arch, kernel: images[image], initrd: initrds[arch], append: APPEND, ...more };
    },
    probe: () => ({ ...firmware, ramMib: RAM_MIB, arch: 'i386', kernel: firmwareProbe() }),
  };
}

/** The kernel unpacks archives that follow each other: the test guest's, then ours. */
function writeInitrd(folder, arch, images) {
  const data = readFileSync(benchProgram(arch));
  const path = join(folder, `initramfs-${arch}.cpio`);
  const program = cpioArchive([
    { kind: 'directory', path: 'bin', mode: 0o755 },
    { kind: 'file', path: 'bin/bench', mode: 0o755, data },
  ]);
  writeFileSync(path, Buffer.concat([readFileSync(images[`initramfs-${arch}.cpio`]), program]));
  return path;
}
