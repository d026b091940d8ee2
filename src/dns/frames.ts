/** Messages in a stream, each behind its length: https://www.rfc-editor.org/rfc/rfc1035#section-4.2.2 */

const LENGTH_BYTES = 2;

export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Takes a stream as it comes, and gives its messages whole; a message is at most 64 KiB. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  take(chunk: Buffer): readonly Buffer[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    while (rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readUInt16BE();
      if (rest.length < end) break;
      messages.push(rest.subarray(LENGTH_BYTES, end));
      rest = rest.subarray(end);
    }
    this.#rest = rest;
    return messages;
  }
}
