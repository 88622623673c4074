const DISKS = 'there are no disks in this build';
const NETWORK = 'there is no network in this build; -nic none is accepted';
const DISPLAY = 'there is no display in this build; -nographic is the console';
const SNAPSHOTS = 'saved states are not in this build';
const HARDWARE = 'hardware acceleration is not available: every CPU is emulated in software';
const PRIVILEGES = 'use the means of the host (sudo, systemd, containers)';
const BACKGROUND = "run it with '&' or as a service, and wait for its QMP socket";

/** Options that QEMU has and this program has not: why, and whether they take an argument. */
export const UNAVAILABLE: ReadonlyMap<string, { readonly why: string; readonly argument: boolean }> = new Map(
  (
    [
      [DISKS, true, 'hda hdb hdc hdd cdrom fda fdb blockdev mtdblock sd pflash virtfs fsdev'],
      [NETWORK, true, 'netdev'],
      [DISPLAY, true, 'spice'],
      [DISPLAY, false, 'curses sdl gtk full-screen'],
      [SNAPSHOTS, true, 'loadvm incoming'],
      [HARDWARE, false, 'enable-kvm'],
      [BACKGROUND, false, 'daemonize'],
      [PRIVILEGES, true, 'runas chroot sandbox'],
      ['no such device in this build', true, 'usbdevice soundhw audio audiodev watchdog tpmdev bt'],
      ['no such device in this build', false, 'usb semihosting'],
      [
        'not in this build',
        true,
        'qmp-pretty fw_cfg option-rom acpitable smbios numa object readconfig writeconfig set dtb add-fd plugin dfilter seed mem-path',
      ],
      ['not in this build', false, 'no-acpi preconfig only-migratable mem-prealloc'],
    ] as const
  ).flatMap(([why, argument, names]) => names.split(' ').map((name) => [name, { why, argument }] as const)),
);
