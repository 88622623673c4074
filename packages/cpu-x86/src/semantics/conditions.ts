/** Condition names in encoding order (SDM volume 1, appendix B). */
export const CONDITION_NAMES: readonly string[] = 'O NO B AE E NE BE A S NS P NP L GE LE G'.split(' ');
