/** Program name and version: greeting of QMP, banner of the monitor. */
export const VERSION = '0.1.0';
export const VERSION_TEXT: string = `Hotsocket ${VERSION}`;
