import { PcError } from './pc-error.js';

/** Where the bytes of an image come from. A `file:` URL needs `@hotsocket/machine-pc/node`. */
export type ImageSource = Uint8Array | Blob | URL;

/** Reads what is at a URL; rejects when it cannot, or when the signal aborts. */
export type ReadUrl = (url: URL, signal: AbortSignal) => Promise<Uint8Array>;

/** Reads an image. Throws PcError `IMAGE_SOURCE` that names the image and its source. */
export async function readImage(name: string, source: ImageSource, readUrl: ReadUrl, signal: AbortSignal): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  try {
    return source instanceof URL ? await readUrl(source, signal) : new Uint8Array(await source.arrayBuffer());
  } catch (error) {
    const from = source instanceof URL ? ` from ${source.href}` : '';
    throw new PcError('IMAGE_SOURCE', `cannot read the ${name}${from}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/** Fetches over HTTP, and from `blob:` and `data:` URLs. */
export const fetchUrl: ReadUrl = async (url, signal) => {
  if (url.protocol === 'file:') throw new Error('file: URLs are read by createPc of @hotsocket/machine-pc/node');
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
  return new Uint8Array(await response.arrayBuffer());
};
