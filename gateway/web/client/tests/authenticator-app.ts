import { createHmac } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** An authenticator app (RFC 6238: SHA-1, 6 digits, 30 seconds) that knows one secret. */
export class AuthenticatorApp {
  readonly #key: Buffer;
  #lastStep = 0;

  constructor(secret: string) {
    this.#key = decodeBase32(secret);
  }

  /**
   * A code that was not shown before. Portico takes those of the step before and after now, too, so three of them
   * are good at once.
   */
  nextCode(): string {
    const now = Math.floor(Date.now() / 30_000);
    this.#lastStep = Math.max(now - 1, this.#lastStep + 1);
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(this.#lastStep));
    const hash = createHmac("sha1", this.#key).update(counter).digest();
    const offset = hash.readUInt8(hash.length - 1) & 0xf;
    const number = hash.readUInt32BE(offset) & 0x7fffffff;
    return (number % 1_000_000).toString().padStart(6, "0");
  }
}

/** RFC 4648, section 6. */
function decodeBase32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const letter of text.replaceAll(/[\s=]/g, "").toUpperCase()) {
    held = (held << 5) | alphabet.indexOf(letter);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
      held &= (1 << bits) - 1;
    }
  }
  return Buffer.from(bytes);
}
