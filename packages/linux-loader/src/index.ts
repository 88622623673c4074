export { type BzImage, parseBzImage } from './bzimage.js';
export { type CpioEntry, CpioError, cpioArchive, type DeviceNumber } from './cpio.js';
export {
  type BootModule,
  bootsByMultiboot,
  type DirectBoot,
  type DirectBootOptions,
  directBoot,
  directBootItems,
  type Part,
} from './direct-boot.js';
export { ImageError, type ImageErrorCode } from './image-error.js';
export { LINUXBOOT_BOOTORDER, LINUXBOOT_FILE, linuxbootRom } from './linuxboot-rom.js';
export { isMultiboot, type MultibootImage, multibootBoot, parseMultiboot } from './multiboot.js';
