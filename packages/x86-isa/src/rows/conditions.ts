/** The sixteen conditions in encoding order. SDM volume 1, appendix B "EFLAGS condition codes". */
export const CONDITIONS: readonly string[] = 'O NO B AE E NE BE A S NS P NP L GE LE G'.split(' ');
