// The guest images by name: the Debian package each comes from and the file inside that package.

/** Debian release the images come from: the last one with SeaBIOS 1.16.2, which still builds ACPI tables itself. */
export const SUITE = 'bookworm';

/**
 * One file taken out of a Debian package.
 *
 * `meta` is a package whose first dependency is the versioned package that holds the file, `package` a package that
 * holds it itself. `member` is the path in the package; `*` stands for the kernel release.
 *
 * @type {Readonly<Record<string, { meta?: string, package?: string, arch: 'amd64' | 'i386', member: string }>>}
 */
export const PACKAGED = {
  'bios-256k.bin': { package: 'seabios', arch: 'amd64', member: 'usr/share/seabios/bios-256k.bin' },
  'bios.bin': { package: 'seabios', arch: 'amd64', member: 'usr/share/seabios/bios.bin' },
  'vgabios-stdvga.bin': { package: 'seabios', arch: 'amd64', member: 'usr/share/seabios/vgabios-stdvga.bin' },
  'OVMF.fd': { package: 'ovmf', arch: 'amd64', member: 'usr/share/ovmf/OVMF.fd' },
  'vmlinuz-cloud-amd64': { meta: 'linux-image-cloud-amd64', arch: 'amd64', member: 'boot/vmlinuz-*' },
  'vmlinuz-amd64': { meta: 'linux-image-amd64', arch: 'amd64', member: 'boot/vmlinuz-*' },
  'vmlinuz-686-pae': { meta: 'linux-image-686-pae', arch: 'i386', member: 'boot/vmlinuz-*' },
  'busybox-amd64': { package: 'busybox-static', arch: 'amd64', member: 'bin/busybox' },
  'busybox-i386': { package: 'busybox-static', arch: 'i386', member: 'bin/busybox' },
  'memtest86+x64.bin': { package: 'memtest86+', arch: 'amd64', member: 'boot/memtest86+x64.bin' },
  'memtest86+ia32.bin': { package: 'memtest86+', arch: 'amd64', member: 'boot/memtest86+ia32.bin' },
};

/**
 * Images made here from a packaged one: a busybox initramfs, plain and gzipped.
 *
 * @type {Readonly<Record<string, { busybox: string, gzip: boolean }>>}
 */
export const BUILT = {
  'initramfs-amd64.cpio': { busybox: 'busybox-amd64', gzip: false },
  'initramfs-amd64.cpio.gz': { busybox: 'busybox-amd64', gzip: true },
  'initramfs-i386.cpio': { busybox: 'busybox-i386', gzip: false },
  'initramfs-i386.cpio.gz': { busybox: 'busybox-i386', gzip: true },
};

/** Every image name, packaged ones first. */
export const IMAGES = [...Object.keys(PACKAGED), ...Object.keys(BUILT)];
