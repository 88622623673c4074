import { type BzImage, parseBzImage } from './bzimage.js';
import { ImageError } from './image-error.js';
import { isMultiboot, multibootBoot } from './multiboot.js';
import * as spec from './spec.js';

/** One part of a boot and where it goes. */
export interface Part {
  /** guest-physical address */
  readonly address: number;
  readonly data: Uint8Array;
}

/** Everything a loader copies into memory before it jumps into the setup code. */
export interface DirectBoot {
  /** real-mode code, its header filled in */
  readonly setup: Part;
  readonly kernel: Part;
  /** initial RAM disk; no bytes at address 0 when there is none */
  readonly initrd: Part;
  /** command line with its NUL */
  readonly cmdline: Part;
}

/** A file that a Multiboot loader hands to its image. */
export interface BootModule {
  /** What the image gets as the module's string: by custom a file name and arguments. */
  readonly name: string;
  readonly data: Uint8Array;
}

export interface DirectBootOptions {
  /** the bytes of a bzImage or a Multiboot 1 image */
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  /** modules of a Multiboot image, instead of the initial RAM disk */
  readonly modules?: readonly BootModule[];
  readonly cmdline?: string;
  /** RAM from address 0 on, below 4 GiB, bytes */
  readonly ramBytes: number;
  /** bytes at the end of that RAM which firmware uses; 160 KiB unless told */
  readonly ramReserve?: number;
}

/**
 * Lays out kernel, initrd and command line the way the option ROM loads them.
 *
 * The setup code is a copy with its header filled in: loader type, heap, command line, initrd and video mode. Multiboot images get setup
 * code of our own.
 *
 * @throws ImageError for an image that is no kernel, and for one that does not fit
 */
export function directBoot(options: DirectBootOptions): DirectBoot {
  if (bootsByMultiboot(options.kernel)) return multibootBoot(options);
  const image = parseBzImage(options.kernel);
  const { ramBytes, ramReserve = spec.DEFAULT_RAM_RESERVE } = options;
  const text = options.cmdline ?? '';
  checkRam(image, ramBytes);
  const layout = layoutOf(image);
  const cmdline = placeCmdline(layout, cmdlineBytes(text, image.cmdlineLimit));
  const initrd = placeInitrd(image, options.initrd ?? new Uint8Array(), ramBytes - ramReserve);
  const setup = { address: layout.setup, data: patchedSetup(image, { setup: layout.setup, cmdline, initrd, text }) };
  return { setup, kernel: { address: layout.kernel, data: image.kernel }, initrd, cmdline };
}

/** True for an image that is entered as Multiboot says, and may have modules of any kind. */
export const bootsByMultiboot = (kernel: Uint8Array): boolean => isMultiboot(kernel) && !hasSetupHeader(kernel);

/** True when the letters HdrS are where Linux has them: such an image is booted as Linux, whatever else it could be. */
const hasSetupHeader = (image: Uint8Array): boolean => word(spec.HEADER_MAGIC).every((byte, at) => image[spec.HEADER.at + at] === byte);

/** The fw_cfg items that hand these parts to the option ROM: addresses and sizes as little-endian words, and the bytes. */
export function directBootItems(boot: DirectBoot): { readonly key: number; readonly data: Uint8Array }[] {
  return (['setup', 'cmdline', 'initrd', 'kernel'] as const).flatMap((name) => {
    const { address, data } = boot[name];
    const keys = spec.FW_CFG_KEYS[name];
    return [
      { key: keys.address, data: word(address) },
      { key: keys.size, data: word(data.length) },
      { key: keys.data, data },
    ];
  });
}

type Layout = (typeof spec.ADDRESSES)[keyof typeof spec.ADDRESSES];

function layoutOf({ protocol, loadedHigh }: BzImage): Layout {
  if (!loadedHigh) return spec.ADDRESSES.low;
  return protocol >= 0x0202 ? spec.ADDRESSES.modern : spec.ADDRESSES.oldHigh;
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

function checkRam({ footprint, kernel, loadedHigh }: BzImage, ramBytes: number): void {
  const lowEnd = spec.ADDRESSES.low.setup;
  if (!loadedHigh && spec.ADDRESSES.low.kernel + kernel.length > lowEnd) {
    throw new ImageError(
      'bad-field',
      `kernel image: loadflags (at 0x211) says low, but ${kernel.length} bytes do not fit below 0x${lowEnd.toString(16)}`,
    );
  }
  if (footprint.end <= ramBytes) return;
  const need = `the kernel needs memory up to ${mebibytes(footprint.end)} to start (init_size at 0x260)`;
  throw new ImageError('no-room', `${need}, the machine has ${mebibytes(ramBytes)}`);
}

function cmdlineBytes(text: string, limit: number): Uint8Array {
  if (text.includes('\0')) throw new ImageError('bad-cmdline', `kernel command line holds a NUL at character ${text.indexOf('\0')}`);
  const bytes = new TextEncoder().encode(`${text}\0`);
  if (bytes.length - 1 > limit) {
    throw new ImageError(
      'bad-cmdline',
      `kernel command line has ${bytes.length - 1} bytes, this kernel takes ${limit} (cmdline_size at 0x238)`,
    );
  }
  return bytes;
}

/** A modern kernel has it in a segment of its own; an older one finds it below 9A000h, sixteen-byte aligned. */
function placeCmdline(layout: Layout, data: Uint8Array): Part {
  const address = 'cmdline' in layout ? layout.cmdline : (layout.cmdlineEnd - data.length) & ~15;
  return { address, data };
}

/** As high as kernel and RAM allow, at a page boundary. */
function placeInitrd({ initrdLimit, footprint }: BzImage, data: Uint8Array, ramEnd: number): Part {
  if (data.length === 0) return { address: 0, data };
  const end = Math.min(initrdLimit + 1, ramEnd);
  const address = Math.floor((end - data.length) / 0x1000) * 0x1000;
  if (address >= footprint.end) return { address, data };
  const room = mebibytes(Math.max(end - footprint.end, 0));
  throw new ImageError(
    'no-room',
    `initrd of ${mebibytes(data.length)} does not fit: ${room} are free between kernel and the end of memory`,
  );
}

interface Patch {
  readonly setup: number;
  readonly cmdline: Part;
  readonly initrd: Part;
  readonly text: string;
}

/** Boot protocol, "The Real-Mode Kernel Header": the fields of type write and modify. */
function patchedSetup({ setup: original, protocol }: BzImage, { setup, cmdline, initrd, text }: Patch): Uint8Array {
  const data = original.slice();
  const put = (field: spec.HeaderField, value: number): void => {
    if (protocol >= field.since) data.set(word(value).subarray(0, field.bytes), field.at);
  };
  const flags = data[spec.LOADFLAGS.at]!;
  put(spec.TYPE_OF_LOADER, spec.LOADER_ID);
  if (protocol >= spec.HEAP_END_PTR.since) put(spec.LOADFLAGS, flags | spec.CAN_USE_HEAP);
  put(spec.HEAP_END_PTR, cmdline.address - setup - spec.STACK_BYTES);
  put(spec.RAMDISK_IMAGE, initrd.address);
  put(spec.RAMDISK_SIZE, initrd.data.length);
  put(spec.CMD_LINE_PTR, cmdline.address);
  if (protocol < spec.CMD_LINE_PTR.since) putOldCmdline(data, cmdline.address - setup);
  const mode = videoMode(text);
  if (mode !== undefined) put(spec.VID_MODE, mode);
  return data;
}

function putOldCmdline(data: Uint8Array, offset: number): void {
  const { magicAt, magic, offsetAt } = spec.OLD_CMDLINE;
  data.set(word(magic).subarray(0, 2), magicAt);
  data.set(word(offset).subarray(0, 2), offsetAt);
}

/** The number in the last `vga=` option; a word that is neither known nor a number leaves the header as it is. */
function videoMode(text: string): number | undefined {
  const value = [...text.matchAll(/(?:^|\s)vga=(\S+)/g)].at(-1)?.[1];
  if (value === undefined) return undefined;
  const mode = spec.VIDEO_MODES[value] ?? Number(value);
  return Number.isInteger(mode) && mode >= 0 && mode <= 0xffff ? mode : undefined;
}

const word = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
