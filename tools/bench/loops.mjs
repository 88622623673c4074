// Two firmware images with nothing but a loop: how fast does the processor execute?

const ROM_BYTES = 0x1_0000;
/** cli; o32 lgdt [cs:1ah]; CR0.PE on; jmp 8:ffff_0038h; the GDT: flat code and data */
const ENTER_PROTECTED_MODE =
  'fa2e660f01161a000f20c06683c8010f22c066ea3800ffff080017002000ffff0000000000000000ffff0000009bcf00ffff00000093cf00';
/** mov eax, 10h; ds, es, ss = ax; mov esp, 8000h; mov ebx, 1 */
const SET_SEGMENTS = 'b8100000008ed88ec08ed0bc00800000bb01000000';
/** add eax, ebx; xor edx, eax; rol ebx, 5; lea esi, [eax+edx*4+1]; sub edi, esi; shr edx, 3; adc ebx, edi; inc ecx; test ecx, ecx; jnz; jmp */
const ALU = '01d831c2c1c3058d74900129f7c1ea0311fb4185c975e9ebe7';
/**
 * mov eax, [esi+10_0000h]; add eax, ecx; mov [esi+20_0000h], eax; movzx edx, word [esi+10_0002h]; push edx; pop edi; add [30_0000h], edi;
 * add esi, 4; and esi, f_ffffh; inc ecx; jmp
 */
const MEMORY = '8b860000100001c88986000020000fb79602001000525f013d0000300083c60481e6ffff0f0041ebd7';

function rom(loop) {
  const image = new Uint8Array(ROM_BYTES).fill(0xf4);
  image.set(Buffer.from(ENTER_PROTECTED_MODE + SET_SEGMENTS + loop, 'hex'));
  // jmp rel16 from the reset vector to the start
  image.set([0xe9, 0x0d, 0x00], 0xfff0);
  return image;
}

/** The loops by name. */
export const LOOPS = { 'alu-loop': rom(ALU), 'memory-loop': rom(MEMORY) };
