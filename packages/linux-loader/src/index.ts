export { type CpioEntry, CpioError, cpioArchive, type DeviceNumber } from './cpio.js';
