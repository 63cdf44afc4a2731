/** As much of a file is sent. */
export const SAMPLE_BYTES = 1 << 20;
/** A compressed file cannot be cut: it is sent whole, up to what the server takes. */
export const WHOLE_BYTES = 16 << 20;

/** What is sent of a file. */
export interface Sample {
  readonly name: string;
  readonly body: Blob;
  /** Whether it is the first part of the file only. */
  readonly isPart: boolean;
}

const LINE_END = 10;
const COMPRESSED: readonly (readonly number[])[] = [
  [0x1f, 0x8b], // gzip
  [0x28, 0xb5, 0x2f, 0xfd], // zstd
  [0x42, 0x5a, 0x68], // bzip2
  [0xfd, 0x37, 0x7a, 0x58, 0x5a], // xz
  [0x04, 0x22, 0x4d, 0x18], // lz4
  [0x50, 0x4b, 0x03, 0x04], // zip
];

/**
 * The part of a file that is sent to be checked: its first lines, or all of it where it cannot be cut.
 *
 * @throws Error where it is empty, or compressed and larger than the server takes.
 */
export async function sampleOf(file: File): Promise<Sample> {
  if (file.size === 0) throw new Error(`${file.name} is empty.`);
  const first = new Uint8Array(await file.slice(0, SAMPLE_BYTES).arrayBuffer());
  const isCompressed = COMPRESSED.some((magic) => magic.every((byte, at) => first[at] === byte));
  if (isCompressed && file.size > WHOLE_BYTES) {
    throw new Error(
      `${file.name} is compressed and has more than 16 MiB: send its first lines as text, or run trade-ingest check.`,
    );
  }
  if (isCompressed || file.size <= SAMPLE_BYTES) {
    return { name: file.name, body: file, isPart: false };
  }
  const end = first.lastIndexOf(LINE_END) + 1;
  return { name: file.name, body: file.slice(0, end || SAMPLE_BYTES), isPart: true };
}
