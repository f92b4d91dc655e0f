/**
 * What the service behind every peer answers, made once.
 *
 * @module
 */

const gigabyte = 1024 ** 3;
const piece = Buffer.alloc(64 * 1024, 'x');

function jsonOf(bytes: number): string {
  const frame = JSON.stringify({ items: '' }).length;
  return JSON.stringify({ items: 'a'.repeat(bytes - frame) });
}

function answerOf(bytes: number): Buffer {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n${jsonOf(bytes)}`,
  );
}

const small = answerOf(200);
const large = answerOf(100 * 1024);

/** The whole answer to a path that ends in `/large`, and to every other: 100 KB and 200 bytes of JSON. */
export function answerFor(path: string): Buffer {
  return path.endsWith('/large') ? large : small;
}

/** Whether a gigabyte is asked for. */
export function isGigabyte(path: string): boolean {
  return path.endsWith('/gigabyte');
}

/** Whether ten events a second are asked for, without end. */
export function isEventStream(path: string): boolean {
  return path.endsWith('/events');
}

/** Head and body of the gigabyte, 64 KB each. */
export function* pieces(): Generator<Buffer> {
  yield Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${gigabyte}\r\n\r\n`);
  for (let sent = 0; sent < gigabyte; sent += piece.length) yield piece;
}
