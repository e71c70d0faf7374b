/** Texts of devices and people as one part of an address. Pure. */

/** With the `u` flag only halves of a pair match, never the two halves of a whole one. */
const LONE_SURROGATE = /[\ud800-\udfff]/gu;

/** As `encodeURIComponent`, which throws on half a surrogate pair: that becomes the replacement character. */
export function part(text: string): string {
  return encodeURIComponent(text.replace(LONE_SURROGATE, "\ufffd"));
}
