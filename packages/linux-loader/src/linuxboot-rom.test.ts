import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeWith } from '@hotsocket/testbench';
import { LINUXBOOT_BOOTORDER, linuxbootRom } from './index.js';

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
const word = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

describe('linuxbootRom', () => {
  it('has the header of an option ROM: signature, size in sectors and a zero sum', () => {
    const rom = linuxbootRom();
    expect([word(rom, 0), rom[2]! * 512, sum(rom)]).toEqual([0xaa55, rom.length, 0]);
  });

  it('has a Plug and Play header with a bootstrap entry vector inside the ROM', () => {
    const rom = linuxbootRom();
    const pnp = word(rom, 0x1a);
    const header = rom.subarray(pnp, pnp + rom[pnp + 5]! * 16);
    expect(new TextDecoder().decode(header.subarray(0, 4))).toBe('$PnP');
    expect([header.length, sum(header), word(header, 0x16)]).toEqual([32, 0, 0]);
    expect(word(header, 0x1a)).toBeGreaterThan(pnp);
    expect(word(header, 0x1a)).toBeLessThan(rom.length);
  });

  it('is named first in the boot order by the file that carries it', () => {
    expect(LINUXBOOT_BOOTORDER).toBe('/rom@genroms/linuxboot_dma.bin');
  });

  it('is what its source assembles to', () => {
    const script = fileURLToPath(new URL('../../../tools/images/assemble.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check', 'LINUXBOOT_ROM'], { encoding: 'utf8' });
    if (status === 3) console.warn('NOT CHECKED against rom/linuxboot.asm: NASM is not installed');
    expect({ status: status === 3 ? 0 : status, stderr: status === 3 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  });
});

/**
 * A kernel that is all setup code: it prints its command line on port E9h and leaves through port F4h.
 * mov ax,2000h; mov es,ax; xor si,si; loop: mov al,es:[si]; test al,al; jz end; out E9h,al; inc si; jmp loop; end: mov al,15h; out F4h,al
 */
function echoKernel(): Uint8Array {
  const image = new Uint8Array(2 * 512 + 16);
  image.set([1, 0, 0, 1, 0, 0, 0], 0x1f1);
  // boot_flag, a jump over the header, HdrS, 2.02
  image.set([0x55, 0xaa, 0xeb, 0x7e, 0x48, 0x64, 0x72, 0x53, 0x02, 0x02], 0x1fe);
  image[0x211] = 1;
  const code = 'b800208ec031f6268a0484c07405e6e946ebf4b015e6f4f4ebfd';
  image.set(Buffer.from(code, 'hex'), 0x280);
  return image;
}

const QEMU = 'qemu-system-x86_64';
const noQemu = spawnSync(QEMU, ['--version']).status === 0 ? undefined : `${QEMU} is not installed`;

describeWith(noQemu, 'the ROM on another emulator', () => {
  /** Boots the kernel with our ROM in place of QEMU's own; resolves to what the setup code printed. */
  const boot = (dma: 'on' | 'off'): { status: number | null; stdout: string } => {
    const folder = mkdtempSync(join(tmpdir(), 'linuxboot-'));
    for (const name of ['linuxboot.bin', 'linuxboot_dma.bin']) writeFileSync(join(folder, name), linuxbootRom());
    writeFileSync(join(folder, 'kernel'), echoKernel());
    writeFileSync(join(folder, 'initrd'), 'initrd');
    const files = ['-L', folder, '-kernel', join(folder, 'kernel'), '-initrd', join(folder, 'initrd'), '-append', `hello dma=${dma}`];
    const machine = ['-M', 'pc', '-accel', 'tcg', '-m', '16', '-nodefaults', '-display', 'none', '-no-reboot'];
    const ports = ['-chardev', 'stdio,id=out', '-device', 'isa-debugcon,iobase=0xe9,chardev=out', '-device', 'isa-debug-exit,iobase=0xf4'];
    const args = [...machine, '-global', `fw_cfg_io.dma_enabled=${dma}`, ...ports, ...files];
    const { status, stdout } = spawnSync(QEMU, args, { encoding: 'utf8', timeout: 20_000 });
    rmSync(folder, { recursive: true });
    return { status, stdout };
  };

  it.each(['on', 'off'] as const)(
    'is started by firmware and enters the setup code, DMA %s',
    (dma) => {
      // isa-debug-exit ends with twice the value and one
      expect(boot(dma)).toEqual({ status: 0x15 * 2 + 1, stdout: `hello dma=${dma}` });
    },
    30_000,
  );
});
