import { readFile } from 'node:fs/promises';
import { type CreatePcOptions, createPc as createPortablePc, type EmbeddedPc } from './create-pc.js';
import { fetchUrl, type ReadUrl } from './embed/image-source.js';

/** Reads `file:` URLs from the file system, all others by `fetch`. */
export const readUrl: ReadUrl = (url, signal) => (url.protocol === 'file:' ? readFile(url, { signal }) : fetchUrl(url, signal));

/** `createPc` of the main entry, with images from `file:` URLs too. */
export const createPc = (options: CreatePcOptions = {}): EmbeddedPc => createPortablePc({ readUrl, ...options });
