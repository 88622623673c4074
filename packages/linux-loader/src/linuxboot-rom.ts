import { LINUXBOOT_ROM } from './generated/linuxboot-rom.js';

/** Name of the fw_cfg file that carries the option ROM. */
export const LINUXBOOT_FILE: string = 'genroms/linuxboot_dma.bin';

/** Line of the fw_cfg file `bootorder` that makes firmware boot through the option ROM first. */
export const LINUXBOOT_BOOTORDER: string = `/rom@${LINUXBOOT_FILE}`;

/**
 * The option ROM that loads what {@link directBootItems} puts into fw_cfg, with or without the DMA interface.
 * Source: rom/linuxboot.asm.
 */
export function linuxbootRom(): Uint8Array {
  const rom = new Uint8Array(LINUXBOOT_ROM.length);
  for (const [at, base64] of LINUXBOOT_ROM.parts)
    rom.set(
      Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
      at,
    );
  return rom;
}
